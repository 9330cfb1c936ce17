"""Messages of single logout count only if they are signed, whole, ours and fresh."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import xmlsec

from assistant.identity.saml.logout import (
    ExpectedLogout,
    LogoutAnswered,
    LogoutAsked,
    Message,
    Posted,
    Redirected,
    claimed_logout_request_id,
    read_logout_request,
    read_logout_response,
)
from assistant.identity.saml.reasons import Reason, Rejected
from tests.identity.saml.made_messages import (
    IDP,
    MORE,
    PLAIN,
    SAML,
    SAMLP,
    SLO,
    SP,
    Made,
    Signing,
    at,
    keys,
    posted,
    signed,
    signed_assertion,
)

NOW = datetime.now(UTC)
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


def expecting(*, request_id: str | None = None, key: str = "rsa") -> ExpectedLogout:
    return ExpectedLogout(IDP, SP, SLO, (keys(key).certificate,), request_id)


def request(
    signature: str = "",
    *,
    name: str = "ann@example.com",
    more: str = "",
    when: datetime = NOW,
    head: str = "",
) -> str:
    return (
        f'<samlp:LogoutRequest xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_logout-1" Version="2.0"'
        f' IssueInstant="{at(when)}" Destination="{SLO}"{head}><saml:Issuer>{IDP}</saml:Issuer>{signature}{more}'
        f"<saml:NameID>{name}</saml:NameID><samlp:SessionIndex>_session-1</samlp:SessionIndex></samlp:LogoutRequest>"
    )


def response(signature: str = "", *, status: str = SUCCESS, inner: str = "") -> str:
    nested = f'<samlp:StatusCode Value="{inner}"/>' if inner else ""
    return (
        f'<samlp:LogoutResponse xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_answer-1" Version="2.0"'
        f' IssueInstant="{at(NOW)}" Destination="{SLO}" InResponseTo="_asked-1"><saml:Issuer>{IDP}</saml:Issuer>'
        f'{signature}<samlp:Status><samlp:StatusCode Value="{status}">{nested}</samlp:StatusCode></samlp:Status>'
        "</samlp:LogoutResponse>"
    )


def by_post(make: Callable[[str], str], signing: Signing = PLAIN, element_id: str = "_logout-1") -> Posted:
    return Posted(posted(signed(make(signing.template(element_id)), signing)))


def by_redirect(
    text: str,
    *,
    field: str = "SAMLRequest",
    relay: str | None = "/chat?a=b",
    key: str = "rsa",
    method: str = "rsa-sha256",
) -> Redirected:
    squeezed = zlib.compress(text.encode())[2:-4]
    query = f"{field}={quote(base64.b64encode(squeezed).decode(), safe='')}"
    if relay is not None:
        query += f"&RelayState={quote(relay, safe='')}"
    base = MORE if method != "rsa-sha1" else "http://www.w3.org/2000/09/xmldsig#"
    query += f"&SigAlg={quote(base + method, safe='')}"
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(keys(key).private, xmlsec.KeyFormat.PEM)
    transforms = {
        "rsa-sha1": xmlsec.Transform.RSA_SHA1,
        "rsa-sha256": xmlsec.Transform.RSA_SHA256,
        "rsa-sha512": xmlsec.Transform.RSA_SHA512,
        "ecdsa-sha256": xmlsec.Transform.ECDSA_SHA256,
    }
    value = context.sign_binary(query.encode(), transforms[method])
    return Redirected(f"{query}&Signature={quote(base64.b64encode(value).decode(), safe='')}")


def why(message: Message, *, key: str = "rsa") -> Reason:
    with pytest.raises(Rejected) as caught:
        read_logout_request(message, expected=expecting(key=key), now=NOW)
    return caught.value.reason


ASKED = LogoutAsked(
    "_logout-1",
    "ann@example.com",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
    ("_session-1",),
    NOW.replace(microsecond=0) + timedelta(minutes=11),
)


@pytest.mark.parametrize(
    "message",
    [
        by_post(request),
        by_redirect(request()),
        by_redirect(request(), relay=None),
        by_redirect(request(), method="rsa-sha512"),
    ],
    ids=["posted", "redirected", "without relay state", "with SHA-512"],
)
def test_a_signed_request_says_whom_to_sign_out(message: Message) -> None:
    assert read_logout_request(message, expected=expecting(), now=NOW) == ASKED


def test_an_address_may_be_signed_on_an_elliptic_curve() -> None:
    message = by_redirect(request(), key="p256", method="ecdsa-sha256")
    assert read_logout_request(message, expected=expecting(key="p256"), now=NOW) == ASKED


def test_the_extension_that_wants_no_answer_is_read() -> None:
    extension = '<samlp:Extensions><a:Asynchronous xmlns:a="urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo"/></samlp:Extensions>'
    message = by_post(lambda signature: request(signature, more=extension))
    assert read_logout_request(message, expected=expecting(), now=NOW) == ASKED


@pytest.mark.parametrize("redirected", [False, True])
def test_a_signed_response_answers_what_was_asked(redirected: bool) -> None:
    message: Message = (
        by_redirect(response(), field="SAMLResponse")
        if redirected
        else by_post(response, element_id="_answer-1")
    )
    assert claimed_logout_request_id(message) == "_asked-1"
    expected = expecting(request_id="_asked-1")
    assert read_logout_response(message, expected=expected, now=NOW) == LogoutAnswered(
        "_answer-1", is_partial=False
    )
    for asked in ("_another", None):
        with pytest.raises(Rejected) as caught:
            read_logout_response(message, expected=expecting(request_id=asked), now=NOW)
        assert caught.value.reason is Reason.IN_RESPONSE_TO


def test_a_response_says_whether_others_are_still_signed_in() -> None:
    expected = expecting(request_id="_asked-1")
    partial = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
    message = by_redirect(response(inner=partial), field="SAMLResponse")
    assert read_logout_response(message, expected=expected, now=NOW).is_partial
    failed = by_redirect(
        response(status="urn:oasis:names:tc:SAML:2.0:status:Responder"), field="SAMLResponse"
    )
    with pytest.raises(Rejected) as caught:
        read_logout_response(failed, expected=expected, now=NOW)
    assert (caught.value.reason, caught.value.found) == (Reason.STATUS, "Responder")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Posted(posted(request())), Reason.UNSIGNED),
        (by_post(request, Signing(key="attacker")), Reason.SIGNATURE),
        (by_post(lambda s: request(s, when=NOW - timedelta(minutes=11))), Reason.EXPIRED),
        (by_post(lambda s: request(s, when=NOW + timedelta(minutes=2))), Reason.NOT_YET),
        (
            by_post(lambda s: request(s, head=f' NotOnOrAfter="{at(NOW - timedelta(seconds=1))}"')),
            Reason.EXPIRED,
        ),
        (by_post(lambda s: request(s).replace(SLO, SLO + "/x")), Reason.DESTINATION),
        (by_post(lambda s: request(s).replace(IDP, IDP + "/x")), Reason.ISSUER),
        (by_post(lambda s: request(s, name=" ann@example.com")), Reason.SUBJECT),
        (by_post(lambda s: request(s, name="a<b/>")), Reason.STRUCTURE),
        (
            by_post(lambda s: request(s, more="<samlp:Extensions><x xmlns='urn:x'/></samlp:Extensions>")),
            Reason.STRUCTURE,
        ),
        (by_post(response, element_id="_answer-1"), Reason.KIND),
        (Posted(posted(signed_assertion(Made(NOW)))), Reason.KIND),
        (by_post(request, Signing(method="http://www.w3.org/2000/09/xmldsig#rsa-sha1")), Reason.ALGORITHM),
        (by_redirect(request(), key="attacker"), Reason.SIGNATURE),
        (by_redirect(request(), method="rsa-sha1"), Reason.ALGORITHM),
        (
            by_redirect(request("<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/>")),
            Reason.STRUCTURE,
        ),
        (by_redirect(signed(request(PLAIN.template("_logout-1")), PLAIN)), Reason.SIGNATURE_FORM),
        (by_redirect(response(), field="SAMLResponse"), Reason.STRUCTURE),
    ],
)
def test_a_request_that_is_not_as_it_must_be_signs_nobody_out(message: Message, reason: Reason) -> None:
    assert why(message) is reason


def test_an_address_counts_letter_by_letter() -> None:
    good = by_redirect(request()).query
    parts = good.split("&")
    assert why(Redirected("&".join(parts[:-1]))) is Reason.UNSIGNED
    assert (
        why(Redirected("&".join([parts[0], parts[2], parts[3]]))) is Reason.SIGNATURE
    )  # relay state taken away
    assert why(Redirected(good + "&RelayState=x")) is Reason.STRUCTURE  # named twice
    assert why(Redirected(good + "&x=y")) is Reason.STRUCTURE
    assert why(Redirected(good.replace("chat", "evil"))) is Reason.SIGNATURE
    assert why(Redirected(good.replace("%3D", "%3d", 1))) is Reason.SIGNATURE
    assert why(Redirected(good.replace("Signature=", "Signature=%21"))) is Reason.ENCODING
    assert why(Redirected(good + "é")) is Reason.ENCODING
    turned = Redirected("&".join(reversed(parts)))  # what was signed has an order of its own
    assert read_logout_request(turned, expected=expecting(), now=NOW) == ASKED
    other = by_redirect(request(name="eve@example.com")).query.split("&")
    assert why(Redirected("&".join([other[0], *parts[1:]]))) is Reason.SIGNATURE


def test_a_bomb_of_compression_is_not_inflated() -> None:
    assert why(by_redirect("<x>" + " " * 30_000_000 + "</x>")) is Reason.TOO_LARGE
    assert why(Redirected("SAMLRequest=" + "A" * 70_000)) is Reason.TOO_LARGE
