"""Signing in with the password of a real directory, and what nobody gets in by."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import hypothesis
import pyotp
import pytest
from django.conf import LazySettings
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from assistant.accounts import people
from assistant.accounts.door_models import FailedTries, SignedInSession
from assistant.accounts.models import User
from assistant.accounts.services import add_user
from assistant.accounts.session_store import SessionStore
from assistant.accounts.throttle import RULES, Kind
from assistant.audit.models import AuditEvent
from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from assistant.factors import app_codes, rule
from assistant.factors.models import AuthenticatorApp
from assistant.identity.connected import disconnect
from assistant.identity.ldap import asking
from assistant.identity.ldap.directory import Unreachable, person_with
from assistant.identity.ldap.entry import Entry, is_closed
from assistant.identity.ldap.kind import FIELDS
from assistant.identity.ldap.settings import settings_of
from assistant.identity.models import ExternalIdentity, IdentityProvider, ProviderSession
from assistant.identity.providers import Mistakes, ProviderForm, add_provider, change_provider, set_open
from tests.connectors.servers.babbling import garbage
from tests.connectors.servers.programs import free_port
from tests.connectors.servers.slapd import PASSWORD, READER, SUFFIX, Slapd, slapd

_numbers = count(1)
RIGHT = "올바른 Secret 3!"


class Company:
    """People and groups in a branch of a real directory, and the provider that reads it."""

    def __init__(self) -> None:
        self.server: Slapd = slapd()
        self.base = f"ou=company{next(_numbers)},{SUFFIX}"
        self.people, self.groups = f"ou=people,{self.base}", f"ou=groups,{self.base}"
        for dn in (self.base, self.people, self.groups):
            self.server.add(dn, ["organizationalUnit"], {})
        self.provider = self.opened()

    def form(self, slug: str = "directory", **settings: Json) -> ProviderForm:
        """What an administrator enters."""
        usual: dict[str, Json] = {
            "url": f"ldap://localhost:{self.server.port}",
            "ca_file": str(self.server.certified.authority),
            "bind_dn": READER,
            "base": self.people,
            "groups_from": "nested",
            "groups_base": self.groups,
        }
        return ProviderForm(
            name=slug.title(),
            kind="ldap",
            slug=slug,
            settings={**usual, **settings},
            secrets={"bind_password": PASSWORD},
            domains=["example.com"],
            group_roles=[("auditors", "auditor")],
        )

    def opened(self, slug: str = "directory", **settings: Json) -> IdentityProvider:
        """A provider that is open."""
        row = add_provider(self.form(slug, **settings), actor="test")
        set_open(provider_id=row.pk, is_open=True, actor="test")
        return row

    def change(self, **settings: Json) -> None:
        """Other settings, as if an administrator had entered them."""
        IdentityProvider.objects.filter(pk=self.provider.pk).update(
            settings={**self.provider.settings, **settings}
        )

    def person(self, login: str, mail: str = "", **more: str) -> str:
        """Somebody with a password. The name of their entry."""
        dn = f"uid={login},{self.people}"
        self.server.add(
            dn,
            ["inetOrgPerson", "shadowAccount"],
            {"cn": login.title(), "sn": login, "mail": mail or f"{login}@example.com", **more},
        )
        connection = self.server.admin
        assert connection.extend.standard.modify_password(dn, new_password=RIGHT), connection.result
        return dn

    def group(self, name: str, *members: str) -> str:
        """A group. The name of its entry."""
        dn = f"cn={name},{self.groups}"
        self.server.add(dn, ["groupOfNames"], {"member": list(members)})
        return dn


@pytest.fixture
def company(db: None, settings: LazySettings) -> Iterator[Company]:
    """A company whose directory is open."""
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8, ::1/128")
    made = Company()
    yield made
    made.server.remove_tree(made.base)


def typed(client: Client, name: str, password: str = RIGHT) -> HttpResponse:
    """The form, filled in."""
    return client.post("/sign-in/", {"email": name, "password": password})  # type: ignore[return-value]


def is_signed_in(client: Client) -> bool:
    """Whether this browser is signed in."""
    return bool(client.get("/sessions/").status_code == 200)


def gets_in(name: str, password: str = RIGHT) -> bool:
    """Whether somebody with a new browser gets in so."""
    client = Client()
    typed(client, name, password)
    return is_signed_in(client)


def test_the_right_password_signs_in_by_address_and_by_user_name(client: Client, company: Company) -> None:
    company.person("ann")
    assert "or user name" in client.get("/sign-in/").content.decode()
    assert typed(client, "Ann@Example.com").status_code == 302
    assert is_signed_in(client)
    assert gets_in("ann")
    user = User.objects.get()
    assert (user.email, user.name, user.role) == ("ann@example.com", "Ann", "employee")
    assert not user.has_usable_password()
    assert len(ExternalIdentity.objects.get().subject) == 36  # entryUUID


@pytest.mark.parametrize("password", ["wrong", "", " ", RIGHT + " ", RIGHT.upper(), "x" * 2_000, "a\x00b"])
def test_another_password_signs_nobody_in(client: Client, company: Company, password: str) -> None:
    company.person("ann")
    answer = typed(client, "ann", password)
    assert answer.status_code == 422
    assert "isn&#x27;t right" in answer.content.decode()
    assert not is_signed_in(client)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "name",
    ["*", "a*", "*)(uid=*", "ann)(|(uid=*", "ann\\2a", "*)(|(objectClass=*)", "nobody",
     "ann@example.com)(uid=*",
     "ann\x00", "\\", "(", "uid=ann", "x" * 300],
)  # fmt: skip
def test_a_name_is_a_name_and_never_a_part_of_the_filter(client: Client, company: Company, name: str) -> None:
    company.person("ann")
    answer = typed(client, name)
    assert answer.status_code == 422
    assert not is_signed_in(client)


def test_no_account_no_entry_and_a_wrong_password_are_answered_alike(company: Company) -> None:
    company.person("ann")
    add_user(email="local@example.com", password="a local password 7")
    pages = set()
    for name in ("ann@example.com", "nobody@example.com", "local@example.com", "bob@other.example"):
        answer = typed(Client(), name, "wrong")
        assert answer.status_code == 422
        pages.add(answer.content.decode().split("<form")[0].split("<main")[1])
    assert len(pages) == 1
    events = AuditEvent.objects.filter(event="sign_in_failed").values_list("data", flat=True)
    assert [dict(data) for data in events] == [{}] * 4


def test_two_entries_of_one_name_are_nobody(company: Company) -> None:
    company.person("ann")
    company.person("bob", mail="ann@example.com")
    assert not gets_in("ann@example.com")
    assert gets_in("bob")  # whose own name is his alone; the address is the account's first
    assert User.objects.get().email == "ann@example.com"


def test_a_password_goes_to_no_directory_that_does_not_speak_for_the_address(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.person("ann", mail="ann@other.example")
    asked: list[str] = []
    monkeypatch.setattr(asking, "person_with", lambda *_, name, **__: asked.append(name))
    for name in ("ann@other.example", "ann@example.com.evil.example", "ann@", "@", "a@b@example.com"):
        assert not gets_in(name)
    company.opened("second")
    assert not gets_in("ann")  # which of the two is meant, nobody knows
    IdentityProvider.objects.update(is_open=False)
    assert not gets_in("ann@example.com")
    assert asked == []


def test_a_local_password_that_fits_wins(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    add_user(email="ann@example.com", password="a local password 7")
    monkeypatch.setattr(asking, "person_with", lambda *_, **__: pytest.fail("the directory was asked"))
    assert gets_in("ann@example.com", "a local password 7")


def test_a_group_gives_the_role_also_through_other_groups(company: Company) -> None:
    ann = company.person("ann")
    inner = company.group("team", ann)
    company.group("auditors", inner)
    company.group("loop", inner)
    browser = Client()
    # A directory asks for a password only, so who has a right by it shows a second factor here.
    assert typed(browser, "ann").headers["Location"] == "/sign-in/set-up/"
    assert not is_signed_in(browser)
    assert User.objects.get().role == "auditor"
    company.change(groups_from="search")  # direct ones only
    assert gets_in("ann")
    assert User.objects.get().role == "employee"


def test_a_renamed_entry_keeps_its_account_and_a_recycled_address_inherits_nothing(company: Company) -> None:
    ann = company.person("ann")
    assert gets_in("ann@example.com")
    company.server.rename(ann, "uid=annlee")
    company.server.change(f"uid=annlee,{company.people}", "mail", "lee@example.com")
    assert gets_in("annlee")
    assert User.objects.get().email == "ann@example.com"
    company.person("ann")  # somebody else, who gets the name and the address
    assert not gets_in("ann@example.com")
    assert User.objects.count() == 1
    reason = AuditEvent.objects.filter(event="identity_refused").latest("pk").data
    assert dict(reason)["reason"] == "another_subject"


def test_a_closed_account_stays_closed(company: Company) -> None:
    company.person("ann")
    assert gets_in("ann")
    people.close_account(user_id=User.objects.get().pk, actor="test")
    answer = typed(Client(), "ann")
    assert answer.status_code == 403
    assert not gets_in("ann")


@pytest.mark.parametrize(
    ("attribute", "closed", "opened"),
    [
        ("shadowExpire", ("1", "0"), ("-1", "99999")),
        ("pwdAccountLockedTime", ("000001010000Z", "20260102030405Z"), ()),
        ("nsAccountLock", ("TRUE", "true"), ("false",)),
        ("loginDisabled", ("TRUE",), ("FALSE",)),
        ("userAccountControl", ("514", "66050"), ("512", "66048")),
        ("accountExpires", ("1", "132000000000000000"), ("0", "9223372036854775807")),
    ],
)
def test_an_account_that_is_closed_or_over_in_the_directory_does_not_get_in(
    company: Company, attribute: str, closed: tuple[str, ...], opened: tuple[str, ...]
) -> None:
    """With the right password: the directory's own say does not stop these here."""
    ann = company.person("ann")
    company.server.change(ann, "objectClass", "inetOrgPerson", "shadowAccount", "extensibleObject")
    for value in closed:
        company.server.change(ann, attribute, value)
        assert not gets_in("ann"), value
    company.server.change(ann, attribute)
    assert gets_in("ann")
    for value in opened:
        company.server.change(ann, attribute, value)
        assert gets_in("ann"), value


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        ("userAccountControl", ["no number"]),
        ("userAccountControl", [""]),
        ("userAccountControl", ["512", "514"]),
        ("accountExpires", [""]),
        ("accountExpires", ["0", "1"]),
        ("shadowExpire", ["\N{FULLWIDTH DIGIT ONE}x"]),
        ("nsAccountLock", ["FALSE", "TRUE"]),
        ("loginDisabled", ["yes"]),
        ("pwdAccountLockedTime", [""]),
    ],
)
def test_a_state_that_cannot_be_read_closes_the_account(attribute: str, values: list[str]) -> None:
    """Directories with a schema refuse most of these, so a real one cannot be asked."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert not is_closed(Entry("uid=ann", {}), now)
    assert is_closed(Entry("uid=ann", {attribute.lower(): tuple(map(str.encode, values))}), now)
    assert is_closed(Entry("uid=ann", {attribute.lower(): (b"\xff",)}), now)


def test_a_session_is_the_directorys_also_after_a_second_factor(company: Company) -> None:
    company.person("ann")
    assert gets_in("ann")
    assert ProviderSession.objects.get().identity.provider == company.provider
    assert rule.noted(SessionStore(SignedInSession.objects.get().session_key)) == {"password", "directory"}
    user = User.objects.get()
    secret = app_codes.new_secret()
    assert app_codes.set_up(user=user, secret=secret, code=pyotp.TOTP(secret).now())
    AuthenticatorApp.objects.update(last_step=0)
    browser = Client()
    assert typed(browser, "ann").headers["Location"] == "/sign-in/second-step/"
    assert ProviderSession.objects.count() == 1
    browser.post("/sign-in/second-step/", {"code": pyotp.TOTP(secret).now()})
    assert is_signed_in(browser)
    assert ProviderSession.objects.count() == 2
    disconnect(identity_id=ExternalIdentity.objects.get().pk, user_id=user.pk, actor="test")
    assert not is_signed_in(browser)


def test_who_is_halfway_in_goes_no_further_once_the_directory_is_closed(company: Company) -> None:
    ann = company.person("ann")
    company.group("auditors", ann)
    browser = Client()
    assert typed(browser, "ann").headers["Location"] == "/sign-in/set-up/"
    set_open(provider_id=company.provider.pk, is_open=False, actor="test")
    assert browser.get("/sign-in/set-up/").headers["Location"] == "/sign-in/"
    set_open(provider_id=company.provider.pk, is_open=True, actor="test")
    assert browser.get("/sign-in/set-up/").status_code == 200
    disconnect(identity_id=ExternalIdentity.objects.get().pk, user_id=User.objects.get().pk, actor="test")
    assert browser.get("/sign-in/set-up/").headers["Location"] == "/sign-in/"


def test_a_role_that_grows_is_not_had_by_a_password_of_the_directory_alone(
    company: Company, settings: LazySettings
) -> None:
    settings.MUNDAP_REQUIRE_SECOND_FACTOR = "administrators"
    company.person("ann")
    browser = Client()
    typed(browser, "ann")
    assert is_signed_in(browser)
    User.objects.update(role="security_administrator")
    assert not is_signed_in(browser)


def test_an_outage_is_not_held_against_the_person_and_gives_no_free_guesses(company: Company) -> None:
    company.person("ann")
    there = company.provider.settings["url"]
    company.change(url=f"ldap://localhost:{free_port()}")
    most = int(RULES[Kind.UNJUDGED].capacity)  # type: ignore[attr-defined]
    assert [typed(Client(), "ann").status_code for _ in range(8)] == [503] * 8
    company.change(url=there)
    assert gets_in("ann")
    company.change(url=f"ldap://localhost:{free_port()}")
    statuses = [typed(Client(), "nobody@example.com").status_code for _ in range(most + 6)]
    assert statuses == [503] * (most + 5) + [429]


@given(
    replies=st.lists(st.binary(max_size=40), min_size=1, max_size=3),
    cut=st.integers(0, 60),
    bit=st.integers(0, 255),
)
@hypothesis.settings(
    max_examples=25, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_no_bytes_in_place_of_an_answer_let_anybody_in(
    settings: LazySettings, replies: list[bytes], cut: int, bit: int
) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    bound = bytearray.fromhex("300c02010161070a010004000400")
    bound[cut % len(bound)] ^= bit
    for answers in (replies, [bytes(bound), *replies]):
        with garbage(answers) as port, contextlib.suppress(Unreachable):
            assert person_at(port) is None


@pytest.mark.parametrize("encryption", ["none", "tls"])
@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 mail\r\n", b"\x04\x02no", b"0\x03\x02\x01\x07"]
)
def test_what_does_not_speak_ldap_is_said_to_be_so(
    settings: LazySettings, answer: bytes, encryption: str
) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = parse_networks("127.0.0.0/8")
    with garbage([answer]) as port, pytest.raises(Unreachable, match=f":{port} does not speak LDAP"):
        person_at(port, encryption)


def person_at(port: int, encryption: str = "none") -> object:
    """Whom whatever answers there says that somebody is."""
    usual: dict[str, Json] = {one.name: one.default for one in FIELDS}
    at: dict[str, Json] = {"url": f"ldap://127.0.0.1:{port}", "encryption": encryption, "base": "dc=example"}
    provider = IdentityProvider(kind="ldap", settings=usual | at)
    network = Network(django_settings.MUNDAP_ALLOWED_NETWORKS)
    return person_with(settings_of(provider), network, name="ann", password="x", now=timezone.now())


def test_a_directory_out_of_reach_is_said_and_writes_no_wrong_password_down(company: Company) -> None:
    company.change(url=f"ldap://localhost:{free_port()}")
    answer = typed(Client(), "ann@example.com")
    assert answer.status_code == 503
    assert "reached at the moment" in answer.content.decode()
    assert not AuditEvent.objects.filter(event="sign_in_failed").exists()
    assert AuditEvent.objects.get(event="identity_refused").data["reason"] == "unreachable"


@pytest.mark.parametrize("port", ["port", "secure_port"])
def test_a_certificate_that_is_not_trusted_gets_no_password(company: Company, port: str) -> None:
    scheme = "ldaps" if port == "secure_port" else "ldap"
    company.person("ann")
    company.change(url=f"{scheme}://localhost:{getattr(company.server, port)}")
    assert gets_in("ann")
    for bad in ({"ca_file": ""}, {"url": f"{scheme}://127.0.0.2:{getattr(company.server, port)}"}):
        company.change(url=f"{scheme}://localhost:{getattr(company.server, port)}")
        company.change(**{"url": f"{scheme}://localhost:{getattr(company.server, port)}", **bad})
        answer = typed(Client(), "ann")
        assert answer.status_code == 503


def test_a_private_address_is_asked_only_where_the_operator_allows_it(
    company: Company, settings: LazySettings
) -> None:
    company.person("ann")
    settings.MUNDAP_ALLOWED_NETWORKS = ()
    assert typed(Client(), "ann").status_code == 503


def test_a_pointer_to_another_server_is_not_followed(company: Company) -> None:
    company.person("ann")
    elsewhere = f"ou=elsewhere,{company.people}"
    company.server.add(
        elsewhere, ["referral", "extensibleObject"],
        {"ou": "elsewhere", "ref": f"ldap://127.0.0.1:{free_port()}/{elsewhere}"},
    )  # fmt: skip
    assert gets_in("ann")
    company.change(base=elsewhere)
    assert typed(Client(), "ann").status_code == 503


def test_guesses_are_held_back_before_the_directory_is_asked(company: Company) -> None:
    company.person("ann")
    statuses = [typed(Client(), "ann", "wrong").status_code for _ in range(7)]
    assert 429 in statuses
    assert typed(Client(), "ann").status_code == 429


def test_an_attribute_of_several_values_names_nobody(company: Company) -> None:
    company.person("ann")
    company.change(subject_attribute="objectClass")
    assert typed(Client(), "ann").status_code == 403


def test_who_a_subject_is_does_not_change_under_people_who_came(company: Company) -> None:
    company.person("ann")
    assert gets_in("ann")
    with pytest.raises(Mistakes) as mistakes:
        change_provider(
            provider_id=company.provider.pk, form=company.form(subject_attribute="uid"), actor="test"
        )
    assert list(mistakes.value.by_field) == ["subject_attribute"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://directory.example.com"),
        ("url", "ldap://"),
        ("base", "people"),
        ("user_filter", "(mail=x)"),
        ("user_filter", "(mail={}"),
        ("user_filter", "mail={}"),
        ("subject_attribute", "mail"),
        ("subject_attribute", "a b"),
        ("groups_base", ""),
    ],
)
def test_what_cannot_work_is_said_by_field(company: Company, field: str, value: str) -> None:
    with pytest.raises(Mistakes) as mistakes:
        add_provider(company.form("another", **{field: value}), actor="test")
    assert field in mistakes.value.by_field


def test_the_account_that_looks_people_up_must_have_a_password(company: Company) -> None:
    with pytest.raises(Mistakes) as mistakes:
        add_provider(replace(company.form("another"), secrets={}), actor="test")
    assert "bind_password" in mistakes.value.by_field


def long_ago(browser: Client) -> None:
    """Whoever is signed in here has proven nothing lately."""
    session = browser.session
    session["proven"] = "2026-01-01T00:00:00+00:00"
    session.save()


def proves(browser: Client, password: str, **more: str) -> int:
    """What the page answers to this password."""
    return browser.post("/security/prove/", {"proving_password": password, **more}).status_code


@pytest.fixture
def ann(company: Company) -> Client:
    """The browser of somebody who came by the directory a while ago."""
    company.person("ann")
    browser = Client(headers={"Accept-Language": "en"})
    typed(browser, "ann")
    long_ago(browser)
    return browser


def test_who_came_by_a_directory_proves_it_by_the_password_there_and_no_other(
    company: Company, ann: Client
) -> None:
    page = ann.get("/security/prove/").content.decode()
    assert "The password with which you sign in by Directory." in page
    bob = company.person("bob")
    company.server.admin.extend.standard.modify_password(bob, new_password="Of Bob alone 4!")
    for wrong in ("", RIGHT + " ", "Of Bob alone 4!", "a\x00b", "x" * 2_000):
        assert proves(ann, wrong) == 422
    assert ann.get("/security/app/").status_code == 302
    FailedTries.objects.all().delete()
    assert proves(ann, RIGHT) == 302
    assert ann.get("/security/prove/").headers["Location"] == "/security/"  # no more asked
    assert ProviderSession.objects.get().session.session_key == ann.session.session_key


def test_guesses_at_it_are_counted(ann: Client) -> None:
    assert [proves(ann, "wrong") for _ in range(6)] == [422] * 5 + [429]
    assert proves(ann, RIGHT) == 429


def test_a_second_factor_is_asked_for_beside_it(ann: Client) -> None:
    user, secret = User.objects.get(), app_codes.new_secret()
    assert app_codes.set_up(user=user, secret=secret, code=pyotp.TOTP(secret).now())
    AuthenticatorApp.objects.update(last_step=0)
    assert proves(ann, RIGHT) == 422
    assert proves(ann, RIGHT, proving_code=pyotp.TOTP(secret).now()) == 302


def test_it_is_the_person_who_counts_and_not_the_name_that_somebody_has_by_now(
    company: Company, ann: Client
) -> None:
    entry = f"uid=ann,{company.people}"
    company.server.rename(entry, "uid=annlee")
    company.server.change(f"uid=annlee,{company.people}", "mail", "lee@example.com")
    other = company.person("ann")  # somebody else, who gets the name and the address
    company.server.admin.extend.standard.modify_password(other, new_password="Of another ann 5!")
    assert proves(ann, "Of another ann 5!") == 422
    assert proves(ann, RIGHT) == 302


@pytest.mark.parametrize("end", ["closed there", "disconnected", "provider closed"])
def test_who_is_not_let_in_there_any_more_proves_nothing(company: Company, ann: Client, end: str) -> None:
    ProviderSession.objects.all().delete()  # as if the session had begun otherwise: it goes on
    if end == "closed there":
        entry = f"uid=ann,{company.people}"
        company.server.change(entry, "objectClass", "inetOrgPerson", "shadowAccount", "extensibleObject")
        company.server.change(entry, "shadowExpire", "1")
    elif end == "disconnected":
        disconnect(identity_id=ExternalIdentity.objects.get().pk, user_id=User.objects.get().pk, actor="test")
    else:
        set_open(provider_id=company.provider.pk, is_open=False, actor="test")
    assert proves(ann, RIGHT) == 422
    assert ann.get("/security/app/").status_code == 302


def test_a_directory_out_of_reach_is_said_and_not_held_against_the_person(
    company: Company, ann: Client
) -> None:
    there = company.provider.settings["url"]
    company.change(url=f"ldap://localhost:{free_port()}")
    answer = ann.post("/security/prove/", {"proving_password": RIGHT})
    assert (answer.status_code, "can’t be reached at the moment" in answer.content.decode()) == (503, True)
    assert not FailedTries.objects.filter(kind="device", failures__gt=0).exists()
    assert AuditEvent.objects.get(event="identity_refused").data["reason"] == "unreachable"
    company.change(url=there)
    assert proves(ann, RIGHT) == 302


def test_the_company_s_password_counts_where_those_of_mundap_do_not(
    ann: Client, settings: LazySettings
) -> None:
    settings.MUNDAP_LOCAL_SIGN_IN = "emergency"
    User.objects.get().set_password("a local password 7")
    assert proves(ann, "a local password 7") == 422
    assert proves(ann, RIGHT) == 302
