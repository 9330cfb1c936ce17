"""Failures and doubts: the run goes on and says why; where permissions are in doubt, nobody sees anything."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.access.mask import permitted_versions
from assistant.access.viewer import viewer_for
from assistant.access.visibility import may_read, visible_documents
from assistant.accounts.models import Connection, User
from assistant.common.acl import user
from assistant.common.errors import FailureCode
from assistant.documents.models import Document, Hidden
from assistant.sync import selectors
from assistant.sync.models import RunFailure, RunKind
from connectors.sdk.contract import Complete, Failure, GroupMembers
from tests.conftest import SmallWorld
from tests.sync.conftest import Folder, sync
from tests.sync.scripted import EVERYBODY, Script, document
from tests.sync.test_engine import counts
from tests.sync.watching import Work, assert_sound, found, row


def failures(run_id: int) -> dict[str, str]:
    """The codes of a run's failures by id."""
    return dict(RunFailure.objects.filter(run=run_id).values_list("external_id", "code"))


def test_a_file_that_turns_bad_keeps_its_last_good_version(folder: Folder, people: dict[str, User]) -> None:
    ann = viewer_for(people["ann"])
    good = row("open/desk.md")
    folder.put("open/desk.md", "")
    run = folder.sync()
    assert counts(run) == (0, 0, 1, 0, 1)
    assert failures(run.id) == {"open/desk.md": "empty"}
    assert "heronbook" in found(ann, "front desk heronbook")["open/desk.md"]
    bad = row("open/desk.md")
    assert (bad.version, bad.title, bad.failure_code) == (good.version, good.title, "empty")
    folder.put("open/desk.md", "# Front desk\n\nVisitors sign the heronbook at the front desk.")
    assert counts(folder.sync()) == (0, 0, 2, 0, 0)
    assert row("open/desk.md").failure_code == ""


def test_a_new_bad_file_is_listed_with_its_reason_and_nobody_finds_it(
    folder: Folder, people: dict[str, User]
) -> None:
    (folder.root / "open/scan.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    (folder.root / "open/photo.bin").write_bytes(bytes(range(256)) * 20)
    run = folder.sync()
    assert (run.state, run.added, run.failed) == ("succeeded_with_errors", 0, 2)
    shown = selectors.source(viewer=viewer_for(people["ada"]), source_id=folder.source_id)
    assert {view.external_id for view in shown.failures} == {"open/scan.pdf", "open/photo.bin"}
    assert all(view.reason and view.what_to_do for view in shown.failures)
    assert set(found(viewer_for(people["ann"]), "scan photo front desk")) == {"open/desk.md"}
    assert_sound()


def test_lasting_failures_are_reported_by_every_run_and_parsed_by_none(folder: Folder, work: Work) -> None:
    (folder.root / "open/scan.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    first = folder.sync()
    assert work.parsed == ["scan.pdf"]
    work.forget()
    second = folder.sync()
    assert work.parsed == []
    assert failures(second.id) == failures(first.id)
    assert counts(second) == (0, 0, 2, 0, 1)
    folder.sync(RunKind.FULL)
    assert work.parsed == ["scan.pdf"], "a full run tries again"


def test_a_bad_file_still_obeys_a_change_of_its_permissions(folder: Folder, people: dict[str, User]) -> None:
    folder.put("open/desk.md", "")
    folder.sync()
    folder.allow("open/", "user:bob@example.com")
    run = folder.sync()
    assert run.failed == 1
    assert found(viewer_for(people["ann"]), "front desk heronbook") == {}
    assert "open/desk.md" in found(viewer_for(people["bob"]), "front desk heronbook")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_the_right_to_read_it_is_a_failure(folder: Folder) -> None:
    folder.put("open/locked.txt", "Nobody may open this.")
    (folder.root / "open/locked.txt").chmod(0)
    run = folder.sync()
    assert failures(run.id) == {"open/locked.txt": "unreadable"}


def test_a_broken_access_entry_hides_its_prefix_and_a_mended_one_shows_it_again(
    folder: Folder, people: dict[str, User], work: Work
) -> None:
    ann = viewer_for(people["ann"])
    good = folder.access["open/"]
    folder.access["open/"] = {"keyPrefix": "open/", "aclEntries": "everybody"}
    run = folder.sync()
    assert run.state == "succeeded_with_errors"
    assert failures(run.id) == {"open/": "bad_permissions"}
    assert found(ann, "front desk heronbook") == {}
    assert row("open/desk.md").hidden == Hidden.PERMISSIONS
    assert "hr/bonus.txt" in found(viewer_for(people["bob"]), "bonus kestrel")
    folder.access["open/"] = good
    assert folder.sync().state == "succeeded"
    assert "open/desk.md" in found(ann, "front desk heronbook")
    assert work.parsed == []


def test_a_broken_access_file_hides_the_whole_source_until_it_is_mended(
    folder: Folder, people: dict[str, User]
) -> None:
    bob = viewer_for(people["bob"])
    folder.access_file.write_text("{ this is no JSON", encoding="utf-8")
    broken = sync(folder.source_id)
    assert broken.state == "succeeded_with_errors"
    assert found(bob, "front desk bonus kestrel") == {}
    shown = selectors.source(viewer=viewer_for(people["ada"]), source_id=folder.source_id)
    assert shown.hidden == 2
    folder.sync()
    assert set(found(bob, "front desk bonus kestrel")) == {"open/desk.md", "hr/bonus.txt"}


def test_a_permissions_run_hides_what_is_in_doubt_and_shows_it_again(
    folder: Folder, people: dict[str, User]
) -> None:
    bob = viewer_for(people["bob"])
    folder.access_file.write_text("[7]", encoding="utf-8")
    sync(folder.source_id, RunKind.PERMISSIONS)
    assert found(bob, "front desk bonus kestrel") == {}
    folder.sync(RunKind.PERMISSIONS)
    assert set(found(bob, "front desk bonus kestrel")) == {"open/desk.md", "hr/bonus.txt"}


def test_a_line_with_a_broken_access_list_hides_that_document_only(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    small_world.documents["handbook"]["acl"] = {"allow": ["anybody at all"]}
    run = small_world.sync()
    assert failures(run.id) == {"handbook": "bad_permissions"}
    assert set(found(ann, "remote work laptop")) == {"policy-ko", "open"}
    small_world.documents["handbook"]["acl"] = {"allow": ["group:staff"]}
    assert small_world.sync().state == "succeeded"
    assert "handbook" in found(ann, "remote work laptop")


def test_two_lines_with_one_id_show_neither(small_world: SmallWorld) -> None:
    small_world.documents["twin"] = {**small_world.documents["open"], "acl": {"allow": ["group:hr"]}}
    run = small_world.sync()
    assert failures(run.id) == {"open": "duplicate_id"}
    assert "open" not in found(small_world.viewer("bob"), "guest network")
    del small_world.documents["twin"]
    small_world.sync()
    assert "open" in found(small_world.viewer("sam"), "guest network")


@pytest.mark.parametrize("apart", [0, 150], ids=["in one window", "in two windows"])
def test_a_connector_that_reports_an_id_twice_shows_neither(
    script: Script, scripted_source: int, people: dict[str, User], apart: int
) -> None:
    between = [document(f"d{number}", f"Text {number}.", acl=EVERYBODY) for number in range(apart)]
    first = document("twice", "The walrus key.", acl=EVERYBODY)
    second = document("twice", "The walrus key.", acl={"allow": ["user:bob@example.com"]})
    script.events = [first, *between, second, Complete()]
    run = sync(scripted_source)
    assert failures(run.id) == {"twice": "duplicate_id"}
    for person in people.values():
        assert "twice" not in found(viewer_for(person), "walrus key")
    script.events = [first, *between, Complete()]
    assert sync(scripted_source).state == "succeeded"
    assert "twice" in found(viewer_for(people["sam"]), "walrus key")


def test_an_unlisted_folder_keeps_its_documents_and_lets_their_permissions_age(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    kept = [document(f"a/{n}", f"Kept text {n}.", acl=EVERYBODY) for n in range(3)]
    lost = [document(f"b/{n}", f"Lost text {n}.", acl=EVERYBODY) for n in range(3)]
    script.events = [*kept, *lost, Complete()]
    sync(scripted_source)
    script.events = [*kept, Failure("b/", FailureCode.UNLISTED, "denied", is_prefix=True), Complete()]
    run = sync(scripted_source)
    assert counts(run) == (0, 0, 3, 0, 1)
    sam = viewer_for(people["sam"])
    assert len(found(sam, "kept and lost text")) == 6
    assert set(Document.objects.filter(acl_stale=True).values_list("external_id", flat=True)) == {
        "b/0",
        "b/1",
        "b/2",
    }
    script.events = [*kept, *lost, Complete()]
    assert counts(sync(scripted_source)) == (0, 3, 3, 0, 0)
    assert not Document.objects.filter(acl_stale=True).exists()


def test_permissions_that_cannot_be_read_count_until_their_age_limit(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    sam = viewer_for(people["sam"])
    Connection.objects.filter(pk=scripted_source).update(max_age_s=3600)
    script.events = [document("plan", "The albatross plan.", acl=EVERYBODY, version="1"), Complete()]
    sync(scripted_source)
    confirmed = timezone.now()
    script.events = [document("plan", "The albatross plan.", acl=None, version="1"), Complete()]
    for _ in range(3):
        sync(scripted_source)
    assert row("plan").acl_stale
    assert "plan" in found(sam, "albatross plan")
    soon, late = confirmed + timedelta(minutes=59), confirmed + timedelta(minutes=61)
    for moment, expected in ((soon, True), (late, False)):
        assert visible_documents(sam, now=moment).exists() is expected
        assert may_read(sam, row("plan"), now=moment) is expected
        assert bool(permitted_versions(sam, now=moment).any()) is expected


def test_a_source_that_is_not_read_any_more_hides_everything_at_its_age_limit(
    small_world: SmallWorld,
) -> None:
    sam = small_world.viewer("sam")
    Connection.objects.update(max_age_s=3600)
    late = timezone.now() + timedelta(minutes=61)
    assert visible_documents(sam).exists()
    assert not visible_documents(sam, now=late).exists()
    assert not permitted_versions(sam, now=late).any()


def test_a_new_document_without_readable_permissions_is_seen_by_nobody(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    script.events = [document("plan", "The albatross plan.", acl=None, version="1"), Complete()]
    sync(scripted_source)
    assert all(found(viewer_for(person), "albatross plan") == {} for person in people.values())
    script.events = [document("plan", "The albatross plan.", acl=EVERYBODY, version="1"), Complete()]
    assert counts(sync(scripted_source)) == (0, 1, 0, 0, 0)
    assert "plan" in found(viewer_for(people["sam"]), "albatross plan")


def test_what_was_hidden_by_doubt_stays_hidden_while_its_permissions_cannot_be_read(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    sam = viewer_for(people["sam"])
    readable = document("plan", "The albatross plan.", acl=EVERYBODY, version="1")
    script.events = [readable, Complete()]
    sync(scripted_source)
    script.events = [Failure("plan", FailureCode.BAD_PERMISSIONS, hide=True), Complete()]
    sync(scripted_source)
    assert found(sam, "albatross plan") == {}
    script.events = [document("plan", "The albatross plan.", acl=None, version="1"), Complete()]
    sync(scripted_source)
    assert found(sam, "albatross plan") == {}
    script.events = [readable, Complete()]
    sync(scripted_source)
    assert "plan" in found(sam, "albatross plan")


def test_a_failed_reading_of_groups_keeps_the_last_membership_and_then_fails_closed(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    bob = viewer_for(people["bob"])
    Connection.objects.filter(pk=scripted_source).update(max_age_s=3600)
    script.events = [document("plan", "The albatross plan.", acl={"allow": ["group:staff"]}), Complete()]
    script.groups = [GroupMembers("staff", (user("bob@example.com"),)), Complete()]
    sync(scripted_source)
    confirmed = timezone.now()
    script.groups = [Failure("", FailureCode.BAD_PERMISSIONS, "broken", hide=True, is_prefix=True)]
    run = sync(scripted_source)
    assert run.state == "succeeded_with_errors"
    assert "plan" in found(bob, "albatross plan")
    assert visible_documents(bob, now=confirmed + timedelta(minutes=59)).exists()
    assert not visible_documents(bob, now=confirmed + timedelta(minutes=61)).exists()


def test_a_failure_of_groups_does_not_cover_up_one_of_documents(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    script.events = [document("plan", "The albatross plan.", acl=EVERYBODY), Complete()]
    sync(scripted_source)
    broken = Failure("", FailureCode.BAD_PERMISSIONS, "broken", hide=True, is_prefix=True)
    script.groups = [broken]
    script.events = [broken, document("plan", "The albatross plan.", acl=EVERYBODY), Complete()]
    sync(scripted_source)
    assert found(viewer_for(people["sam"]), "albatross plan") == {}


def test_a_listing_that_skipped_something_confirms_and_deletes_nothing(
    script: Script, scripted_source: int
) -> None:
    script.events = [document("a", "One.", acl=EVERYBODY), document("b", "Two.", acl=EVERYBODY), Complete()]
    sync(scripted_source)
    confirmed = Connection.objects.get(pk=scripted_source).permissions_confirmed_at
    script.events = [document("a", "One.", acl=EVERYBODY)]
    run = sync(scripted_source)
    assert (run.state, run.deleted) == ("succeeded_with_errors", 0)
    assert Connection.objects.get(pk=scripted_source).permissions_confirmed_at == confirmed


def test_a_broken_line_is_named_and_the_others_are_read(small_world: SmallWorld) -> None:
    small_world.documents["new"] = {"id": "new", "title": "New", "text": "The ibis file.", "acl": EVERYBODY}
    small_world.write()
    lines = [*small_world.file.read_text(encoding="utf-8").splitlines(), '{"id": "torn", "text":']
    small_world.file.write_text("\n".join(lines), encoding="utf-8")
    run = sync(small_world.source_id)
    assert (run.state, run.added) == ("succeeded_with_errors", 1)
    assert failures(run.id) == {f"line {len(lines)}": "bad_record"}
