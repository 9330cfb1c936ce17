"""Signing in tells nothing about who has an account; language, policy and health."""

from __future__ import annotations

import re

import pytest
from django.conf import LazySettings
from django.contrib.auth import hashers
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistant.accounts.models import User
from assistant.audit.models import AuditEvent
from tests.conftest import PASSWORD

SIGN_IN = "/sign-in/"
# Some are names of views for Django, some no names at all.
NO_PAGES = (
    "console:sources",
    "{",
    "ada@example.com",
    "c/3/",
    "/\t/",
    "/ /elsewhere.example",
    "/\\elsewhere.example",
)


def attempt(client: Client, email: str, password: str, **extra: str) -> tuple[int, str]:
    """Status and page of one attempt, without its token; first the header that says how long to wait."""
    response = client.post(SIGN_IN, {"email": email, "password": password, **extra})
    changing = r'(X-CSRFToken": |csrfmiddlewaretoken" value=|nonce=)"[\w-]+"'
    text = re.sub(changing, "", response.content.decode())
    wait = f"Retry-After: {response.headers.get('Retry-After')}\n"
    return response.status_code, wait + text.replace(email, "ADDRESS")


def counted_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with every password that is hashed, to be stored or to be compared."""
    calls: list[str] = []
    hasher = hashers.Argon2PasswordHasher
    encode, verify = hasher.encode, hasher.verify

    def encoding(self: hashers.Argon2PasswordHasher, password: str, salt: str) -> str:
        calls.append("encode")
        return str(encode(self, password, salt))

    def verifying(self: hashers.Argon2PasswordHasher, password: str, encoded: str) -> bool:
        calls.append("verify")
        return bool(verify(self, password, encoded))

    monkeypatch.setattr(hasher, "encode", encoding)
    monkeypatch.setattr(hasher, "verify", verifying)
    return calls


def test_a_person_signs_in_with_any_spelling_of_their_address(
    client: Client, people: dict[str, User]
) -> None:
    status, _ = attempt(client, " ANN@Example.com ", PASSWORD)
    assert status == 302
    assert client.session["_auth_user_id"] == str(people["ann"].pk)
    event = AuditEvent.objects.get()
    assert (event.event, event.actor_id) == ("signed_in", people["ann"].pk)


def test_every_failure_looks_the_same(
    client: Client, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.filter(pk=people["bob"].pk).update(is_active=False)
    User.objects.create_user("keyless@example.com")
    attempts = [
        ("ann@example.com", "wrong"),
        ("nobody@example.com", "wrong"),
        ("bob@example.com", PASSWORD),
        ("keyless@example.com", "wrong"),
        ("no address at all", "wrong"),
    ]
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    for n in range(7):  # the wait after five failures tells nothing either
        answers = {attempt(client, email, password) for email, password in attempts}
        assert len(answers) == 1
        status, page = next(iter(answers))
        assert status == (422 if n < 5 else 429)
        assert page.startswith(f"Retry-After: {None if n < 5 else 4}\n")
        assert ("Wait 4 seconds" in page) == (n >= 5)
    assert AuditEvent.objects.filter(event="sign_in_failed").count() == 5 * len(attempts)
    assert AuditEvent.objects.filter(event="sign_in_throttled").count() == len(attempts)


HASHED = [
    ("ann@example.com", "wrong"),
    ("nobody@example.com", "wrong"),
    ("no address at all", "wrong"),
    ("bob@example.com", "wrong"),  # closed
    ("bob@example.com", PASSWORD),
    ("keyless@example.com", "wrong"),
    ("keyless@example.com", ""),
]


@pytest.mark.parametrize("guess", HASHED)
def test_every_failure_hashes_a_password_once_with_the_hasher_of_the_settings(
    client: Client,
    people: dict[str, User],
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
    guess: tuple[str, str],
) -> None:
    email, password = guess
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    monkeypatch.setattr(hashers.Argon2PasswordHasher, "memory_cost", 1024)  # KiB: it counts how often
    user = people["bob"]
    user.set_password(PASSWORD)
    user.is_active = False
    user.save()
    people["ann"].set_password(PASSWORD)
    people["ann"].save()
    User.objects.create_user("keyless@example.com")
    hashed = counted_hashes(monkeypatch)
    assert attempt(client, email, password)[0] == 422
    assert len(hashed) == 1
    for _ in range(4):
        attempt(client, email, password)
    hashed.clear()
    assert attempt(client, email, password)[0] == 429
    assert hashed == []  # counted before anything is hashed


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/c/3/", "/c/3/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        *((target, "/") for target in NO_PAGES),
    ],
)
def test_after_signing_in_one_only_ever_lands_on_this_site(
    client: Client, people: dict[str, User], target: str, expected: str
) -> None:
    response = client.post(SIGN_IN, {"email": "ann@example.com", "password": PASSWORD, "next": target})
    assert response["Location"] == expected


def test_a_known_device_is_let_in_while_strangers_wait(client: Client, people: dict[str, User]) -> None:
    assert attempt(client, "ann@example.com", PASSWORD)[0] == 302
    cookie = client.cookies["mundap_device"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/", True, "Lax")
    assert "ann" not in cookie.value
    client.post(reverse("web:sign-out"))
    stranger = Client()
    for _ in range(6):
        attempt(stranger, "ann@example.com", "wrong")
    assert attempt(stranger, "ann@example.com", PASSWORD)[0] == 429
    assert attempt(client, "ann@example.com", PASSWORD)[0] == 302


@pytest.mark.parametrize("forged", ["", "nonsense", "WyJhIl0:x:y", "another"])
def test_a_word_that_is_not_about_this_account_spares_nobody_the_waiting(
    client: Client, people: dict[str, User], forged: str
) -> None:
    if forged == "another":
        attempt(client, "sam@example.com", PASSWORD)  # a stranger with an account and a device of his own
        client.post(reverse("web:sign-out"))
    else:
        client.cookies["mundap_device"] = forged
    for _ in range(5):
        attempt(client, "ann@example.com", "wrong")
    assert attempt(client, "ann@example.com", PASSWORD)[0] == 429


def test_the_admin_uses_the_one_sign_in_page_without_a_loop(client: Client, people: dict[str, User]) -> None:
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith("/sign-in/?next=")
    client.force_login(people["ann"])
    assert client.get("/admin/", follow=True).status_code == 200  # back on the home page, not in a circle
    client.force_login(people["ada"])
    assert client.get("/admin/").status_code == 200


def test_signing_out_ends_the_session(client: Client, people: dict[str, User]) -> None:
    client.force_login(people["ann"])
    assert client.get(reverse("web:sign-out")).status_code == 405
    client.post(reverse("web:sign-out"))
    assert client.get("/").status_code == 302
    assert AuditEvent.objects.filter(event="signed_out", actor_id=people["ann"].pk).count() == 1


@pytest.mark.parametrize(
    ("header", "words"), [("ko-KR,ko;q=0.9", "로그인"), ("en-GB", "Sign in"), ("fr", "Sign in")]
)
@pytest.mark.django_db
def test_the_browser_chooses_the_language_at_first(client: Client, header: str, words: str) -> None:
    assert words in client.get(SIGN_IN, headers={"Accept-Language": header}).content.decode()


def test_a_persons_choice_wins_over_the_browser_and_follows_them(
    client: Client, people: dict[str, User]
) -> None:
    client.force_login(people["ann"])
    english = {"Accept-Language": "en"}
    assert "New question" in client.get("/", headers=english).content.decode()
    client.post(reverse("web:language"), {"language": "ko", "next": "/"}, headers=english)
    people["ann"].refresh_from_db()
    assert people["ann"].language == "ko"
    elsewhere = Client()
    elsewhere.force_login(people["ann"])
    response = elsewhere.get("/", headers=english)
    assert "새 질문" in response.content.decode()
    assert response.headers["Content-Language"] == "ko"


@pytest.mark.django_db
@pytest.mark.parametrize("target", NO_PAGES)
def test_after_a_choice_of_language_one_lands_on_a_page_that_can_be(client: Client, target: str) -> None:
    response = client.post(reverse("web:language"), {"language": "ko", "next": target})
    assert response.status_code == 302
    assert response["Location"] == "/"


@pytest.mark.django_db
def test_an_unknown_language_changes_nothing(client: Client) -> None:
    response = client.post(reverse("web:language"), {"language": "xx", "next": "/sign-in/"})
    assert response["Location"] == "/sign-in/"
    assert not response.cookies


@pytest.mark.django_db
def test_the_chosen_theme_is_drawn_by_the_server(client: Client) -> None:
    assert "data-theme=" not in client.get(SIGN_IN).content.decode().split("<body")[0]
    client.cookies["mundap_theme"] = "dark"
    assert 'data-theme="dark"' in client.get(SIGN_IN).content.decode()
    client.cookies["mundap_theme"] = '"><script>'
    assert "data-theme=" not in client.get(SIGN_IN).content.decode().split("<body")[0]


@pytest.mark.django_db
def test_health_is_ok_only_while_the_database_answers(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/healthz").content == b"ok\n"

    def broken() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(connection, "cursor", broken)
    response = client.get("/healthz")
    assert response.status_code == 503
    assert b"gone" not in response.content


@pytest.mark.django_db
def test_a_password_counts_exactly_as_it_was_entered(client: Client) -> None:
    longest = "p" * 1_024
    User.objects.create_user("long@example.com", longest, name="Long")
    assert attempt(client, "long@example.com", longest + "!")[0] == 422
    assert attempt(client, "long@example.com", longest)[0] == 302


@pytest.mark.django_db
def test_a_password_typed_in_the_place_of_the_address_is_written_down_nowhere(client: Client) -> None:
    for _ in range(8):  # until the guesses are held back, which is recorded too
        attempt(client, "my secret passphrase", "wrong")
    events = AuditEvent.objects.filter(event__in=["sign_in_failed", "sign_in_throttled"])
    assert {event.event for event in events} == {"sign_in_failed", "sign_in_throttled"}
    assert {event.actor for event in events} == {""}
    assert "passphrase" not in str([(event.actor, event.data) for event in AuditEvent.objects.all()])
