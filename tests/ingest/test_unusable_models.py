"""A model that cannot be loaded is named with what to do, and nothing takes its place in silence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.conf import LazySettings

from assistant.common.errors import MundapError, UsageError
from assistant.documents.models import ModelIndex
from assistant.ingest import tasks
from assistant.ingest.building import advance
from assistant.ingest.index_status import Progress, status
from assistant.ingest.indexing import verify
from assistant.retrieval.index_in_use import answering_index
from tests.conftest import SmallWorld
from tests.ingest.two_models import (
    LATE,
    TinyModels,
    answering,
    answers,
    as_new_process,
    build_whole,
    external_ids,
    want,
)
from tests.sync.watching import Work


def test_a_model_that_answers_and_is_gone_is_an_error_until_the_wanted_one_answers(
    first_world: SmallWorld, tiny_models: TinyModels, settings: LazySettings, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    shutil.move(tiny_models.first, moved)
    try:
        as_new_process()
        with pytest.raises(MundapError) as gone:
            external_ids(first_world.viewer("ann"), "remote work laptop")
        said = str(gone.value)
        assert str(tiny_models.first) in said
        assert "first@" in said
        assert "MUNDAP_EMBEDDER_MODEL" in said
        assert "index status" in said
        found = status()
        assert found.broken
        assert found.problems == (said,)
        assert found.state is Progress.BLOCKED
        want(settings, tiny_models.second)
        build_whole()
        assert "handbook" in external_ids(first_world.viewer("ann"), "remote work laptop")
    finally:
        shutil.move(moved, tiny_models.first)


def test_other_weights_in_the_folder_of_the_model_that_answers_are_refused(
    first_world: SmallWorld, tiny_models: TinyModels, settings: LazySettings, tmp_path: Path
) -> None:
    ModelIndex.objects.update(model=str(tiny_models.second))
    as_new_process()
    with pytest.raises(MundapError, match="what is there now is second@"):
        external_ids(first_world.viewer("ann"), "remote work laptop")


def test_a_model_whose_folder_moved_answers_from_its_new_place(
    first_world: SmallWorld, tiny_models: TinyModels, settings: LazySettings, tmp_path: Path, work: Work
) -> None:
    copy = tmp_path / "elsewhere" / "first"
    shutil.copytree(tiny_models.first, copy)
    want(settings, copy)
    advance()
    assert answering().model == str(copy)
    assert work.embedded == []


@pytest.mark.parametrize("harm", ["missing", "no weights", "broken"])
def test_while_the_wanted_model_cannot_be_loaded_questions_go_on_and_the_state_says_why(
    first_world: SmallWorld, settings: LazySettings, tmp_path: Path, harm: str
) -> None:
    before = answers(first_world)
    folder = tmp_path / "wanted"
    if harm != "missing":
        folder.mkdir()
    if harm == "broken":
        (folder / "model.safetensors").write_bytes(b"not weights")
    want(settings, folder)
    tasks.build_wanted()
    assert answers(first_world) == before
    first_world.documents["late"] = dict(LATE)
    assert first_world.sync().state == "succeeded"
    assert "late" in external_ids(first_world.viewer("ann"), "parking garage")
    found = status()
    assert found.state is Progress.BLOCKED
    assert str(folder) in found.problems[0]
    assert verify() == []


def test_an_engine_that_does_not_exist_is_refused_with_the_known_ones(first_world: SmallWorld) -> None:
    ModelIndex.objects.update(engine="telepathy")
    with pytest.raises(UsageError, match=r"no index engine 'telepathy'. Known: local.*MUNDAP_INDEX_ENGINE"):
        answering_index()


def test_a_wanted_engine_that_does_not_exist_leaves_questions_as_they_are(
    first_world: SmallWorld, settings: LazySettings
) -> None:
    before = answers(first_world)
    settings.MUNDAP_INDEX_ENGINE = "telepathy"
    tasks.build_wanted()
    assert answers(first_world) == before
    assert status().state is Progress.BLOCKED
    assert "telepathy" in status().problems[0]
