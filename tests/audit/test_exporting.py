"""An exported file tells by itself whether it was altered or cut; the commands say so."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from assistant.audit.chaining import chain_new
from assistant.audit.examining import Kind
from assistant.audit.exporting import exported, start_export, verify_lines
from assistant.audit.trail import Event, record
from assistant.common.errors import UsageError
from tests.audit.tampering import fill

ENTRIES = 9


@pytest.fixture
def lines(db: None) -> list[str]:
    """An exported log."""
    fill(Random(3), ENTRIES)
    return list(exported(start_export(since=None, until=None, actor="test")))


def kinds(lines: list[str]) -> set[tuple[str, int]]:
    return {(problem.kind.value, problem.number) for problem in verify_lines(lines).problems}


def test_a_file_as_it_was_exported_is_whole(lines: list[str]) -> None:
    assert kinds(lines) == set()
    assert verify_lines(lines).entries == ENTRIES


def test_what_is_altered_in_a_file_is_named(lines: list[str]) -> None:
    third = json.loads(lines[2])
    changed = [*lines[:2], json.dumps({**third, "actor": "x"}), *lines[3:]]
    assert kinds(changed) == {("changed", 3)}
    assert kinds([*lines[:2], *lines[3:]]) == {("removed", 3)}
    assert kinds([*lines[:2], "{", *lines[3:]]) == {("unreadable", 3), ("removed", 3)}
    assert kinds(lines[2:]) == {("removed", 1)}
    assert kinds(lines[:-1]) == {("end", 0)}
    assert kinds([*lines[:-3], lines[-1]]) == {("cut", ENTRIES - 1)}
    assert kinds([lines[-1]]) == {("removed", 1)}
    assert kinds([]) == {("end", 0)}
    assert {number for _, number in kinds([*lines, lines[0]])} == {1}


@pytest.mark.parametrize("line", ["[]", "7", '"end"', '{"end": {}}', '{"number": "1"}', "\u0000"])
def test_a_line_that_is_none_is_named_and_never_an_error(lines: list[str], line: str) -> None:
    assert ("unreadable", 1) in kinds([line, *lines])


@pytest.mark.django_db
def test_a_stretch_of_days_leaves_nothing_out_between() -> None:
    before = timezone.now()
    fill(Random(4), 3)
    chain_new()
    between = timezone.now()
    fill(Random(5), 4)
    chain_new()
    later = list(exported(start_export(since=between, until=None, actor="test")))
    assert [json.loads(line)["number"] for line in later[:-1]] == [4, 5, 6, 7]
    assert verify_lines(later).ok
    none = list(exported(start_export(since=None, until=before - timedelta(days=1), actor="test")))
    assert len(none) == 1
    assert verify_lines(none).ok


@pytest.mark.django_db
def test_the_commands_write_a_file_and_find_what_was_altered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(Random(6), 5)
    file = tmp_path / "audit.jsonl"
    out = io.StringIO()
    call_command("audit", "export", "--out", str(file), stdout=out)
    assert json.loads(out.getvalue())["entries"] == 5
    assert file.stat().st_mode & 0o077 == 0
    call_command("audit", "verify", "--file", str(file), stdout=io.StringIO())
    call_command("audit", "verify", stdout=(out := io.StringIO()))
    noted = json.loads(out.getvalue())["head"]
    call_command("audit", "verify", "--head", noted, stdout=io.StringIO())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditevent WHERE number = 4")
    with pytest.raises(SystemExit) as ended:
        call_command("audit", "verify", stdout=(out := io.StringIO()))
    assert ended.value.code == 1
    said = json.loads(out.getvalue())
    assert (said["ok"], said["problems"][0]["kind"], said["problems"][0]["number"]) == (False, "removed", 4)
    assert "Entry 4 is missing" in capsys.readouterr().err


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words",
    [
        ["verify", "--head", "x"],
        ["verify", "--file", "/no/such/file"],
        ["export", "--since", "soon"],
        ["export", "--until", "2026-02-31"],
        ["export", "--out", "/no/such/folder/file"],
    ],
)
def test_a_wrong_command_says_what_is_wrong(words: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        call_command("audit", *words, stdout=io.StringIO())
    assert words[1].strip("-") in str(refused.value).lower() or words[-1] in str(refused.value)


@pytest.mark.django_db
def test_a_file_of_another_installation_is_not_taken_for_ours(lines: list[str]) -> None:
    from django.test import override_settings  # noqa: PLC0415 - of this test alone

    with override_settings(SECRET_KEY="the key of another installation"):
        assert {kind for kind, _ in kinds(lines)} >= {Kind.UNREADABLE.value}


@pytest.mark.django_db
def test_that_it_was_exported_is_recorded(lines: list[str]) -> None:
    record(Event.USER_ADDED)
    chain_new()
    assert '"audit_exported"' in "".join(exported(start_export(since=None, until=None, actor="test")))
