"""People make, see and revoke their own keys, and nobody else's."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from assistant.accounts.api_keys import MOST_KEYS, asking_with, issue_key
from assistant.accounts.models import ApiKey, User
from assistant.accounts.scopes import Scope, scopes_in, words_of
from assistant.audit.models import AuditEvent
from assistant.identity.models import ExternalIdentity, IdentityProvider
from tests.accounts.keys import person_with_key
from tests.conftest import PASSWORD
from tests.factors.asked_again import waiting_in
from tests.factors.authenticator import Device
from tests.factors.test_passkeys import enrolled

pytestmark = pytest.mark.django_db
_KEY = re.compile(r">(mundap_[\w-]+)</textarea>")
FORM: dict[str, str | list[str]] = {"name": "Report", "days": "30", "scope": ["search"]}


@pytest.fixture
def ann(client: Client, people: dict[str, User]) -> Client:
    """Ann, who signed in just now."""
    client.force_login(people["ann"])
    return client


def forget_proof(client: Client) -> None:
    """As if she had signed in long ago."""
    session = client.session
    session.pop("proven", None)
    session.save()


def made(answer: Any) -> str:
    """The text of the new key on the page; empty for none."""
    found = _KEY.search(answer.content.decode())
    return found[1] if found else ""


def test_a_key_is_made_for_chosen_calls_and_shown_once(ann: Client, people: dict[str, User]) -> None:
    answer = ann.post("/keys/", FORM)
    asking = asking_with(made(answer))
    assert asking is not None
    assert (asking.user, asking.scopes) == (people["ann"], frozenset({Scope.SEARCH}))
    assert answer.headers["Cache-Control"] == "no-store"
    later = ann.get("/keys/").content.decode()
    assert "Report" in later
    assert made(ann.get("/keys/")) == ""
    event = AuditEvent.objects.get(event="api_key_issued")
    assert (event.actor, event.data["scopes"]) == ("ann@example.com", "search")
    assert made(answer) not in str(event.data)


@pytest.mark.parametrize(
    "wrong", [{"name": " "}, {"name": "x" * 81}, {"scope": []}, {"days": "4000"}, {"scope": ["permissions"]}]
)
def test_what_is_missing_is_said_and_no_key_is_made(ann: Client, wrong: dict[str, str | list[str]]) -> None:
    answer = ann.post("/keys/", {**FORM, **wrong})
    assert (answer.status_code, made(answer)) == (422, "")
    assert 'id="failure"' in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_session_that_proved_nothing_lately_shows_again_who_it_is(ann: Client) -> None:
    forget_proof(ann)
    assert 'type="password"' not in ann.get("/keys/").content.decode()
    asked = ann.post("/keys/", FORM)
    assert (asked.status_code, made(asked)) == (403, "")
    for password in ("", "wrong"):
        refused = ann.post("/keys/", {**FORM, "proving_password": password})
        assert (refused.status_code, made(refused)) == (422, "")
        assert "Report" not in refused.content.decode()  # what was typed waits on the server
    assert not ApiKey.objects.exists()
    assert made(ann.post("/keys/", {"proving_form": waiting_in(asked), "proving_password": PASSWORD}))
    assert ApiKey.objects.get().name == "Report"
    assert made(ann.post("/keys/", {**FORM, "name": "Another"}))


def test_what_is_wrong_is_said_before_anybody_proves_anything(ann: Client) -> None:
    forget_proof(ann)
    answer = ann.post("/keys/", {**FORM, "scope": []})
    assert (answer.status_code, 'name="proving_password"' in answer.content.decode()) == (422, False)


def test_who_has_no_password_here_is_led_to_the_company_s_sign_in(
    ann: Client, people: dict[str, User]
) -> None:
    provider = IdentityProvider.objects.create(slug="okta", name="Okta", kind="saml", is_open=True)
    ExternalIdentity.objects.create(provider=provider, subject="ann", user=people["ann"])
    people["ann"].set_password(None)
    people["ann"].save()
    ann.force_login(people["ann"])
    forget_proof(ann)
    asked = ann.post("/keys/", FORM).content.decode()
    assert "/sign-in/saml/okta/begin/?purpose=prove" in asked
    assert 'type="password"' not in asked
    early = ann.post("/keys/", {**FORM, "proving_by_provider": "1"})
    assert (early.status_code, made(early)) == (422, "")
    session = ann.session
    session["proven"] = timezone.now().isoformat()  # as the window of the provider leaves it
    session.save()
    assert made(ann.post("/keys/", {"proving_form": waiting_in(early), "proving_by_provider": "1"}))


def test_a_passkey_proves_it_too(people: dict[str, User]) -> None:
    device = Device(origin="http://localhost")
    enrolled(people["ann"], device)
    ann = Client(headers={"host": "localhost"})
    ann.force_login(people["ann"])
    forget_proof(ann)
    asked = ann.post("/keys/", FORM)
    assert 'name="proving_passkey"' in asked.content.decode()
    wanted = ann.post("/sign-in/passkey/begin/", {"purpose": "prove"}).json()
    shown = json.dumps(device.show(wanted))
    assert made(ann.post("/keys/", {"proving_form": waiting_in(asked), "proving_passkey": shown}))
    forget_proof(ann)
    assert ann.post("/keys/", {**FORM, "proving_passkey": shown}).status_code == 422  # good once
    assert ann.post("/keys/", {**FORM, "proving_passkey": "{"}).status_code == 422


def test_nobody_sees_or_revokes_the_keys_of_others(ann: Client, people: dict[str, User]) -> None:
    theirs = issue_key(user_id=people["bob"].pk, name="of bob", days=9, actor="test")
    own = issue_key(user_id=people["ann"].pk, name="of ann", days=9, actor="test")
    page = ann.get("/keys/").content.decode()
    assert "of ann" in page
    assert "of bob" not in page
    assert ann.post(f"/keys/{theirs.id}/revoke/").status_code == 404
    assert person_with_key(theirs.text) == people["bob"]
    assert ann.post(f"/keys/{own.id}/revoke/").status_code == 302
    assert person_with_key(own.text) is None
    assert ann.post(f"/keys/{own.id}/revoke/").status_code == 404


def test_who_manages_people_reads_what_a_key_may_do_in_the_same_words(
    client: Client, people: dict[str, User]
) -> None:
    client.force_login(people["ada"])
    issue_key(user_id=people["ann"].pk, name="of ann", days=9, actor="test", scopes=[Scope.DOCUMENTS])
    page = client.get(f"/console/people/{people['ann'].pk}/", headers={"Accept-Language": "en"})
    assert "Read documents" in page.content.decode()


def test_who_manages_people_revokes_a_key_at_its_owner_alone(client: Client, people: dict[str, User]) -> None:
    client.force_login(people["ada"])
    key = issue_key(user_id=people["ann"].pk, name="of ann", days=9, actor="test", scopes=[Scope.ASK])
    page = client.get(f"/console/people/{people['ann'].pk}/").content.decode()
    assert "of ann" in page
    assert key.text not in page
    assert client.post(f"/console/people/{people['bob'].pk}/keys/{key.id}/revoke/").status_code == 404
    assert person_with_key(key.text) == people["ann"]
    assert client.post(f"/console/people/{people['ann'].pk}/keys/{key.id}/revoke/").status_code == 302
    assert person_with_key(key.text) is None


def test_nobody_has_more_keys_than_they_can_look_through(ann: Client, people: dict[str, User]) -> None:
    for number in range(MOST_KEYS):
        issue_key(user_id=people["ann"].pk, name=str(number), days=9, actor="test")
    assert ann.post("/keys/", FORM).status_code == 422
    assert ApiKey.objects.count() == MOST_KEYS


def test_its_use_is_written_down_now_and_then(people: dict[str, User]) -> None:
    key = issue_key(user_id=people["ann"].pk, name="of ann", days=9, actor="test")
    row = ApiKey.objects.filter(pk=key.id)
    assert row.get().last_used_at is None
    assert asking_with(key.text)
    first = row.get().last_used_at
    assert first is not None
    assert asking_with(key.text)
    assert row.get().last_used_at == first
    row.update(last_used_at=timezone.now() - timedelta(minutes=11))
    assert asking_with(key.text)
    later = row.get().last_used_at
    assert later is not None
    assert later > first


def test_words_that_name_no_scope_open_nothing() -> None:
    assert scopes_in("") == scopes_in("everything admin") == frozenset()
    assert scopes_in("ask search nothing") == {Scope.ASK, Scope.SEARCH}
    assert scopes_in(words_of(list(Scope))) == set(Scope)
