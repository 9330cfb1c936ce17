"""The account for the day on which the company's sign-in does not work, and what else its setting changes."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import LazySettings
from django.contrib.auth import SESSION_KEY, hashers
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistant.accounts import emergency as at_the_door
from assistant.accounts import people as services
from assistant.accounts.api_keys import issue_key
from assistant.accounts.door_models import FailedTries, SignedInSession
from assistant.accounts.emergency_models import EmergencyUse
from assistant.accounts.models import Role, User
from assistant.audit.models import AuditEvent
from assistant.common.errors import NotFound, UsageError
from assistant.common.types import JsonObject
from assistant.config.checks import ways_in
from assistant.factors import emergency, recovery, rule
from assistant.factors.emergency import USUAL_ADDRESS, Made
from assistant.factors.models import RecoveryCode
from assistant.factors.resetting import reset
from assistant.identity.arriving import connect, judge, judge_provisioned
from assistant.identity.claims import Claims
from assistant.identity.models import ExternalIdentity, IdentityProvider
from assistant.identity.refusals import Refusal, Refused
from assistant.privacy.erasing import erase
from tests.conftest import PASSWORD
from tests.factors.test_signing_in import give_app

SIGN_IN, SECOND = "/sign-in/", "/sign-in/second-step/"


@pytest.fixture
def client() -> Client:
    """An English browser."""
    return Client(headers={"Accept-Language": "en"}, SERVER_NAME="localhost")


@pytest.fixture
def made(people: dict[str, User]) -> Made:
    """An emergency account with what stands on its papers."""
    return emergency.make(actor="test")


def enter(client: Client, made: Made, *, passphrase: str = "", code: str | None = None) -> int:
    """Sign in with both papers; the status of the last answer."""
    entered = {"email": made.user.email, "password": passphrase or made.passphrase}
    answer = client.post(SIGN_IN, entered)
    if answer.status_code != 302:
        return answer.status_code
    assert answer.headers["Location"] == SECOND
    return client.post(SECOND, {"code": made.codes[0] if code is None else code}).status_code


def is_in(client: Client) -> bool:
    """Whether anybody is signed in there."""
    return SESSION_KEY in client.session


def command(*words: str) -> JsonObject:
    """What the command prints."""
    out = StringIO()
    call_command("emergency", *words, stdout=out)
    return dict(json.loads(out.getvalue()))


def open_provider() -> IdentityProvider:
    return IdentityProvider.objects.create(
        slug="okta", name="Okta", kind="saml", is_open=True, domains=["mundap.invalid", "example.com"]
    )


def events(event: str) -> int:
    return AuditEvent.objects.filter(event=event).count()


# --- the account


def test_it_signs_in_with_the_passphrase_and_one_code_each_good_as_written(
    client: Client, made: Made
) -> None:
    assert enter(client, made, code="") == 422
    assert not is_in(client)
    assert enter(client, made, passphrase=made.passphrase.upper().replace("-", " ")) == 302
    assert client.get("/console/people/").status_code == 200
    again = Client(SERVER_NAME="localhost")
    assert enter(again, made) == 422  # the code was used
    assert enter(again, made, code=made.codes[1]) == 302


@pytest.mark.parametrize("required", ["administrators", "nobody"])
def test_the_passphrase_alone_sets_nothing_up_and_lets_nobody_in(
    client: Client, made: Made, settings: LazySettings, required: str
) -> None:
    settings.MUNDAP_REQUIRE_SECOND_FACTOR = required
    RecoveryCode.objects.filter(user=made.user).delete()
    assert enter(client, made, code="") == 422
    assert client.get("/sign-in/set-up/").headers["Location"] == SIGN_IN
    assert not rule.suffices({"password"}, made.user)


def test_its_session_lasts_an_hour_however_much_it_is_used(client: Client, made: Made) -> None:
    enter(client, made)
    row = SignedInSession.objects.get(user=made.user)
    assert timedelta(minutes=59) < row.expire_date - timezone.now() <= timedelta(hours=1)
    assert "_session_expiry" not in client.session  # what it tells of itself is the one place of its end
    began = row.expire_date
    session = client.session
    del session["proven"]
    session.save()
    proof = {"proving_password": made.passphrase, "proving_code": made.codes[1]}
    assert client.post(reverse("web:prove"), proof).status_code == 302  # saves it
    row = SignedInSession.objects.get(user=made.user)
    assert row.expire_date == began
    SignedInSession.objects.filter(pk=row.pk).update(expire_date=timezone.now())
    assert client.get("/").status_code == 302


def test_every_use_is_audited_shown_on_its_pages_and_to_all_who_manage_people(
    client: Client, made: Made, people: dict[str, User]
) -> None:
    enter(client, made)
    assert events("emergency_used") == 1
    for path in ("/", "/security/", "/console/", "/console/people/"):
        assert "signed in with the emergency account" in client.get(path).content.decode(), path
    others = Client(headers={"Accept-Language": "en"})
    others.force_login(people["ann"])
    assert "emergency account" not in others.get("/").content.decode()
    others.force_login(people["ada"])
    use = EmergencyUse.objects.get()
    for path in ("/console/", "/console/people/"):
        page = others.get(path).content.decode()
        assert "The emergency account was used." in page, path
        assert "signed in with the emergency account" not in page
    seen = reverse("console:people-emergency-seen", args=[use.pk])
    assert client.post(seen).status_code == 404  # it does not see to itself
    assert others.get(seen).status_code == 405
    assert others.post(seen).status_code == 302
    assert others.post(seen).status_code == 404
    assert "The emergency account was used." not in others.get("/console/").content.decode()
    use.refresh_from_db()
    assert use.acknowledged_by == "ada@example.com"
    assert events("emergency_acknowledged") == 1


def test_an_auditor_is_not_shown_the_notice(client: Client, made: Made, people: dict[str, User]) -> None:
    enter(client, made)
    other = Client(headers={"Accept-Language": "en"})
    other.force_login(User.objects.create_user("aud@example.com", PASSWORD, role=Role.AUDITOR))
    assert "The emergency account was used." not in other.get("/console/").content.decode()


def test_nothing_that_a_stranger_does_keeps_its_holder_waiting(client: Client, made: Made) -> None:
    for _ in range(30):
        client.post(SIGN_IN, {"email": made.user.email, "password": "wrong"})
    assert client.post(SIGN_IN, {"email": made.user.email, "password": "wrong"}).status_code == 429
    FailedTries.objects.update(failures=10_000)  # name, network and installation are full
    assert enter(Client(SERVER_NAME="localhost"), made) == 302


def test_a_stranger_cannot_tell_it_from_a_name_that_nobody_has(client: Client, made: Made) -> None:
    def asked(name: str) -> list[tuple[int, str]]:
        answers = []
        for _ in range(8):
            answer = client.post(SIGN_IN, {"email": name, "password": "wrong"})
            answers.append((answer.status_code, answer.headers.get("Retry-After", "")))
        return answers

    assert asked(made.user.email) == asked("nobody@mundap.invalid")


def test_another_name_with_its_passphrase_gets_nowhere(client: Client, made: Made) -> None:
    for name in ("ann@example.com", "nobody", "", "ada@example.com"):
        answer = client.post(SIGN_IN, {"email": name, "password": made.passphrase})
        assert answer.status_code == 422, name


def test_the_passphrase_and_the_codes_are_nowhere_in_the_database(made: Made) -> None:
    kept = repr(list(User.objects.values())) + repr(list(AuditEvent.objects.values()))
    kept += repr(list(RecoveryCode.objects.values()))
    assert made.passphrase not in kept
    assert not any(code in kept for code in made.codes)


# --- nobody else changes it


@pytest.mark.parametrize(
    "change",
    [
        lambda pk: services.set_role(user_id=pk, role=Role.EMPLOYEE, actor="ada@example.com"),
        lambda pk: services.close_account(user_id=pk, actor="scim:okta"),
        lambda pk: services.add_alias(user_id=pk, address="cho2@example.com", actor="ada@example.com"),
        lambda pk: services.link_account(connection_id=1, account_id="1", user_id=pk, actor="ada"),
        lambda pk: reset(user_id=pk, actor="ada@example.com"),
        lambda pk: erase(user_id=pk, actor="ada@example.com"),
        lambda pk: issue_key(user_id=pk, name="key", days=9, actor="ada@example.com"),
    ],
)
def test_no_page_and_no_provider_changes_it(made: Made, change: object) -> None:
    with pytest.raises(services.EmergencyAccount):
        change(made.user.pk)  # type: ignore[operator]
    made.user.refresh_from_db()
    assert (made.user.is_active, made.user.role, recovery.left(user=made.user)) == (True, "administrator", 10)


def test_no_provider_signs_it_in_takes_it_over_or_manages_it(made: Made) -> None:
    provider = open_provider()
    claims = Claims(subject="s", email=made.user.email, verified=True)
    assert judge(provider, claims).refusal is Refusal.EMERGENCY
    assert judge_provisioned(provider, made.user.email).refusal is Refusal.EMERGENCY
    with pytest.raises(Refused):
        connect(provider, claims, user=made.user)
    ExternalIdentity.objects.create(provider=provider, subject="s", user=made.user)
    assert judge(provider, claims).refusal is Refusal.EMERGENCY


def test_its_own_pages_change_nothing_of_it(client: Client, made: Made) -> None:
    enter(client, made)
    fields = {"old": made.passphrase, "new": "a whole new passphrase", "again": "a whole new passphrase"}
    assert client.post("/security/password/", fields).status_code == 404
    assert client.get("/security/app/").status_code == 404
    assert client.post("/security/recovery-codes/").status_code == 404
    assert client.post("/security/passkeys/", {"passkey": "{}"}).status_code == 404
    page = client.post("/keys/", {"name": "key", "days": "7", "scope": "search"})
    assert page.status_code == 422
    assert emergency.kept()[made.user.email].codes_left == 9


def test_the_last_who_manages_people_stays_even_where_there_is_an_emergency_account(made: Made) -> None:
    ada = User.objects.get(email="ada@example.com")
    with pytest.raises(services.LastManager):
        services.close_account(user_id=ada.pk, actor="scim:okta")


def test_its_page_in_the_console_says_what_it_is_and_has_no_buttons(
    client: Client, made: Made, people: dict[str, User]
) -> None:
    client.force_login(people["ada"])
    assert "Emergency account" in client.get("/console/people/").content.decode()
    page = client.get(f"/console/people/{made.user.pk}/").content.decode()
    assert "changed on the server alone" in page
    assert "/role/" not in page
    assert "/erase/" not in page
    answer = client.post(f"/console/people/{made.user.pk}/role/", {"role": "employee"})
    assert answer.status_code == 422
    answer = client.post(f"/console/people/{made.user.pk}/erase/", {"typed_address": made.user.email})
    assert answer.status_code == 422


# --- the command


def test_the_command_makes_lists_renews_and_removes_it(client: Client, people: dict[str, User]) -> None:
    told = command("create")
    assert told["email"] == USUAL_ADDRESS
    codes = told["recovery_codes"]
    assert isinstance(codes, list)
    user = User.objects.get(email=USUAL_ADDRESS)
    first = Made(user, str(told["passphrase"]), tuple(map(str, codes)))
    assert len(first.passphrase.replace("-", "")) == 30
    assert enter(client, first) == 302
    accounts = command("list")["accounts"]
    assert isinstance(accounts, list)
    assert len(accounts) == 1
    listed = accounts[0]
    assert isinstance(listed, dict)
    assert (listed["works"], listed["codes_left"], listed["uses"]) == (True, 9, 1)
    told = command("rotate", USUAL_ADDRESS)
    assert client.get("/").status_code == 302  # its session ended
    assert enter(Client(SERVER_NAME="localhost"), first, code=first.codes[1]) == 422
    second = Made(user, str(told["passphrase"]), tuple(map(str, told["recovery_codes"])))  # type: ignore[arg-type]
    assert enter(client, second) == 302
    command("remove", USUAL_ADDRESS)
    assert client.get("/").status_code == 302
    assert command("list")["accounts"] == []
    user.refresh_from_db()
    assert (user.is_active, user.role, user.is_emergency) == (False, "employee", False)
    assert enter(Client(SERVER_NAME="localhost"), second, code=second.codes[1]) == 422
    assert {events(f"emergency_{verb}") for verb in ("made", "renewed", "removed")} == {1}


def test_it_takes_no_address_that_somebody_has_or_had(people: dict[str, User]) -> None:
    with pytest.raises(UsageError):
        emergency.make(email="ann@example.com", actor="test")
    services.close_account(user_id=people["sam"].pk, actor="test")
    services.release_closed_account(user_id=people["sam"].pk, actor="test")
    with pytest.raises(UsageError, match="nobody ever had"):
        emergency.make(email="sam@example.com", actor="test")
    assert not User.objects.filter(email="sam@example.com").exists()
    with pytest.raises(NotFound):
        emergency.renew(email="ann@example.com", actor="test")
    with pytest.raises(NotFound):
        emergency.remove(email="ada@example.com", actor="test")


def test_the_last_way_in_is_not_removed(made: Made, settings: LazySettings) -> None:
    settings.MUNDAP_LOCAL_SIGN_IN = "emergency"
    with pytest.raises(UsageError, match="only emergency account"):
        emergency.remove(email=made.user.email, actor="test")
    settings.MUNDAP_LOCAL_SIGN_IN = "everyone"
    User.objects.filter(role=Role.ADMINISTRATOR, emergency=None).update(role=Role.EMPLOYEE)
    with pytest.raises(UsageError, match="last who can manage people"):
        emergency.remove(email=made.user.email, actor="test")


# --- MUNDAP_LOCAL_SIGN_IN=emergency


@pytest.fixture
def for_emergencies(settings: LazySettings) -> None:
    """Passwords of Mundap count for nobody else."""
    settings.MUNDAP_LOCAL_SIGN_IN = "emergency"


def test_a_right_password_is_answered_as_a_wrong_one_and_as_an_unknown_name(
    client: Client, made: Made, for_emergencies: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    hasher = hashers.MD5PasswordHasher
    encode = hasher.encode

    def counted(self: hashers.MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return str(encode(self, password, salt))

    monkeypatch.setattr(hasher, "encode", counted)
    seen = set()
    for name, password in (
        *(("ann@example.com", PASSWORD), ("ann@example.com", "wrong"), ("ada@example.com", PASSWORD)),
        *(("nobody@example.com", PASSWORD), ("no address", PASSWORD)),
    ):
        hashed.clear()
        answer = client.post(SIGN_IN, {"email": name, "password": password})
        text = answer.content.decode().split("<main", maxsplit=1)[1].replace(name, "NAME")
        text = "".join(line for line in text.splitlines() if "csrf" not in line)
        seen.add((answer.status_code, text, len(hashed)))
    assert len(seen) == 1
    assert next(iter(seen))[2] == 1
    assert not is_in(client)


def test_only_the_emergency_account_gets_in(client: Client, made: Made, for_emergencies: None) -> None:
    give_app(User.objects.get(email="ann@example.com"))
    answer = client.post(SIGN_IN, {"email": "ann@example.com", "password": PASSWORD})
    assert answer.status_code == 422
    assert client.get(SECOND).headers["Location"] == SIGN_IN
    assert enter(client, made) == 302
    assert client.get("/console/").status_code == 200


def test_sessions_of_before_that_began_with_a_password_or_a_passkey_end(
    client: Client, made: Made, for_emergencies: None, people: dict[str, User]
) -> None:
    for ways in (["password"], ["password", "code"], ["passkey"], ["later", "password"], []):
        client.force_login(people["ann"])
        session = client.session
        session["ways"] = ways
        session.save()
        assert client.get("/").status_code == 302, ways
        assert not is_in(client)
    for ways in (["provider"], ["code", "directory", "password"]):
        client.force_login(people["ann"])
        session = client.session
        session["ways"] = ways
        session.save()
        assert client.get("/").status_code == 200, ways


def test_nobody_proves_themselves_by_a_password_that_counts_for_nothing(
    client: Client, made: Made, for_emergencies: None, people: dict[str, User]
) -> None:
    client.force_login(people["ada"])
    session = client.session
    session["ways"], session["proven"] = ["provider"], ""
    session.save()
    assert client.post("/security/prove/", {"proving_password": PASSWORD}).status_code == 422
    role = reverse("console:person-role", args=[people["ann"].pk])
    assert client.post(role, {"role": "auditor", "proving_password": PASSWORD}).status_code == 422
    assert client.get("/security/password/").status_code == 404
    people["ann"].refresh_from_db()
    assert people["ann"].role == Role.EMPLOYEE


def test_the_page_leads_with_the_provider_and_keeps_the_form_behind_a_link(
    client: Client, made: Made, for_emergencies: None
) -> None:
    page = client.get(SIGN_IN).content.decode()
    assert "isn’t connected yet" in page
    open_provider()
    page = client.get(SIGN_IN).content.decode()
    assert page.index("Continue with Okta") < page.index("Emergency sign-in") < page.index('name="password"')
    assert "Sign in with a passkey" not in page
    details = page.split('<details class="sign-in-emergency"', maxsplit=1)[1].split(">", maxsplit=1)[0]
    assert "open" not in details
    failed = client.post(SIGN_IN, {"email": "ann@example.com", "password": "x"}).content.decode()
    details = failed.split('<details class="sign-in-emergency"', maxsplit=1)[1].split(">", maxsplit=1)[0]
    assert "open" in details
    IdentityProvider.objects.update(kind="ldap")
    page = client.get(SIGN_IN).content.decode()
    assert "Emergency sign-in" not in page  # the form takes the directory's passwords


def test_the_start_says_when_nobody_could_get_in(people: dict[str, User], settings: LazySettings) -> None:
    assert ways_in() == []
    settings.MUNDAP_LOCAL_SIGN_IN = "emergency"
    assert [(one.id, one.is_serious()) for one in ways_in()] == [
        ("mundap.E014", True),
    ]
    made = emergency.make(actor="test")
    assert [one.id for one in ways_in()] == ["mundap.W005"]
    open_provider()
    assert ways_in() == []
    RecoveryCode.objects.filter(user=made.user).delete()
    assert [(one.id, one.is_serious()) for one in ways_in()] == [("mundap.W007", False)]
    IdentityProvider.objects.update(is_open=False)
    assert [(one.id, one.is_serious()) for one in ways_in()] == [("mundap.E014", True)]


def test_the_start_reminds_of_an_account_that_nobody_tries(made: Made) -> None:
    User.objects.filter(pk=made.user.pk).update(created_at=timezone.now() - timedelta(days=91))
    assert [one.id for one in ways_in()] == ["mundap.W006"]
    at_the_door.note_use(user=made.user, address="", browser="", system="")
    assert ways_in() == []
    EmergencyUse.objects.update(at=timezone.now() - timedelta(days=91))
    assert emergency.kept()[made.user.email].is_untried
