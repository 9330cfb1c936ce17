"""The inspector says why a person sees a document, or why not, as the rule decided it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from assistant.access.inspector import Explanation, explain
from assistant.access.visibility import may_read
from assistant.accounts.models import Connection, User
from assistant.common.errors import UsageError
from assistant.documents.models import Document, Hidden
from tests.conftest import SmallWorld
from tests.made_in_run import prepared_home

REPOSITORY = Path(__file__).resolve().parents[2]


def _explained(world: SmallWorld, name: str, document: str) -> Explanation:
    row = Document.objects.select_related("connection", "acl").get(external_id=document)
    found = explain(world.viewer(name), row)
    assert found.visible == may_read(world.viewer(name), row)
    return found


def test_it_shows_the_path_through_nested_groups(small_world: SmallWorld) -> None:
    found = _explained(small_world, "cho", "handbook")
    assert (found.visible, found.reason) == (True, "allowed")
    assert found.path == ("user:cho@example.com", "group:executives", "group:staff")
    assert found.clauses == ({"clause": 1, "decision": "allow", "principal": "group:staff", "expires": None},)
    assert found.acl_age_s is not None
    assert 0 <= found.acl_age_s < 60


def test_it_shows_everyone_as_the_way_in(small_world: SmallWorld) -> None:
    assert _explained(small_world, "sam", "open").path == ("user:sam@example.com", "everyone")


def test_it_names_the_deny_that_decided(small_world: SmallWorld) -> None:
    found = _explained(small_world, "bob", "merger")
    assert (found.visible, found.reason) == (False, "denied")
    assert found.clauses[0]["decision"] == "deny"
    assert found.path == ("user:bob@example.com",)


def test_it_says_that_a_person_is_not_named(small_world: SmallWorld) -> None:
    found = _explained(small_world, "sam", "merger")
    assert (found.visible, found.reason, found.path) == (False, "not_named", ())
    assert found.clauses[0]["decision"] == "no_match"


def test_it_says_that_the_permissions_are_too_old(small_world: SmallWorld) -> None:
    Connection.objects.update(permissions_confirmed_at=timezone.now() - timedelta(days=8))
    Document.objects.update(acl_confirmed_at=timezone.now() - timedelta(days=9))
    found = _explained(small_world, "ann", "handbook")
    assert (found.visible, found.reason) == (False, "permissions_too_old")
    assert found.acl_age_s is not None
    assert round(found.acl_age_s / 86_400) == 8


def test_it_says_that_there_are_no_permissions(small_world: SmallWorld) -> None:
    found = _explained(small_world, "ann", "nobody")
    assert not found.visible
    assert found.reason in {"no_permissions", "not_named"}
    assert found.path == ()


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (Hidden.PERMISSIONS, "permissions_in_doubt"),
        (Hidden.MISSING, "gone_from_source"),
        (Hidden.REMOVED, "deleted"),
    ],
)
def test_it_says_why_a_document_is_hidden(small_world: SmallWorld, mark: Hidden, reason: str) -> None:
    Document.objects.filter(external_id="open").update(hidden=mark)
    found = _explained(small_world, "sam", "open")
    assert (found.visible, found.reason) == (False, reason)


def test_an_account_that_was_closed_is_named_as_the_reason(small_world: SmallWorld) -> None:
    User.objects.filter(email="ann@example.com").update(is_active=False)
    assert _explained(small_world, "ann", "handbook").reason == "account_closed"


def test_a_deny_of_a_group_that_nobody_knows_is_named_as_such(small_world: SmallWorld) -> None:
    small_world.documents["open"]["acl"] = {"deny": ["group:ghost"], "allow": ["everyone"]}
    small_world.sync()
    found = _explained(small_world, "sam", "open")
    assert (found.visible, found.reason) == (False, "denied_in_doubt")
    assert found.clauses[0]["principal"] == "group:ghost"


def test_it_agrees_with_the_rule_for_everybody_and_everything(small_world: SmallWorld) -> None:
    for name in ("ann", "bob", "cho", "sam", "ada"):
        for document in small_world.documents:
            found = _explained(small_world, name, document)
            assert (found.reason == "allowed") == found.visible


def _said(document: str, email: str) -> dict[str, object]:
    out = StringIO()
    call_command("explain_access", document, "--as", email, stdout=out)
    said: dict[str, object] = json.loads(out.getvalue())
    return said


def test_the_command_prints_the_contract(small_world: SmallWorld) -> None:
    said = _said("handbook", "BOB@example.com")
    assert {"visible", "clauses", "path", "acl_age_s"} <= set(said)
    assert said["visible"] is True
    assert said["path"] == ["user:bob@example.com", "group:hr", "group:staff"] or said["path"] == [
        "user:bob@example.com",
        "group:executives",
        "group:staff",
    ]


def test_the_command_takes_a_number_too(small_world: SmallWorld) -> None:
    assert _said(str(Document.objects.get(external_id="open").pk), "sam@example.com")["visible"] is True


@pytest.mark.parametrize(
    ("document", "email"),
    [("handbook", "nobody@example.com"), ("handbook", "not an address"), ("nowhere", "ann@example.com")],
)
def test_the_command_refuses_what_it_does_not_know(
    small_world: SmallWorld, document: str, email: str
) -> None:
    with pytest.raises(UsageError):
        _said(document, email)


@pytest.mark.slow  # on SQLite, whatever the other tests run on: once is enough
def test_the_command_ends_with_status_2_and_one_line_for_an_unknown_account(tmp_path: Path) -> None:
    environment = {**os.environ, "MUNDAP_HOME": str(tmp_path / "home")}
    environment.pop("DATABASE_URL", None)
    prepared_home(tmp_path / "home")
    ended = subprocess.run(
        [sys.executable, "manage.py", "explain-access", "x", "--as", "a@example.com"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "There is no account a@example.com" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
