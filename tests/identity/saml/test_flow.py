"""From the provider's answer to a session and back out again, with real keys and the real gate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import Role, User
from assistant.accounts.throttle import RULES, Kind
from assistant.accounts.throttle_rules import Leaking
from assistant.audit.models import AuditEvent
from assistant.common.types import Json
from assistant.identity.arriving import admit
from assistant.identity.claims import Claims
from assistant.identity.models import (
    ExternalIdentity,
    IdentityProvider,
    ProviderSession,
    StartedSignIn,
)
from assistant.identity.providers import (
    Mistakes,
    ProviderForm,
    add_provider,
    change_provider,
    remove_provider,
    set_open,
)
from assistant.identity.saml.facts import facts_of
from assistant.identity.saml.keys import announce_next, own_keys, use_next
from assistant.identity.saml.party import NotDescribed, party_of
from assistant.identity.saml.refreshing import refresh
from tests.identity.saml.made_messages import (
    IDP,
    SAMLP,
    Made,
    at,
    keys,
    posted,
    signed_assertion,
    signed_response,
)

SITE = "http://testserver"
BASE = "/sign-in/saml/acme/"
PERSISTENT = ' Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"'
TRANSIENT = ' Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient"'
pytestmark = pytest.mark.django_db


def settings_by_hand(**changes: Json) -> dict[str, Json]:
    return {
        "entity_id": IDP,
        "sign_in_url": "https://idp.example.com/sso?tenant=a&lang=ko",
        "logout_url": "https://idp.example.com/slo?tenant=a&lang=ko",
        "certificates": keys("rsa").certificate,
        **changes,
    }


def added(settings: Mapping[str, Json], **changes: Any) -> IdentityProvider:
    form = ProviderForm(
        name="Acme", kind="saml", slug="acme", settings=settings, domains=["example.com"], **changes
    )
    return add_provider(form, actor="test")


@pytest.fixture
def acme() -> IdentityProvider:
    """An open provider that was entered by hand."""
    row = added(settings_by_hand(), group_roles=[("admins", "content_administrator")])
    set_open(provider_id=row.pk, is_open=True, actor="test")
    row.refresh_from_db()
    return row


def started(browser: Client, query: str = "") -> tuple[str, etree._Element]:
    """Where the browser is sent, and the request that it carries."""
    to = browser.get(f"{BASE}begin/{query}").headers["Location"]
    encoded = parse_qs(urlsplit(to).query)["SAMLRequest"][0]
    return to, etree.fromstring(OneLogin_Saml2_Utils.decode_base64_and_inflate(encoded))


def answer(request_id: str, **changes: Any) -> Made:
    """What the provider says about Ann, meant for us."""
    return replace(
        Made(
            datetime.now(UTC),
            name_id="a1b2",
            name_id_attributes=PERSISTENT,
            response_attributes={"Destination": f"{SITE}{BASE}acs/", "InResponseTo": request_id},
            data_attributes={"Recipient": f"{SITE}{BASE}acs/", "InResponseTo": request_id},
            audiences=(
                f"<saml:AudienceRestriction><saml:Audience>{SITE}{BASE}metadata/</saml:Audience>"
                "</saml:AudienceRestriction>"
            ),
            attributes=attributes(mail=("new@example.com",), displayName=("김하늘",), groups=("admins",)),
        ),
        **changes,
    )


def attributes(**said: tuple[str, ...]) -> str:
    """An AttributeStatement."""
    written = "".join(
        f'<saml:Attribute Name="{name}">'
        + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
        + "</saml:Attribute>"
        for name, values in said.items()
    )
    return f"<saml:AttributeStatement>{written}</saml:AttributeStatement>"


def sent(browser: Client, made: Made) -> Any:
    """The provider's form comes in: from another site, so without cookies."""
    return Client(headers={"Accept-Language": "en"}).post(
        f"{BASE}acs/", {"SAMLResponse": posted(signed_assertion(made))}
    )


def signed_in(browser: Client, **changes: Any) -> None:
    """Through the whole sign-in."""
    _, request = started(browser)
    came = sent(browser, answer(request.get("ID"), **changes))
    assert came.status_code == 303, AuditEvent.objects.order_by("-pk")[0].data
    assert browser.get(came.headers["Location"]).headers["Location"] == "/"


def last_reason(event: str) -> str:
    return str(AuditEvent.objects.filter(event=event).order_by("-pk")[0].data["reason"])


@pytest.fixture
def browser() -> Client:
    return Client(headers={"Accept-Language": "en"})


def test_the_request_is_signed_and_valid_xml_whatever_the_address_holds(
    acme: IdentityProvider, browser: Client
) -> None:
    to, request = started(browser, "?next=/style/")
    assert to.startswith("https://idp.example.com/sso?tenant=a&lang=ko&SAMLRequest=")
    assert request.get("Destination") == "https://idp.example.com/sso?tenant=a&lang=ko"
    assert request.get("ForceAuthn") is None
    signed, _, signature = to.partition("?tenant=a&lang=ko&")[2].partition("&Signature=")
    certificate = own_keys(acme).current.certificate.pem
    [value] = parse_qs(f"s={signature}")["s"]
    assert OneLogin_Saml2_Utils.validate_binary_sign(
        signed, OneLogin_Saml2_Utils.b64decode(value), certificate
    )
    assert StartedSignIn.objects.get().next_page == "/style/"


def test_somebody_new_is_let_in_once_with_name_and_role(acme: IdentityProvider, browser: Client) -> None:
    signed_in(browser)
    user = User.objects.get(email="new@example.com")
    assert (user.name, user.role) == ("김하늘", Role.CONTENT_ADMINISTRATOR)
    assert browser.get("/style/").status_code == 200
    assert ProviderSession.objects.get().index == "_session-1"


def test_a_role_that_came_by_a_group_ends_with_the_group(acme: IdentityProvider, browser: Client) -> None:
    signed_in(browser)
    signed_in(
        Client(),
        assertion_id="_another",
        attributes=attributes(mail=("new@example.com",)),
    )
    assert User.objects.get(email="new@example.com").role == Role.EMPLOYEE


@pytest.mark.parametrize(
    ("says", "left"),
    [
        (timedelta(minutes=20), timedelta(minutes=20)),
        (timedelta(seconds=5), timedelta(minutes=1)),  # clocks differ by that; it must see its first page
        (timedelta(days=400), None),
        (None, None),
    ],
)
def test_a_session_ends_no_later_than_the_provider_says(
    acme: IdentityProvider, browser: Client, says: timedelta | None, left: timedelta | None
) -> None:
    begun = timezone.now()
    ends = "" if says is None else at(datetime.now(UTC) + says)
    signed_in(browser, statement_attributes={"SessionNotOnOrAfter": ends})
    row = SignedInSession.objects.get()
    usual = row.started_at + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    if left is None:
        assert row.expire_date == usual
    else:
        assert abs(row.expire_date - (begun + left)) < timedelta(seconds=10)
    session = browser.session
    session["used"] = True  # however much it is used
    session.save()
    assert SignedInSession.objects.get().expire_date == row.expire_date
    assert browser.get("/style/").status_code == 200
    SignedInSession.objects.update(expire_date=timezone.now())
    assert browser.get("/style/").headers["Location"].startswith("/sign-in/")


def test_an_answer_counts_once(acme: IdentityProvider, browser: Client) -> None:
    _, request = started(browser)
    made = answer(request.get("ID"))
    assert sent(browser, made).status_code == 303
    assert sent(browser, made).status_code == 400
    assert last_reason("identity_message_refused") == "not_waiting"
    _, later = started(browser)
    again = answer(later.get("ID"))  # the same assertion's id in an answer to another request
    assert sent(browser, again).status_code == 400
    assert last_reason("identity_message_refused") == "replayed"


def test_another_browser_cannot_end_what_this_one_began(acme: IdentityProvider, browser: Client) -> None:
    _, request = started(browser)
    ticket = sent(browser, answer(request.get("ID"))).headers["Location"]
    stranger = Client(headers={"Accept-Language": "en"})
    assert stranger.get(ticket).status_code == 400
    assert not User.objects.filter(email="new@example.com").exists()
    assert browser.get(ticket).status_code == 302


def test_what_the_provider_begins_is_refused_unless_that_is_allowed(
    acme: IdentityProvider, browser: Client
) -> None:
    made = answer("")
    assert sent(browser, made).status_code == 400
    assert last_reason("identity_message_refused") == "unsolicited"
    IdentityProvider.objects.update(settings={**acme.settings, "allows_unsolicited": True})
    ticket = sent(browser, made).headers["Location"]
    assert b"sent you here to sign in as new@example.com" in browser.get(ticket).content
    assert not User.objects.filter(email="new@example.com").exists()
    assert browser.post(ticket).status_code == 302
    assert User.objects.filter(email="new@example.com").exists()


def test_a_transient_identifier_names_nobody_unless_an_attribute_stays(
    acme: IdentityProvider, browser: Client
) -> None:
    _, request = started(browser)
    came = sent(browser, answer(request.get("ID"), name_id_attributes=TRANSIENT))
    assert browser.get(came.headers["Location"]).status_code == 403
    assert last_reason("identity_refused") == "no_subject"
    IdentityProvider.objects.update(settings={**acme.settings, "subject_attribute": "uid"})
    said = attributes(mail=("new@example.com",), uid=("n-17",))
    signed_in(browser, name_id_attributes=TRANSIENT, assertion_id="_b", attributes=said)
    assert ExternalIdentity.objects.get().subject == "n-17"


def test_nothing_of_a_refused_message_is_shown_or_written_down(
    acme: IdentityProvider, browser: Client
) -> None:
    _, request = started(browser)
    made = answer(request.get("ID"), issuer="https://kanari.example", name_id="kanari")
    came = sent(browser, made)
    assert came.status_code == 400
    assert b"kanari" not in came.content
    assert last_reason("identity_message_refused") == "issuer"
    assert not AuditEvent.objects.filter(data__icontains="kanari").exists()


def test_a_closed_provider_and_a_stranger_to_us_are_not_there(
    acme: IdentityProvider, browser: Client
) -> None:
    set_open(provider_id=acme.pk, is_open=False, actor="test")
    assert browser.get(f"{BASE}begin/").status_code == 404
    assert browser.get(f"{BASE}begin/?purpose=try").status_code == 404
    assert sent(browser, answer("_unknown")).status_code == 404
    assert browser.get(f"{BASE}logout/").status_code == 404
    assert browser.get("/sign-in/saml/nobody/metadata/").status_code == 404


def test_starts_are_limited_for_each_network(
    acme: IdentityProvider, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RULES, Kind.ARRIVALS, Leaking(capacity=3, each_s=1_000))
    codes = [browser.get(f"{BASE}begin/").status_code for _ in range(5)]
    assert codes == [302, 302, 302, 429, 429]
    assert StartedSignIn.objects.count() == 3


def test_who_proves_themselves_must_have_been_asked_anew(acme: IdentityProvider, browser: Client) -> None:
    signed_in(browser)
    session = browser.session
    session["proven"] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    _, request = started(browser, "?purpose=prove&next=/style/")
    assert request.get("ForceAuthn") == "true"
    stale = {"AuthnInstant": at(datetime.now(UTC) - timedelta(hours=2))}
    old = answer(request.get("ID"), assertion_id="_old", statement_attributes=stale)
    assert sent(browser, old).status_code == 400
    assert last_reason("identity_message_refused") == "not_fresh"
    fresh = {"AuthnInstant": at(datetime.now(UTC))}
    came = sent(browser, answer(request.get("ID"), assertion_id="_new", statement_attributes=fresh))
    assert browser.get(came.headers["Location"]).headers["Location"] == "/style/"
    assert browser.session["proven"] > (timezone.now() - timedelta(minutes=1)).isoformat()


def logout_query(
    acme: IdentityProvider, name_id: str, index: str, *, key: str = "rsa", id_: str = "_l"
) -> str:
    """A LogoutRequest of the provider, by Redirect."""
    text = (
        f'<samlp:LogoutRequest xmlns:samlp="{SAMLP}" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" '
        f'ID="{id_}" Version="2.0" IssueInstant="{at(datetime.now(UTC))}" '
        f'Destination="{SITE}{BASE}logout/"><saml:Issuer>{IDP}</saml:Issuer>'
        f"<saml:NameID{PERSISTENT}>{name_id}</saml:NameID>"
        f"<samlp:SessionIndex>{index}</samlp:SessionIndex></samlp:LogoutRequest>"
    )
    from assistant.identity.saml.messages import _address  # noqa: PLC0415 - signs as the provider does

    encoded = OneLogin_Saml2_Utils.deflate_and_base64_encode(text)
    return urlsplit(_address("https://x", "SAMLRequest", encoded, keys(key).private, "state 1")).query


def test_the_provider_ends_the_session_that_it_names_and_no_other(
    acme: IdentityProvider, browser: Client
) -> None:
    signed_in(browser)
    other = Client(headers={"Accept-Language": "en"})
    signed_in(
        other,
        name_id="c3d4",
        assertion_id="_other",
        attributes=attributes(mail=("other@example.com",)),
    )
    passing = Client()
    forged = passing.get(f"{BASE}logout/?{logout_query(acme, 'a1b2', '_session-1', key='attacker')}")
    assert forged.status_code == 400
    for name_id, index, id_ in (("a1b2", "_other-session", "_l1"), ("nobody", "_session-1", "_l2")):
        came = passing.get(f"{BASE}logout/?{logout_query(acme, name_id, index, id_=id_)}")
        assert came.status_code == 302
    assert browser.get("/style/").status_code == 200
    query = logout_query(acme, "a1b2", "_session-1", id_="_l3")
    to = passing.get(f"{BASE}logout/?{query}").headers["Location"]
    assert to.startswith("https://idp.example.com/slo?tenant=a&lang=ko&SAMLResponse=")
    assert "&RelayState=state+1&" in to
    assert browser.get("/style/").headers["Location"].startswith("/sign-in/")
    assert other.get("/style/").status_code == 200
    assert passing.get(f"{BASE}logout/?{query}").status_code == 400
    assert last_reason("identity_message_refused") == "replayed"


def test_signing_out_here_ends_the_session_before_the_provider_is_asked(
    acme: IdentityProvider, browser: Client
) -> None:
    signed_in(browser)
    page = browser.post("/sign-out/").content.decode()
    assert not SignedInSession.objects.filter(user__email="new@example.com").exists()
    [to] = re.findall(r'content="0; url=([^"]+)"', page)
    assert to.startswith("https://idp.example.com/slo?tenant=a&amp;lang=ko&amp;SAMLRequest=")
    done = browser.get(f"{BASE}logout/?SAMLResponse=nothing&SigAlg=x&Signature=y")
    assert b"did not say that it signed you out" in done.content


def test_metadata_of_ours_names_both_keys_while_one_is_rolled_over(
    acme: IdentityProvider, browser: Client
) -> None:
    def published() -> list[str]:
        found = re.findall(rb"<ds:X509Certificate>([^<]+)<", browser.get(f"{BASE}metadata/").content)
        return [body.decode() for body in found]

    first = published()
    assert len(set(first)) == 1
    announce_next(acme, actor="test")
    assert len(set(published())) == 2
    acme.refresh_from_db()
    before = own_keys(acme)
    use_next(acme, actor="test")
    acme.refresh_from_db()
    after = own_keys(acme)
    assert after.current == before.next
    assert before.current.key in after.opening
    assert (
        set(published()) == set(before.published[1].certificate.pem.splitlines()[1:-1])
        or len(set(published())) == 1
    )


def test_only_saving_makes_a_key_of_ours_and_no_page_that_is_looked_at(
    acme: IdentityProvider, browser: Client, people: dict[str, User]
) -> None:
    IdentityProvider.objects.update(sealed_secrets=b"")
    ada = Client(headers={"Accept-Language": "en"})
    ada.force_login(people["ada"])
    page = f"/console/identity/{acme.pk}/"
    assert browser.get(f"{BASE}metadata/").status_code == 404
    assert browser.get(f"{BASE}begin/").status_code == 503
    assert sent(browser, answer("_x")).status_code == 400
    assert "no key of its own" in ada.get(page).content.decode()
    assert ada.get("/console/identity/").status_code == 200
    assert ada.post(f"{page}key/", {"announce": "1"}).status_code == 302
    assert not IdentityProvider.objects.get().sealed_secrets
    change_provider(
        provider_id=acme.pk,
        form=ProviderForm(name="Acme", kind="saml", settings=settings_by_hand(), domains=["example.com"]),
        actor="test",
    )
    first = browser.get(f"{BASE}metadata/").content
    assert b"X509Certificate" in first
    assert "no key of its own" not in ada.get(page).content.decode()
    assert browser.get(f"{BASE}metadata/").content == first


def test_a_certificate_that_ends_soon_is_cared_for_and_one_that_is_over_is_trouble(
    acme: IdentityProvider,
) -> None:
    now = timezone.now()
    ends = party_of(acme).certificates[0].ends_at
    for moment, warned, noticed in (
        (ends - timedelta(days=60), 0, 0),
        (ends - timedelta(days=5), 0, 1),
        (ends + timedelta(days=1), 1, 0),
    ):
        facts = facts_of(acme, SITE, now=moment)
        assert (len(facts.warnings), len(facts.notices)) == (warned, noticed), (moment, now)


def test_a_provider_that_knows_people_does_not_become_another_one(
    acme: IdentityProvider, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same subject is somebody else there: an entity ID hides in metadata, and behind its address."""
    signed_in(browser)

    def change(**said: Json) -> None:
        form = ProviderForm(name="Acme", kind="saml", settings=said, domains=["example.com"])
        change_provider(provider_id=acme.pk, form=form, actor="test")

    with pytest.raises(Mistakes) as caught:
        change(metadata=metadata_of(entity="https://other.example"), entity_id=IDP)
    assert list(caught.value.by_field) == ["metadata"]
    change(metadata=metadata_of(), entity_id=IDP)
    with pytest.raises(Mistakes):
        change(metadata_url="https://other.example/metadata")  # by which it would lose its name
    change(metadata_url="https://other.example/metadata", entity_id=IDP)
    served = {"text": metadata_of(entity="https://other.example")}
    monkeypatch.setattr("assistant.identity.saml.refreshing._fetched", lambda _: served["text"])
    assert "another provider" in refresh(IdentityProvider.objects.get())
    with pytest.raises(NotDescribed):
        party_of(IdentityProvider.objects.get())
    served["text"] = metadata_of()
    assert refresh(IdentityProvider.objects.get()) == ""


@pytest.mark.parametrize("new", [{"metadata": "other"}, {"metadata_url": "https://other.example/m"}])
def test_metadata_that_is_over_still_says_by_whom_people_came(
    acme: IdentityProvider, browser: Client, new: dict[str, str]
) -> None:
    """Just then somebody pastes it anew."""
    signed_in(browser)
    over = metadata_of(extra='validUntil="2020-01-01T00:00:00Z"')
    row = IdentityProvider.objects.get(pk=acme.pk)
    row.settings = {**row.settings, "metadata": over, "entity_id": ""}
    row.save()
    said: dict[str, Json] = dict(new)
    if "metadata" in said:
        said["metadata"] = metadata_of(entity="https://other.example")
    form = ProviderForm(name="Acme", kind="saml", settings=said, domains=["example.com"])
    if "metadata" in said:
        with pytest.raises(Mistakes):
            change_provider(provider_id=acme.pk, form=form, actor="test")
    else:
        row = change_provider(provider_id=acme.pk, form=form, actor="test")
        assert row.settings["entity_id"] == IDP  # what comes from there is held against it


def test_metadata_from_another_address_is_bound_to_the_provider_by_which_people_came(
    people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = added({"metadata_url": "https://idp.example.com/metadata"})
    served = {"text": metadata_of()}
    monkeypatch.setattr("assistant.identity.saml.refreshing._fetched", lambda _: served["text"])
    assert refresh(row) == ""
    ExternalIdentity.objects.create(provider=row, subject="a1b2", user=people["ann"])
    form = ProviderForm(
        name="Acme", kind="saml", settings={"metadata_url": "https://evil.example/m"}, domains=["example.com"]
    )
    row = change_provider(provider_id=row.pk, form=form, actor="test")
    assert row.settings["entity_id"] == IDP
    served["text"] = metadata_of(entity="https://evil.example")
    assert "another provider" in refresh(row)
    with pytest.raises(NotDescribed):
        party_of(row)


def test_sessions_go_with_the_provider_that_gave_them(acme: IdentityProvider, browser: Client) -> None:
    signed_in(browser)
    assert browser.get("/style/").status_code == 200
    remove_provider(provider_id=acme.pk, actor="test")
    assert browser.get("/style/").headers["Location"].startswith("/sign-in/")
    assert User.objects.filter(email="new@example.com").exists()


def test_closing_a_provider_ends_the_sessions_that_it_gave_and_no_others(
    acme: IdentityProvider, browser: Client, people: dict[str, User]
) -> None:
    signed_in(browser)
    local = Client()
    local.force_login(people["ann"])
    set_open(provider_id=acme.pk, is_open=False, actor="test")
    assert browser.get("/style/").headers["Location"].startswith("/sign-in/")
    assert local.get("/style/").status_code == 200
    assert AuditEvent.objects.get(event="identity_provider_closed").data["count"] == 1
    set_open(provider_id=acme.pk, is_open=True, actor="test")
    assert browser.get("/style/").status_code == 302  # a session that ended stays so


def test_nobody_comes_in_by_a_provider_that_is_closed_at_that_moment(
    acme: IdentityProvider, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closing(provider: IdentityProvider, claims: Claims) -> tuple[User, ExternalIdentity]:
        admitted = admit(provider, claims)
        set_open(provider_id=provider.pk, is_open=False, actor="test")
        return admitted

    _, request = started(browser)
    came = sent(browser, answer(request.get("ID")))
    monkeypatch.setattr("assistant.web.company_sign_in.admit", closing)
    assert browser.get(came.headers["Location"]).status_code == 403
    assert browser.get("/style/").headers["Location"].startswith("/sign-in/")
    assert not SignedInSession.objects.exclude(user=None).exists()


@pytest.mark.parametrize("purpose", ["", "?purpose=prove&next=/style/"])
def test_what_was_on_its_way_ends_with_the_provider(
    acme: IdentityProvider, browser: Client, purpose: str
) -> None:
    signed_in(browser)
    proven = browser.session["proven"]
    _, request = started(browser, purpose)
    fresh = {"AuthnInstant": at(datetime.now(UTC))}
    came = sent(browser, answer(request.get("ID"), assertion_id="_late", statement_attributes=fresh))
    ProviderSession.objects.all().delete()  # as if it had begun otherwise: it goes on
    set_open(provider_id=acme.pk, is_open=False, actor="test")
    assert browser.get(came.headers["Location"]).status_code == 403
    assert last_reason("identity_refused") == "provider_closed"
    assert browser.session["proven"] == proven


def metadata_of(entity: str = IDP, key: str = "rsa", extra: str = "") -> str:
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}" '
        f'ID="_m" {extra}><md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">'
        '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        f"<ds:X509Data><ds:X509Certificate>{keys(key).certificate_body}</ds:X509Certificate></ds:X509Data>"
        "</ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService "
        'Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
        'Location="https://idp.example.com/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>'
    )


def test_a_signed_response_without_a_signed_assertion_is_taken_as_well(
    acme: IdentityProvider, browser: Client
) -> None:
    _, request = started(browser)
    came = Client().post(f"{BASE}acs/", {"SAMLResponse": posted(signed_response(answer(request.get("ID"))))})
    assert came.status_code == 303
