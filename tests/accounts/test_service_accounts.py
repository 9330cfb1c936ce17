"""A service account belongs to nobody: only its keys lead to it, and nobody ever signs in to it."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts import invitations
from assistant.accounts import people as accounts
from assistant.accounts.api_keys import asking_with, issue_key, scopes_for
from assistant.accounts.invitation_models import Invitation
from assistant.accounts.models import SERVICE_DOMAIN, Address, Kind, Role, User
from assistant.accounts.roles import RIGHTS
from assistant.accounts.scopes import Scope
from assistant.accounts.service_accounts import (
    LONGEST_WORD,
    WordTaken,
    add_service_account,
    change_service_account,
    is_word,
    service_accounts,
)
from assistant.accounts.services import add_user
from assistant.accounts.sessions import sessions_of
from assistant.audit.models import AuditEvent
from assistant.common.errors import NotFound, UsageError
from assistant.factors import halfway
from assistant.factors.challenges import Purpose
from assistant.factors.passkeys import Asked, Unusable
from assistant.factors.rule import Way
from assistant.identity.arriving import admit, connect, judge, judge_provisioned
from assistant.identity.claims import Claims
from assistant.identity.models import ExternalIdentity, IdentityProvider
from assistant.identity.refusals import Refusal, Refused
from assistant.privacy.erasing import erase
from assistant.privacy.giving_out import give_out
from assistant.web.sessions import begin_session
from tests.accounts.keys import person_with_key
from tests.conftest import PASSWORD
from tests.factors.authenticator import Device
from tests.factors.test_passkeys import enrolled, shown

pytestmark = pytest.mark.django_db
ADDRESS = "intranet-search@service.invalid"


@pytest.fixture
def service(people: dict[str, User]) -> User:
    """The search box of the intranet."""
    return add_service_account(word="intranet-search", name="Intranet", contact="IT desk", actor="test")


@pytest.fixture
def okta(db: None) -> IdentityProvider:
    """A provider that may do whatever a provider may, and speak for service accounts by mistake."""
    return IdentityProvider.objects.create(
        slug="okta",
        name="Okta",
        kind="saml",
        is_open=True,
        makes_accounts=True,
        joins_accounts=True,
        domains=["example.com", SERVICE_DOMAIN],
    )


def test_it_has_an_address_of_its_own_no_password_and_no_right(service: User) -> None:
    assert (service.email, service.kind, service.contact) == (ADDRESS, Kind.SERVICE, "IT desk")
    assert not service.has_usable_password()
    assert service.rights == frozenset()
    event = AuditEvent.objects.get(event="service_account_added")
    assert event.data == {"user": ADDRESS, "contact": "IT desk"}


@given(text=st.text(max_size=LONGEST_WORD + 5) | st.from_regex(r"[a-zA-Z0-9.@-]{0,45}", fullmatch=True))
def test_a_word_is_the_beginning_of_one_plain_address(text: str) -> None:
    if is_word(text):
        assert 0 < len(text) <= LONGEST_WORD
        assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert not text.startswith("-")
        assert not text.endswith("-")


@pytest.mark.parametrize(
    ("word", "name", "contact"),
    [
        ("", "x", "IT"),
        ("Intranet", "x", "IT"),
        ("-a", "x", "IT"),
        ("a@b", "x", "IT"),
        ("검색", "x", "IT"),
        ("a" * (LONGEST_WORD + 1), "x", "IT"),
        ("a", "x" * 121, "IT"),
        ("a", "x", " "),
        ("a", "x", "c" * 201),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_made(word: str, name: str, contact: str) -> None:
    with pytest.raises(UsageError):
        add_service_account(word=word, name=name, contact=contact, actor="test")
    assert not User.objects.exists()


def test_one_of_a_name_is_enough(service: User) -> None:
    with pytest.raises(WordTaken):
        add_service_account(word="intranet-search", name="", contact="IT desk", actor="test")


@pytest.mark.parametrize(
    "change",
    [
        {"password": "pbkdf2_sha256$1$a$b"},
        {"role": Role.AUDITOR},
        {"role": Role.ADMINISTRATOR},
        {"contact": ""},
        {"kind": "robot"},
    ],
)
def test_the_database_itself_refuses_a_password_a_role_and_nobody_to_ask(
    service: User, change: dict[str, str]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=service.pk).update(**change)


def test_neither_a_password_nor_a_role_can_be_given(service: User) -> None:
    with pytest.raises(UsageError, match="no password"):
        service.set_password(PASSWORD)
    for role in RIGHTS:
        with pytest.raises(UsageError, match="no role"):
            accounts.set_role(user_id=service.pk, role=role, actor="test")


@pytest.mark.parametrize("password", ["", "!", PASSWORD])
def test_no_password_signs_in(service: User, client: Client, password: str) -> None:
    assert authenticate(username=ADDRESS, password=password) is None
    assert client.post("/sign-in/", {"email": ADDRESS, "password": password}).status_code == 422
    assert "_auth_user_id" not in client.session


def test_a_session_that_exists_all_the_same_is_nobodys(service: User, client: Client) -> None:
    client.force_login(service)
    for page in ("/", "/keys/", "/security/", "/console/", "/admin/", "/turns/1/stream/"):
        assert client.get(page).status_code in (302, 401), page
    request = RequestFactory().get("/")
    request.session = client.session
    with pytest.raises(PermissionDenied):
        begin_session(request, service, Way.PASSWORD)


def test_neither_a_passkey_nor_half_a_sign_in_leads_in(service: User, client: Client) -> None:
    device = Device()
    enrolled(service, device)
    with pytest.raises(Unusable):
        shown(device)
    with pytest.raises(Unusable):
        shown(device, Asked(Purpose.SECOND, "browser", service))
    session = client.session
    halfway.begin(session, service, next_page="/")
    assert halfway.who(session) is None


def test_no_provider_leads_in_makes_joins_or_manages_one(service: User, okta: IdentityProvider) -> None:
    accounts.add_alias(user_id=service.pk, address="box@example.com", actor="test")
    for email in (ADDRESS, "box@example.com", f"never-was@{SERVICE_DOMAIN}"):
        claims = Claims(subject=email, email=email, name="Box")
        assert judge(okta, claims).refusal is Refusal.SERVICE_ACCOUNT, email
        with pytest.raises(Refused):
            admit(okta, claims)
        assert judge_provisioned(okta, email).refusal is Refusal.SERVICE_ACCOUNT
    with pytest.raises(Refused):
        connect(okta, Claims(subject="s", email="s@example.com"), user=service)
    ExternalIdentity.objects.create(provider=okta, subject="known", user=service)
    known = Claims(subject="known", email="known@example.com")
    assert judge(okta, known).refusal is Refusal.SERVICE_ACCOUNT
    with pytest.raises(Refused):
        admit(okta, known)


def test_no_link_leads_in(service: User) -> None:
    with pytest.raises(UsageError, match="no password"):
        invitations.offer_password(user=service)
    accounts.add_alias(user_id=service.pk, address="box@example.com", actor="test")
    for address in (ADDRESS, f"never-was@{SERVICE_DOMAIN}", "box@example.com"):
        with pytest.raises((invitations.BadAddress, invitations.Taken)):
            invitations.invite(email=address, inviter=None)
    assert not Invitation.objects.exists()


def test_people_get_no_address_of_service_accounts(service: User, people: dict[str, User]) -> None:
    taken = f"other@{SERVICE_DOMAIN}"
    with pytest.raises(UsageError, match="service accounts"):
        add_user(email=taken)
    with pytest.raises(UsageError, match="service accounts"):
        accounts.add_alias(user_id=people["ann"].pk, address=taken, actor="test")
    assert not Address.objects.filter(address=taken).exists()


def test_an_address_of_a_person_cannot_be_given_to_it(service: User, people: dict[str, User]) -> None:
    with pytest.raises(UsageError, match="already belongs"):
        accounts.add_alias(user_id=service.pk, address="ann@example.com", actor="test")


def test_its_keys_work_until_they_are_revoked_or_the_account_is_closed(service: User) -> None:
    key = issue_key(
        user_id=service.pk, name="box", days=365, actor="ada@example.com", scopes=scopes_for(service)
    )
    assert person_with_key(key.text) == service
    accounts.close_account(user_id=service.pk, actor="test")
    assert asking_with(key.text) is None
    with pytest.raises(NotFound):
        issue_key(user_id=service.pk, name="box", days=9, actor="test", scopes=[Scope.ASK])
    accounts.reopen_account(user_id=service.pk, actor="test")
    assert person_with_key(key.text) == service
    assert service_accounts()[0].keys == 1


def test_its_keys_end_within_a_year_and_inspect_nothing(service: User) -> None:
    for days in (0, 366):
        with pytest.raises(UsageError, match="1 to 365 days"):
            issue_key(user_id=service.pk, name="box", days=days, actor="test", scopes=[Scope.ASK])
    with pytest.raises(UsageError, match="permissions"):
        issue_key(user_id=service.pk, name="box", days=9, actor="test")
    assert Scope.PERMISSIONS not in scopes_for(service)


def test_the_command_makes_a_key_that_may_do_all_that_it_can(
    service: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("api_key", "add", ADDRESS, "--name", "box")
    asking = asking_with(json.loads(capsys.readouterr().out)["key"])
    assert asking is not None
    assert asking.scopes == {Scope.SEARCH, Scope.DOCUMENTS, Scope.ASK}


def test_the_command_adds_lists_and_closes_one(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("service_account", "add", "nightly", "--contact", "Archive")
    assert json.loads(capsys.readouterr().out)["email"] == f"nightly@{SERVICE_DOMAIN}"
    call_command("service_account", "list")
    (row,) = json.loads(capsys.readouterr().out)["service_accounts"]
    assert (row["contact"], row["active"], row["keys"]) == ("Archive", True, 0)
    call_command("user", "close", f"nightly@{SERVICE_DOMAIN}")
    assert not User.objects.get().is_active


def test_what_it_is_called_and_who_is_asked_can_change(service: User, people: dict[str, User]) -> None:
    change_service_account(user_id=service.pk, name="Box", contact="Web team", actor="ada@example.com")
    service.refresh_from_db()
    assert (service.name, service.contact, service.email) == ("Box", "Web team", ADDRESS)
    with pytest.raises(NotFound):
        change_service_account(user_id=people["ann"].pk, name="Box", contact="Web team", actor="test")


def test_who_is_asked_and_is_erased_is_named_no_longer(service: User, people: dict[str, User]) -> None:
    change_service_account(
        user_id=service.pk, name="", contact="Ann (ann@example.com), IT", actor="ada@example.com"
    )
    assert "ann@example.com" in str(list(AuditEvent.objects.values_list("data")))
    erase(user_id=people["ann"].pk, actor="ada@example.com")
    service.refresh_from_db()
    assert "ann@example.com" not in service.contact
    assert service.contact.endswith(", IT")
    assert service.is_active
    assert "ann@example.com" not in str(list(AuditEvent.objects.values_list("data", "actor")))


def test_it_can_be_given_out_and_erased_like_an_account_of_a_person(service: User) -> None:
    key = issue_key(user_id=service.pk, name="box", days=9, actor="test", scopes=[Scope.ASK])
    file = io.BytesIO(b"".join(give_out(user_id=service.pk, actor="test").pieces))
    said = json.loads(zipfile.ZipFile(file).read("account.json"))
    assert (said["kind"], said["contact"]) == ("service", "IT desk")
    assert key.text not in json.dumps(said)
    erase(user_id=service.pk, actor="ada@example.com")
    assert asking_with(key.text) is None
    again = add_service_account(word="intranet-search", name="", contact="IT desk", actor="test")
    # What the former one was granted is not its own.
    assert not Address.objects.get(address=ADDRESS).confirmed
    assert sessions_of(user_id=again.pk) == ()
