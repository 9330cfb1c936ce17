"""Two real, tiny models, made once a run."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from tests.conftest import SmallWorld
from tests.ingest.tiny_models import make_model
from tests.ingest.two_models import TinyModels, as_new_process, want
from tests.sync.watching import Work, watched


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> TinyModels:
    """Made anew in each run: random weights of a fixed seed."""
    folder = tmp_path_factory.mktemp("models")
    return TinyModels(
        first=make_model(folder / "first", dimension=16, seed=1),
        second=make_model(folder / "second", dimension=24, seed=2),
    )


@pytest.fixture
def first_world(
    db: None, tiny_models: TinyModels, settings: LazySettings, request: pytest.FixtureRequest
) -> SmallWorld:
    """The small world, synced and answered with the first model."""
    as_new_process()
    want(settings, tiny_models.first)
    world: SmallWorld = request.getfixturevalue("small_world")
    return world


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """What the test parses and embeds."""
    return watched(monkeypatch)
