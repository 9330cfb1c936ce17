"""What a run changed about permissions: who gains, who loses, and what is worth a look."""

from __future__ import annotations

import pytest

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import Role, User
from assistant.common.errors import NotFound
from assistant.sync.access_changes import RunChanges, run_changes
from assistant.sync.models import FindingCode, SyncRun
from tests.conftest import SmallWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(people: dict[str, User]) -> Viewer:
    """Somebody who may inspect."""
    return viewer_for(User.objects.create_user("officer@example.com", role=Role.AUDITOR))


def _changes(world: SmallWorld, officer: Viewer, kind: str = "incremental") -> RunChanges:
    world.sync(kind)
    return run_changes(viewer=officer, run_id=SyncRun.objects.latest("pk").pk)


def _emails(people: object) -> set[str]:
    return {person.email for person in people}  # type: ignore[attr-defined]


def test_the_first_reading_is_no_change(small_world: SmallWorld, officer: Viewer) -> None:
    found = run_changes(viewer=officer, run_id=SyncRun.objects.latest("pk").pk)
    assert (found.documents_total, found.memberships_total) == (0, 0)


@pytest.mark.parametrize("kind", ["incremental", "permissions"])
def test_a_changed_list_names_who_gains_and_who_loses(
    small_world: SmallWorld, officer: Viewer, kind: str
) -> None:
    small_world.documents["salaries"]["acl"] = {"allow": ["group:executives", "user:sam@example.com"]}
    found = _changes(small_world, officer, kind)
    (change,) = found.documents
    assert change.document.external_id == "salaries"
    assert change.document.title == ""
    assert _emails(change.gained) >= {"sam@example.com", "cho@example.com"} - _emails(change.lost)
    assert "sam@example.com" in _emails(change.gained)
    assert (change.gained_total, change.lost_total) == (len(change.gained), len(change.lost))
    assert found.documents_total == 1


def test_a_changed_group_names_who_joined_and_who_left(small_world: SmallWorld, officer: Viewer) -> None:
    small_world.groups["staff"]["members"] = ["user:sam@example.com", "group:hr", "group:executives"]
    found = _changes(small_world, officer, "permissions")
    told = {(str(row.member), row.joined, frozenset(_emails(row.people))) for row in found.memberships}
    assert told == {
        ("user:ann@example.com", False, frozenset({"ann@example.com"})),
        ("user:sam@example.com", True, frozenset({"sam@example.com"})),
    }
    assert {str(row.group) for row in found.memberships} == {"group:staff"}


def test_a_run_without_a_change_says_so(small_world: SmallWorld, officer: Viewer) -> None:
    found = _changes(small_world, officer)
    assert (found.documents, found.memberships) == ((), ())


def _found(changes: RunChanges) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for finding in changes.findings:
        found.setdefault(finding.code, []).append((finding.subject, finding.documents))
    return found


def test_a_run_reports_what_is_safe_and_worth_a_look(small_world: SmallWorld, officer: Viewer) -> None:
    small_world.documents["open"]["acl"] = {"allow": ["group:ghost", "everyone"]}
    small_world.documents["merger"]["acl"] = {"allow": ["account:U1", "user:pаul@example.com"]}
    small_world.documents["handbook"]["acl"] = {"allow": ["user:paul@example.com", "group:staff"]}
    small_world.groups["round"] = {"group": "round", "members": ["group:trip"]}
    small_world.groups["trip"] = {"group": "trip", "members": ["group:round", "group:hr"]}
    small_world.groups["U2"] = {"account": "U2", "email": "twin@example.com"}
    small_world.groups["U3"] = {"account": "U3", "email": "twin@example.com"}
    found = _found(_changes(small_world, officer))
    assert found[FindingCode.UNKNOWN_GROUP] == [("group:ghost", 1)]
    assert found[FindingCode.UNKNOWN_ACCOUNT] == [("account:U1", 1)]
    assert found[FindingCode.CYCLE] == [("group:round", 0), ("group:trip", 0)]
    assert found[FindingCode.SHARED_ADDRESS] == [("twin@example.com", 0)]
    assert found[FindingCode.NOBODY] == [("", 1)]
    ((alike, _),) = found[FindingCode.LOOK_ALIKE]
    assert set(alike.split(" ≈ ")) == {"paul@example.com", "pаul@example.com"}


def test_an_address_that_another_account_had_before_is_reported(
    small_world: SmallWorld, officer: Viewer
) -> None:
    small_world.groups["U1"] = {"account": "U1", "email": "ann@example.com"}
    assert FindingCode.REUSED_ADDRESS not in _found(_changes(small_world, officer, "permissions"))
    del small_world.groups["U1"]
    small_world.groups["U9"] = {"account": "U9", "email": "ann@example.com"}
    found = _found(_changes(small_world, officer, "permissions"))
    assert found[FindingCode.REUSED_ADDRESS] == [("ann@example.com", 0)]


def test_whoever_may_not_inspect_is_told_nothing(small_world: SmallWorld) -> None:
    run = SyncRun.objects.latest("pk").pk
    User.objects.filter(email="bob@example.com").update(role=Role.CONTENT_ADMINISTRATOR)
    for name in ("ann", "bob"):
        with pytest.raises(NotFound):
            run_changes(viewer=small_world.viewer(name), run_id=run)
