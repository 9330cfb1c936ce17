"""The commands that bring accounts and documents in: their JSON, their exit statuses, their plain errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.accounts.models import Connection, User
from assistant.audit.models import AuditEvent
from assistant.common.types import Json
from assistant.documents.models import Body, Document
from assistant.sync.models import SyncRun
from assistant.sync.services import add_source
from tests.commands.running import Command
from tests.conftest import SmallWorld
from tests.sync.installation import Installation

SYNC_KEYS = {"run", "state", "added", "updated", "deleted", "unchanged", "failed", "seconds"}


def rows() -> tuple[int, ...]:
    """How much there is of all that a refused command might have written."""
    kinds = (User, Connection, SyncRun, Document, AuditEvent)
    return tuple(kind.objects.count() for kind in kinds)


def source(path: Path) -> tuple[str, ...]:
    return (
        "source",
        "add",
        "--kind",
        "jsonl",
        "--name",
        "notes",
        "--config",
        json.dumps({"path": str(path)}),
    )


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A file of two documents, one of them broken."""
    path = tmp_path / "notes.jsonl"
    lines: list[dict[str, Json]] = [
        {"id": "a", "title": "A", "text": "The heron flies.", "acl": {"allow": ["everyone"]}},
        {"id": "b", "title": "B", "text": ""},
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_an_account_is_added_with_its_address_in_one_spelling(command: Command) -> None:
    added = command("user", "add", "Ann.Lee@Example.COM", "--name", "Ann Lee", "--role", "administrator")
    assert added.status == 0
    user = User.objects.get()
    assert added.result == {"user": user.pk, "email": "ann.lee@example.com", "role": "administrator"}
    assert user.name == "Ann Lee"
    assert not user.has_usable_password()


def test_a_source_is_added_and_synced_with_the_promised_keys(command: Command, notes: Path) -> None:
    added = command(*source(notes))
    assert (added.status, added.result) == (
        0,
        {"source": Connection.objects.get().pk, "name": "notes", "kind": "jsonl"},
    )
    first = command("sync", "notes", "--wait")
    assert first.status == 0
    assert set(first.result) == SYNC_KEYS
    assert isinstance(first.result["seconds"], float)
    assert {**first.result, "seconds": 0} == {
        "run": SyncRun.objects.get().pk,
        "state": "succeeded_with_errors",
        "added": 1,
        "updated": 0,
        "deleted": 0,
        "unchanged": 0,
        "failed": 1,
        "seconds": 0,
    }
    for options in ((), ("--full",), ("--permissions",)):
        again = command("sync", "notes", "--wait", *options)
        assert (again.status, again.result["unchanged"], again.result["added"]) == (
            0,
            1 + ("--permissions" in options),
            0,
        )


def test_a_source_may_be_named_by_its_number(command: Command, notes: Path) -> None:
    number = command(*source(notes)).result["source"]
    assert command("sync", str(number), "--wait").result["added"] == 1


def test_without_wait_the_run_is_only_requested(command: Command, notes: Path) -> None:
    command(*source(notes))
    asked = command("sync", "notes")
    assert (asked.status, asked.result["state"], asked.result["added"]) == (0, "pending", 0)
    assert set(asked.result) == SYNC_KEYS


def test_a_run_that_fails_ends_with_status_1_and_says_why(command: Command, notes: Path) -> None:
    command(*source(notes))
    notes.unlink()
    failed = command("sync", "notes", "--wait")
    assert failed.status == 1
    assert failed.result["state"] == "failed"
    assert str(notes) in failed.err or notes.name in failed.err


def test_deletions_that_were_asked_about_are_approved_by_a_command(
    command: Command, small_world: SmallWorld
) -> None:
    small_world.documents.clear()
    small_world.write()
    asked = command("sync", "world", "--wait")
    assert (asked.status, asked.result["state"], asked.result["deleted"]) == (0, "waiting_for_approval", 0)
    approved = command("sync", "world", "--approve-deletions")
    assert (approved.status, approved.result["state"], approved.result["deleted"]) == (0, "succeeded", 6)
    assert set(approved.result) == SYNC_KEYS
    assert command("sync", "world", "--approve-deletions").status == 1


def test_verify_is_clean_and_finds_and_repairs_what_is_lost(
    command: Command, small_world: SmallWorld
) -> None:
    clean = command("verify")
    assert (clean.status, clean.result) == (0, {"ok": True, "problems": []})
    Body.objects.filter(document__external_id="open").delete()
    torn = command("verify")
    assert torn.status == 1
    assert torn.result["ok"] is False
    problems = torn.result["problems"]
    assert isinstance(problems, list)
    assert [sorted(problem) for problem in problems if isinstance(problem, dict)] == [
        ["code", "detail", "where"]
    ]
    command("verify", "--repair")
    assert small_world.sync().updated == 1
    assert command("verify").result == {"ok": True, "problems": []}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("source", "add", "--kind", "gopher", "--name", "n", "--config", "{}"), "gopher"),
        (("source", "add", "--kind", "jsonl", "--name", "n", "--config", "{path"), "--config is not JSON"),
        (("source", "add", "--kind", "jsonl", "--name", "n", "--config", "[1]"), "JSON object"),
        (("source", "add", "--kind", "jsonl", "--name", "n", "--config", "{}"), "path"),
        (("source", "add", "--kind", "jsonl", "--name", "n", "--config", '{"path": 7}'), "path"),
        (
            ("source", "add", "--kind", "jsonl", "--name", "n", "--config", '{"path": "relative.jsonl"}'),
            "path",
        ),
        (
            (
                "source",
                "add",
                "--kind",
                "jsonl",
                "--name",
                "n",
                "--config",
                '{"path": "/x", "acess": "everyone"}',
            ),
            "acess",
        ),
        (
            (
                "source",
                "add",
                "--kind",
                "jsonl",
                "--name",
                "n",
                "--config",
                '{"path": "/x", "audience": "all"}',
            ),
            "audience",
        ),
        (("source", "add", "--kind", "jsonl", "--name", " ", "--config", '{"path": "/x"}'), "name"),
        (("source", "add", "--kind", "jsonl", "--name", "world", "--config", '{"path": "/x"}'), "world"),
        (
            (
                "source",
                "add",
                "--kind",
                "jsonl",
                "--name",
                "n",
                "--config",
                "{}",
                "--secrets-file",
                "/missing",
            ),
            "/missing",
        ),
        (("sync", "nothing", "--wait"), "nothing"),
        (("sync", "4711"), "4711"),
        (("user", "add", "no-address"), "address"),
        (("user", "add", "ann@example.com"), "ann@example.com"),
        (("user", "add", "new@example.com", "--role", "emperor"), "emperor"),
        (("user", "add", "new@example.com", "--password-file", "/missing"), "/missing"),
        (("search", "heron", "--as", "stranger@example.com"), "stranger@example.com"),
        (("ask", "heron?", "--as", "stranger@example.com"), "stranger@example.com"),
        (("explain-access", "handbook", "--as", "stranger@example.com"), "stranger@example.com"),
    ],
)
def test_a_wrong_command_gets_one_line_status_2_and_writes_nothing(
    command: Command, people: dict[str, User], notes: Path, words: tuple[str, ...], names: str
) -> None:
    add_source(kind="jsonl", name="world", config={"path": str(notes)}, actor="test")
    before = rows()
    refused = command(*words)
    assert refused.status == 2
    assert names in refused.complaint
    assert rows() == before


def test_missing_and_contradicting_options_are_status_2(command: Command) -> None:
    for words in (
        ("source", "add"),
        ("sync",),
        ("sync", "world", "--full", "--permissions"),
        ("user", "add"),
    ):
        refused = command(*words)
        assert (refused.status, refused.out) == (2, "")


@pytest.mark.slow
def test_the_commands_work_in_processes_of_their_own(tmp_path: Path, notes: Path) -> None:
    installation = Installation(tmp_path / "home")
    installation.prepare()
    installation.done("user", "add", "ann@example.com")
    installation.done(*source(notes))
    synced = installation.done("sync", "notes", "--wait")
    assert set(synced) == SYNC_KEYS
    assert installation.done("verify") == {"ok": True, "problems": []}
    refused = installation.run("sync", "nothing")
    assert (refused.status, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
