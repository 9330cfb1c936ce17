"""Who signed an element, and exactly which bytes they signed.

What is returned are the canonical bytes whose digest stands in the signature. Callers parse them anew and
read nothing else, so that it does not matter what else the message holds or how another parser would see
it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from assistant.identity.saml.bounded import Element, parsed
from assistant.identity.saml.reasons import Reason, Rejected
from assistant.identity.saml.structure import check_structure, only, text_of
from assistant.identity.saml.vocabulary import DS, EXC_C14N, XENC, ds

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_LEAST_RSA_BITS: Final = 2048
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_PSS: Final = "http://www.w3.org/2007/05/xmldsig-more#"
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_DIGESTS: Final[Mapping[str, str]] = {
    f"{XENC}sha256": "sha256",
    f"{_MORE}sha384": "sha384",
    f"{XENC}sha512": "sha512",
}
_HASHES: Final[tuple[tuple[str, Callable[[], hashes.HashAlgorithm]], ...]] = (
    ("sha256", hashes.SHA256),
    ("sha384", hashes.SHA384),
    ("sha512", hashes.SHA512),
)
# Algorithm of the message -> family of the key, hash. SHA-1, MD5, DSA and every HMAC are missing on
# purpose: with an HMAC, a public certificate would be taken for the secret.
_METHODS: Final[Mapping[str, tuple[str, Callable[[], hashes.HashAlgorithm]]]] = {
    **{f"{_MORE}rsa-{name}": ("rsa", made) for name, made in _HASHES},
    **{f"{_PSS}{name}-rsa-MGF1": ("pss", made) for name, made in _HASHES},
    **{f"{_MORE}ecdsa-{name}": ("ecdsa", made) for name, made in _HASHES},
}


def usable_keys(certificates: Sequence[str]) -> tuple[tuple[str, PublicKey], ...]:
    """The certificates (PEM) that may have signed, each with its key. How long they hold is not asked here.

    Raises:
        Rejected: there is none, or none is strong enough.
    """
    usable: list[tuple[str, PublicKey]] = []
    for pem in certificates:
        try:
            key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        except ValueError:
            continue
        if (isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS) or (
            isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)
        ):
            usable.append((pem, key))
    if not usable:
        raise Rejected(Reason.CERTIFICATE)
    return tuple(usable)


def signature_in(element: Element) -> Element | None:
    """The signature that stands directly in the element; its structure has been checked."""
    return element.find(ds("Signature"))


def signed_bytes(element: Element, keys: Sequence[PublicKey]) -> bytes:
    """The canonical bytes of `element` without its own signature, which one of `keys` has signed.

    Raises:
        Rejected: the signature has another form than the one allowed, or does not match.
    """
    signature = signature_in(element)
    if signature is None:
        raise Rejected(Reason.UNSIGNED)
    claimed = only(signature, ds("SignedInfo"))
    method = only(claimed, ds("SignatureMethod")).get("Algorithm")
    # Nothing is read from what the message says of its signature but how to check it; all else comes from the
    # bytes that were checked.
    info_bytes = _canonical(claimed, _inclusive(only(claimed, ds("CanonicalizationMethod"))))
    check_value(info_bytes, _decoded(only(signature, ds("SignatureValue"))), method, keys)
    info = parsed(info_bytes)
    if info.tag != ds("SignedInfo"):
        raise Rejected(Reason.SIGNATURE_FORM)
    check_structure(info)
    if only(info, ds("SignatureMethod")).get("Algorithm") != method:
        raise Rejected(Reason.SIGNATURE_FORM)
    reference = only(info, ds("Reference"))
    if reference.get("URI") != f"#{element.get('ID')}":
        raise Rejected(Reason.SIGNATURE_FORM, reference.get("URI"))
    enveloped, canonical = only(reference, ds("Transforms"))
    if enveloped.get("Algorithm") != f"{DS}enveloped-signature" or len(enveloped):
        raise Rejected(Reason.SIGNATURE_FORM, enveloped.get("Algorithm"))
    content = _canonical(_without(element, signature), _inclusive(canonical))
    _check_digest(reference, content)
    return content


def check_value(signed: bytes, value: bytes, method: str | None, keys: Sequence[PublicKey]) -> None:
    """One of `keys` has signed these bytes.

    Raises:
        Rejected: the algorithm is not allowed, or none has.
    """
    if method is None or method not in _METHODS:
        raise Rejected(Reason.ALGORITHM, method or "")
    family, made = _METHODS[method]
    if not any(_matches(key, family, made(), signed, value) for key in keys):
        raise Rejected(Reason.SIGNATURE)


def _matches(
    key: PublicKey, family: str, algorithm: hashes.HashAlgorithm, signed: bytes, value: bytes
) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey) and family == "rsa":
            key.verify(value, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, rsa.RSAPublicKey) and family == "pss":
            salted = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
            key.verify(value, signed, salted, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and family == "ecdsa":
            size = (key.curve.key_size + 7) // 8
            if len(value) != 2 * size:
                return False
            r, s = int.from_bytes(value[:size]), int.from_bytes(value[size:])
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _check_digest(reference: Element, content: bytes) -> None:
    name = only(reference, ds("DigestMethod")).get("Algorithm")
    if name not in _DIGESTS:
        raise Rejected(Reason.ALGORITHM, name)
    digest = hashlib.new(_DIGESTS[name], content).digest()
    if not content or not hmac.compare_digest(digest, _decoded(only(reference, ds("DigestValue")))):
        raise Rejected(Reason.SIGNATURE)


def _inclusive(transform: Element) -> list[str]:
    """The prefixes that an exclusive canonicalization keeps although nothing uses them."""
    if transform.get("Algorithm") != EXC_C14N:
        raise Rejected(Reason.SIGNATURE_FORM, transform.get("Algorithm"))
    return [prefix for named in transform for prefix in named.get("PrefixList").split()]


def _canonical(element: Element, inclusive: list[str]) -> bytes:
    """Exclusive XML Canonicalization 1.0 without comments, of the element as the root of its own document."""
    try:
        alone = etree.fromstring(etree.tostring(element, with_tail=False))
        canonical: bytes = etree.tostring(
            alone, method="c14n", exclusive=True, inclusive_ns_prefixes=inclusive
        )
    except (etree.LxmlError, ValueError):
        raise Rejected(Reason.SIGNATURE_FORM) from None
    return canonical


def _without(element: Element, signature: Element) -> Element:
    """A copy without the signature; the white space behind it stays, as it was signed."""
    place = element.index(signature)
    copy = deepcopy(element)
    found = copy[place]
    if found.tail:
        before = found.getprevious()
        if before is None:
            copy.text = (copy.text or "") + found.tail
        else:
            before.tail = (before.tail or "") + found.tail
    found.tail = None
    copy.remove(found)
    return copy


def _decoded(element: Element) -> bytes:
    """Base64 of an element; XML signatures break their lines."""
    try:
        return base64.b64decode("".join(text_of(element).split()), validate=True)
    except (binascii.Error, ValueError):
        raise Rejected(Reason.SIGNATURE_FORM) from None
