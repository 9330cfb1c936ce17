"""What a process keeps for its masks is used only while it is what would be made now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from django.conf import LazySettings
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from assistant.access import mask, snapshot
from assistant.access.document_columns import Span, span_around
from assistant.access.mask_tables import LastUsed
from assistant.access.viewer import Viewer, viewer_for
from assistant.access.visibility import visible_documents
from assistant.accounts.models import Address, Connection, Revision, User
from assistant.accounts.people import close_account, link_account, release_closed_account
from assistant.accounts.principals import replace_membership
from assistant.accounts.revisions import Counter, bump
from assistant.common.acl import Acl, Clause, Entry, PrincipalKind, PrincipalRef
from assistant.documents.acls import intern_acl
from assistant.documents.models import Document, Hidden

NOW = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
TICK = timedelta(microseconds=1)
AGE = timedelta(hours=1)
EVERYONE = PrincipalRef(PrincipalKind.EVERYONE, "")


def group(name: str) -> PrincipalRef:
    return PrincipalRef(PrincipalKind.GROUP, name)


def user(name: str) -> PrincipalRef:
    return PrincipalRef(PrincipalKind.USER, f"{name}@example.com")


def allow(who: PrincipalRef, until: datetime | None = None) -> Entry:
    return Entry(True, who, until)


def deny(who: PrincipalRef, until: datetime | None = None) -> Entry:
    return Entry(False, who, until)


class Office:
    """One connection, read at NOW, and documents whose names are those of their first readers."""

    def __init__(self) -> None:
        self.connection = Connection.objects.create(
            name="office", kind="jsonl", max_age_s=int(AGE.total_seconds()), permissions_confirmed_at=NOW
        )
        self.groups: dict[str, tuple[PrincipalRef, ...]] = {}
        self.read_groups()

    def read_groups(self, at: datetime = NOW, **groups: tuple[PrincipalRef, ...]) -> None:
        self.groups |= groups
        replace_membership(connection=self.connection, groups=self.groups, now=at)

    def write(self, name: str, *entries: Entry, **fields: object) -> int:
        """Make the document or give it another list, as a sync's transaction does."""
        with transaction.atomic():
            row, _ = Document.objects.update_or_create(
                external_id=name,
                defaults={
                    "connection": self.connection,
                    "version": 1,
                    "hidden": Hidden.NO,
                    "acl_id": intern_acl(Acl((Clause(entries),)), connection=self.connection),
                    "acl_confirmed_at": NOW,
                    "revision": bump(Counter.DOCUMENTS),
                    **fields,
                },
            )
        return row.pk


@pytest.fixture
def office(db: None) -> Office:
    return Office()


@pytest.fixture
def ann(people: dict[str, User]) -> Viewer:
    return viewer_for(people["ann"])


@pytest.fixture
def bob(people: dict[str, User]) -> Viewer:
    return viewer_for(people["bob"])


def seen(viewer: Viewer, now: datetime = NOW) -> set[str]:
    """What the mask allows; it must be what the queryset allows."""
    ids = np.flatnonzero(mask.permitted_versions(viewer, now=now)).tolist()
    names = set(Document.objects.filter(pk__in=ids).values_list("external_id", flat=True))
    assert names == set(visible_documents(viewer, now=now).values_list("external_id", flat=True))
    return names


def test_the_same_question_again_costs_one_statement(
    office: Office, ann: Viewer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    office.write("open", allow(EVERYONE))
    first = mask.permitted_versions(ann, now=NOW)
    with django_assert_num_queries(1):
        again = mask.permitted_versions(ann, now=NOW + TICK)
    assert again is first


def test_a_mask_cannot_be_written_to(office: Office, ann: Viewer) -> None:
    office.write("open", allow(EVERYONE))
    with pytest.raises(ValueError, match="read-only"):
        mask.permitted_versions(ann, now=NOW)[0] = 1


def test_people_who_hold_the_same_share_a_mask_and_others_do_not(
    office: Office, ann: Viewer, bob: Viewer, people: dict[str, User]
) -> None:
    office.read_groups(staff=(user("ann"), user("bob")))
    office.write("staff", allow(group("staff")))
    first = mask.permitted_versions(ann, now=NOW)
    assert mask.permitted_versions(bob, now=NOW) is first
    assert seen(viewer_for(people["sam"])) == set()


def test_a_deny_of_a_group_that_nobody_knew_before_counts_at_once(office: Office, ann: Viewer) -> None:
    """Naming a group for the first time makes it doubtful, and bumps the counter of documents only."""
    office.write("paper", allow(EVERYONE))
    assert seen(ann) == {"paper"}
    permissions = Revision.objects.get(name=Counter.PERMISSIONS).value
    office.write("paper", deny(group("ghost")), allow(EVERYONE))
    assert Revision.objects.get(name=Counter.PERMISSIONS).value == permissions
    assert seen(ann) == set()


def test_an_address_that_no_list_named_before_counts_at_once(office: Office, ann: Viewer) -> None:
    office.write("paper", allow(EVERYONE))
    assert seen(ann) == {"paper"}
    office.write("letter", allow(user("ann")))
    office.write("paper", deny(user("ann")), allow(EVERYONE))
    assert seen(ann) == {"letter"}


def test_an_address_that_somebody_had_before_counts_in_denies_only(
    office: Office, people: dict[str, User], bob: Viewer
) -> None:
    office.write("mine", allow(user("ann")))
    office.write("not-ann", deny(user("ann")), allow(EVERYONE))
    assert seen(bob) == {"not-ann"}
    close_account(user_id=people["ann"].pk, actor="test")
    release_closed_account(user_id=people["ann"].pk, actor="test")
    new = viewer_for(User.objects.create_user("ann@example.com", "correct horse battery staple"))
    assert Address.objects.get(user=new.user_id).confirmed is False
    assert seen(new) == set()
    assert seen(bob) == {"not-ann"}


Change = Callable[[Office, dict[str, User]], None]


def _leaves_the_group(office: Office, people: dict[str, User]) -> None:
    office.read_groups(staff=(user("bob"),))


def _is_closed(office: Office, people: dict[str, User]) -> None:
    close_account(user_id=people["ann"].pk, actor="test")


def _gets_another_list(office: Office, people: dict[str, User]) -> None:
    office.write("staff", allow(user("bob")))


def _is_hidden(office: Office, people: dict[str, User]) -> None:
    office.write("staff", allow(group("staff")), hidden=Hidden.MISSING)


def _gets_a_shorter_limit(office: Office, people: dict[str, User]) -> None:
    """No counter tells of a connection's facts, and nothing is written to the document."""
    Connection.objects.update(max_age_s=0, permissions_confirmed_at=NOW - TICK)


def _could_not_be_read_again(office: Office, people: dict[str, User]) -> None:
    """The connection's complete run says nothing about a list that it could not read."""
    office.write("staff", allow(group("staff")), acl_stale=True, acl_confirmed_at=NOW - AGE - TICK)


def _was_confirmed_long_ago(office: Office, people: dict[str, User]) -> None:
    Connection.objects.update(principals_confirmed_at=NOW - AGE - TICK)


@pytest.mark.parametrize(
    "change",
    [
        _leaves_the_group,
        _is_closed,
        _gets_another_list,
        _is_hidden,
        _gets_a_shorter_limit,
        _could_not_be_read_again,
        _was_confirmed_long_ago,
    ],
    ids=lambda change: change.__name__.strip("_"),
)
def test_what_was_kept_is_not_used_after_a_change(
    office: Office, people: dict[str, User], ann: Viewer, change: Change
) -> None:
    office.read_groups(staff=(user("ann"),))
    office.write("staff", allow(group("staff")), acl_confirmed_at=NOW - AGE - TICK)  # the run confirmed it
    assert seen(ann) == seen(ann) == {"staff"}
    change(office, people)
    assert seen(ann) == set()


def test_a_linked_account_counts_at_once(office: Office, ann: Viewer) -> None:
    office.write("account", allow(PrincipalRef(PrincipalKind.ACCOUNT, "a1")))
    assert seen(ann) == set()
    link_account(connection_id=office.connection.pk, account_id="a1", user_id=ann.user_id, actor="test")
    assert seen(ann) == {"account"}


def test_time_alone_opens_and_closes_to_the_microsecond_and_back(office: Office, ann: Viewer) -> None:
    """Nothing is written between these questions; each answer is kept and must not be used for another."""
    later = NOW + timedelta(minutes=7)
    office.read_groups(staff=(user("ann"),))
    office.write("until", allow(EVERYONE, later))
    office.write("after", deny(EVERYONE, later), allow(EVERYONE))
    office.write("own", allow(EVERYONE), acl_stale=True, acl_confirmed_at=NOW + TICK)
    office.write("group", allow(group("staff")), acl_stale=True, acl_confirmed_at=NOW + AGE)
    answers = {
        later - TICK: {"until", "own", "group"},
        later: {"after", "own", "group"},
        NOW + AGE: {"after", "own", "group"},
        NOW + AGE + TICK: {"own"},
        NOW + AGE + 2 * TICK: set(),
    }
    moments = [*answers, *reversed(answers), *answers]
    assert [seen(ann, moment) for moment in moments] == [answers[moment] for moment in moments]


def test_a_connection_whose_first_run_has_not_ended_counts_by_each_document(
    office: Office, ann: Viewer
) -> None:
    Connection.objects.update(permissions_confirmed_at=None, principals_confirmed_at=NOW + AGE)
    for minutes in range(3):
        office.write(f"m{minutes}", allow(EVERYONE), acl_confirmed_at=NOW + timedelta(minutes=minutes))
    for minutes in (0, 1, 2, 1, 0):
        moment = NOW + AGE + timedelta(minutes=minutes)
        assert seen(ann, moment) == {f"m{number}" for number in range(minutes, 3)}
        assert seen(ann, moment + TICK) == {f"m{number}" for number in range(minutes + 1, 3)}


@contextmanager
def _meanwhile(do: Callable[[], None]) -> Iterator[None]:
    """Once, between the question how things stand and the reading of what the person holds."""
    real, pending = mask._ask, [do]

    def ask(*args: object) -> object:
        if pending:
            pending.pop()()
        return real(*args)  # type: ignore[arg-type]  # handed through

    with patch.object(mask, "_ask", ask):
        yield


def test_a_document_taken_away_before_a_membership_was_given_is_never_seen(
    office: Office, ann: Viewer
) -> None:
    """There is no moment at which she may read it, though its old list and her new group would let her."""
    office.read_groups(staff=())
    office.write("paper", allow(group("staff")))

    def revoke_then_join() -> None:
        office.write("paper", allow(group("hr")))
        office.read_groups(staff=(user("ann"),))

    with _meanwhile(revoke_then_join):
        assert not mask.permitted_versions(ann, now=NOW).any()
    assert seen(ann) == set()


def test_an_account_closed_while_it_asks_sees_nothing(office: Office, ann: Viewer) -> None:
    office.write("paper", allow(EVERYONE))
    with _meanwhile(lambda: close_account(user_id=ann.user_id, actor="test")):
        assert not mask.permitted_versions(ann, now=NOW).any()


def test_a_database_restored_from_a_backup_is_read_anew(office: Office, ann: Viewer) -> None:
    paper = office.write("paper", allow(EVERYONE))
    office.write("other", allow(EVERYONE))
    assert seen(ann) == {"paper", "other"}
    Document.objects.filter(pk=paper).update(hidden=Hidden.REMOVED, revision=1)
    Revision.objects.filter(name=Counter.DOCUMENTS).update(value=1)
    assert seen(ann) == {"other"}


def test_membership_restored_from_a_backup_is_asked_anew(office: Office, ann: Viewer) -> None:
    office.read_groups(staff=())
    office.write("paper", allow(group("staff")))
    office.read_groups(staff=(user("ann"),))
    assert seen(ann) == {"paper"}
    before = Revision.objects.get(name=Counter.PERMISSIONS).value
    Revision.objects.filter(name=Counter.PERMISSIONS).update(value=before - 1)
    assert seen(ann) == {"paper"}
    office.read_groups(staff=())  # the counter is where it was when she was in the group
    assert seen(ann) == set()


@pytest.mark.django_db(transaction=True)
def test_threads_that_ask_during_changes_never_see_what_was_never_allowed(
    office: Office, ann: Viewer, bob: Viewer
) -> None:
    """Each document is always allowed to exactly one of the two: a mask with both or neither is torn."""
    papers = [office.write(f"paper{number}", allow(user("ann"))) for number in range(3)]
    wrong: list[tuple[str, list[int]]] = []
    done = threading.Event()

    def watch(name: str, viewer: Viewer) -> None:
        while not done.is_set():
            versions = mask.permitted_versions(viewer, now=NOW)
            shown = {int(versions[paper]) if paper < len(versions) else 0 for paper in papers}
            if len(shown) != 1:
                wrong.append((name, sorted(shown)))
        connections.close_all()

    watchers = [threading.Thread(target=watch, args=(who.email, who)) for who in (ann, ann, bob)]
    for watcher in watchers:
        watcher.start()
    for turn in range(30):
        with transaction.atomic():
            for number in range(3):
                office.write(f"paper{number}", allow(user("bob" if turn % 2 else "ann")))
    done.set()
    for watcher in watchers:
        watcher.join()
    assert wrong == []


def test_what_was_used_last_stays_and_the_rest_goes_by_size() -> None:
    kept: LastUsed[str] = LastUsed(10)
    kept.put("a", "A", 4)
    kept.put("b", "B", 4)
    assert kept.get("a") == "A"
    kept.put("c", "C", 4)
    assert [kept.get(key) for key in "abc"] == ["A", None, "C"]
    kept.put("huge", "H", 100)
    assert kept.get("huge") == "H"
    assert kept.size == 100


def test_a_span_ends_where_the_next_moment_begins() -> None:
    moments = np.array([10, 20, 30], np.int64)
    assert span_around(20, moments) == Span(20, 30)
    assert span_around(19, moments) == Span(10, 20)
    assert Span(20, 30).holds(20)
    assert not Span(20, 30).holds(30)


@pytest.fixture
def kept(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the snapshot of this test lies; one document is worth it."""
    settings.MUNDAP_HOME = tmp_path
    monkeypatch.setattr(snapshot, "_WORTH_IT", 1)
    return snapshot.path()


def _rows_read(viewer: Viewer) -> set[str]:
    """What a new process sees; `seen` has made sure of it."""
    mask.forget()
    return seen(viewer)


def test_a_new_process_starts_from_the_snapshot_and_reads_what_changed_since(
    office: Office, ann: Viewer, kept: Path
) -> None:
    office.write("paper", deny(group("ghost")), allow(EVERYONE))
    office.write("open", allow(EVERYONE))
    Document.objects.filter(external_id="open").update(version=7)
    assert snapshot.keep()
    assert not snapshot.keep()
    assert kept.stat().st_mode & 0o777 == 0o600
    office.write("new", allow(user("ann")))
    office.write("gone", allow(user("bob")))
    Document.objects.filter(external_id="open").update(version=8)  # with no new revision: not read again
    mask.forget()
    versions = mask.permitted_versions(ann, now=NOW)
    assert versions[Document.objects.get(external_id="open").pk] == 7
    assert _rows_read(ann) == {"open", "new"}


@pytest.mark.parametrize("place", [5, 90, -1])
def test_a_damaged_snapshot_is_not_used(office: Office, ann: Viewer, kept: Path, place: int) -> None:
    paper = office.write("paper", allow(EVERYONE))
    assert snapshot.keep()
    content = bytearray(kept.read_bytes())
    content[place] ^= 1
    kept.write_bytes(bytes(content))
    assert snapshot.load(newest=10**6) is None
    assert _rows_read(ann) == {"paper"}
    assert snapshot.keep(), "it is made anew"
    assert snapshot.load(newest=10**6) is not None
    assert paper


def test_a_snapshot_of_a_future_that_the_database_no_longer_has_is_not_used(
    office: Office, ann: Viewer, kept: Path
) -> None:
    """Restored from a backup, the database has come past the snapshot's revision on another way."""
    paper = office.write("paper", allow(user("bob")))
    backup = list(Revision.objects.values_list("name", "value"))
    office.write("paper", allow(EVERYONE))
    assert snapshot.keep()
    Revision.objects.all().delete()
    Revision.objects.bulk_create(Revision(name=name, value=value) for name, value in backup)
    Document.objects.filter(pk=paper).update(
        acl_id=Document.objects.get(pk=paper).acl_id, hidden=Hidden.MISSING
    )
    for number in range(3):
        office.write(f"other{number}", allow(user("bob")))
    assert _rows_read(ann) == set()


def test_an_empty_or_absent_snapshot_is_no_snapshot(kept: Path, db: None) -> None:
    assert snapshot.load(newest=1) is None
    kept.parent.mkdir()
    for content in (b"", b"\n\n", b"x\n{}\n", b"[]"):
        kept.write_bytes(content)
        assert snapshot.load(newest=1) is None


def test_the_snapshot_holds_no_names(office: Office, kept: Path) -> None:
    office.write("secret-paper", allow(user("ann")), allow(group("staff")), title="Plan Heron")
    assert snapshot.keep()
    content = kept.read_bytes()
    assert not any(word in content for word in (b"secret", b"ann@", b"staff", b"Heron", b"office"))


def test_a_second_ask_for_other_documents_reads_only_rows_that_changed(office: Office, ann: Viewer) -> None:
    for number in range(5):
        office.write(f"paper{number}", allow(EVERYONE))
    seen(ann)
    office.write("paper0", allow(user("bob")))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        mask.permitted_versions(ann, now=NOW)
    assert not any("revision > 0" in query["sql"] for query in queries)
