"""A new secret key: nothing is lost, nobody is signed out, the audit log verifies, whenever it is killed."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core.management import call_command
from django.db import models
from django.test import Client
from django.urls import reverse

from assistant.accounts.digests import keyed_digest
from assistant.accounts.known_devices import device_word, known_device
from assistant.accounts.models import User
from assistant.audit.amending import amend, retire
from assistant.audit.chain import BEGINNING, Entry, content_code, link_code, own_key
from assistant.audit.chaining import chain_new
from assistant.audit.examining import Kind
from assistant.audit.models import AuditEvent, FormerKey
from assistant.audit.trail import Event, record
from assistant.audit.verifying import verify
from assistant.catalogue.models import LanguageModel
from assistant.catalogue.opening import sealed_key, stored_key
from assistant.common.errors import MundapError
from assistant.privacy import rotating
from assistant.privacy.rotating import remaining, rotate
from assistant.privacy.sealed import PURPOSES, sealed_anew, unnamed
from assistant.sync.configuration import listing_mark, opened_secrets
from assistant.sync.models import Source
from assistant.sync.services import add_source
from tests.conftest import PASSWORD
from tests.privacy.rotation import NEW, OLD, failures, rotated
from tests.security.second_process import REPOSITORY, database_url


@pytest.fixture
def source(db: None, settings: LazySettings) -> Source:
    """With a secret sealed under the old key."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    pk = add_source(
        kind="webdav",
        name="files",
        config={"url": "https://files.example.com/dav/", "user": "reader", "audience": ["everyone"]},
        secrets={"password": "open sesame"},
    )
    return Source.objects.get(pk=pk)


def begin(settings: LazySettings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]


def end(settings: LazySettings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, []


def a_model(name: str) -> LanguageModel:
    row = LanguageModel.objects.create(
        name=name, kind="openai-compatible", address="http://127.0.0.1:9/v1", server_model="m"
    )
    row.sealed_key = sealed_key(row.pk, f"key of {name}")
    row.save()
    return row


def test_every_sealed_column_of_every_model_is_named() -> None:
    assert unnamed() == []
    columns = {
        f"{model._meta.label}.{column.name}"
        for model in apps.get_models()
        for column in model._meta.concrete_fields
        if isinstance(column, models.BinaryField)
    }
    # Vectors and public keys of passkeys are the only other binary columns: nobody seals them.
    assert columns - set(PURPOSES) == {
        "documents.PrivateVectors.vectors",
        "documents.Embedding.vector",
        "factors.Passkey.credential",
    }
    assert set(PURPOSES) <= columns


def test_whatever_opens_something_sealed_also_tries_the_keys_of_before() -> None:
    opening = 0
    for file in (REPOSITORY / "assistant").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "unseal":
                alone = file.name == "sealed.py"  # which asks what the present key alone opens
                assert alone or "older" in {word.arg for word in node.keywords}, f"{file}:{node.lineno}"
                opening += 1
    assert opening > 5


def test_all_that_is_sealed_opens_with_the_new_key_alone(source: Source, settings: LazySettings) -> None:
    row, digest, mark = a_model("one"), keyed_digest("test", "x"), listing_mark(source)
    begin(settings)
    assert opened_secrets(source) == {"password": "open sesame"}
    left = remaining()
    assert not left.nothing
    assert left.sealed["sync.Source.sealed_secrets"] == 1
    done = rotate(actor="test")
    assert done.remaining.nothing
    assert done.resealed == 3  # the source, the model, the key of digests
    end(settings)
    source.refresh_from_db()
    row.refresh_from_db()
    assert opened_secrets(source) == {"password": "open sesame"}
    assert stored_key(row) == "key of one"
    assert keyed_digest("test", "x") == digest
    assert listing_mark(source) == mark  # no run begins anew for it


def test_without_the_rotation_the_new_key_alone_opens_nothing(source: Source, settings: LazySettings) -> None:
    end(settings)
    with pytest.raises(MundapError, match="MUNDAP_SECRET_KEY"):
        opened_secrets(source)


def test_what_somebody_stores_between_reading_and_writing_is_kept(
    source: Source, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = a_model("one")
    begin(settings)
    genuine, raced = sealed_anew, list[str]()

    def slow(sealed: bytes, purpose: str) -> bytes:
        made = genuine(sealed, purpose)
        if purpose == f"language model {row.pk}" and not raced:
            raced.append(purpose)  # an administrator enters another key at this very moment
            LanguageModel.objects.filter(pk=row.pk).update(sealed_key=sealed_key(row.pk, "entered meanwhile"))
        return made

    monkeypatch.setattr(rotating, "sealed_anew", slow)
    assert rotate(actor="test").remaining.nothing
    end(settings)
    row.refresh_from_db()
    assert raced
    assert stored_key(row) == "entered meanwhile"


def test_a_second_run_does_what_a_killed_one_left_and_a_third_nothing(
    source: Source, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [a_model(f"model {n}") for n in range(3)]
    begin(settings)
    genuine, calls = sealed_anew, list[str]()

    def dying(sealed: bytes, purpose: str) -> bytes:
        calls.append(purpose)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return genuine(sealed, purpose)

    with monkeypatch.context() as patched:
        patched.setattr(rotating, "sealed_anew", dying)
        with pytest.raises(KeyboardInterrupt):
            rotate(actor="test")
    assert not remaining().nothing
    second = rotate(actor="test")
    assert second.remaining.nothing
    assert second.resealed == len(rows) + 1 - 2
    third = rotate(actor="test")
    assert (third.resealed, third.sessions, third.audit_keys) == (0, 0, 0)


def test_what_no_key_opens_is_named_and_left_as_it_is(source: Source, settings: LazySettings) -> None:
    row = a_model("one")
    LanguageModel.objects.filter(pk=row.pk).update(sealed_key=b"x" * 40)
    begin(settings)
    done = rotate(actor="test")
    assert done.remaining.lost == [f"catalogue.LanguageModel.sealed_key {row.pk}"]
    assert done.remaining.nothing
    row.refresh_from_db()
    assert bytes(row.sealed_key) == b"x" * 40


@pytest.mark.django_db
def test_nobody_is_signed_out(settings: LazySettings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    user = User.objects.create_user("ann@example.com", PASSWORD)
    client, idle = Client(), Client()
    client.force_login(user)
    idle.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    word = device_word("ann@example.com")
    begin(settings)
    page = reverse("web:sessions")
    assert client.get(page).status_code == 200
    assert client.cookies[settings.SESSION_COOKIE_NAME].value == cookie  # two tabs at once both go on
    assert known_device(word, name="ann@example.com")
    assert rotate(actor="test").sessions >= 1
    end(settings)
    assert client.get(page).status_code == 200
    assert idle.get(page).status_code == 200


@pytest.mark.django_db
def test_a_changed_password_still_ends_the_sessions_of_before() -> None:
    user = User.objects.create_user("ann@example.com", PASSWORD)
    client = Client()
    client.force_login(user)
    user.set_password("another pass phrase of theirs")
    user.save()
    assert client.get(reverse("web:sessions")).status_code == 302


@pytest.mark.django_db
def test_the_audit_log_verifies_without_the_old_key_and_says_that_it_was_replaced(
    settings: LazySettings,
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    for n in range(3):
        record(Event.USER_ADDED, actor="ada@example.com", n=n)
    chain_new()
    begin(settings)
    record(Event.USER_ADDED, n=4)
    assert rotate(actor="test").audit_keys == 1
    end(settings)
    record(Event.USER_ADDED, n=5)
    assert verify(actor="test").ok
    assert AuditEvent.objects.filter(event=Event.SECRET_KEY_REPLACED).count() == 1
    FormerKey.objects.all().delete()
    assert not verify(actor="test").ok


@pytest.mark.django_db
def test_whoever_learns_the_old_key_can_neither_add_to_the_log_nor_rewrite_it(settings: LazySettings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    for n in range(4):
        record(Event.USER_ADDED, actor="ada@example.com", n=n)
    begin(settings)
    rotate(actor="test")
    end(settings)
    # As the thief would: with the program, the database and the old key alone.
    settings.SECRET_KEY = OLD
    record(Event.ROLE_CHANGED, actor="mallory@example.com")
    settings.SECRET_KEY = NEW
    forged = AuditEvent.objects.order_by("-pk")[0]
    verdict = verify(actor="test")
    assert verdict.forged == (forged.pk,)


@pytest.mark.django_db
def test_entries_that_the_old_key_holds_cannot_be_exchanged_by_whoever_has_it(settings: LazySettings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    for n in range(4):
        record(Event.USER_ADDED, actor="ada@example.com", n=n)
    chain_new()
    genuine = list(AuditEvent.objects.order_by("number").values())
    begin(settings)
    rotate(actor="test")
    # The whole old part once more, with another name, every code right under the old key.
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    rows: models.QuerySet[AuditEvent] = models.QuerySet(AuditEvent)
    previous = BEGINNING
    for row in genuine:
        entry = AuditEvent(**{**row, "actor": "eve@example.com"}).as_entry()
        mac = content_code(entry, own_key())
        digest = link_code(int(row["number"] or 0), previous, mac, own_key())
        rows.filter(pk=row["id"]).update(actor="eve@example.com", mac=mac, previous=previous, digest=digest)
        previous = digest
    end(settings)
    assert Kind.SPLICED in {problem.kind for problem in verify(actor="test").problems}


@pytest.mark.django_db
def test_amended_entries_stay_intact_over_a_replaced_key(settings: LazySettings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    record(Event.USER_ADDED, actor="ada@example.com")
    chain_new()

    def nameless(entry: Entry) -> Entry:
        return replace(entry, actor="erased")

    assert amend(nameless) == 1
    begin(settings)
    retire([OLD])
    end(settings)
    assert verify(actor="test").ok


@pytest.mark.django_db
def test_a_new_key_is_put_before_the_old_one_and_only_once(
    settings: LazySettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.MUNDAP_HOME, settings.SECRET_KEY = tmp_path, OLD
    file = tmp_path / "secret.key"
    file.write_text(OLD)
    call_command("rotate_key", begin=True)
    new, old = file.read_text().split()
    assert old == OLD
    assert len(new) > 40
    assert file.stat().st_mode & 0o777 == 0o600
    settings.SECRET_KEY = new
    with pytest.raises(MundapError, match="begun before"):
        call_command("rotate_key", begin=True)


@pytest.mark.django_db(transaction=True)
def test_nothing_fails_while_processes_live_on_it_and_the_command_is_killed(tmp_path: Path) -> None:
    outcome = rotated(tmp_path, database_url(), seconds=2.5, seed=1, actors=1, brief=True)
    assert failures(outcome) == []
    assert outcome.killed_after
    assert outcome.done.total() > 20
