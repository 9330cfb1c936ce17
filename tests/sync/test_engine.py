"""What a run carries in: exact counts, no work twice, permissions at once, no trace of the deleted."""

from __future__ import annotations

import pytest

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.documents.models import Body, Chunk, Document, Embedding
from assistant.ingest.indexing import current_index
from assistant.sync.models import RunKind
from assistant.sync.reading import RunView
from tests.conftest import SmallWorld
from tests.sync.conftest import Folder
from tests.sync.watching import Work, assert_sound, found, row


def counts(run: RunView) -> tuple[int, int, int, int, int]:
    """added, updated, unchanged, deleted, failed."""
    return run.added, run.updated, run.unchanged, run.deleted, run.failed


def stored() -> tuple[list[tuple[int, int, str]], int, list[int]]:
    """Everything that an access change must not touch: chunks, vectors, what the index holds."""
    chunks = sorted(Chunk.objects.values_list("pk", "version", "text"))
    ids, versions = current_index().contents()
    return chunks, Embedding.objects.count(), sorted((ids * 1000 + versions).tolist())


def test_a_run_without_changes_reads_and_embeds_nothing(small_world: SmallWorld, work: Work) -> None:
    run = small_world.sync()
    assert counts(run) == (0, 0, 6, 0, 0)
    assert (run.state, run.total, run.done) == ("succeeded", 6, 6)
    assert (work.parsed, work.embedded) == ([], [])


def test_a_folder_without_changes_reads_and_embeds_nothing(folder: Folder, work: Work) -> None:
    assert counts(folder.sync()) == (0, 0, 2, 0, 0)
    assert (work.parsed, work.embedded) == ([], [])


def test_a_file_that_was_only_touched_is_not_parsed(folder: Folder, work: Work) -> None:
    (folder.root / "hr/bonus.txt").touch()
    assert counts(folder.sync()) == (0, 0, 2, 0, 0)
    assert (work.parsed, work.embedded) == ([], [])


def test_a_full_run_compares_all_content_and_parses_what_differs(folder: Folder, work: Work) -> None:
    assert counts(folder.sync(RunKind.FULL)) == (0, 0, 2, 0, 0)
    assert (work.parsed, work.embedded) == ([], [])


def test_one_run_counts_added_updated_unchanged_deleted_and_failed(folder: Folder, work: Work) -> None:
    folder.put("open/map.txt", "The plan of the building hangs beside the lift.")
    folder.put("open/desk.md", "# Front desk\n\nVisitors sign the cranebook at the front desk.")
    folder.put("open/empty.txt", "")
    folder.sync()
    work.forget()
    folder.put("open/new.txt", "The bicycle cellar opens with the blue key.")
    folder.put("open/map.txt", "The plan of the building hangs in the canteen.")
    (folder.root / "hr/bonus.txt").unlink()
    run = folder.sync()
    assert counts(run) == (1, 1, 1, 1, 1)
    assert run.state == "succeeded_with_errors"
    assert sorted(work.parsed) == ["map.txt", "new.txt"]
    assert len(work.embedded) == 2
    assert_sound()


def test_changed_content_replaces_the_old_text_in_search(small_world: SmallWorld, work: Work) -> None:
    ann = small_world.viewer("ann")
    before = row("handbook")
    small_world.documents["handbook"]["text"] = "The canteen serves bibimbap on Thursdays."
    assert counts(small_world.sync()) == (0, 1, 5, 0, 0)
    after = row("handbook")
    assert (after.pk, after.version) == (before.pk, before.version + 1)
    assert "bibimbap" in found(ann, "bibimbap on Thursdays")["handbook"]
    assert not any("Daejeon" in text for text in found(ann, "office in Daejeon opens").values())
    assert not Chunk.objects.filter(text__contains="Daejeon").exists()
    assert not Body.objects.filter(text__contains="Daejeon").exists()
    assert len(work.parsed) == 1
    assert_sound()


def test_a_text_that_was_embedded_once_is_never_embedded_again(small_world: SmallWorld, work: Work) -> None:
    text = str(small_world.documents["handbook"]["text"])
    small_world.documents["handbook"]["text"] = "For a moment something else."
    small_world.sync()
    work.forget()
    small_world.documents["handbook"]["text"] = text
    small_world.documents["copy"] = {**small_world.documents["handbook"], "id": "copy"}
    assert counts(small_world.sync()) == (1, 1, 5, 0, 0)
    assert work.embedded == []


def test_a_new_title_is_found_and_the_old_one_is_not(small_world: SmallWorld) -> None:
    small_world.documents["open"]["title"] = "Zeppelin hangar"
    assert counts(small_world.sync()) == (0, 1, 5, 0, 0)
    assert row("open").title == "Zeppelin hangar"
    sam = small_world.viewer("sam")
    assert "open" in found(sam, "zeppelin hangar")
    chunk = Chunk.objects.get(document=row("open"))
    assert Embedding.objects.filter(digest=chunk.digest).count() == 1
    assert_sound()


def test_a_new_address_is_an_update_that_parses_nothing(small_world: SmallWorld, work: Work) -> None:
    small_world.documents["open"]["url"] = "https://intranet.example.com/visitors"
    small_world.documents["open"]["attributes"] = {"owner": "reception"}
    before = stored()
    assert counts(small_world.sync()) == (0, 1, 5, 0, 0)
    changed = row("open")
    assert (changed.url, changed.attributes) == (
        "https://intranet.example.com/visitors",
        {"owner": "reception"},
    )
    assert stored() == before
    assert (work.parsed, work.embedded) == ([], [])


def test_an_access_change_touches_no_text_and_is_obeyed_at_once(small_world: SmallWorld, work: Work) -> None:
    ann, sam = small_world.viewer("ann"), small_world.viewer("sam")
    assert "handbook" in found(ann, "remote work laptop")
    before = stored()
    work.forget()
    small_world.documents["handbook"]["acl"] = {"allow": ["user:sam@example.com"]}
    assert counts(small_world.sync()) == (0, 1, 5, 0, 0)
    assert stored() == before
    assert (work.parsed, work.embedded) == ([], [])
    assert "handbook" not in found(ann, "remote work laptop")
    assert "handbook" in found(sam, "remote work laptop")


@pytest.mark.parametrize("kind", [RunKind.INCREMENTAL, RunKind.PERMISSIONS])
def test_a_group_change_is_obeyed_and_touches_no_document(small_world: SmallWorld, kind: str) -> None:
    ann = small_world.viewer("ann")
    assert "handbook" in found(ann, "remote work laptop")
    revisions = list(Document.objects.order_by("pk").values_list("pk", "revision", "acl_id"))
    small_world.groups["staff"]["members"] = ["group:hr", "group:executives", "user:sam@example.com"]
    assert counts(small_world.sync(kind)) == (0, 0, 6, 0, 0)
    assert list(Document.objects.order_by("pk").values_list("pk", "revision", "acl_id")) == revisions
    assert set(found(ann, "remote work laptop")) == {"open"}
    assert "handbook" in found(small_world.viewer("sam"), "remote work laptop")
    assert "handbook" in found(small_world.viewer("bob"), "remote work laptop")


def test_a_permissions_run_applies_access_lists_and_leaves_content(
    small_world: SmallWorld, work: Work
) -> None:
    small_world.documents["merger"]["acl"] = {"allow": ["user:sam@example.com"]}
    small_world.documents["handbook"]["text"] = "Text that waits for a run that reads content."
    small_world.documents["later"] = {"id": "later", "title": "Later", "text": "A new document."}
    del small_world.documents["open"]
    assert counts(small_world.sync(RunKind.PERMISSIONS)) == (0, 1, 4, 0, 0)
    assert (work.parsed, work.embedded) == ([], [])
    sam = small_world.viewer("sam")
    assert set(found(sam, "merger with Heron")) == {"merger", "open"}
    assert not Document.objects.filter(external_id="later").exists()
    assert counts(small_world.sync()) == (1, 1, 4, 1, 0)
    assert set(found(sam, "merger with Heron")) == {"merger"}


def test_a_deleted_document_leaves_no_trace_and_comes_back_with_its_number(small_world: SmallWorld) -> None:
    sam = small_world.viewer("sam")
    number, version = row("open").pk, row("open").version
    gone = small_world.documents.pop("open")
    assert counts(small_world.sync()) == (0, 0, 5, 1, 0)
    assert found(sam, "guest network ondam-guest visitors") == {}
    left = row("open")
    assert (left.title, left.url, left.attributes, left.acl_id) == ("", "", {}, None)
    assert not Chunk.objects.filter(document=left).exists()
    assert not Body.objects.filter(document=left).exists()
    assert counts(small_world.sync()) == (0, 0, 5, 0, 0), "a tombstone is not deleted twice"
    assert_sound()
    small_world.documents["open"] = gone
    assert counts(small_world.sync()) == (1, 0, 5, 0, 0)
    assert (row("open").pk, row("open").version) == (number, version + 1)
    assert set(found(sam, "guest network")) == {"open"}
    assert_sound()


def test_a_renamed_file_is_one_document_more_and_one_less(folder: Folder, people: dict[str, User]) -> None:
    (folder.root / "hr/bonus.txt").rename(folder.root / "open/bonus.txt")
    assert counts(folder.sync()) == (1, 0, 1, 1, 0)
    ann = viewer_for(people["ann"])
    assert "open/bonus.txt" in found(ann, "bonus of the kestrel team")


def test_every_format_of_a_folder_is_read_with_its_place(folder: Folder, people: dict[str, User]) -> None:
    folder.put("open/rates.csv", "city,rate\nDaejeon,80000\nBusan,95000\n")
    folder.put("open/note.html", "<html><body><h1>Note</h1><p>The pelican gate is shut.</p></body></html>")
    folder.put("open/plan.json", '{"project": "Osprey", "owner": "logistics"}')
    assert counts(folder.sync()) == (3, 0, 2, 0, 0)
    ann = viewer_for(people["ann"])
    assert "pelican" in found(ann, "pelican gate")["open/note.html"]
    assert "Busan" in found(ann, "rate in Busan")["open/rates.csv"]
    assert "Osprey" in found(ann, "project Osprey")["open/plan.json"]


def test_two_sources_with_the_same_ids_stay_apart(
    small_world: SmallWorld, folder: Folder, people: dict[str, User]
) -> None:
    name = "handbook"
    (folder.root / name).write_text("A file that is called like a line of another source.", encoding="utf-8")
    folder.allow(name, "user:sam@example.com")
    folder.sync()
    assert Document.objects.filter(external_id=name).count() == 2
    assert "called like" in found(viewer_for(people["sam"]), "remote work in Daejeon")[name]
    assert "Daejeon" in found(viewer_for(people["ann"]), "remote work in Daejeon")[name]
    assert counts(small_world.sync()) == (0, 0, 6, 0, 0)
