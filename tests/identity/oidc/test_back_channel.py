"""The provider's word that a session ended ends ours, once, and nobody else's word does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from django.conf import LazySettings
from django.test import Client

from assistant.audit.models import AuditEvent
from assistant.common.network import parse_networks
from assistant.identity.models import IdentityProvider
from assistant.identity.oidc import known
from tests.identity.oidc.arriving import come_back, is_signed_in, leave, opened
from tests.identity.oidc.false_provider import FalseProvider, false_provider, rsa_key

PATH = "/sign-in/oidc/keycloak/back-channel/"


@pytest.fixture(scope="module")
def listening() -> Iterator[FalseProvider]:
    """One server for all tests of this file."""
    with false_provider() as provider:
        yield provider


@pytest.fixture
def at(listening: FalseProvider, settings: LazySettings, db: None) -> FalseProvider:
    """The provider as it is before a test changes it."""
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    known.forget()
    listening.__init__(listening.issuer)  # type: ignore[misc]
    opened(listening)
    return listening


def signed_in(at: FalseProvider, **claims: Any) -> Client:
    """A browser that signed in by the provider."""
    client = Client()
    at.claims = claims
    come_back(client, leave(client, at))
    assert is_signed_in(client)
    return client


def tell(token: str) -> int:
    """The provider's own request, which carries no cookie."""
    return Client(enforce_csrf_checks=True).post(PATH, {"logout_token": token}).status_code


def test_a_sign_out_ends_the_session_that_it_names_and_no_other(at: FalseProvider) -> None:
    here, elsewhere = signed_in(at, sid="one"), signed_in(at, sid="two")
    assert tell(at.logout_token(sid="one")) == 200
    assert not is_signed_in(here)
    assert is_signed_in(elsewhere)
    told = AuditEvent.objects.get(event="identity_signed_out")
    assert (told.actor, told.data) == (
        "provider:keycloak",
        {"user": "ann@example.com", "provider": "keycloak", "count": 1},
    )


def test_a_sign_out_of_a_subject_ends_all_that_it_began_here(at: FalseProvider) -> None:
    ann = [signed_in(at, sid="one"), signed_in(at, sid="two")]
    bob = signed_in(at, sub="s-bob", email="bob@example.com")
    assert tell(at.logout_token()) == 200
    assert [is_signed_in(client) for client in (*ann, bob)] == [False, False, True]


def test_a_sign_out_counts_once(at: FalseProvider) -> None:
    signed_in(at)
    token = at.logout_token()
    assert tell(token) == 200
    again = signed_in(at)
    assert tell(token) == 400
    assert is_signed_in(again)


def test_a_sign_out_of_somebody_unknown_is_answered_alike(at: FalseProvider) -> None:
    client = signed_in(at)
    assert tell(at.logout_token(sub="s-nobody")) == 200
    assert tell(at.logout_token(sub=None, sid="nowhere", jti="another")) == 200
    assert is_signed_in(client)


def test_another_provider_ends_no_session_of_this_one(at: FalseProvider) -> None:
    client = signed_in(at, sid="one")
    with false_provider() as evil:
        opened(evil, "evil")
        path = "/sign-in/oidc/evil/back-channel/"
        assert Client().post(path, {"logout_token": evil.logout_token(sid="one")}).status_code == 200
        assert tell(evil.logout_token(sid="one")) == 400
    assert is_signed_in(client)


NOW = int(time.time())
WRONG: dict[str, dict[str, Any]] = {
    "for another application": {"aud": "another"},
    "of another issuer": {"iss": "https://evil.example.com"},
    "without its event": {"events": {}},
    "with an event that is a text": {"events": {"http://schemas.openid.net/event/backchannel-logout": "yes"}},
    "that is an ID token": {"nonce": "a nonce"},
    "without a number": {"jti": None},
    "without anybody": {"sub": None},
    "with a subject that is a list": {"sub": ["s-ann"]},
    "that is old": {"iat": NOW - 3_600, "exp": None},
    "that has expired": {"exp": NOW - 600},
    "from the future": {"iat": NOW + 3_600},
    "with a session that cannot be stored": {"sid": "one\x00"},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_sign_out_that_is_not_sound_ends_nothing(at: FalseProvider, name: str) -> None:
    client = signed_in(at)
    assert tell(at.logout_token(**WRONG[name])) == 400
    assert is_signed_in(client)


def test_a_sign_out_that_is_not_signed_by_the_provider_ends_nothing(at: FalseProvider) -> None:
    client = signed_in(at)
    claims = jwt.decode(at.logout_token(), options={"verify_signature": False})
    for token in (
        jwt.encode(claims, rsa_key("thief"), "RS256", headers={"kid": "one", "typ": "logout+jwt"}),
        jwt.encode(claims, "", "none", headers={"kid": "one"}),
        at.id_token(),
        "",
        "a" * 70_000,
        "비밀",
    ):
        assert tell(token) == 400
    assert Client().get(PATH).status_code == 405
    assert is_signed_in(client)


def test_a_closed_provider_ends_nothing(at: FalseProvider) -> None:
    client = signed_in(at)
    IdentityProvider.objects.update(is_open=False)
    assert tell(at.logout_token()) == 404
    assert is_signed_in(client)
