"""Entries are numbered without gaps, whoever records them and whatever is rolled back, and say from where."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts.models import User
from assistant.audit import head_file
from assistant.audit.chain import BEGINNING, Entry, content_code, settled
from assistant.audit.chaining import chain_new, waiting
from assistant.audit.examining import Kind
from assistant.audit.keyring import keys
from assistant.audit.models import AuditEvent, AuditHead
from assistant.audit.origin import Origin, Via, address_of, carried, coming_from
from assistant.audit.trail import Event, record
from assistant.audit.verifying import verify
from tests.conftest import PASSWORD
from tests.security.second_process import REPOSITORY, database_url

WRITERS, EACH = 3, 40
MANY = 1_203


def numbers() -> list[int | None]:
    return list(AuditEvent.objects.order_by("number").values_list("number", flat=True))


@pytest.mark.django_db(transaction=True)
def test_an_entry_is_numbered_once_its_transaction_is_committed_and_a_rollback_leaves_no_gap() -> None:
    record(Event.SIGNED_IN, actor="ada@example.com")
    with transaction.atomic():
        record(Event.ROLE_CHANGED, actor="ada@example.com")
        transaction.set_rollback(True)
    with transaction.atomic():
        record(Event.USER_ADDED, actor="ada@example.com")
        assert waiting().count() == 1
    assert numbers() == [1, 2]
    first, second = AuditEvent.objects.order_by("number")
    assert (first.previous, second.previous) == (BEGINNING, first.digest)
    assert verify(actor="test").ok


@pytest.mark.django_db
def test_what_a_killed_process_left_without_a_number_is_taken_along() -> None:
    for name in ("one", "two"):
        record(Event.USER_ADDED, user=name)  # nothing is committed inside this test: no number yet
    assert waiting().count() == 2
    assert chain_new() == 2
    assert numbers() == [1, 2]
    assert chain_new() == 0


@pytest.mark.django_db
def test_more_of_them_than_are_read_at_once_keep_their_order() -> None:
    for n in range(MANY):
        record(Event.USER_ADDED, n=n)
    assert chain_new() == MANY
    said = AuditEvent.objects.order_by("number").values_list("data", flat=True)
    assert [data["n"] for data in said] == list(range(MANY))
    assert verify(actor="test").ok


@pytest.mark.django_db(transaction=True)
def test_several_processes_that_record_at_once_make_one_chain(tmp_path: Path, settings: LazySettings) -> None:
    command = [sys.executable, "-m", "tests.audit.writer", "--count", str(EACH)]
    environment = {
        "DATABASE_URL": database_url(),
        "MUNDAP_HOME": str(tmp_path),
        "MUNDAP_SECRET_KEY": settings.SECRET_KEY,
        "PATH": "/usr/bin:/bin",
    }
    running = [
        subprocess.Popen([*command, "--name", f"w{n}"], env=environment, cwd=REPOSITORY)
        for n in range(WRITERS)
    ]
    assert [process.wait(120) for process in running] == [0] * WRITERS
    assert numbers() == list(range(1, WRITERS * EACH + 1))
    assert verify(actor="test").ok


def test_the_migration_chains_what_was_there(tmp_path: Path) -> None:
    program = """
import django; django.setup()
from django.core.management import call_command
from django.db import connection
call_command("migrate", "audit", "0001", verbosity=0)
with connection.cursor() as cursor:
    for n in range(5):
        cursor.execute(
            "INSERT INTO audit_auditevent (at, event, actor, data) VALUES (%s, 'user_added', 'ada', %s)",
            ["2026-01-02 03:04:05.000006", '{"n": %d, "share": 1.0}' % n],
        )
call_command("migrate", verbosity=0)
from assistant.audit.verifying import verify
verdict = verify(actor="test")
print(verdict.ok, verdict.entries, verdict.head.number)
"""
    environment = {
        "MUNDAP_HOME": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["True", "5", "5"], done.stderr


@pytest.mark.django_db
def test_a_row_that_the_program_did_not_write_gets_no_number_and_is_named() -> None:
    record(Event.USER_ADDED, user="ann@example.com")
    genuine = AuditEvent.objects.get()
    forged = AuditEvent.of(genuine.as_entry())
    forged.uid, forged.actor = "f" * 32, "ada@example.com"
    forged.save()
    chain_new()
    verdict = verify(actor="test")
    assert verdict.forged == (forged.pk,)
    assert verdict.entries == 1


@pytest.mark.django_db(transaction=True)
def test_numbers_go_on_behind_what_was_cut_off_so_that_the_gap_stays() -> None:
    for n in range(5):
        record(Event.USER_ADDED, n=n)
    chain_new()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditevent WHERE number > 3")
        cursor.execute("DELETE FROM audit_audithead")
    record(Event.USER_ADDED, n=9)
    chain_new()
    assert numbers() == [1, 2, 3, 6]
    (problem,) = verify(actor="test").problems
    assert (problem.kind, problem.number, problem.last) == (Kind.REMOVED, 4, 5)


@pytest.mark.django_db
def test_a_head_that_was_noted_must_be_in_the_log() -> None:
    for n in range(3):
        record(Event.USER_ADDED, n=n)
    chain_new()
    before = verify(actor="test").head
    assert verify(noted=[before], actor="test").ok
    other = type(before)(before.number, "0" * 64)
    later = type(before)(99, before.digest)
    assert [problem.kind for problem in verify(noted=[other], actor="test").problems] == [Kind.SPLICED]
    assert [problem.kind for problem in verify(noted=[later], actor="test").problems] == [Kind.CUT]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", ["{", '{"number": 9}', '{"number": 9, "digest": "a", "mac": "한"}', "\x00"])
def test_an_altered_head_file_is_told_and_never_stops_recording(settings: LazySettings, text: str) -> None:
    record(Event.USER_ADDED, n=1)
    chain_new()
    file = Path(settings.MUNDAP_AUDIT_DIR) / "head.json"
    file.write_text(text, encoding="utf-8")
    record(Event.USER_ADDED, n=2)
    assert not waiting().exists()
    assert [problem.kind for problem in verify(actor="test").problems] == [Kind.HEAD_FILE]


@pytest.mark.django_db(transaction=True)
def test_the_head_file_never_goes_back(settings: LazySettings) -> None:
    for n in range(3):
        record(Event.USER_ADDED, n=n)
        chain_new()
    head = head_file.remembered(keys())
    assert head is not None
    assert head.number == 3
    row = AuditHead.objects.get()
    head_file.remember(type(head)(1, row.digest, row.mac), keys())
    assert head_file.remembered(keys()) == head


@pytest.mark.django_db
def test_under_another_key_everything_is_doubted_and_under_one_of_before_nothing(
    settings: LazySettings,
) -> None:
    record(Event.USER_ADDED, n=1)
    chain_new()
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another key of this installation"
    assert not verify(actor="test").ok
    settings.SECRET_KEY_FALLBACKS = [former]
    record(Event.USER_ADDED, n=2)
    assert verify(actor="test").ok


def test_the_log_can_neither_be_changed_nor_emptied_by_a_query() -> None:
    for refused in (
        lambda: AuditEvent.objects.update(actor="x"),
        lambda: AuditEvent.objects.filter(pk=1).delete(),
        lambda: AuditEvent.objects.bulk_update([], ["actor"]),
    ):
        with pytest.raises(TypeError):
            refused()  # type: ignore[no-untyped-call]


@pytest.mark.django_db
@pytest.mark.parametrize("actor", ["a\0b@example.com", "\ud800@example.com", "김" * 400, "<script>"])
def test_whatever_is_typed_as_an_address_can_be_recorded(actor: str) -> None:
    record(Event.SIGN_IN_FAILED, actor=actor, name=actor)
    assert verify(actor="test").ok


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


@given(data=st.dictionaries(st.text(), json_values, max_size=4))
def test_the_code_of_what_was_recorded_is_that_of_what_is_read_back(data: dict[str, object]) -> None:
    def of(held: object) -> str:
        entry = Entry("u", datetime(2026, 1, 1, tzinfo=UTC), "e", None, "", "", "", held)  # type: ignore[arg-type]
        return content_code(entry, b"k")

    stored = settled(data)  # type: ignore[arg-type]
    again = json.loads(json.dumps(stored, sort_keys=True))
    assert again == stored
    assert of(stored) == of(again)


@pytest.mark.django_db
def test_an_entry_says_by_which_way_and_from_which_address(client: Client, people: dict[str, User]) -> None:
    client.post(
        reverse("web:sign-in"), {"email": "ann@example.com", "password": PASSWORD}, REMOTE_ADDR="10.1.2.3"
    )
    call_command("user", "close", "sam@example.com")
    record(Event.SYNC_REQUESTED, actor="schedule")
    said = {row.event: (row.via, row.address) for row in AuditEvent.objects.all()}
    assert said["signed_in"] == ("page", "10.1.2.3")
    assert said["account_closed"] == ("command", "")
    assert said["sync_requested"] == ("", "")


@pytest.mark.django_db
def test_what_a_request_of_the_api_does_says_so(client: Client, people: dict[str, User]) -> None:
    from assistant.accounts.api_keys import issue_key  # noqa: PLC0415 - of this test alone

    key = issue_key(user_id=people["ada"].pk, name="k", days=1, actor="test").text
    client.get(
        reverse("api:explain"),
        {"person": "ann@example.com", "document": "1"},
        headers={"Authorization": f"Bearer {key}"},
        REMOTE_ADDR="::ffff:10.1.2.9",
    )
    rows = AuditEvent.objects.filter(event="permissions_inspected")
    assert {(row.via, row.address) for row in rows} <= {("api", "10.1.2.9")}


@pytest.mark.parametrize(
    ("given_address", "kept"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:DB8:0:0::5", "2001:db8::5"),
        ("fe80::1%eth0", "fe80::1"),
        ("", ""),
        ("<b>", ""),
    ],
)
def test_an_address_is_kept_in_its_shortest_form_and_nothing_else_is(given_address: str, kept: str) -> None:
    assert address_of(RequestFactory().get("/", REMOTE_ADDR=given_address)) == kept


@pytest.mark.django_db
def test_work_that_is_handed_to_a_thread_keeps_its_origin() -> None:
    with coming_from(Origin(Via.PAGE, "10.0.0.7")):
        work = carried(record)
    work(Event.TURN_BLOCKED)
    assert AuditEvent.objects.get().address == "10.0.0.7"
