"""`push-key`: who may put documents into a source, and until when."""

from __future__ import annotations

from typing import cast

from assistant.accounts.models import User
from assistant.accounts.push_keys import working_push_key
from assistant.audit.models import AuditEvent
from assistant.common.types import Json
from assistant.sync.services import add_source
from tests.commands.running import Command
from tests.conftest import SmallWorld


def test_a_key_is_issued_listed_and_revoked(command: Command, people: dict[str, User]) -> None:
    source_id = add_source(kind="push", name="notes", config={}, actor="test")
    issued = command("push_key", "add", "notes", "--name", "nightly").result
    assert set(issued) == {"key", "id", "source", "expires"}
    assert issued["source"] == source_id
    key = working_push_key(str(issued["key"]))
    assert key is not None
    assert (key.connection_id, AuditEvent.objects.latest("pk").event) == (source_id, "push_key_issued")
    (row,) = cast(list[dict[str, Json]], command("push_key", "list", "notes").result["keys"])
    assert (row["name"], row["works"], "key" in row) == ("nightly", True, False)
    assert command("push_key", "revoke", str(issued["id"])).result == {"id": issued["id"], "revoked": True}
    assert working_push_key(str(issued["key"])) is None
    assert AuditEvent.objects.latest("pk").event == "push_key_revoked"


def test_wrong_calls_are_told_plainly(command: Command, small_world: SmallWorld) -> None:
    add_source(kind="push", name="notes", config={}, actor="test")
    for arguments, status, words in (
        (("add", "world", "--name", "x"), 2, "nothing can be pushed"),
        (("add", "nowhere", "--name", "x"), 2, "no source"),
        (("add", "notes", "--name", " "), 2, "1 to 80"),
        (("add", "notes", "--name", "x", "--days", "0"), 2, "1 to 365"),
        (("revoke", "x"), 2, "no key's number"),
        (("revoke", "99"), 1, "no such key"),
    ):
        ended = command("push_key", *arguments)
        assert ended.status == status, ended.err
        assert words in ended.complaint
