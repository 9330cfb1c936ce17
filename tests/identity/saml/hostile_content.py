"""Responses that the provider signed, or would have: not for us, not for now, not whole, not asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from tests.identity.saml.hostile_case import Case
from tests.identity.saml.made_messages import (
    ACS,
    FORMS,
    IDP,
    PLAIN,
    REQUEST,
    SAML,
    SAMLP,
    SP,
    Made,
    at,
    posted,
    signed,
    signed_assertion,
)
from tests.identity.saml.wrapped_messages import VICTIM

MD = "urn:oasis:names:tc:SAML:2.0:metadata"
COMMENTED = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"


def content_cases(now: datetime) -> list[Case]:
    """All of them."""
    return [
        *_signed_by_provider(now),
        *_requests(now),
        *_other_messages(now),
    ]


def _signed_by_provider(now: datetime) -> Iterator[Case]:
    """The provider signed it, but not for us, not for now, or not whole."""
    for name, changes in {**_wrong_conditions(now), **_wrong_shapes(now)}.items():
        made = replace(Made(now), **changes)  # type: ignore[arg-type]
        for form in ("signed assertion", "signed response"):
            if form == "signed assertion" and name == "no ID of the assertion":
                continue  # nothing could be signed
            yield Case("conditions", f"{name}, {form}", posted(FORMS[form](made, PLAIN)))


def _wrong_conditions(now: datetime) -> dict[str, dict[str, object]]:
    def restriction(*audiences: str) -> str:
        inner = "".join(f"<saml:Audience>{each}</saml:Audience>" for each in audiences)
        return f"<saml:AudienceRestriction>{inner}</saml:AudienceRestriction>"

    past, soon = at(now - timedelta(minutes=2)), at(now + timedelta(minutes=10))
    return {
        "the audience of another application": {"audiences": restriction("https://other.example.com/sp")},
        "an empty audience": {"audiences": restriction("")},
        "no audience": {"audiences": ""},
        "a restriction without audience": {"audiences": "<saml:AudienceRestriction/>"},
        "two audience restrictions": {
            "audiences": restriction(SP) + restriction("https://other.example.com/sp")
        },
        "our audience twice restricted": {"audiences": restriction(SP) * 2},
        "an audience with a slash more": {"audiences": restriction(SP + "/")},
        "an audience in capitals": {"audiences": restriction(SP.upper())},
        "an audience with a space": {"audiences": restriction(SP + " ")},
        "an audience that begins with ours": {"audiences": restriction(SP + ".evil.example")},
        "an unknown condition": {"audiences": restriction(SP) + "<saml:Condition/>"},
        "another recipient": {"data_attributes": {"Recipient": "https://other.example.com/acs"}},
        "no recipient": {"data_attributes": {"Recipient": ""}},
        "a recipient that begins with ours": {"data_attributes": {"Recipient": ACS + "/evil"}},
        "a recipient that holds ours": {"data_attributes": {"Recipient": "https://evil.example/?" + ACS}},
        "a recipient with a query": {"data_attributes": {"Recipient": ACS + "?x=1"}},
        "another destination": {"response_attributes": {"Destination": "https://other.example.com/acs"}},
        "no destination": {"response_attributes": {"Destination": ""}},
        "a destination that begins with ours": {"response_attributes": {"Destination": ACS + ".evil"}},
        "a destination over plain HTTP": {
            "response_attributes": {"Destination": ACS.replace("https", "http")}
        },
        "another issuer of the assertion": {"issuer": "https://evil.example/metadata"},
        "an issuer with a space": {"issuer": IDP + " "},
        "an empty issuer": {"issuer": ""},
        "another issuer of the response": {
            "response_issuer": "<saml:Issuer>https://evil.example</saml:Issuer>"
        },
        "no issuer of the response": {"response_issuer": ""},
        "two issuers of the response": {"response_issuer": f"<saml:Issuer>{IDP}</saml:Issuer>" * 2},
        "an issuer of another format": {
            "response_issuer": f'<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">{IDP}</saml:Issuer>'
        },
        "conditions that have ended": {"conditions_attributes": {"NotOnOrAfter": past}},
        "conditions that have not begun": {
            "conditions_attributes": {"NotBefore": soon, "NotOnOrAfter": at(now + timedelta(minutes=20))}
        },
        "conditions without an end": {"conditions_attributes": {"NotOnOrAfter": ""}},
        "conditions without a beginning": {"conditions_attributes": {"NotBefore": ""}},
        "conditions that last a year": {
            "conditions_attributes": {"NotOnOrAfter": at(now + timedelta(days=365))}
        },
        "a confirmation that has ended": {"data_attributes": {"NotOnOrAfter": past}},
        "a confirmation without an end": {"data_attributes": {"NotOnOrAfter": ""}},
        "a confirmation with a beginning": {"data_attributes": {"NotBefore": past}},
        "a confirmation that lasts a day": {"data_attributes": {"NotOnOrAfter": at(now + timedelta(days=1))}},
        "an assertion of yesterday": {"assertion_attributes": {"IssueInstant": at(now - timedelta(days=1))}},
        "an assertion of tomorrow": {"assertion_attributes": {"IssueInstant": at(now + timedelta(days=1))}},
        "a response of yesterday": {"response_attributes": {"IssueInstant": at(now - timedelta(days=1))}},
        "a response of tomorrow": {"response_attributes": {"IssueInstant": at(now + timedelta(days=1))}},
        "a session that has ended": {"statement_attributes": {"SessionNotOnOrAfter": past}},
        "a sign-in of tomorrow": {"statement_attributes": {"AuthnInstant": at(now + timedelta(days=1))}},
        "a sign-in without a time": {"statement_attributes": {"AuthnInstant": ""}},
        "an end in another zone": {
            "data_attributes": {
                "NotOnOrAfter": (now + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S+09:00")
            }
        },
        "an end without a zone": {"data_attributes": {"NotOnOrAfter": soon[:-1]}},
        "an end on no day": {"conditions_attributes": {"NotOnOrAfter": "2026-02-30T00:00:00Z"}},
        "an end in other digits": {"conditions_attributes": {"NotOnOrAfter": soon.replace("2", "\u0662")}},
        "an answer to another request": {"response_attributes": {"InResponseTo": "_another"}},
        "an assertion for another request": {"data_attributes": {"InResponseTo": "_another"}},
        "a response to no request": {"response_attributes": {"InResponseTo": ""}},
        "an assertion for no request": {"data_attributes": {"InResponseTo": ""}},
        "a request's name with a space": {"response_attributes": {"InResponseTo": REQUEST + " "}},
    }


def _wrong_shapes(now: datetime) -> dict[str, dict[str, object]]:
    def status(inner: str) -> dict[str, object]:
        return {"status": f"<samlp:Status>{inner}</samlp:Status>"}

    def code(name: str, inner: str = "") -> str:
        return (
            f'<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{name}">{inner}</samlp:StatusCode>'
        )

    data = (
        f'<saml:SubjectConfirmationData Recipient="{ACS}" InResponseTo="{REQUEST}"'
        f' NotOnOrAfter="{at(now + timedelta(minutes=5))}"/>'
    )
    confirmation = f'<saml:SubjectConfirmation Method="{BEARER}">{data}</saml:SubjectConfirmation>'
    authn = f'<saml:AuthnStatement AuthnInstant="{at(now)}"><saml:AuthnContext/></saml:AuthnStatement>'
    more = '<saml:AttributeStatement><saml:Attribute Name="groups"><saml:AttributeValue>admins</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>'
    cm = "urn:oasis:names:tc:SAML:2.0:cm:"
    return {
        "a failure": status(code("Responder")),
        "a failure by name": status(code("Responder", code("AuthnFailed"))),
        "a failure within a success": status(code("Success", code("AuthnFailed"))),
        "a success within a failure": status(code("Requester", code("Success"))),
        "a status without code": status(""),
        "two codes of status": status(code("Success") * 2),
        "no status": {"status": ""},
        "two statuses": {"status": f"<samlp:Status>{code('Success')}</samlp:Status>" * 2},
        "a success in capitals": status(code("SUCCESS")),
        "a detail in a success": status(code("Success") + "<samlp:StatusDetail/>"),
        "version 1.1 of the response": {"response_attributes": {"Version": "1.1"}},
        "no version of the response": {"response_attributes": {"Version": ""}},
        "version 1.1 of the assertion": {"assertion_attributes": {"Version": "1.1"}},
        "no ID of the assertion": {"assertion_attributes": {"ID": ""}},
        "a holder of a key": {"method": cm + "holder-of-key"},
        "a sender who vouches": {"method": cm + "sender-vouches"},
        "no method of confirmation": {
            "confirmation": f"<saml:SubjectConfirmation>{data}</saml:SubjectConfirmation>"
        },
        "two confirmations": {"confirmation": confirmation * 2},
        "a name in the confirmation": {
            "confirmation": confirmation.replace(
                "<saml:SubjectConfirmationData",
                f"<saml:NameID>{VICTIM}</saml:NameID><saml:SubjectConfirmationData",
            )
        },
        "a confirmation without data": {"confirmation": f'<saml:SubjectConfirmation Method="{BEARER}"/>'},
        "no confirmation": {"confirmation": "<!---->"},
        "no statement of the sign-in": {"authn_statement": ""},
        "two statements of sign-ins": {"authn_statement": authn * 2},
        "two statements of attributes": {"extra": more},
        "a statement on a decision": {
            "extra": '<saml:AuthzDecisionStatement Resource="x" Decision="Permit"><saml:Action Namespace="x">y</saml:Action></saml:AuthzDecisionStatement>'
        },
        "advice with another assertion": {
            "audiences": f"<saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:Advice><saml:AssertionIDRef>_x</saml:AssertionIDRef></saml:Advice><saml:Conditions>"
        },
        "an encrypted attribute": {
            "extra": "",
            "attributes": "<saml:AttributeStatement><saml:EncryptedAttribute/></saml:AttributeStatement>",
        },
        "an element in an attribute's value": {
            "attributes": more.replace("admins", "<b xmlns='urn:x'>admins</b>")
        },
        "text between statements": {"extra": "admin"},
        "an unknown element at the end": {"extra": '<x xmlns="urn:x"/>'},
        "an unknown attribute of the assertion": {"assertion_attributes": {"Subject": VICTIM}},
        "an empty name identifier": {"name_id": ""},
        "a name identifier of spaces": {"name_id": "   "},
        "a space before the name identifier": {"name_id": " admin@example.com"},
        "a line behind the name identifier": {"name_id": "admin@example.com\n"},
        "a tab in the name identifier": {"name_id": "admin\t@example.com"},
        "a no-break space behind the name identifier": {"name_id": "admin@example.com\u00a0"},
        "a zero-width space in the name identifier": {"name_id": "admin\u200b@example.com"},
        "a turn of direction in the name identifier": {"name_id": "admin\u202e@example.com"},
        "a soft hyphen in the name identifier": {"name_id": "ad\u00admin@example.com"},
        "a line separator in the name identifier": {"name_id": "admin@example.com\u2028"},
        "a tag character in the name identifier": {"name_id": "admin@example.com\U000e0041"},
        "a private character in the name identifier": {"name_id": "admin\ue000@example.com"},
        "a name identifier of 600 letters": {"name_id": "a" * 600},
        "an element in the name identifier": {"name_id": "admin@example.com<b xmlns='urn:x'/>.evil"},
        "two name identifiers": {"name_id": f"ann@example.com</saml:NameID><saml:NameID>{VICTIM}"},
        "a name identifier for another application": {
            "name_id_attributes": ' SPNameQualifier="https://other.example.com/sp"'
        },
        "an unknown attribute of the name identifier": {"name_id_attributes": ' x="y"'},
        "an unseen character in the session's name": {"statement_attributes": {"SessionIndex": "_1\u200b"}},
    }


def _requests(now: datetime) -> Iterator[Case]:
    """Messages that are right by themselves, at the wrong moment of a sign-in."""
    for form in FORMS:
        text = posted(FORMS[form](Made(now), PLAIN))
        yield Case("requests", f"an answer where nothing was asked, {form}", text, {"request_id": None})
        yield Case(
            "requests", f"an answer to somebody else's request, {form}", text, {"request_id": "_another"}
        )
        unasked = replace(
            Made(now), response_attributes={"InResponseTo": ""}, data_attributes={"InResponseTo": ""}
        )
        yield Case(
            "requests", f"an unasked message where one was asked, {form}", posted(FORMS[form](unasked, PLAIN))
        )
        yield Case(
            "requests",
            f"the message of another provider's issuer, {form}",
            text,
            {"issuer": "https://other.example.com/idp"},
        )
        yield Case(
            "requests",
            f"at another address of ours, {form}",
            text,
            {"destination": ACS.replace("acme", "beta")},
        )
        yield Case(
            "requests", f"for another name of ours, {form}", text, {"audience": SP.replace("acme", "beta")}
        )


def _other_messages(now: datetime) -> Iterator[Case]:
    """Right signatures of the provider on messages that are no responses."""
    head = f'ID="_m" Version="2.0" IssueInstant="{at(now)}" Destination="{ACS}"'
    issuer = f"<saml:Issuer>{IDP}</saml:Issuer>"
    spaces = f'xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}"'
    name = f"<saml:NameID>{VICTIM}</saml:NameID>"
    template = PLAIN.template("_m")
    status = Made(now).status
    assertion = signed(Made(now).assertion(PLAIN.template("_assertion-1")), PLAIN)
    metadata = (
        f'<md:EntityDescriptor xmlns:md="{MD}" ID="_m" entityID="{IDP}">{template}</md:EntityDescriptor>'
    )
    messages = {
        "a signed logout request": f"<samlp:LogoutRequest {spaces} {head}>{issuer}{template}{name}</samlp:LogoutRequest>",
        "a signed logout response": f'<samlp:LogoutResponse {spaces} {head} InResponseTo="{REQUEST}">{issuer}{template}{status}</samlp:LogoutResponse>',
        "a signed request to sign in": f"<samlp:AuthnRequest {spaces} {head}>{issuer}{template}</samlp:AuthnRequest>",
        "a signed artifact response": f'<samlp:ArtifactResponse {spaces} {head}>{issuer}{template}{status}</samlp:ArtifactResponse>',
        "a signed logout request with an assertion": f"<samlp:LogoutRequest {spaces} {head}>{issuer}{template}{name}{Made(now).assertion()}</samlp:LogoutRequest>",
        "signed metadata": metadata,
    }  # fmt: skip
    for what, text in messages.items():
        yield Case("other messages", what, posted(signed(text, PLAIN)))
    yield Case("other messages", "an assertion without response", posted(assertion))
    document = signed(metadata, PLAIN)
    yield Case(
        "other messages",
        "signed metadata in extensions around a forged assertion",
        posted(
            Made(now)
            .response(Made(now, name_id=VICTIM).assertion())
            .replace("<samlp:Status>", f"<samlp:Extensions>{document}</samlp:Extensions><samlp:Status>")
        ),
    )
    template_text = (
        document[document.index("<ds:Signature") : document.index("</ds:Signature>")] + "</ds:Signature>"
    )
    yield Case(
        "other messages",
        "the signature of metadata on a forged assertion",
        posted(Made(now).response(Made(now, assertion_id="_m", name_id=VICTIM).assertion(template_text))),
    )
    logout = signed(messages["a signed logout request"], PLAIN)
    renamed = logout.replace("LogoutRequest", "Response")
    yield Case("other messages", "a logout request by another name", posted(renamed))
    other = replace(
        Made(now),
        audiences="<saml:AudienceRestriction><saml:Audience>https://other.example.com/sp</saml:Audience></saml:AudienceRestriction>",
        data_attributes={"Recipient": "https://other.example.com/acs"},
    )
    yield Case(
        "other messages", "an assertion that another application received", posted(signed_assertion(other))
    )
    soap = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{signed_assertion(Made(now))}</s:Body></s:Envelope>'
    yield Case("other messages", "a response in an envelope", posted(soap))
    old = signed_assertion(Made(now)).replace(SAMLP, "urn:oasis:names:tc:SAML:1.0:protocol")
    yield Case("other messages", "a response of SAML 1.1", posted(old))
    yield Case(
        "other messages",
        "a root that only looks like a response",
        posted(signed_assertion(Made(now)).replace("samlp:Response", "samlp:Responsе")),
    )
