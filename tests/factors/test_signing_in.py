"""From the password to a session: nothing in between reaches anything, and no way leads around."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pyotp
import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.contrib.auth import SESSION_KEY
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.common.types import JsonObject
from assistant.demo.accounts import PEOPLE
from assistant.factors import app_codes, recovery, rule
from assistant.factors.models import AuthenticatorApp, Passkey, RecoveryCode
from tests.conftest import PASSWORD
from tests.factors.authenticator import Device

SIGN_IN, SECOND, SET_UP, SECURITY = "/sign-in/", "/sign-in/second-step/", "/sign-in/set-up/", "/security/"


@pytest.fixture
def client() -> Client:
    """An English browser that reaches Mundap under a name, as passkeys need it."""
    return Client(headers={"Accept-Language": "en"}, SERVER_NAME="localhost")


def with_password(client: Client, who: str = "ann", password: str = PASSWORD, **extra: str) -> str:
    """Where the form leads."""
    answer = client.post(SIGN_IN, {"email": f"{who}@example.com", "password": password, **extra})
    return str(answer.headers.get("Location", answer.status_code))


def give_app(user: User) -> str:
    """The person has an app whose codes were not used yet; its secret."""
    secret = app_codes.new_secret()
    assert app_codes.set_up(user=user, secret=secret, code=code_of(secret))
    AuthenticatorApp.objects.filter(user=user).update(last_step=0)
    return secret


def code_of(secret: str, steps: int = 0) -> str:
    """What the app shows now, or some steps away."""
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


def begin(client: Client, purpose: str) -> JsonObject:
    """What the script asks before it asks the browser."""
    answer = client.post("/sign-in/passkey/begin/", {"purpose": purpose})
    return dict(answer.json()) if answer.status_code == 200 else {"status": answer.status_code}


def is_in(client: Client) -> bool:
    """Whether anybody is signed in there."""
    return SESSION_KEY in client.session


def give_passkey(client: Client, user: User, device: Device) -> Passkey:
    """The person sets a passkey up in the page."""
    client.force_login(user)
    answer = client.post("/security/passkeys/", {"passkey": json.dumps(device.make(begin(client, "enrol")))})
    assert answer.status_code in (200, 302)
    client.logout()
    return Passkey.objects.get(user=user)


def test_who_has_no_second_factor_and_needs_none_is_in_with_the_password(
    client: Client, people: dict[str, User]
) -> None:
    assert with_password(client) == "/"
    assert client.get("/").status_code == 200
    assert client.session["ways"] == ["password"]


def test_who_has_an_app_is_asked_for_its_code_after_the_right_password_only(
    client: Client, people: dict[str, User]
) -> None:
    secret = give_app(people["ann"])
    assert with_password(client, password="wrong") == "422"
    assert client.get(SECOND).headers["Location"] == SIGN_IN
    assert with_password(client, next="/style/") == SECOND
    before = client.session.session_key
    assert not is_in(client)
    assert client.post(SECOND, {"code": "000000"}).status_code == 422
    answer = client.post(SECOND, {"code": code_of(secret)})
    assert answer.headers["Location"] == "/style/"
    assert client.session["ways"] == ["code", "password"]
    assert client.session.session_key != before
    assert "halfway" not in client.session
    assert AuditEvent.objects.filter(event="second_factor_failed").count() == 1


def test_the_code_that_was_used_is_not_accepted_from_who_watched(
    client: Client, people: dict[str, User]
) -> None:
    secret = give_app(people["ann"])
    watching = Client(SERVER_NAME="localhost")
    code = code_of(secret)
    for one in (client, watching):
        with_password(one)
        one.post(SECOND, {"code": code})
    assert (is_in(client), is_in(watching)) == (True, False)


def test_a_recovery_code_lets_in_once(client: Client, people: dict[str, User]) -> None:
    give_app(people["ann"])
    code = recovery.renew(user=people["ann"])[0]
    with_password(client)
    assert client.post(SECOND, {"code": code.upper()}).headers["Location"] == "/"
    client.post("/sign-out/")
    with_password(client)
    assert client.post(SECOND, {"code": code}).status_code == 422


PLACES = (
    *("/", "/c/1/", "/sessions/", "/security/", "/security/password/", "/security/app/", "/console/people/"),
    *("/turns/1/", "/documents/1/", "/admin/", "/style/", "/security/prove/"),
)


@pytest.mark.parametrize("kind", ["show", "set up"])
def test_who_is_halfway_reaches_nothing(client: Client, people: dict[str, User], kind: str) -> None:
    if kind == "show":
        give_app(people["ann"])
    assert with_password(client, "ann" if kind == "show" else "ada") == (SECOND if kind == "show" else SET_UP)
    for path in PLACES:
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert "/sign-in/" in answer.headers["Location"] or "/admin/login/" in answer.headers["Location"]
    assert client.post("/ask/", {"question": "x"}).headers["Location"].startswith(SIGN_IN)
    assert client.get("/turns/1/stream/").status_code in (302, 401)
    assert client.post("/security/passkeys/", {"passkey": "{}"}).status_code == 302
    assert not is_in(client)


def test_halfway_ends_after_ten_minutes_with_the_password_and_with_the_account(
    client: Client, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = people["ann"]
    secret = give_app(ann)
    with_password(client)
    later = timezone.now() + timedelta(minutes=10)
    with monkeypatch.context() as patched:
        patched.setattr(timezone, "now", lambda: later)
        assert client.post(SECOND, {"code": code_of(secret)}).headers["Location"] == SIGN_IN
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert client.post(SECOND, {"code": code_of(secret)}).headers["Location"] == SIGN_IN
    User.objects.filter(pk=ann.pk).update(is_active=True)
    ann.set_password("another long password")
    ann.save()
    assert client.post(SECOND, {"code": code_of(secret)}).headers["Location"] == SIGN_IN
    assert not is_in(client)


def test_wrong_codes_are_held_back_on_their_own_and_the_right_one_too(
    client: Client, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    secret = give_app(people["ann"])
    with_password(client)
    statuses = [client.post(SECOND, {"code": f"{n:06}"}).status_code for n in range(6)]
    assert statuses == [422] * 5 + [429]
    # A right password in between takes nothing back, and a recovery code is no way around.
    assert with_password(client) == SECOND
    held = client.post(SECOND, {"code": code_of(secret)})
    assert (held.status_code, held.headers["Retry-After"]) == (429, "4")
    assert client.post(SECOND, {"code": recovery.renew(user=people["ann"])[0]}).status_code == 429
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(seconds=5))
    assert client.post(SECOND, {"code": code_of(secret)}).headers["Location"] == "/"


def test_at_most_a_hundred_wrong_codes_are_tried_until_somebody_lifts_it(
    client: Client, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = give_app(people["ann"])
    now = timezone.now()
    tried = 0
    with_password(client)
    for n in range(110):
        monkeypatch.setattr(timezone, "now", lambda at=now + timedelta(hours=2 * n): at)
        with_password(client)
        tried += client.post(SECOND, {"code": "abcdef"}).status_code == 422
    assert tried == 100
    with_password(client)
    assert client.post(SECOND, {"code": code_of(secret)}).status_code == 429
    administrator = Client()
    administrator.force_login(people["ada"])
    administrator.post(reverse("console:person-let-in", args=[people["ann"].pk]))
    with_password(client)
    assert client.post(SECOND, {"code": code_of(secret)}).headers["Location"] == "/"


def test_an_administrator_sets_a_factor_up_before_anything_else(
    client: Client, people: dict[str, User]
) -> None:
    assert with_password(client, "ada", next="/console/people/") == SET_UP
    page = client.get(SET_UP).content.decode()
    assert "Later" not in page.split('id="main"')[1]
    secret = page.split("<code>")[1].split("</code>")[0].replace(" ", "")
    assert secret not in str(client.session.items())  # sealed there
    assert client.post(SET_UP, {"code": "000000"}).status_code == 422
    assert not is_in(client)
    answer = client.post(SET_UP, {"code": code_of(secret)})
    codes = answer.content.decode().split("<code>")[1:]
    assert len(codes) == RecoveryCode.objects.count() == recovery.COUNT
    assert is_in(client)
    assert client.get("/console/people/").status_code == 200
    client.post("/sign-out/")
    with_password(client, "ada")
    assert client.post(SECOND, {"code": codes[0].split("<")[0]}).headers["Location"] == "/"


def test_who_is_halfway_to_a_factor_of_their_own_sets_up_no_second_one(
    client: Client, people: dict[str, User]
) -> None:
    give_app(people["ada"])
    assert with_password(client, "ada") == SECOND
    assert client.get(SET_UP).headers["Location"] == SIGN_IN
    assert begin(client, "enrol") == {"status": 403}
    assert client.post(SET_UP, {"passkey": "{}"}).headers["Location"] == SIGN_IN
    assert Passkey.objects.count() == 0


@pytest.mark.parametrize(
    ("required", "led_to"),
    [("administrators", ("/", SET_UP)), ("everyone", (SET_UP, SET_UP)), ("nobody", ("/", "/"))],
)
def test_the_setting_says_who_must(
    client: Client, people: dict[str, User], settings: LazySettings, required: str, led_to: tuple[str, str]
) -> None:
    settings.MUNDAP_REQUIRE_SECOND_FACTOR = required
    assert (with_password(client, "ann"), with_password(Client(), "ada")) == led_to


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.EMPLOYEE])
def test_a_new_role_ends_a_session_that_showed_a_password_only(
    client: Client, people: dict[str, User], role: str
) -> None:
    with_password(client)
    User.objects.filter(pk=people["ann"].pk).update(role=role)
    assert client.get("/").headers["Location"].startswith(SIGN_IN)
    assert not is_in(client)


@pytest.mark.django_db(transaction=True)
def test_a_stream_asks_the_same(client: Client) -> None:
    ann = User.objects.create_user("ann@example.com", PASSWORD)
    with_password(client)
    streaming = AsyncClient()
    streaming.cookies = client.cookies

    async def status() -> int:
        return int((await streaming.get("/turns/1/stream/")).status_code)

    assert async_to_sync(status)() == 404
    User.objects.filter(pk=ann.pk).update(role=Role.AUDITOR)
    assert async_to_sync(status)() == 401


@pytest.mark.parametrize("broken", [None, "passkey", [7, None], {"passkey": 1}, []])
def test_a_session_whose_ways_are_broken_showed_nothing(
    client: Client, people: dict[str, User], broken: object
) -> None:
    client.force_login(people["ada"])
    assert client.get("/").status_code == 200
    session = client.session
    session["ways"] = broken
    session.save()
    assert client.get("/").status_code == 302


def test_a_passkey_alone_signs_in_and_one_that_was_removed_does_not(
    client: Client, people: dict[str, User]
) -> None:
    device = Device()
    own = give_passkey(client, people["ada"], device)
    answer = client.post(
        "/sign-in/passkey/",
        {"passkey": json.dumps(device.show(begin(client, "sign_in"))), "next": "/console/people/"},
    )
    assert answer.headers["Location"] == "/console/people/"
    assert client.get("/console/people/").status_code == 200
    assert client.session["ways"] == ["passkey"]
    client.post(f"/security/passkeys/{own.handle}/remove/")
    assert Passkey.objects.exists()  # the last one of who must have one
    give_app(people["ada"])
    client.post(f"/security/passkeys/{own.handle}/remove/")
    assert not Passkey.objects.exists()
    client.post("/sign-out/")
    refused = client.post("/sign-in/passkey/", {"passkey": json.dumps(device.show(begin(client, "sign_in")))})
    assert refused.status_code == 422
    assert not is_in(client)


def test_a_passkey_is_a_second_factor_too(client: Client, people: dict[str, User]) -> None:
    device, another = Device(), Device()
    give_passkey(client, people["ann"], device)
    give_passkey(client, people["sam"], another)
    assert with_password(client) == SECOND
    of_another = another.show(begin(client, "second"))
    assert client.post(SECOND, {"passkey": json.dumps(of_another)}).status_code == 422
    own = device.show(begin(client, "second"))
    assert client.post(SECOND, {"passkey": json.dumps(own)}).headers["Location"] == "/"
    assert client.session["ways"] == ["passkey", "password"]


def test_an_answer_from_another_browser_signs_nobody_in(client: Client, people: dict[str, User]) -> None:
    device, another = Device(), Client(SERVER_NAME="localhost")
    give_passkey(client, people["ann"], device)
    answer = json.dumps(device.show(begin(client, "sign_in")))
    begin(another, "sign_in")
    assert another.post("/sign-in/passkey/", {"passkey": answer}).status_code == 422
    assert not is_in(another)


def test_an_account_that_a_directory_keeps_does_not_sign_in_by_a_passkey_alone(
    client: Client, people: dict[str, User]
) -> None:
    device = Device()
    give_passkey(client, people["ann"], device)
    people["ann"].set_unusable_password()
    people["ann"].save()
    answer = json.dumps(device.show(begin(client, "sign_in")))
    assert client.post("/sign-in/passkey/", {"passkey": answer}).status_code == 422
    assert not is_in(client)


@pytest.mark.parametrize("purpose", ["second", "enrol", "prove", "", "x"])
def test_a_visitor_is_given_a_number_to_sign_in_only(client: Client, db: None, purpose: str) -> None:
    assert begin(client, purpose) == {"status": 403}
    assert "publicKey" in begin(client, "sign_in")


def test_numbers_are_held_back_by_address(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    statuses = [begin(client, "sign_in").get("status") for _ in range(121)]
    assert statuses == [None] * 120 + [429]


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]", "127.0.0.1:8000"])
def test_under_a_bare_address_the_pages_say_why_there_are_no_passkeys(
    people: dict[str, User], address: str
) -> None:
    client = Client(headers={"Accept-Language": "en", "Host": address})
    assert "data-passkey" not in client.get(SIGN_IN).content.decode()
    assert begin(client, "sign_in") == {"status": 403}
    with_password(client, "ada")
    assert "http://localhost" in client.get(SET_UP).content.decode()


@pytest.fixture
def admin(db: None, settings: LazySettings) -> User:
    """The administrator of the demo, as `make run` makes them, on this machine only."""
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    known = next(person for person in PEOPLE if person.role == Role.ADMINISTRATOR)
    return User.objects.create_user(known.email, PASSWORD, role=known.role)


def test_on_a_demo_on_this_machine_one_may_say_later_and_is_asked_once(client: Client, admin: User) -> None:
    entered = {"email": admin.email, "password": PASSWORD}
    assert client.post(SIGN_IN, entered).headers["Location"] == SET_UP
    assert "Later" in client.get(SET_UP).content.decode()
    assert client.post("/sign-in/later/").headers["Location"] == "/"
    assert client.get("/console/people/").status_code == 200
    client.post("/sign-out/")
    assert client.post(SIGN_IN, entered).headers["Location"] == "/"
    assert client.get("/console/people/").status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MUNDAP_HOST", "0.0.0.0"),
        ("MUNDAP_DEMO", False),
        ("ALLOWED_HOSTS", ["localhost", "ask.example.com"]),
    ],
)
def test_nobody_says_later_where_others_could_reach_the_server(
    client: Client, admin: User, settings: LazySettings, name: str, value: object
) -> None:
    client.post(SIGN_IN, {"email": admin.email, "password": PASSWORD})
    client.post("/sign-in/later/")
    assert client.get("/console/people/").status_code == 200
    setattr(settings, name, value)
    assert not rule.may_postpone(admin)
    assert client.get("/console/people/").status_code == 302  # what was said before counts no more
    client.post(SIGN_IN, {"email": admin.email, "password": PASSWORD})
    assert client.post("/sign-in/later/").headers["Location"] == SIGN_IN


def test_an_administrator_of_a_company_never_says_later(client: Client, people: dict[str, User]) -> None:
    with_password(client, "ada")
    assert client.post("/sign-in/later/").headers["Location"] == SIGN_IN
    assert not is_in(client)


def test_the_demo_company_is_known_by_its_addresses() -> None:
    assert {person.email.rpartition("@")[2] for person in PEOPLE} == {"ondam.example"}
