"""The pages of identity providers: adding one, looking at its answers, and what nobody else may do there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import Role, User
from assistant.identity.models import (
    ExternalIdentity,
    IdentityProvider,
    ProviderSession,
    SpentMessage,
    StartedSignIn,
)
from tests.factors.asked_again import waiting_in
from tests.identity.saml.made_messages import IDP, REQUEST, Made, at, keys, posted, signed_assertion

SITE = "http://testserver/sign-in/saml/hanbit"
NAME_ID = ' Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"'


@pytest.fixture(autouse=True)
def _keys_made_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own keys are shorter, so that no test waits for them."""
    monkeypatch.setattr("assistant.identity.saml.keys._BITS", 2048)


@pytest.fixture
def ada(people: dict[str, User]) -> Client:
    """Who manages sign-in."""
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(people["ada"])
    return client


def typed(**changes: object) -> dict[str, object]:
    """The form as it is sent."""
    return {
        "name": "한빛 로그인",
        "slug": "hanbit",
        "setting-entity_id": IDP,
        "setting-sign_in_url": "https://idp.example.com/sso",
        "setting-certificates": keys("rsa").certificate,
        "setting-signs_requests": "on",
        "domains": "example.com\r\n@other.example",
        "makes_accounts": "on",
        "group": ["지식관리팀", "", ""],
        "role": ["content_administrator", "employee", "employee"],
        **changes,
    }


@pytest.fixture
def hanbit(ada: Client) -> IdentityProvider:
    """A provider that was added by the form."""
    assert ada.post("/console/identity/new/saml/", typed()).status_code == 302
    return IdentityProvider.objects.get()


def answer(*, now: datetime | None = None) -> str:
    """What the provider says of somebody in the group."""
    made = Made(
        now or datetime.now(UTC),
        name_id="a1b2",
        name_id_attributes=NAME_ID,
        response_attributes={"Destination": f"{SITE}/acs/"},
        data_attributes={"Recipient": f"{SITE}/acs/"},
        audiences=f"<saml:AudienceRestriction><saml:Audience>{SITE}/metadata/</saml:Audience></saml:AudienceRestriction>",
        attributes=(
            '<saml:AttributeStatement><saml:Attribute Name="mail"><saml:AttributeValue>new@example.com'
            '</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>'
            "지식관리팀</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"
        ),
    )
    return signed_assertion(made)


def test_what_was_typed_is_kept_and_nobody_can_sign_in_before_it_is_opened(
    ada: Client, hanbit: IdentityProvider
) -> None:
    assert hanbit.name == "한빛 로그인"
    assert hanbit.domains == ["example.com", "other.example"]
    assert hanbit.group_roles == [["지식관리팀", "content_administrator"]]
    assert (hanbit.makes_accounts, hanbit.joins_accounts, hanbit.is_open) == (True, False, False)
    assert hanbit.settings["signs_requests"] is True
    page = ada.get(f"/console/identity/{hanbit.pk}/").content.decode()
    assert f"{SITE}/acs/" in page
    assert "PRIVATE KEY" not in page
    assert "Continue with" not in Client(headers={"Accept-Language": "en"}).get("/sign-in/").content.decode()
    ada.post(f"/console/identity/{hanbit.pk}/open/", {"open": "1"})
    assert (
        "Continue with 한빛 로그인"
        in Client(headers={"Accept-Language": "en"}).get("/sign-in/").content.decode()
    )


def test_closing_says_first_how_many_sessions_end(
    ada: Client, hanbit: IdentityProvider, people: dict[str, User]
) -> None:
    IdentityProvider.objects.update(is_open=True)
    identity = ExternalIdentity.objects.create(provider=hanbit, subject="s-9", user=people["ann"])
    for _ in range(2):
        browser = Client()
        browser.force_login(people["ann"])
        session = SignedInSession.objects.get(session_key=browser.session.session_key)
        ProviderSession.objects.create(session=session, identity=identity)
    page = f"/console/identity/{hanbit.pk}/"
    assert "2 sessions that came of it end at once" in ada.get(page).content.decode()
    assert ada.post(f"{page}open/", {"close": "1"}).status_code == 302
    assert not ProviderSession.objects.exists()
    assert browser.get("/sessions/").status_code == 302
    assert "Open it" in ada.get(page).content.decode()


def test_the_addresses_are_there_before_the_provider_is_as_it_may_ask_for_them_first(ada: Client) -> None:
    for kind, path in (("saml", "acs"), ("oidc", "callback")):
        page = ada.get(f"/console/identity/new/{kind}/").content.decode()
        [slug] = re.findall(r'name="slug"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="slug"', page)[0:1]
        short = "".join(slug)
        assert f"http://testserver/sign-in/{kind}/{short}/{path}/" in page
        assert "Okta" in page
        assert "Download the metadata" not in page
    page = ada.get("/console/identity/new/saml/").content.decode()
    added = ada.post("/console/identity/new/saml/", typed(slug="saml"))
    after = ada.get(added.headers["Location"]).content.decode()
    addresses = re.findall(r'value="(http://testserver/sign-in/saml/[^"]+)"', page)
    assert len(addresses) == 3
    assert set(addresses) <= set(re.findall(r'value="(http://testserver/sign-in/saml/[^"]+)"', after))
    assert ada.get("/console/identity/new/ldap/").status_code == 200
    assert not IdentityProvider.objects.exclude(slug="saml").exists()


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(ada: Client) -> None:
    page = ada.post(
        "/console/identity/new/saml/",
        typed(**{"setting-certificates": "none <b>", "domains": "no domain"}),
    )
    assert page.status_code == 422
    text = page.content.decode()
    assert 'id="wrong-domains"' in text
    assert "none &lt;b&gt;" in text
    assert "지식관리팀" in text
    assert not IdentityProvider.objects.exists()


def test_every_kind_has_a_form_that_is_drawn_from_its_fields(ada: Client) -> None:
    for kind in ("saml",):
        assert ada.get(f"/console/identity/new/{kind}/").status_code == 200
    assert ada.get("/console/identity/new/kerberos/").status_code == 404


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.CONTENT_ADMINISTRATOR, Role.AUDITOR])
def test_the_pages_are_not_there_for_who_does_not_manage_sign_in(
    hanbit: IdentityProvider, people: dict[str, User], role: Role
) -> None:
    User.objects.filter(pk=people["bob"].pk).update(role=role)
    bob = Client()
    bob.force_login(User.objects.get(pk=people["bob"].pk))
    for path in ("", "new/", "new/saml/", f"{hanbit.pk}/", f"{hanbit.pk}/try/", "tried/x/"):
        assert bob.get(f"/console/identity/{path}").status_code == 404
    deeds = ("", "open/", "key/", "remove/", "refresh/", "try/")
    for path in ("new/saml/", *(f"{hanbit.pk}/{deed}" for deed in deeds)):
        assert bob.post(f"/console/identity/{path}", typed(message="x", open="1")).status_code == 404
    hanbit.refresh_from_db()
    assert not hanbit.is_open


def test_changes_ask_again_after_half_an_hour(ada: Client, hanbit: IdentityProvider) -> None:
    session = ada.session
    session["proven"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    for path in ("", "open/", "key/", "remove/"):
        assert ada.post(f"/console/identity/{hanbit.pk}/{path}", typed(open="1")).status_code == 403
    assert ada.post("/console/identity/new/saml/", typed(slug="b", name="B")).status_code == 403
    assert IdentityProvider.objects.get().is_open is False


def test_a_dry_run_says_what_would_happen_and_writes_nothing(ada: Client, hanbit: IdentityProvider) -> None:
    before = User.objects.count()
    for pasted in (answer(), posted(answer())):
        page = ada.post(f"/console/identity/{hanbit.pk}/try/", {"message": pasted}).content.decode()
        assert "A new account is made for <bdi>new@example.com</bdi>" in page
        assert re.search(r"Content administrator\s+\(by the group <bdi>지식관리팀</bdi>\)", page)
    assert User.objects.count() == before
    assert not SpentMessage.objects.exists()
    assert not ExternalIdentity.objects.exists()


def test_a_dry_run_tells_an_old_message_from_a_forged_one(ada: Client, hanbit: IdentityProvider) -> None:
    path = f"/console/identity/{hanbit.pk}/try/"
    old = datetime.now(UTC) - timedelta(days=2)
    page = ada.post(path, {"message": answer(now=old)}).content.decode()
    assert "too old or too early" in page
    assert "A new account is made for" in page
    forged = answer().replace("new@example.com", "ada@example.com")
    page = ada.post(path, {"message": forged}).content.decode()
    assert "The message is not believed" in page
    assert "ada@example.com</bdi>" not in page.split('id="message"')[0]
    for rubbish in ("", "<a>", "%%%", "<script>alert(1)</script>", "A" * 800_000):
        assert "The message is not believed" in ada.post(path, {"message": rubbish}).content.decode()


def test_a_dry_run_lists_all_that_is_wrong_at_once(ada: Client, hanbit: IdentityProvider) -> None:
    path = f"/console/identity/{hanbit.pk}/try/"
    wrong = (
        answer().replace(f"{SITE}/acs/", "https://old.example/acs/").replace(f"{SITE}/metadata/", "urn:<b>x")
    )
    page = ada.post(path, {"message": wrong.replace("urn:<b>x", "urn:x&lt;")}).content.decode()
    states = re.findall(r'<li data-state="(\w+)">', page)
    assert (len(states), states.count("failed")) == (15, 4)  # signature, destination, recipient, audience
    assert "4 things have to be mended" in page
    assert "<code>https://old.example/acs/</code>" in page
    assert "<code>urn:x&lt;</code>" in page
    assert f"<code>{SITE}/metadata/</code>" in page
    good = ada.post(path, {"message": answer()}).content.decode()
    assert set(re.findall(r'<li data-state="(\w+)">', good)) == {"passed"}


def test_a_sign_in_that_is_tried_ends_on_the_page_and_in_no_session(
    ada: Client, hanbit: IdentityProvider
) -> None:
    sent = ada.get("/sign-in/saml/hanbit/begin/?purpose=try")
    assert sent.status_code == 302
    StartedSignIn.objects.update(sent=REQUEST)
    came = Client().post("/sign-in/saml/hanbit/acs/", {"SAMLResponse": posted(answer())})
    there = ada.get(came.headers["Location"]).headers["Location"]
    assert there.startswith("/console/identity/tried/")
    page = ada.get(there)
    assert b"A new account is made for <bdi>new@example.com</bdi>" in page.content
    assert ada.get(there).status_code == 404
    assert not User.objects.filter(email="new@example.com").exists()
    assert SignedInSession.objects.count() == 1


def test_an_identity_is_disconnected_with_its_sessions_and_of_this_person_only(
    ada: Client, hanbit: IdentityProvider, people: dict[str, User]
) -> None:
    one = ExternalIdentity.objects.create(provider=hanbit, subject="s-1", user=people["ann"])
    assert b"s-1" in ada.get(f"/console/people/{people['ann'].pk}/").content
    other = f"/console/people/{people['bob'].pk}/disconnect/"
    assert ada.post(other, {"identity": str(one.pk)}).status_code == 404
    assert ExternalIdentity.objects.exists()
    ada.post(f"/console/people/{people['ann'].pk}/disconnect/", {"identity": str(one.pk)})
    assert not ExternalIdentity.objects.exists()


def test_no_other_site_can_make_somebody_connect_an_identity(
    hanbit: IdentityProvider, people: dict[str, User]
) -> None:
    IdentityProvider.objects.update(is_open=True)
    ann = Client(headers={"Accept-Language": "en"})
    ann.force_login(people["ann"])
    for link in ("?purpose=connect", "?purpose=connect&word=0", "?purpose=connect&word=%C3%A9"):
        assert ann.get(f"/sign-in/saml/hanbit/begin/{link}").status_code == 404
    [address] = re.findall(
        r'href="(/sign-in/saml/hanbit/begin/[^"]*)"', ann.get("/sessions/").content.decode()
    )
    assert ann.get(address.replace("&amp;", "&")).status_code == 302
    session = ann.session
    session["proven"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    assert ann.get(address.replace("&amp;", "&")).status_code == 404
    bob = Client()
    bob.force_login(people["bob"])
    assert bob.get(address.replace("&amp;", "&")).status_code == 404


def test_who_has_no_password_proves_themselves_in_another_window(
    ada: Client, hanbit: IdentityProvider, people: dict[str, User]
) -> None:
    IdentityProvider.objects.update(is_open=True)
    people["ada"].set_unusable_password()
    people["ada"].save()
    ada.force_login(people["ada"])
    ExternalIdentity.objects.create(provider=hanbit, subject="s-2", user=people["ada"])
    session = ada.session
    session["proven"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    path = f"/console/people/{people['ann'].pk}/role/"
    page = ada.post(path, {"role": "auditor"})
    assert page.status_code == 403
    text = page.content.decode()
    assert "/sign-in/saml/hanbit/begin/?purpose=prove" in text
    assert 'type="password"' not in text
    carried = {"proving_form": waiting_in(page), "proving_by_provider": "1"}
    assert ada.post(path, carried).status_code == 422
    session = ada.session
    session["proven"] = at(datetime.now(UTC)).replace("Z", "+00:00")
    session.save()
    assert ada.post(path, carried).status_code == 302
    assert User.objects.get(pk=people["ann"].pk).role == Role.AUDITOR
