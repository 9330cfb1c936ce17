"""The commands about people and keys: who is who, who may do what, and plain errors."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

import pytest
from django.utils import timezone

from assistant.access.viewer import viewer_for
from assistant.access.visibility import visible_documents
from assistant.accounts.api_keys import asking_with
from assistant.accounts.models import Address, ApiKey, User
from assistant.accounts.scopes import Scope
from assistant.audit.models import AuditEvent
from assistant.common.types import Json
from tests.accounts.keys import person_with_key
from tests.commands.running import Command
from tests.conftest import SmallWorld

USER_KEYS = {"user", "email", "name", "kind", "role", "active", "addresses", "accounts"}
JsonDict = dict[str, Json]


def address(name: str, *, alias: bool = False, confirmed: bool = True) -> JsonDict:
    return {"address": f"{name}@example.com", "alias": alias, "confirmed": confirmed}


def reads(name: str) -> set[str]:
    viewer = viewer_for(User.objects.get(email=f"{name}@example.com"))
    return set(visible_documents(viewer).values_list("external_id", flat=True))


def last_event() -> tuple[str, str]:
    event = AuditEvent.objects.latest("pk")
    return event.event, event.actor


def test_people_are_listed_with_their_addresses(command: Command, people: dict[str, User]) -> None:
    listed = command("user", "list")
    rows = cast(list[JsonDict], listed.result["users"])
    assert listed.status == 0
    assert [row["email"] for row in rows] == [f"{n}@example.com" for n in ("ada", "ann", "bob", "cho", "sam")]
    assert all(set(row) == USER_KEYS for row in rows)
    assert rows[1] == {
        "user": people["ann"].pk,
        "email": "ann@example.com",
        "name": "Ann",
        "kind": "person",
        "role": "employee",
        "active": True,
        "addresses": [address("ann")],
        "accounts": [],
    }


def test_an_alias_opens_what_its_address_is_granted(command: Command, small_world: SmallWorld) -> None:
    small_world.documents["merger"]["acl"] = {"allow": ["user:ann.lee@example.com"]}
    small_world.sync()
    assert "merger" not in reads("ann")
    given = command("user", "alias", "ann@example.com", "Ann.Lee@Example.COM")
    assert given.result["addresses"] == [address("ann"), address("ann.lee", alias=True)]
    assert "merger" in reads("ann")
    assert last_event() == ("alias_added", "command line")
    released = command("user", "release", "ann.lee@example.com")
    assert released.result == {"address": "ann.lee@example.com", "user": None}
    assert "merger" not in reads("ann")


def test_a_second_holder_of_an_address_waits_to_be_confirmed(
    command: Command, small_world: SmallWorld
) -> None:
    small_world.documents["merger"]["acl"] = {"allow": ["user:desk@example.com"]}
    small_world.sync()
    command("user", "alias", "ann@example.com", "desk@example.com")
    command("user", "release", "desk@example.com")
    second = command("user", "alias", "sam@example.com", "desk@example.com")
    assert address("desk", alias=True, confirmed=False) in cast(list[Json], second.result["addresses"])
    assert "merger" not in reads("sam")
    confirmed = command("user", "confirm", "DESK@example.com")
    sam = User.objects.get(email="sam@example.com")
    assert confirmed.result == {"address": "desk@example.com", "user": sam.pk, "confirmed": True}
    assert "merger" in reads("sam")
    assert command("user", "confirm", "desk@example.com").status == 1


def test_a_role_is_given_and_opens_no_document(command: Command, small_world: SmallWorld) -> None:
    before = reads("sam")
    changed = command("user", "role", "sam@example.com", "security_administrator")
    assert (changed.status, changed.result["role"]) == (0, "security_administrator")
    assert reads("sam") == before
    assert last_event() == ("role_changed", "command line")


def test_an_account_is_closed_reopened_and_set_free(command: Command, small_world: SmallWorld) -> None:
    key = str(command("api-key", "add", "ann@example.com", "--name", "script").result["key"])
    closed = command("user", "close", "ann@example.com")
    assert closed.result["active"] is False
    assert (reads("ann"), person_with_key(key)) == (set(), None)
    assert command("user", "reopen", "ann@example.com").result["active"] is True
    assert reads("ann")
    refused = command("user", "free", "ann@example.com")
    assert (refused.status, "Close it first" in refused.complaint) == (2, True)
    command("user", "close", "ann@example.com")
    freed = command("user", "free", "ann@example.com").result
    assert freed["addresses"] == []
    assert str(freed["email"]).endswith("@account.invalid")
    assert command("user", "add", "ann@example.com").status == 0
    assert reads("ann") == {"open"}
    assert not Address.objects.get(address="ann@example.com").confirmed


@pytest.mark.parametrize("by_number", [True, False])
def test_a_source_account_is_linked_and_unlinked(
    command: Command, small_world: SmallWorld, *, by_number: bool
) -> None:
    small_world.documents["merger"]["acl"] = {"allow": ["account:4711"]}
    small_world.sync()
    source = str(small_world.source_id) if by_number else "world"
    linked = command("user", "link", "sam@example.com", "--source", source, "--account", "4711")
    assert linked.result["accounts"] == [{"source": "world", "account": "4711"}]
    assert "merger" in reads("sam")
    unlinked = command("user", "unlink", "--source", source, "--account", "4711")
    assert unlinked.result == {"source": "world", "account": "4711", "user": None}
    assert "merger" not in reads("sam")
    assert command("user", "unlink", "--source", source, "--account", "4711").status == 1


def test_a_key_is_for_the_calls_that_are_named(command: Command, people: dict[str, User]) -> None:
    words = ("--name", "search page", "--scope", "search", "--scope", "ask")
    added = command("api-key", "add", "ann@example.com", *words)
    asking = asking_with(str(added.result["key"]))
    assert asking is not None
    assert asking.scopes == {Scope.SEARCH, Scope.ASK}
    (row,) = cast(list[JsonDict], command("api-key", "list", "ann@example.com").result["keys"])
    assert row["scopes"] == ["search", "ask"]
    assert row["last_used"] is not None
    refused = command("api-key", "add", "ann@example.com", "--name", "x", "--scope", "everything")
    assert refused.status == 2


def test_a_key_is_shown_once_listed_and_revoked(command: Command, people: dict[str, User]) -> None:
    added = command("api-key", "add", "Ann@example.com", "--name", "nightly report", "--days", "7")
    assert (added.status, set(added.result)) == (0, {"key", "id", "expires"})
    text, number = str(added.result["key"]), str(added.result["id"])
    assert text.startswith("mundap_")
    assert person_with_key(text) == people["ann"]
    left = datetime.fromisoformat(str(added.result["expires"])) - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    listed = command("api-key", "list", "ann@example.com")
    assert text not in listed.out
    row = cast(list[JsonDict], listed.result["keys"])[0]
    assert set(row) == {"id", "name", "scopes", "created", "expires", "last_used", "revoked", "works"}
    assert (row["name"], row["revoked"], row["works"]) == ("nightly report", None, True)
    assert command("api-key", "list", "bob@example.com").result == {"keys": []}
    assert command("api-key", "revoke", number).result == {"id": int(number), "revoked": True}
    assert person_with_key(text) is None
    assert (
        cast(list[JsonDict], command("api-key", "list", "ann@example.com").result["keys"])[0]["works"]
        is False
    )
    assert command("api-key", "revoke", number).status == 1
    assert text not in str(list(AuditEvent.objects.values()))


def test_without_days_a_key_works_for_ninety(command: Command, people: dict[str, User]) -> None:
    command("api-key", "add", "ann@example.com", "--name", "script")
    assert (ApiKey.objects.get().expires_at - timezone.now()).days == 89


@pytest.mark.parametrize(
    ("words", "status", "names"),
    [
        (("user", "alias", "nobody@example.com", "x@example.com"), 2, "nobody@example.com"),
        (("user", "alias", "ann@example.com", "no-address"), 2, "'no-address' is not an e-mail address"),
        (("user", "alias", "ann@example.com", "bob@example.com"), 2, "already belongs to bob@example.com"),
        (("user", "confirm", "ann@example.com"), 1, "ann@example.com"),
        (("user", "confirm", "\x00"), 2, "is not an e-mail address"),
        (("user", "release", "ann@example.com"), 1, "ann@example.com"),
        (("user", "role", "ann@example.com", "emperor"), 2, "emperor"),
        (("user", "close", "nobody@example.com"), 2, "nobody@example.com"),
        (("user", "free", "ann@example.com"), 2, "Close it first"),
        (("user", "link", "ann@example.com", "--source", "moon", "--account", "1"), 2, "'moon'"),
        (("user", "link", "ann@example.com", "--source", "9" * 30, "--account", "1"), 2, "no source"),
        (("user", "link", "nobody@example.com", "--source", "world", "--account", "1"), 2, "nobody@"),
        (("user", "link", "ann@example.com", "--source", "world", "--account", ""), 2, "account id"),
        (("user", "link", "ann@example.com", "--source", "world", "--account", "x" * 600), 2, "account id"),
        (("user", "unlink", "--source", "world", "--account", "1"), 1, "linked to nobody"),
        (("api-key", "add", "nobody@example.com", "--name", "n"), 2, "nobody@example.com"),
        (("api-key", "add", "ann@example.com", "--name", " "), 2, "name"),
        (("api-key", "add", "ann@example.com", "--name", "x" * 81), 2, "name"),
        (("api-key", "add", "ann@example.com", "--name", "n", "--days", "0"), 2, "1 to 365 days"),
        (("api-key", "add", "ann@example.com", "--name", "n", "--days", "366"), 2, "1 to 365 days"),
        (("api-key", "list", "nobody@example.com"), 2, "nobody@example.com"),
        (("api-key", "revoke", "first"), 2, "'first' is no key's number"),
        (("api-key", "revoke", "4711"), 1, "no such key"),
        (("api-key", "revoke", "9" * 30), 1, "no such key"),
    ],
)
def test_a_wrong_command_gets_one_line_and_changes_nothing(
    command: Command, small_world: SmallWorld, words: tuple[str, ...], status: int, names: str
) -> None:
    before = (list(User.objects.values()), list(Address.objects.values()), AuditEvent.objects.count())
    refused = command(*words)
    assert refused.status == status
    assert names in refused.complaint
    assert (list(User.objects.values()), list(Address.objects.values()), AuditEvent.objects.count()) == before


def test_a_closed_account_gets_no_key(command: Command, people: dict[str, User]) -> None:
    command("user", "close", "ann@example.com")
    refused = command("api-key", "add", "ann@example.com", "--name", "script")
    assert (refused.status, "is closed" in refused.complaint) == (2, True)


def test_missing_words_are_status_2(command: Command) -> None:
    for words in (
        ("user",),
        ("user", "alias", "ann@example.com"),
        ("user", "link", "ann@example.com", "--source", "world"),
        ("api-key",),
        ("api-key", "add", "ann@example.com"),
        ("api-key", "add", "ann@example.com", "--name", "n", "--days", "many"),
    ):
        refused = command(*words)
        assert (refused.status, refused.out) == (2, "")
