"""The strict gate: a response of an identity provider becomes what it says of one person, or is refused.

    bounded bytes -> small tree -> known structure -> verified bytes -> parsed anew -> conditions
    -> second opinion

Nothing is read from the message but from bytes that one of the provider's certificates has signed. No
function here touches the database or the network; that an assertion counts once is `identity.spent`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from assistant.identity.saml.bounded import Element, decoded, parsed
from assistant.identity.saml.conditions import (
    Asserted,
    Expected,
    check_plain_allowed,
    check_response,
    check_told_status,
    read_assertion,
)
from assistant.identity.saml.decryption import decrypted
from assistant.identity.saml.reasons import Reason, Rejected
from assistant.identity.saml.second_opinion import agree_on_response
from assistant.identity.saml.signature import PublicKey, signature_in, signed_bytes, usable_keys
from assistant.identity.saml.structure import check_ids, check_structure
from assistant.identity.saml.vocabulary import saml, samlp

__all__ = [
    "Asserted",
    "Expected",
    "PublicKey",
    "Reason",
    "Rejected",
    "check_kind",
    "check_one_assertion",
    "claimed_request_id",
    "look_at_response",
    "opened_assertion",
    "read_response",
    "verified",
]


def claimed_request_id(encoded: str) -> str | None:
    """Which request a response says that it answers: good for finding the sign-in that waits, and for
    nothing else.

    Raises:
        Rejected: what came is no SAML 2.0 response, or not a small and plain one.
    """
    answered: str | None = _response(decoded(encoded)).get("InResponseTo")
    return answered


def read_response(encoded: str, *, expected: Expected, now: datetime) -> Asserted:
    """What a response (the form field `SAMLResponse`) says, if all of it is as it must be.

    Raises:
        Rejected: the first thing that is not.
    """
    data = decoded(encoded)
    asserted, opened_by = _read(data, expected, now)
    certificates = [pem for pem, _ in usable_keys(expected.certificates)]
    agree_on_response(data, asserted, expected=expected, certificates=certificates, key=opened_by)
    return asserted


def look_at_response(encoded: str, *, expected: Expected, now: datetime) -> Asserted:
    """What a response said at a moment of the past, for who looks at one that was kept. Nobody is let in by
    it: the library has no say here, since it knows no other moment than this one.

    Raises:
        Rejected: as by `read_response`.
    """
    return _read(decoded(encoded), expected, now)[0]


def _read(data: bytes, expected: Expected, now: datetime) -> tuple[Asserted, str]:
    """What it says, and the key that opened the assertion."""
    response = _response(data)
    usable = usable_keys(expected.certificates)
    keys = tuple(key for _, key in usable)
    check_one_assertion(response)
    check_structure(response)
    check_ids(response)
    source, is_signed = verified(response, keys)
    check_response(source, expected, now)
    assertion, opened_by = _assertion(response, source, keys, expected, is_signed=is_signed)
    return read_assertion(assertion, expected, now), opened_by


def _response(data: bytes) -> Element:
    response = parsed(data)
    check_kind(response)
    check_told_status(response)
    return response


def check_kind(response: Element) -> None:
    """It is a response of SAML 2.0.

    Raises:
        Rejected: it is not.
    """
    if response.tag != samlp("Response") or response.get("Version") != "2.0":
        raise Rejected(Reason.KIND, response.tag)


def check_one_assertion(response: Element) -> None:
    """One in the whole document, whatever namespace it claims and wherever it stands.

    Raises:
        Rejected: there are none or several.
    """
    names = [element.tag.rpartition("}")[2] for element in response.iter()]
    if names.count("Assertion") + names.count("EncryptedAssertion") != 1:
        raise Rejected(Reason.ASSERTIONS)


def verified(element: Element, keys: Sequence[PublicKey]) -> tuple[Element, bool]:
    """The element as it was signed, or itself where it bears no signature; and whether it does.

    Raises:
        Rejected: it bears one that none of the keys made, or that is not over the whole of it.
    """
    if signature_in(element) is None:
        return element, False
    signed = parsed(signed_bytes(element, keys))
    if signed.tag != element.tag or signed.get("ID") != element.get("ID"):
        raise Rejected(Reason.SIGNATURE_FORM)
    check_structure(signed)
    return signed, True


def _assertion(
    response: Element, source: Element, keys: Sequence[PublicKey], expected: Expected, *, is_signed: bool
) -> tuple[Element, str]:
    """The assertion as it was signed, and the key that opened it (empty: it was plain).

    `source` is the response as it was signed, if it was; the assertion's own signature was made over the
    assertion as it stands in `response`.
    """
    tag, opened_by = saml("Assertion"), ""
    plain = source.find(tag)
    if plain is not None:
        check_plain_allowed(expected)
        arrived = response.find(tag)
    else:
        arrived, opened_by = opened_assertion(source, expected, is_signed=is_signed)
        plain = arrived
        check_ids(response, arrived)
    own, is_own_signed = verified(arrived, keys)
    if not (is_own_signed or is_signed):
        raise Rejected(Reason.UNSIGNED)
    return (own if is_own_signed else plain), opened_by


def opened_assertion(source: Element, expected: Expected, *, is_signed: bool) -> tuple[Element, str]:
    """The assertion that was encrypted, and the key that opened it. `is_signed`: a signature covers it.

    Raises:
        Rejected: it cannot be opened, or not in this way.
    """
    encrypted = source.find(saml("EncryptedAssertion"))
    if encrypted is None:
        raise Rejected(Reason.ASSERTIONS)
    content, opened_by = decrypted(encrypted, expected.decryption_keys, is_signed=is_signed)
    try:
        assertion = parsed(content)
        if assertion.tag != saml("Assertion"):
            raise Rejected(Reason.DECRYPTION)
        check_structure(assertion)
    except Rejected:  # whoever tries keys and paddings learns nothing from what it was
        raise Rejected(Reason.DECRYPTION) from None
    return assertion, opened_by
