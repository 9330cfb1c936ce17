"""The index follows the database: what it lacks is published, what is damaged is made anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.documents.models import Body, Chunk, Document, Embedding
from assistant.index.contract import Index
from assistant.ingest import indexing, tasks
from assistant.ingest.indexing import compact, current_index, publish_missing, rebuild, verify
from tests.conftest import SmallWorld
from tests.sync.watching import Work, found


def pairs() -> list[tuple[int, int]]:
    """What the index holds."""
    ids, versions = current_index().contents()
    return sorted(zip(ids.tolist(), versions.tolist(), strict=True))


def stored() -> list[tuple[int, int]]:
    """What it must hold."""
    return sorted(Document.objects.filter(version__gt=0).values_list("pk", "version"))


def test_a_lost_index_is_made_anew_without_embedding(small_world: SmallWorld, work: Work) -> None:
    current_index().drop()
    assert {problem.code for problem in verify()} == {"not_indexed"}
    assert publish_missing() == 6
    assert publish_missing() == 0
    assert pairs() == stored()
    assert verify() == []
    assert rebuild() == 6
    assert (work.parsed, work.embedded) == ([], [])


def test_a_vector_that_was_lost_is_computed_again(small_world: SmallWorld, work: Work) -> None:
    before = found(small_world.viewer("ann"), "remote work laptop")
    Embedding.objects.all().delete()
    rebuild()
    assert len(work.embedded) >= Chunk.objects.count()
    assert Embedding.objects.count() == Chunk.objects.values("digest").distinct().count()
    assert found(small_world.viewer("ann"), "remote work laptop") == before


def test_a_damaged_file_is_found_and_mended_by_the_maintenance(
    small_world: SmallWorld, settings: object, tmp_path: Path
) -> None:
    files = [path for path in (tmp_path / "index").rglob("*") if path.is_file() and path.stat().st_size > 100]
    victim = max(
        (path for path in files if "manifest" not in path.name), key=lambda path: path.stat().st_size
    )
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0xFF
    victim.write_bytes(data)
    assert verify() != []
    tasks.repair_index()
    assert verify() == []
    assert "handbook" in found(small_world.viewer("ann"), "remote work laptop")


def test_passages_that_differ_from_the_database_are_mended(small_world: SmallWorld) -> None:
    chunk = Chunk.objects.get(document__external_id="handbook")
    number = chunk.pk
    chunk.delete()
    chunk.pk = number + 1000
    chunk.save(force_insert=True)
    assert [problem.code for problem in verify()] == ["chunks_differ"]
    assert verify(repair=True) == []
    assert "handbook" in found(small_world.viewer("ann"), "remote work laptop")


def test_a_lost_text_is_reported_and_read_again_by_the_next_sync(small_world: SmallWorld) -> None:
    Body.objects.filter(document__external_id="open").delete()
    assert [problem.code for problem in verify()] == ["text_missing"]
    assert [problem.code for problem in verify(repair=True)] == ["text_missing"]
    assert small_world.sync().updated == 1
    assert verify() == []


def test_merging_drops_what_is_dead_and_nothing_else(small_world: SmallWorld) -> None:
    for number in range(4):
        small_world.documents["open"]["text"] = f"Another text, number {number}."
        small_world.sync()
    compact(force=True)
    assert pairs() == stored()
    assert verify() == []


def test_a_merge_loses_nothing_that_another_process_published_meanwhile(
    small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    outdated = indexing.searchable_documents()
    small_world.documents["open"]["text"] = "The gate is moved to the north side."
    small_world.documents["late"] = {
        "id": "late",
        "title": "Late",
        "text": "A late document.",
        "acl": {"allow": ["everyone"]},
    }
    small_world.sync()
    answers = [outdated]
    now = indexing.searchable_documents
    monkeypatch.setattr(indexing, "searchable_documents", lambda: answers.pop() if answers else now())
    compact(force=True)
    assert set(stored()) <= set(pairs())
    assert "late" in found(small_world.viewer("sam"), "late document")


def test_the_maintenance_publishes_what_a_killed_worker_left(small_world: SmallWorld) -> None:
    index: Index = current_index()
    index.drop()
    tasks.maintain_index()
    assert pairs() == stored()
