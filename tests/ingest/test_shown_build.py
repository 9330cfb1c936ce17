"""Whoever looks after sources sees which model answers and how far the wanted one is; nobody else does."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.common.errors import NotFound
from assistant.documents.models import Chunk, ModelIndex
from assistant.ingest.index_status import shown_status
from tests.commands.conftest import command
from tests.commands.running import Command
from tests.conftest import SmallWorld
from tests.ingest.two_models import TinyModels, want

__all__ = ["command"]


@pytest.fixture
def page(client: Client, people: dict[str, User], first_world: SmallWorld) -> Client:
    """The administrator's browser."""
    client.force_login(people["ada"])
    return client


def begin_build(world: SmallWorld, settings: LazySettings, models: TinyModels, **fields: object) -> None:
    want(settings, models.second)
    ModelIndex.objects.create(
        engine="local",
        kind="sentence-transformers",
        model=str(models.second),
        name="second@0123456789ab",
        state="building",
        **{"built": 1500, "total": 6000, "rate": 25.0, **fields},
    )


def test_without_a_build_the_page_says_nothing_of_models(page: Client) -> None:
    text = page.get(reverse("console:sources")).content.decode()
    assert 'id="second-index"' in text
    assert "embedding model" not in text
    assert "hx-trigger" not in text


def test_a_build_shows_its_progress_in_both_languages(
    page: Client, first_world: SmallWorld, settings: LazySettings, tiny_models: TinyModels
) -> None:
    begin_build(first_world, settings, tiny_models)
    english = page.get(reverse("console:sources"), headers={"Accept-Language": "en"}).content.decode()
    assert "1,500 of 6,000 passages" in english
    assert 'value="1500"' in english
    assert "about 3 min" in english
    assert 'hx-trigger="every 5s"' in english
    korean = page.get(reverse("console:sources"), headers={"Accept-Language": "ko"}).content.decode()
    assert "대목 6,000개 중 1,500개" in korean
    assert "만들고 있습니다" in korean


def test_a_model_that_cannot_be_used_shows_what_to_do(
    page: Client, first_world: SmallWorld, settings: LazySettings, tiny_models: TinyModels
) -> None:
    begin_build(first_world, settings, tiny_models, problem="The model has <no> weights.")
    text = page.get(reverse("console:sources"), headers={"Accept-Language": "en"}).content.decode()
    assert "goes on answering questions" in text
    assert "The model has &lt;no&gt; weights." in text


def test_nobody_else_learns_of_it(
    client: Client, people: dict[str, User], first_world: SmallWorld, settings: LazySettings
) -> None:
    for name in ("ann", "bob", "cho", "sam"):
        with pytest.raises(NotFound):
            shown_status(viewer=viewer_for(people[name]))
        client.force_login(people[name])
        assert client.get(reverse("console:sources")).status_code == 404


def test_the_command_tells_and_builds(
    first_world: SmallWorld,
    settings: LazySettings,
    tiny_models: TinyModels,
    command: Command,
    tmp_path: Path,
) -> None:
    told = command("index", "status").result
    answering = told["answering"]
    assert told == {
        "engine": "local",
        "answering": answering,
        "wanted": answering,
        "state": "ready",
        "built": 0,
        "total": 0,
        "eta_s": None,
        "former": [],
        "problems": [],
    }
    want(settings, tiny_models.second)
    told = command("index", "status").result
    assert (told["state"], told["answering"]) == ("building", answering)
    done = command("index", "build")
    assert (done.status, done.result["state"], done.result["former"]) == (0, "ready", [answering])
    want(settings, tmp_path / "absent")
    failed = command("index", "build")
    assert failed.status == 1
    assert "absent does not exist" in failed.err
    assert Chunk.objects.exists()
