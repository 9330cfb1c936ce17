"""Another model's index is built beside the one that answers, and takes its place at once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from assistant.audit.models import AuditEvent
from assistant.documents.embedding import answering_place, live_places
from assistant.documents.models import Chunk, Embedding, ModelIndex
from assistant.ingest import building, storing, tasks
from assistant.ingest.building import advance
from assistant.ingest.index_status import Progress, status
from assistant.ingest.indexing import index_at, rebuild, verify
from assistant.ingest.switching import Identity, Known, Plan, plan
from assistant.retrieval.index_in_use import answering_index
from assistant.retrieval.warm_up import warm_up_what_comes
from tests.conftest import SmallWorld
from tests.ingest.two_models import (
    LATE,
    TinyModels,
    answering,
    answers,
    as_new_process,
    build_whole,
    external_ids,
    vectors_by_model,
    want,
)
from tests.sync.watching import Work


@pytest.fixture
def begun(
    first_world: SmallWorld, tiny_models: TinyModels, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> SmallWorld:
    """The second model is wanted, and one batch of it is embedded."""
    want(settings, tiny_models.second)
    with monkeypatch.context() as patch:
        patch.setattr(building, "BATCH", 2)
        assert advance(seconds=0.0)
    return first_world


def indexed(place_number: int) -> set[int]:
    """The documents in the index of the live place of this number; 0 answers."""
    ids, _ = index_at(live_places()[place_number]).contents()
    return set(ids.tolist())


def days_pass(days: float) -> None:
    for row in ModelIndex.objects.all():
        row.changed_at -= timedelta(days=days)
        row.save()


OLD, NEW, OTHER = Identity("local", "old"), Identity("local", "new"), Identity("local", "other")


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([(OLD, "answering")], Plan(begin=True)),
        ([(NEW, "answering")], Plan()),
        ([(OLD, "answering"), (NEW, "building")], Plan(resume=2)),
        ([(OLD, "answering"), (OTHER, "building")], Plan(retire=(2,), begin=True)),
        ([(OLD, "answering"), (NEW, "retired")], Plan(resume=2)),
        ([(OLD, "answering"), (NEW, "removing")], Plan()),
        ([(NEW, "answering"), (OTHER, "building")], Plan(retire=(2,))),
        ([(Identity("other", "new"), "answering")], Plan(begin=True)),
    ],
)
def test_what_happens_next_follows_from_the_rows_and_the_wish(
    known: list[tuple[Identity, str]], expected: Plan
) -> None:
    rows = [Known(number, identity, state) for number, (identity, state) in enumerate(known, start=1)]
    assert plan(rows, NEW) == expected


def test_a_new_installation_takes_what_the_environment_names_at_once(
    first_world: SmallWorld, tmp_path: Path
) -> None:
    row = answering()
    assert (row.name.partition("@")[0], row.dimension) == ("first", 16)
    assert (tmp_path / "index" / row.folder / "manifest.json").is_file()
    assert not advance()
    assert ModelIndex.objects.count() == 1
    assert status().state is Progress.READY


def test_an_installation_from_before_there_were_folders_by_model_goes_on_without_a_rebuild(
    first_world: SmallWorld, tmp_path: Path, work: Work
) -> None:
    before = answers(first_world)
    inner = tmp_path / "index" / answering().folder
    for path in list(inner.iterdir()):
        path.rename(tmp_path / "index" / path.name)
    inner.rmdir()
    ModelIndex.objects.all().delete()
    as_new_process()
    work.forget()

    assert answers(first_world) == before
    tasks.maintain_index()

    assert answering().folder == ""
    assert verify() == []
    stored = set(Chunk.objects.values_list("text", flat=True))
    assert not [text for text in work.embedded if text.splitlines()[-1] in stored]


def test_the_first_index_answers_until_the_second_is_complete_and_then_the_second_does(
    begun: SmallWorld, tiny_models: TinyModels
) -> None:
    before = answers(begun)
    assert any(evidence.hits for evidence in before.values())
    found = status()
    assert (found.state, found.answering[:5], found.wanted[:6]) == (Progress.BUILDING, "first", "second")
    assert 0 < found.built < found.total == Chunk.objects.count()
    assert found.eta_s is not None
    assert answers(begun) == before

    build_whole()

    after = answers(begun)
    assert {key: {hit.passage.chunk_id for hit in e.hits} for key, e in after.items()} == {
        key: {hit.passage.chunk_id for hit in e.hits} for key, e in before.items()
    }
    assert after != before, "the scores are those of the second model"
    assert (status().state, status().answering[:6]) == (Progress.READY, "second")
    event = AuditEvent.objects.get(event="index_switched")
    assert (event.data["former"][:5], event.data["name"][:6]) == ("first", "second")
    assert verify() == []


def test_the_vector_of_a_question_comes_from_the_model_of_the_index_that_is_searched(
    begun: SmallWorld, work: Work
) -> None:
    embedder, index = answering_index()
    assert embedder.dimension == 16
    build_whole()
    later, later_index = answering_index()
    assert later.dimension == 24
    assert later_index is not index
    assert external_ids(begun.viewer("ann"), "remote work laptop") >= {"handbook"}


def test_a_web_process_loads_the_next_model_before_the_switch(begun: SmallWorld, work: Work) -> None:
    ready: set[str] = set()
    warm_up_what_comes(ready)
    warm_up_what_comes(ready)
    assert {name.partition("@")[0] for name in ready} == {"first", "second"}
    assert len(work.embedded) == 2, "each is loaded once"


def test_a_search_that_began_before_the_switch_ends_on_its_own_index(begun: SmallWorld) -> None:
    from assistant.access.mask import permitted_versions  # noqa: PLC0415
    from assistant.index.contract import IndexQuery  # noqa: PLC0415

    embedder, index = answering_index()
    query = IndexQuery("laptop", embedder.embed(["laptop"])[0], 0.4)
    permitted = permitted_versions(begun.viewer("ann"))
    before = index.search(query, permitted=permitted)
    build_whole()
    answering_index()
    assert before
    assert index.search(query, permitted=permitted) == before


def test_a_document_that_comes_during_the_build_is_found_before_and_after(begun: SmallWorld) -> None:
    begun.documents["late"] = dict(LATE)
    begun.sync()
    assert "late" in external_ids(begun.viewer("ann"), "parking garage")
    assert len(indexed(1)) == 1
    assert indexed(1) < indexed(0)
    build_whole()
    assert "late" in external_ids(begun.viewer("ann"), "parking garage")
    assert "late" not in external_ids(begun.viewer("sam"), "parking garage")
    assert verify() == []


def test_a_document_stored_between_the_last_look_and_the_switch_is_published_first(
    begun: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = building._Build._publish

    def and_then_one_more_comes(self: building._Build) -> bool:
        done = publish(self)
        if done and "late" not in begun.documents:
            begun.documents["late"] = dict(LATE)
            with monkeypatch.context() as patch:  # its worker dies before it publishes
                patch.setattr("assistant.sync.committing.publish", lambda ids: None)
                patch.setattr("assistant.sync.carrying_out.publish_missing", lambda: 0)
                patch.setattr("assistant.sync.carrying_out.compact", lambda: False)
                begun.sync()
        return done

    monkeypatch.setattr(building._Build, "_publish", and_then_one_more_comes)
    assert advance(seconds=60), "not switched yet"
    assert status().state is Progress.BUILDING
    build_whole()
    assert "late" in external_ids(begun.viewer("ann"), "parking garage")


def test_permissions_that_change_during_the_build_are_obeyed_before_and_after(begun: SmallWorld) -> None:
    ann, bob, sam = (begun.viewer(name) for name in ("ann", "bob", "sam"))
    assert "handbook" in external_ids(ann, "remote work laptop")
    begun.documents["handbook"]["acl"] = {"allow": ["group:hr"]}
    begun.sync("permissions")
    for _ in range(2):
        assert "handbook" not in external_ids(ann, "remote work laptop")
        assert "handbook" in external_ids(bob, "remote work laptop")
        assert external_ids(sam, "remote work laptop salary merger") == {"open"}
        build_whole()
    assert answering().name.startswith("second")


def test_what_was_embedded_before_an_end_is_not_embedded_again(
    begun: SmallWorld, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    monkeypatch.setattr(building, "BATCH", 2)
    kept = vectors_by_model()["second"]
    total = Chunk.objects.values("digest").distinct().count()
    assert 0 < kept < total
    keep = storing.keep_vectors

    def deadly(*arguments: object) -> None:
        keep(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(building, "keep_vectors", deadly)
        with pytest.raises(KeyboardInterrupt):
            advance()
    assert vectors_by_model()["second"] == kept + 2
    work.forget()
    build_whole()
    assert len(work.embedded) == total - kept - 2
    assert vectors_by_model() == {"first": total, "second": total}


def test_only_one_process_builds_and_another_goes_on_when_it_has_been_silent_too_long(
    begun: SmallWorld,
) -> None:
    row = ModelIndex.objects.get(state="building")
    row.claim, row.claimed_until = "another process", timezone.now() + timedelta(seconds=60)
    row.save()
    assert not advance()
    assert status().state is Progress.BUILDING
    row.claimed_until = timezone.now() - timedelta(seconds=1)
    row.save()
    build_whole()
    assert status().state is Progress.READY


def test_the_claim_of_a_process_that_has_died_here_holds_nobody_up(begun: SmallWorld) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    row = ModelIndex.objects.get(state="building")
    row.claimed_until = timezone.now() + timedelta(seconds=60)
    row.claim = f"{socket.gethostname()}:{os.getpid()}:a"
    row.save()
    assert not advance()
    row.claim = f"elsewhere:{dead.pid}:a"
    row.save()
    assert not advance()
    row.claim = f"{socket.gethostname()}:{dead.pid}:a"
    row.save()
    build_whole()
    assert status().state is Progress.READY


def test_going_back_before_the_switch_ends_the_build_and_tidies(
    begun: SmallWorld, tiny_models: TinyModels, settings: LazySettings, tmp_path: Path
) -> None:
    folder = tmp_path / "index" / ModelIndex.objects.get(state="building").folder
    begun.documents["late"] = dict(LATE)
    begun.sync()
    assert folder.is_dir()
    want(settings, tiny_models.first)
    assert not advance()
    found = status()
    assert (found.state, len(found.former)) == (Progress.READY, 1)
    assert vectors_by_model()["second"] > 0, "kept for a day"
    days_pass(1.1)
    advance()
    assert not folder.exists()
    assert set(vectors_by_model()) == {"first"}
    assert ModelIndex.objects.get().state == "answering"
    assert "late" in external_ids(begun.viewer("ann"), "parking garage")


def test_the_former_index_and_its_vectors_are_removed_after_a_day(begun: SmallWorld, tmp_path: Path) -> None:
    folder = tmp_path / "index" / answering().folder
    build_whole()
    advance()
    assert folder.is_dir()
    assert set(vectors_by_model()) == {"first", "second"}
    days_pass(1.1)
    advance(seconds=-1)
    assert not folder.exists()
    assert set(vectors_by_model()) == {"first", "second"}, (
        "the index goes first, the vectors when there is time"
    )
    advance()
    assert set(vectors_by_model()) == {"second"}
    assert ModelIndex.objects.get().name.startswith("second")
    assert "handbook" in external_ids(begun.viewer("ann"), "remote work laptop")


def test_going_back_within_a_day_embeds_only_what_is_new(
    begun: SmallWorld, tiny_models: TinyModels, settings: LazySettings, work: Work
) -> None:
    before = answers(begun)
    build_whole()
    want(settings, tiny_models.first)
    work.forget()
    build_whole()
    assert work.embedded == []
    assert answers(begun) == before


def test_verify_and_rebuild_cover_the_index_that_is_being_built(begun: SmallWorld, work: Work) -> None:
    begun.documents["late"] = dict(LATE)
    begun.sync()
    beside = live_places()[1]
    victim = max(beside.folder.rglob("vectors*"), key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0xFF
    victim.write_bytes(data)
    assert [problem.where.partition("@")[0] for problem in verify()] == ["second"]
    assert verify(repair=True) == []
    work.forget()
    assert rebuild() == 7
    assert work.embedded == []
    build_whole()
    assert verify() == []
    assert answering().name.startswith("second")


def test_an_index_that_is_damaged_while_it_is_built_is_mended_by_the_build(begun: SmallWorld) -> None:
    begun.documents["late"] = dict(LATE)
    begun.sync()
    (live_places()[1].folder / "manifest.json").write_bytes(b"{}")
    build_whole()
    assert verify() == []
    assert answering().name.startswith("second")


def test_maintenance_merges_both_and_asks_for_a_slice_only_when_none_is_at_work(
    begun: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(tasks.build_wanted, "delay", lambda: asked.append("slice"))
    tasks.maintain_index()
    assert asked == []
    ModelIndex.objects.update(worked_at=timezone.now() - timedelta(minutes=5))
    tasks.maintain_index()
    assert asked == ["slice"]
    tasks.build_wanted()
    assert answering().name.startswith("second")


def test_a_question_asks_the_database_once_which_index_answers(
    first_world: SmallWorld, django_assert_num_queries: object
) -> None:
    answering_index()
    with django_assert_num_queries(1):  # type: ignore[operator]
        answering_index()
    assert answering_place().answers


def test_texts_stored_without_the_second_models_vectors_are_embedded_by_the_build(
    begun: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(storing, "live_places", lambda: live_places()[:1])
        begun.documents["late"] = dict(LATE)
        begun.sync()
    assert len(indexed(1)) == 0
    build_whole()
    assert Embedding.objects.filter(model=answering().name).count() == Chunk.objects.count()
    assert "late" in external_ids(begun.viewer("ann"), "parking garage")
