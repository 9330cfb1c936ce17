"""Signing in with the password of a real directory, and what nobody gets in by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client

from assistant.accounts import people
from assistant.accounts.models import User
from assistant.accounts.services import add_user
from assistant.audit.models import AuditEvent
from assistant.common.network import parse_networks
from assistant.common.types import Json
from assistant.identity.ldap import asking
from assistant.identity.models import ExternalIdentity, IdentityProvider
from assistant.identity.providers import Mistakes, ProviderForm, add_provider, change_provider, set_open
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


@pytest.mark.parametrize("state", [{"shadowExpire": "1"}, {"shadowExpire": "0"}])
def test_an_account_that_is_over_in_the_directory_does_not_get_in(
    company: Company, state: dict[str, str]
) -> None:
    company.person("ann", uid="ann", **state)
    assert not gets_in("ann")


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
