"""Every message that a provider may send is read, and all that is said in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from assistant.identity.saml.gate import Asserted, Reason, Rejected, claimed_request_id, read_response
from tests.identity.saml.made_messages import (
    DS,
    ENC11,
    ENVELOPED,
    EXCLUSIVE,
    FORMS,
    MORE,
    PLAIN,
    PSS,
    REQUEST,
    XENC,
    Encrypting,
    Made,
    Signing,
    encrypted_and_both,
    encrypted_assertion,
    encrypted_in_signed,
    expecting,
    keys,
    posted,
    signed_assertion,
    signed_both,
    signed_response,
)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def read(text: str | bytes, now: datetime, **expected: Any) -> Asserted:
    return read_response(posted(text), expected=expecting(**expected), now=now)


def refused(text: str | bytes, now: datetime, **expected: Any) -> Reason:
    with pytest.raises(Rejected) as caught:
        read(text, now, **expected)
    return caught.value.reason


@pytest.mark.parametrize("form", FORMS)
def test_an_untouched_message_of_each_form_is_read(form: str, now: datetime) -> None:
    message = posted(FORMS[form](Made(now), PLAIN))
    assert claimed_request_id(message) == REQUEST
    asserted = read_response(message, expected=expecting(), now=now)
    whole = now.replace(microsecond=0)
    assert asserted == Asserted(
        assertion_id="_assertion-1",
        subject="ann@example.com",
        subject_format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        session_index="_session-1",
        attributes={"mail": ("ann@example.com",), "groups": ("staff", "design")},
        authenticated_at=whole - timedelta(minutes=1),
        expires_at=whole + timedelta(minutes=6),
        session_expires_at=whole + timedelta(hours=8),
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_message_that_nobody_asked_for_is_read_where_that_is_wanted(form: str, now: datetime) -> None:
    unasked = Made(now, response_attributes={"InResponseTo": ""}, data_attributes={"InResponseTo": ""})
    message = FORMS[form](unasked, PLAIN)
    assert claimed_request_id(posted(message)) is None
    assert read(message, now, request_id=None).subject == "ann@example.com"


@pytest.mark.parametrize(
    "signing",
    [
        *(Signing(method=f"{MORE}rsa-sha{bits}") for bits in (256, 384, 512)),
        *(Signing(method=f"{PSS}sha{bits}-rsa-MGF1") for bits in (256, 384, 512)),
        *(
            Signing(key=key, method=f"{MORE}ecdsa-sha{bits}")
            for key, bits in (("p256", 256), ("p384", 384), ("p521", 512))
        ),
        *(Signing(digest=digest) for digest in (f"{MORE}sha384", f"{XENC}sha512")),
    ],
    ids=lambda signing: (
        f"{signing.key} {signing.method.rpartition('#')[2]} {signing.digest.rpartition('#')[2]}"
    ),
)
def test_every_algorithm_that_is_allowed_is_read(signing: Signing, now: datetime) -> None:
    certificates = (keys(signing.key).certificate,)
    for form in (signed_assertion, signed_response):
        assert read(form(Made(now), signing), now, certificates=certificates).subject == "ann@example.com"


@pytest.mark.parametrize(
    "how",
    [
        *(Encrypting(method=f"{ENC11}aes{bits}-gcm") for bits in (128, 192, 256)),
        Encrypting(beside=True),
        Encrypting(
            key_method=f'<xenc:EncryptionMethod Algorithm="{ENC11}rsa-oaep"><ds:DigestMethod Algorithm="{XENC}sha256"/></xenc:EncryptionMethod>'
        ),
        *(
            Encrypting(
                key_method=f'<xenc:EncryptionMethod Algorithm="{ENC11}rsa-oaep"><ds:DigestMethod Algorithm="{digest}"/>'
                f'<enc11:MGF xmlns:enc11="{ENC11}" Algorithm="{ENC11}mgf1{mask}"/></xenc:EncryptionMethod>'
            )
            for digest, mask in (
                (f"{XENC}sha256", "sha256"),
                (f"{XENC}sha512", "sha512"),
                (f"{DS}sha1", "sha1"),
                (f"{XENC}sha256", "sha1"),
            )
        ),
        Encrypting(
            key_method=f'<xenc:EncryptionMethod Algorithm="{XENC}rsa-oaep-mgf1p"><ds:DigestMethod Algorithm="{DS}sha1"/></xenc:EncryptionMethod>'
        ),
    ],
    ids=[
        "128",
        "192",
        "256",
        "key beside",
        "OAEP with SHA-256",
        "masks of SHA-256",
        "of SHA-512",
        "of SHA-1",
        "of another hash",
        "OAEP with SHA-1 said",
    ],
)
def test_every_encryption_that_is_allowed_is_read(how: Encrypting, now: datetime) -> None:
    for form in (encrypted_assertion, encrypted_in_signed, encrypted_and_both):
        message = form(Made(now), PLAIN, how)
        assert read(message, now, encrypted_only=True).subject == "ann@example.com"


@pytest.mark.parametrize("bits", [128, 256])
def test_cbc_is_decrypted_only_where_the_response_is_signed(bits: int, now: datetime) -> None:
    how = Encrypting(method=f"{XENC}aes{bits}-cbc")
    for form in (encrypted_in_signed, encrypted_and_both):
        assert read(form(Made(now), PLAIN, how), now).subject == "ann@example.com"
    assert refused(encrypted_assertion(Made(now), PLAIN, how), now) is Reason.UNSIGNED_CIPHERTEXT


def test_all_failures_of_decryption_are_told_alike(now: datetime) -> None:
    told = set()
    for to in ("attacker", "old"):
        with pytest.raises(Rejected) as caught:
            read(encrypted_assertion(Made(now), PLAIN, Encrypting(to=to)), now)
        told.add((caught.value.reason, caught.value.found, str(caught.value)))
    root = etree.fromstring(encrypted_assertion(Made(now)).encode())
    for value in root.iter(f"{{{XENC}}}CipherValue"):
        value.text = "QUFB" + value.text[4:]
        with pytest.raises(Rejected) as caught:
            read(etree.tostring(root), now)
        told.add((caught.value.reason, caught.value.found, str(caught.value)))
    assert len(told) == 1


def test_while_certificates_and_keys_change_old_and_new_ones_count(now: datetime) -> None:
    both = (keys("next").certificate, keys("rsa").certificate)
    for name in ("rsa", "next"):
        assert (
            read(signed_both(Made(now), Signing(key=name)), now, certificates=both).subject
            == "ann@example.com"
        )
    ours = (keys("ours").private, keys("old").private)
    for to in ("ours", "old"):
        message = encrypted_assertion(Made(now), PLAIN, Encrypting(to=to))
        assert read(message, now, decryption_keys=ours).subject == "ann@example.com"


def test_a_weak_certificate_beside_a_strong_one_counts_for_nothing(now: datetime) -> None:
    certificates = (keys("weak").certificate, keys("rsa").certificate)
    assert read(signed_both(Made(now)), now, certificates=certificates).subject == "ann@example.com"
    assert (
        refused(signed_both(Made(now), Signing(key="weak")), now, certificates=certificates)
        is Reason.SIGNATURE
    )


@pytest.mark.parametrize("form", [signed_assertion, signed_response])
def test_prefixes_that_only_values_use_may_be_kept(form: Any, now: datetime) -> None:
    kept = f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="xs"/>'
    signing = Signing(
        transforms=f'<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}">{kept}</ds:Transform>'
    )
    typed = (
        '<saml:AttributeStatement xmlns:xs="http://www.w3.org/2001/XMLSchema"><saml:Attribute Name="mail">'
        '<saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">'
        "ann@example.com</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"
    )
    assert read(form(Made(now, attributes=typed), signing), now).attributes == {"mail": ("ann@example.com",)}


def test_white_space_between_elements_changes_nothing(now: datetime) -> None:
    made = Made(now, extra="\n  ", status="\n  " + Made(now).status + "\n")
    for form in (signed_assertion, signed_response, signed_both):
        text = (
            form(made, PLAIN).replace("<ds:Signature ", "\n  <ds:Signature ")
            if form is signed_assertion
            else form(made, PLAIN)
        )
        if form is signed_assertion:
            assert (
                refused(text, now) is Reason.SIGNATURE
            )  # put there after signing, it belongs to what was signed
        else:
            assert read(text, now).subject == "ann@example.com"


def test_a_declaration_and_lines_of_base64_are_read(now: datetime) -> None:
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + signed_both(Made(now, name_id="안나@example.com"))
    flat = posted(text)
    lines = "\r\n".join(flat[start : start + 76] for start in range(0, len(flat), 76))
    assert read_response(lines, expected=expecting(), now=now).subject == "안나@example.com"


def test_a_repeated_attribute_is_put_together_and_an_empty_value_left_out(now: datetime) -> None:
    values = "<saml:AttributeValue>{}</saml:AttributeValue>"
    statement = (
        '<saml:AttributeStatement><saml:Attribute Name="Role">' + values.format(" staff ") + values.format("")
        + '</saml:Attribute><saml:Attribute Name="Role">' + values.format("design") + "</saml:Attribute>"
        '<saml:Attribute Name="id"><saml:AttributeValue><saml:NameID>opaque-7</saml:NameID></saml:AttributeValue>'
        '</saml:Attribute><saml:Attribute Name="none"/></saml:AttributeStatement>'
    )  # fmt: skip
    read_back = read(signed_both(Made(now, attributes=statement)), now).attributes
    assert read_back == {"Role": ("staff", "design"), "id": ("opaque-7",), "none": ()}


def test_statements_may_stand_in_either_order_and_attributes_be_missing(now: datetime) -> None:
    made = Made(now)
    authn = made.assertion()
    authn = (
        authn[authn.index("<saml:AuthnStatement") : authn.index("</saml:AuthnStatement>")]
        + "</saml:AuthnStatement>"
    )
    turned = replace(made, authn_statement=made.attributes, attributes=authn)
    assert read(signed_both(turned), now).attributes["groups"] == ("staff", "design")
    assert read(signed_both(Made(now, attributes="")), now).attributes == {}


def test_a_clock_that_is_a_little_ahead_is_forgiven_and_an_end_never(now: datetime) -> None:
    ahead = Made(now + timedelta(seconds=45), statement_attributes={"SessionNotOnOrAfter": ""})
    asserted = read(signed_both(ahead), now)
    assert asserted.session_expires_at is None
    assert refused(signed_both(Made(now + timedelta(seconds=150))), now) is Reason.NOT_YET
    assert refused(signed_both(Made(now - timedelta(minutes=5, seconds=1))), now) is Reason.EXPIRED


def test_a_failure_is_told_by_its_name_also_without_a_signature(now: datetime) -> None:
    status = (
        '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode '
        'Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode></samlp:Status>'
    )
    with pytest.raises(Rejected) as caught:
        read(Made(now, status=status).response(""), now)
    assert (caught.value.reason, caught.value.found) == (Reason.STATUS, "AuthnFailed")


def test_what_was_found_is_short_and_printable(now: datetime) -> None:
    made = Made(now, response_attributes={"Destination": "https://evil.example/\u202e" + "x" * 500})
    with pytest.raises(Rejected) as caught:
        read(signed_response(made), now)
    assert len(caught.value.found) == 120
    assert caught.value.found.isprintable()
    assert "evil.example" not in str(caught.value)
