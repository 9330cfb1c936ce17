"""Nothing that a hostile provider, browser or third party sends signs anybody in as somebody else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import LazySettings
from django.test import Client

from assistant.accounts import throttle
from assistant.accounts.models import User
from assistant.accounts.throttle_rules import Leaking
from assistant.audit.models import AuditEvent
from assistant.common.network import parse_networks
from assistant.identity.models import ExternalIdentity, IdentityProvider, StartedSignIn
from assistant.identity.oidc import known
from assistant.identity.oidc.rejections import Reason, Rejected
from assistant.identity.oidc.settings import settings_of
from tests.identity.oidc.arriving import come_back, is_signed_in, leave, opened
from tests.identity.oidc.false_provider import (
    CLIENT,
    SECRET,
    FalseProvider,
    as_json,
    ec_key,
    false_provider,
    half_hash,
    published,
    rsa_key,
)

Change = Callable[[FalseProvider], None]


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


def refused_because(client: Client) -> str:
    """The reason in the audit log; nobody is signed in, and no account was made."""
    assert not is_signed_in(client)
    assert not ExternalIdentity.objects.exists()
    assert not User.objects.exists()
    reasons = AuditEvent.objects.filter(
        event__in=["identity_refused", "identity_message_refused"]
    ).values_list("data__reason", flat=True)
    return str(list(reasons)[-1]) if reasons else ""


def test_an_honest_answer_signs_in_with_an_account_of_its_own(client: Client, at: FalseProvider) -> None:
    answer = come_back(client, leave(client, at, query="?next=/sessions/"))
    assert (answer.status_code, answer["Location"]) == (302, "/sessions/")
    assert is_signed_in(client)
    ann = User.objects.get()
    assert (ann.email, ann.name, ann.role) == ("ann@example.com", "Ann Lee", "employee")
    assert ExternalIdentity.objects.get().subject == "s-ann"
    assert at.forms[0]["redirect_uri"] == "http://testserver/sign-in/oidc/keycloak/callback/"
    assert "userinfo" not in " ".join(at.asked)  # the token said all that was asked


def without_signature(claims: dict[str, Any], headers: dict[str, Any]) -> str:
    return jwt.encode(claims, "", "none", headers=headers)


def with_public_key_as_password(claims: dict[str, Any], headers: dict[str, Any]) -> str:
    """HS256 with the text of the public key, which everybody knows."""
    secret = rsa_key("own").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return _hmac(claims, headers, secret)


def with_client_secret(claims: dict[str, Any], headers: dict[str, Any]) -> str:
    return _hmac(claims, headers, SECRET.encode())


def _hmac(claims: dict[str, Any], headers: dict[str, Any], secret: bytes) -> str:
    parts = [{"alg": "HS256", **headers}, claims]
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    code = base64.urlsafe_b64encode(hmac.new(secret, text, hashlib.sha256).digest()).rstrip(b"=")
    return (text + b"." + code).decode()


def by(key: Any, algorithm: str = "RS256", **more: Any) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    """Signed with this key, and with these headers."""
    return lambda claims, headers: jwt.encode(claims, key, algorithm, headers={**headers, **more})


def says(**claims: Any) -> Change:
    return lambda at: at.claims.update(claims)


def says_of_time(**seconds: int) -> Change:
    """Moments so many seconds from when it is said."""
    return lambda at: at.claims.update({name: int(time.time()) + far for name, far in seconds.items()})


def signed(how: Callable[[dict[str, Any], dict[str, Any]], str]) -> Change:
    return lambda at: setattr(at, "signs", how)


def answers(path: str, answer: Callable[[], Any]) -> Change:
    return lambda at: at.answers.update({path: answer})


def gives(**tokens: Any) -> Change:
    return lambda at: at.tokens.update(tokens)


def publishes(*keys: dict[str, Any], sign: Any = None) -> Change:
    def change(at: FalseProvider) -> None:
        at.keys = list(keys)
        at.signs = sign

    return change


def both(*changes: Change) -> Change:
    def change(at: FalseProvider) -> None:
        for each in changes:
            each(at)

    return change


def _tampered(claims: dict[str, Any], headers: dict[str, Any]) -> str:
    head, _, signature = jwt.encode(claims, rsa_key("own"), "RS256", headers=headers).split(".")
    other = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "s-bob"}).encode()).rstrip(b"=").decode()
    return f"{head}.{other}.{signature}"


NOW = int(time.time())
THIEF = rsa_key("thief")
HOSTILE: dict[str, tuple[Change, Reason]] = {
    "alg none": (signed(without_signature), Reason.ALGORITHM),
    "HS256 with the public key": (signed(with_public_key_as_password), Reason.ALGORITHM),
    "HS256 with the client secret": (signed(with_client_secret), Reason.ALGORITHM),
    "another key under the same number": (signed(by(THIEF)), Reason.SIGNATURE),
    "claims changed after signing": (signed(_tampered), Reason.SIGNATURE),
    "a number that nobody publishes": (signed(by(THIEF, kid="two")), Reason.UNKNOWN_KEY),
    "a number that leads out of a folder": (signed(by(THIEF, kid="../../dev/null")), Reason.UNKNOWN_KEY),
    "its own key in jwk": (
        signed(by(THIEF, kid="two", jwk=published(THIEF, "two"))), Reason.UNKNOWN_KEY,
    ),
    "its own address in jku": (
        signed(by(THIEF, kid="two", jku="http://127.0.0.1:1/keys")), Reason.UNKNOWN_KEY,
    ),
    "its own address in x5u": (
        signed(by(THIEF, kid="two", x5u="http://127.0.0.1:1/cert")), Reason.UNKNOWN_KEY,
    ),
    "two keys of one number": (
        publishes(published(rsa_key("own"), "one"), published(THIEF, "one")), Reason.UNKNOWN_KEY,
    ),
    "a key for encryption": (publishes(published(rsa_key("own"), "one", use="enc")), Reason.UNKNOWN_KEY),
    "a key of another algorithm": (
        publishes(published(rsa_key("own"), "one", alg="RS512")), Reason.UNKNOWN_KEY,
    ),
    "a short key": (
        publishes(published(rsa_key("short", 1024), "one"), sign=by(rsa_key("short", 1024))), Reason.WEAK_KEY,
    ),
    "a key of bytes": (
        publishes({"kty": "oct", "k": "c2VjcmV0", "kid": "one"}, sign=by("secret", "HS256")),
        Reason.ALGORITHM,
    ),
    "an algorithm that is not announced": (
        publishes(published(rsa_key("own"), "one"), sign=by(rsa_key("own"), "RS512")), Reason.ALGORITHM,
    ),
    "an unknown critical extension": (
        signed(by(rsa_key("own"), crit=["exp"], exp=1)), Reason.MALFORMED,
    ),
    "a token of another type": (signed(by(rsa_key("own"), typ="at+jwt")), Reason.TYPE),
    "a sign-out as a sign-in": (signed(by(rsa_key("own"), typ="logout+jwt")), Reason.TYPE),
    "another issuer": (says(iss="https://evil.example.com"), Reason.ISSUER),
    "the issuer with a slash": (lambda at: at.claims.update(iss=f"{at.issuer}/"), Reason.ISSUER),
    "no issuer": (says(iss=None), Reason.MISSING_CLAIM),
    "another application": (says(aud="another"), Reason.AUDIENCE),
    "another application as well": (says(aud=[CLIENT, "another"]), Reason.AUDIENCE),
    "no application": (says(aud=None), Reason.MISSING_CLAIM),
    "given to another application": (says(azp="another"), Reason.AUTHORIZED_PARTY),
    "expired": (says_of_time(exp=-120), Reason.EXPIRED),
    "without an end": (says(exp=None), Reason.MISSING_CLAIM),
    "from the future": (says_of_time(iat=600), Reason.NOT_YET),
    "not valid yet": (says_of_time(nbf=600), Reason.NOT_YET),
    "without a moment": (says(iat=None), Reason.MISSING_CLAIM),
    "another nonce": (says(nonce="another"), Reason.NONCE),
    "no nonce": (says(nonce=None), Reason.MISSING_CLAIM),
    "a nonce that is a list": (says(nonce=["a"]), Reason.NONCE),
    "no subject": (says(sub=None), Reason.MISSING_CLAIM),
    "an empty subject": (says(sub=""), Reason.MISSING_CLAIM),
    "a subject that is a number": (says(sub=7), Reason.MALFORMED),
    "a subject that cannot be stored": (says(sub="s-ann\x00"), Reason.MALFORMED),
    "half a letter": (says(name="\ud800"), Reason.MALFORMED),
    "another access token": (says(at_hash=half_hash("another")), Reason.ACCESS_TOKEN),
    "userinfo of another subject": (
        both(says(email=None), lambda at: at.userinfo.update(sub="s-bob", email="bob@example.com")),
        Reason.OTHER_SUBJECT,
    ),
    "userinfo without a subject": (
        both(says(email=None), lambda at: at.userinfo.update(sub=None)), Reason.OTHER_SUBJECT,
    ),
    "no token": (gives(id_token=None), Reason.NO_TOKEN),
    "a token that is none": (gives(id_token="a.b.c"), Reason.MALFORMED),
    "a token of five parts": (gives(id_token="a.b.c.d.e"), Reason.MALFORMED),
    "an oversized token": (gives(id_token="a" * 70_000), Reason.MALFORMED),
    "an oversized answer": (
        answers("/token", lambda: (200, {"Content-Type": "application/json"}, b" " * 600_000)),
        Reason.UNREACHABLE,
    ),
    "a deep answer": (answers("/token", lambda: (200, {}, b"[" * 100_000)), Reason.MALFORMED),
    "an answer that is a page": (answers("/token", lambda: (200, {}, b"<html>")), Reason.MALFORMED),
    "an answer that is a list": (answers("/token", lambda: as_json([])), Reason.MALFORMED),
    "no bearer token": (gives(token_type="mac"), Reason.MALFORMED),
    "another secret": (
        answers("/token", lambda: as_json({"error": "invalid_client"}, 401)), Reason.CLIENT_REFUSED,
    ),
    "keys that redirect": (
        answers("/keys", lambda: (302, {"Location": "http://127.0.0.1:1/keys"}, b"")), Reason.METADATA,
    ),
    "a token that redirects": (
        answers("/token", lambda: (307, {"Location": "http://127.0.0.1:1/token"}, b"")), Reason.MALFORMED,
    ),
    "too many keys": (
        answers("/keys", lambda: as_json({"keys": [published(rsa_key("own"), "one")] * 101})),
        Reason.METADATA,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_signs_nobody_in(client: Client, at: FalseProvider, name: str) -> None:
    change, reason = HOSTILE[name]
    brought = leave(client, at)
    change(at)
    answer = come_back(client, brought)
    assert answer.status_code in (400, 502)
    assert refused_because(client) == reason


def test_an_address_that_is_not_verified_makes_no_account(client: Client, at: FalseProvider) -> None:
    at.claims["email_verified"] = False
    assert come_back(client, leave(client, at)).status_code == 403
    assert refused_because(client) == "unverified_address"
    at.claims["email_verified"] = None
    assert come_back(client, leave(client, at)).status_code == 403
    IdentityProvider.objects.update(
        settings={**IdentityProvider.objects.get().settings, "wants_verified_address": False}
    )
    come_back(client, leave(client, at))
    assert is_signed_in(client)


def test_email_verified_vouches_for_no_other_claim(client: Client, at: FalseProvider) -> None:
    """Who may choose their user name at the provider must not get the account of that address."""
    opened(at, slug="by-name", email_claim="preferred_username")
    at.claims = {"preferred_username": "ceo@example.com", "email": "mine@example.com", "email_verified": True}
    come_back(client, leave(client, at, "by-name"), "by-name")
    assert not is_signed_in(client)
    assert (
        AuditEvent.objects.filter(event="identity_refused").latest("pk").data["reason"]
        == "unverified_address"
    )
    at.claims["preferred_username"] = "mine@example.com"
    come_back(client, leave(client, at, "by-name"), "by-name")
    assert is_signed_in(client)


def test_a_provider_that_does_not_answer_holds_up_one_thread_and_only_for_a_while(
    at: FalseProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "_PATIENCE_S", 0.05)
    settings = settings_of(IdentityProvider.objects.get())
    known.forget()
    asked, go_on = threading.Event(), threading.Event()

    def silent(*_: object) -> None:
        asked.set()
        assert go_on.wait(10)
        raise Rejected(Reason.UNREACHABLE)

    def refused() -> str:
        with known.client_of(settings) as client, pytest.raises(Rejected) as caught:
            known.metadata_for(settings, client)
        return caught.value.reason

    monkeypatch.setattr(known, "_document", silent)
    first = threading.Thread(target=refused)
    first.start()
    assert asked.wait(10)
    assert refused() == Reason.UNREACHABLE  # without having asked: nobody else waits for the answer
    go_on.set()
    first.join(10)
    monkeypatch.setattr(known, "_document", lambda *_: pytest.fail("it was asked again at once"))
    assert refused() == Reason.UNREACHABLE
    monkeypatch.setattr(known, "_NOT_ASKED_AGAIN_S", 0.0)
    monkeypatch.setattr(known, "_document", lambda *_: at.document())
    with known.client_of(settings) as client:
        assert known.metadata_for(settings, client).issuer == at.issuer


def test_userinfo_completes_what_the_token_leaves_open(client: Client, at: FalseProvider) -> None:
    at.claims = {"email": None, "email_verified": None, "name": None, "groups": None}
    at.userinfo = {
        "email": "ann@example.com",
        "email_verified": True,
        "name": "이안나",
        "groups": ["auditors"],
    }
    come_back(client, leave(client, at))
    ann = User.objects.get()
    assert (ann.email, ann.name, ann.role) == ("ann@example.com", "이안나", "auditor")


def test_the_word_of_the_token_does_not_verify_the_address_of_userinfo(
    client: Client, at: FalseProvider
) -> None:
    at.claims = {"email": None, "email_verified": True}
    at.userinfo = {"email": "boss@example.com"}
    assert come_back(client, leave(client, at)).status_code == 403
    assert refused_because(client) == "unverified_address"


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256"])
def test_other_sound_algorithms_are_accepted(client: Client, at: FalseProvider, algorithm: str) -> None:
    key = {"ES256": ec_key("own"), "PS256": rsa_key("own")}.get(algorithm) or Ed25519PrivateKey.generate()
    at.metadata["id_token_signing_alg_values_supported"] = [algorithm]
    if isinstance(key, Ed25519PrivateKey):  # and a token that names no key, where there is but one
        at.keys = [jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)]
        at.signs = lambda claims, _: jwt.encode(claims, key, algorithm)
    else:
        at.keys, at.signs = [published(key, "one")], by(key, algorithm)
    come_back(client, leave(client, at))
    assert is_signed_in(client)


# The way there and back.


@pytest.mark.parametrize("state", [None, "", "another", "x" * 5_000, "\x00"])
def test_an_answer_without_its_state_counts_for_nothing(
    client: Client, at: FalseProvider, state: str | None
) -> None:
    brought = leave(client, at)
    brought.pop("state")
    if state is not None:
        brought["state"] = state
    assert come_back(client, brought).status_code == 400
    assert refused_because(client) == ""
    assert "/token" not in at.asked


def test_an_answer_counts_once(client: Client, at: FalseProvider) -> None:
    brought = leave(client, at)
    come_back(client, brought)
    assert is_signed_in(client)
    client.post("/sign-out/")
    at.codes.add(brought["code"])
    assert come_back(client, brought).status_code == 400
    assert not is_signed_in(client)
    assert at.asked.count("/token") == 1


def test_a_code_that_was_used_is_refused(client: Client, at: FalseProvider) -> None:
    brought = leave(client, at)
    at.codes.clear()
    assert come_back(client, brought).status_code == 400
    assert refused_because(client) == Reason.CODE_REFUSED


def test_a_code_of_another_sign_in_is_worth_nothing_with_our_verifier(
    client: Client, at: FalseProvider
) -> None:
    stolen = leave(Client(), at)["code"]
    challenge = at.challenge
    brought = leave(client, at)
    at.challenge = challenge  # the provider gave the stolen code for that request
    assert come_back(client, {**brought, "code": stolen}).status_code == 400
    assert refused_because(client) == Reason.CODE_REFUSED


def test_what_began_in_one_browser_cannot_end_in_another(client: Client, at: FalseProvider) -> None:
    brought = leave(Client(), at)
    assert "another browser" in come_back(client, brought).content.decode()
    assert refused_because(client) == ""
    assert "/token" not in at.asked
    leave(client, at)  # with a cookie of its own, it is still another browser
    assert "another browser" in come_back(client, brought).content.decode()


def test_a_page_of_another_site_is_no_page_to_go_on_to(client: Client, at: FalseProvider) -> None:
    for target in (
        "https://evil.example.com/",
        "//evil.example.com",
        "javascript:alert(1)",
        "/\\evil.example.com",
    ):
        answer = come_back(client, leave(client, at, query=f"?next={target}"))
        assert (answer.status_code, answer["Location"]) == (302, "/")
        client.post("/sign-out/")


def test_parameters_that_come_twice_are_refused(client: Client, at: FalseProvider) -> None:
    brought = leave(client, at)
    query = f"state={brought['state']}&code={brought['code']}&code=another"
    assert client.get(f"/sign-in/oidc/keycloak/callback/?{query}").status_code == 400
    assert "/token" not in at.asked


def test_an_answer_of_another_provider_is_refused(client: Client, at: FalseProvider) -> None:
    """Mix-up: the browser is sent to one provider, and another one's answer comes back."""
    with false_provider() as evil:
        opened(evil, "evil")
        brought = leave(client, at)
        assert come_back(client, brought, "evil").status_code == 400  # its state is not known there
        assert evil.asked == []
        assert come_back(client, {**brought, "iss": evil.issuer}).status_code == 400
        assert refused_because(client) == Reason.MIXED_UP
        assert "/token" not in at.asked


def test_a_provider_that_always_says_its_name_must_say_it(client: Client, at: FalseProvider) -> None:
    at.metadata["authorization_response_iss_parameter_supported"] = True
    assert come_back(client, leave(client, at)).status_code == 400
    assert refused_because(client) == Reason.MIXED_UP
    come_back(client, {**leave(client, at), "iss": at.issuer})
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("error", "words"), [("access_denied", "did not let you in"), ("<script>", "could not sign you in")]
)
def test_an_error_of_the_provider_becomes_a_sentence(
    client: Client, at: FalseProvider, error: str, words: str
) -> None:
    state = leave(client, at)["state"]
    answer = come_back(client, {"state": state, "error": error, "error_description": "<b>secret words</b>"})
    page = answer.content.decode()
    assert words in page
    assert "secret words" not in page
    assert "<script>" not in page
    assert refused_because(client) == Reason.PROVIDER_ERROR


METADATA: dict[str, Change] = {
    "of another issuer": lambda at: at.metadata.update(issuer="https://evil.example.com"),
    "with a plain address elsewhere": lambda at: at.metadata.update(token_endpoint="http://10.0.0.1/token"),
    "with a script for an address": lambda at: at.metadata.update(
        authorization_endpoint="javascript:alert(1)"
    ),
    "with a fragment": lambda at: at.metadata.update(authorization_endpoint="https://a.example.com/#x"),
    "without keys": lambda at: at.metadata.update(jwks_uri=None),
    "that signs with secrets only": lambda at: at.metadata.update(
        id_token_signing_alg_values_supported=["HS256", "none"]
    ),
    "without PKCE": lambda at: at.metadata.update(code_challenge_methods_supported=["plain"]),
    "that wants another proof": lambda at: at.metadata.update(
        token_endpoint_auth_methods_supported=["private_key_jwt"]
    ),
    "that redirects to a private address": answers(
        "/.well-known/openid-configuration", lambda: (302, {"Location": "http://10.0.0.1/"}, b"")
    ),
    "that is too large": answers("/.well-known/openid-configuration", lambda: (200, {}, b" " * 600_000)),
    "that is a page": answers("/.well-known/openid-configuration", lambda: (200, {}, b"<html>")),
}


@pytest.mark.parametrize("name", METADATA)
def test_a_configuration_that_is_not_sound_sends_nobody_away(
    client: Client, at: FalseProvider, name: str
) -> None:
    METADATA[name](at)
    answer = client.get("/sign-in/oidc/keycloak/begin/")
    assert answer.status_code in (400, 502)
    assert not StartedSignIn.objects.exists()
    assert at.asked == ["/.well-known/openid-configuration"]


def test_a_private_address_is_asked_only_where_the_operator_allows_it(
    client: Client, at: FalseProvider, settings: LazySettings
) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = ()
    assert client.get("/sign-in/oidc/keycloak/begin/").status_code == 502
    assert at.asked == []
    assert refused_because(client) == Reason.UNREACHABLE


def test_keys_that_changed_are_read_again_but_not_for_everybody(client: Client, at: FalseProvider) -> None:
    come_back(client, leave(client, at))
    assert is_signed_in(client)
    client.post("/sign-out/")
    at.keys = [published(THIEF, "two")]  # the provider's own new key
    at.signs = by(THIEF, kid="two")
    come_back(client, leave(client, at))
    assert is_signed_in(client)
    client.post("/sign-out/")
    asked = at.asked.count("/keys")
    for number in ("three", "four", "five"):
        at.signs = by(rsa_key("own"), kid=number)
        assert come_back(client, leave(client, at)).status_code == 400
    assert at.asked.count("/keys") == asked


def test_a_provider_that_is_closed_or_of_another_kind_is_not_there(client: Client, at: FalseProvider) -> None:
    brought = leave(client, at)
    IdentityProvider.objects.update(is_open=False)
    assert client.get("/sign-in/oidc/keycloak/begin/").status_code == 404
    assert come_back(client, brought).status_code == 404
    IdentityProvider.objects.update(is_open=True, kind="saml")
    assert client.get("/sign-in/oidc/keycloak/begin/").status_code == 404


def test_too_many_starts_from_one_network_are_held_back(
    client: Client, at: FalseProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {**throttle.RULES, throttle.Kind.ARRIVALS: Leaking(capacity=3, each_s=3_600)}
    monkeypatch.setattr(throttle, "RULES", few)
    statuses = [client.get("/sign-in/oidc/keycloak/begin/").status_code for _ in range(5)]
    assert statuses == [302, 302, 302, 429, 429]
    assert StartedSignIn.objects.count() == 3


# Proving anew.


def test_whoever_proves_themselves_must_have_signed_in_there_anew(client: Client, at: FalseProvider) -> None:
    come_back(client, leave(client, at))
    query = "?purpose=prove&next=/sessions/"
    for moment in (None, NOW - 3_600, True, "now"):
        at.claims["auth_time"] = moment
        assert come_back(client, leave(client, at, query=query)).status_code == 400
    at.claims["auth_time"] = int(time.time())
    assert come_back(client, leave(client, at, query=query))["Location"] == "/sessions/"
    at.claims["sub"] = "s-bob"  # somebody else who signs in there proves nothing
    assert come_back(client, leave(client, at, query=query)).status_code == 403
