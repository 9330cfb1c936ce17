"""Which elements may stand where in a message: everything that is not named here is refused.

Wrapping attacks hide a signed element where nobody looks and put a forged one where it is read. There is no
such place here: no extensions, no advice, no objects in signatures, no elements of other namespaces, and the
order is that of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from assistant.identity.saml.bounded import Element
from assistant.identity.saml.reasons import Reason, Rejected
from assistant.identity.saml.vocabulary import (
    ASYNC_LOGOUT,
    EXC_C14N,
    MASK,
    XSI,
    ds,
    saml,
    samlp,
    xenc,
)

# How often a child may stand among its neighbours: (least, most).
Group = Mapping[str, tuple[int, int]]
_ONE, _PERHAPS, _ANY = (1, 1), (0, 1), (0, 8_000)


@dataclass(frozen=True, slots=True)
class Shape:
    """What an element may hold.

    `groups` follow each other; the members of one may stand in any order. `text` allows more than white
    space.
    """

    groups: tuple[Group, ...] = ()
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    text: bool = False
    foreign_attributes: bool = False  # of namespaces other than SAML's own, as the schema allows


def _shape(
    *groups: Group,
    required: str = "",
    optional: str = "",
    text: bool = False,
    foreign_attributes: bool = False,
) -> Shape:
    return Shape(groups, frozenset(required.split()), frozenset(optional.split()), text, foreign_attributes)


_ALGORITHM: Final = _shape(required="Algorithm")
_INCLUSIVE: Final = {f"{{{EXC_C14N}}}InclusiveNamespaces": _PERHAPS}

# By tag, or by parent's tag and tag where the same element may hold different things.
_SHAPES: Final[Mapping[str, Shape]] = {
    samlp("Response"): _shape(
        {saml("Issuer"): _ONE},
        {ds("Signature"): _PERHAPS},
        {samlp("Status"): _ONE},
        {saml("Assertion"): _PERHAPS, saml("EncryptedAssertion"): _PERHAPS},
        required="ID Version IssueInstant Destination",
        optional="InResponseTo Consent",
    ),
    samlp("LogoutRequest"): _shape(
        {saml("Issuer"): _ONE},
        {ds("Signature"): _PERHAPS},
        {samlp("Extensions"): _PERHAPS},
        {saml("NameID"): _ONE},
        {samlp("SessionIndex"): (0, 100)},
        required="ID Version IssueInstant Destination",
        optional="NotOnOrAfter Reason Consent",
    ),
    samlp("LogoutResponse"): _shape(
        {saml("Issuer"): _ONE},
        {ds("Signature"): _PERHAPS},
        {samlp("Status"): _ONE},
        required="ID Version IssueInstant Destination InResponseTo",
        optional="Consent",
    ),
    samlp("Extensions"): _shape({f"{{{ASYNC_LOGOUT}}}Asynchronous": _ONE}),
    f"{{{ASYNC_LOGOUT}}}Asynchronous": _shape(),
    samlp("SessionIndex"): _shape(text=True),
    samlp("Status"): _shape({samlp("StatusCode"): _ONE}, {samlp("StatusMessage"): _PERHAPS}),
    samlp("StatusCode"): _shape({samlp("StatusCode"): _PERHAPS}, required="Value"),
    samlp("StatusMessage"): _shape(text=True),
    saml("Issuer"): _shape(optional="Format", text=True),
    saml("EncryptedAssertion"): _shape({xenc("EncryptedData"): _ONE}, {xenc("EncryptedKey"): _PERHAPS}),
    saml("Assertion"): _shape(
        {saml("Issuer"): _ONE},
        {ds("Signature"): _PERHAPS},
        {saml("Subject"): _ONE},
        {saml("Conditions"): _ONE},
        {saml("AuthnStatement"): _ONE, saml("AttributeStatement"): _PERHAPS},
        required="ID Version IssueInstant",
    ),
    saml("Subject"): _shape({saml("NameID"): _ONE}, {saml("SubjectConfirmation"): _ONE}),
    saml("NameID"): _shape(optional="Format NameQualifier SPNameQualifier SPProvidedID", text=True),
    saml("SubjectConfirmation"): _shape({saml("SubjectConfirmationData"): _ONE}, required="Method"),
    saml("SubjectConfirmationData"): _shape(optional="NotBefore NotOnOrAfter Recipient InResponseTo Address"),
    saml("Conditions"): _shape(
        {
            saml("AudienceRestriction"): _PERHAPS,
            saml("OneTimeUse"): _PERHAPS,
            saml("ProxyRestriction"): _PERHAPS,
        },
        required="NotBefore NotOnOrAfter",
    ),
    saml("AudienceRestriction"): _shape({saml("Audience"): (1, 50)}),
    saml("Audience"): _shape(text=True),
    saml("OneTimeUse"): _shape(),
    saml("ProxyRestriction"): _shape({saml("Audience"): (0, 50)}, optional="Count"),
    saml("AuthnStatement"): _shape(
        {saml("SubjectLocality"): _PERHAPS},
        {saml("AuthnContext"): _ONE},
        required="AuthnInstant",
        optional="SessionIndex SessionNotOnOrAfter",
    ),
    saml("SubjectLocality"): _shape(optional="Address DNSName"),
    saml("AuthnContext"): _shape(
        {saml("AuthnContextClassRef"): _PERHAPS},
        {saml("AuthnContextDeclRef"): _PERHAPS},
        {saml("AuthenticatingAuthority"): (0, 20)},
    ),
    saml("AuthnContextClassRef"): _shape(text=True),
    saml("AuthnContextDeclRef"): _shape(text=True),
    saml("AuthenticatingAuthority"): _shape(text=True),
    saml("AttributeStatement"): _shape({saml("Attribute"): (1, 500)}),
    saml("Attribute"): _shape(
        {saml("AttributeValue"): _ANY},
        required="Name",
        optional="NameFormat FriendlyName",
        foreign_attributes=True,
    ),
    # eduPersonTargetedID has a NameID for its value.
    saml("AttributeValue"): _shape(
        {saml("NameID"): _PERHAPS}, optional=f"{{{XSI}}}type {{{XSI}}}nil", text=True
    ),
    ds("Signature"): _shape(
        {ds("SignedInfo"): _ONE}, {ds("SignatureValue"): _ONE}, {ds("KeyInfo"): _PERHAPS}, optional="Id"
    ),
    ds("SignedInfo"): _shape(
        {ds("CanonicalizationMethod"): _ONE},
        {ds("SignatureMethod"): _ONE},
        {ds("Reference"): _ONE},
        optional="Id",
    ),
    ds("CanonicalizationMethod"): _shape(_INCLUSIVE, required="Algorithm"),
    ds("SignatureMethod"): _ALGORITHM,
    ds("Reference"): _shape(
        {ds("Transforms"): _ONE},
        {ds("DigestMethod"): _ONE},
        {ds("DigestValue"): _ONE},
        required="URI",
        optional="Id",
    ),
    ds("Transforms"): _shape({ds("Transform"): (2, 2)}),
    ds("Transform"): _shape(_INCLUSIVE, required="Algorithm"),
    f"{{{EXC_C14N}}}InclusiveNamespaces": _shape(required="PrefixList"),
    ds("DigestMethod"): _ALGORITHM,
    ds("DigestValue"): _shape(text=True),
    ds("SignatureValue"): _shape(text=True, optional="Id"),
    # Hints on keys are allowed and never read: keys come from the configuration alone.
    ds("KeyInfo"): _shape({ds("X509Data"): (0, 4), ds("KeyName"): (0, 4)}, optional="Id"),
    ds("KeyName"): _shape(text=True),
    ds("X509Data"): _shape(
        {
            ds("X509Certificate"): (0, 10),
            ds("X509IssuerSerial"): (0, 10),
            ds("X509SubjectName"): (0, 10),
            ds("X509SKI"): (0, 10),
        }
    ),
    ds("X509Certificate"): _shape(text=True),
    ds("X509IssuerSerial"): _shape({ds("X509IssuerName"): _ONE}, {ds("X509SerialNumber"): _ONE}),
    ds("X509IssuerName"): _shape(text=True),
    ds("X509SerialNumber"): _shape(text=True),
    ds("X509SubjectName"): _shape(text=True),
    ds("X509SKI"): _shape(text=True),
    xenc("EncryptedData"): _shape(
        {xenc("EncryptionMethod"): _ONE},
        {ds("KeyInfo"): _ONE},
        {xenc("CipherData"): _ONE},
        required="Type",
        optional="Id MimeType Encoding",
    ),
    f"{xenc('EncryptedData')}/{ds('KeyInfo')}": _shape(
        {xenc("EncryptedKey"): _PERHAPS, ds("RetrievalMethod"): _PERHAPS}, optional="Id"
    ),
    ds("RetrievalMethod"): _shape(required="URI", optional="Type"),
    xenc("EncryptedKey"): _shape(
        {xenc("EncryptionMethod"): _ONE},
        {ds("KeyInfo"): _PERHAPS},
        {xenc("CipherData"): _ONE},
        {xenc("ReferenceList"): _PERHAPS},
        optional="Id Recipient Type",
    ),
    xenc("EncryptionMethod"): _shape(
        {
            xenc("KeySize"): _PERHAPS,
            ds("DigestMethod"): _PERHAPS,
            MASK: _PERHAPS,
        },
        required="Algorithm",
    ),
    MASK: _ALGORITHM,
    xenc("KeySize"): _shape(text=True),
    xenc("CipherData"): _shape({xenc("CipherValue"): _ONE}),
    xenc("CipherValue"): _shape(text=True),
    xenc("ReferenceList"): _shape({xenc("DataReference"): (1, 1)}),
    xenc("DataReference"): _shape(required="URI"),
}


def check_structure(root: Element) -> None:
    """Every element below and with `root` is where it may be, with what it may hold.

    Raises:
        Rejected: the first one that is not.
    """
    tag = root.tag
    parent = root.getparent()
    shape = _SHAPES.get(f"{parent.tag}/{tag}" if parent is not None else tag) or _SHAPES.get(tag)
    if shape is None:
        raise Rejected(Reason.STRUCTURE, tag)
    _check_attributes(root, shape)
    _check_children(root, shape)
    texts = [root.text, *(child.tail for child in root)]
    if any(text and text.strip(" \t\r\n") for text in texts) and (not shape.text or len(root)):
        raise Rejected(Reason.STRUCTURE, tag)
    for child in root:
        check_structure(child)


def check_ids(*roots: Element) -> None:
    """Nothing that any library could take for an ID stands twice in the documents together.

    Raises:
        Rejected: one does, or is empty or no name.
    """
    seen: set[str] = set()
    for root in roots:
        for element in root.iter():
            for name, value in element.attrib.items():
                if name.rpartition("}")[2].lower() != "id":
                    continue
                if value in seen:
                    raise Rejected(Reason.DUPLICATE_ID, value)
                if not value or value != value.strip() or not value.isprintable() or " " in value:
                    raise Rejected(Reason.STRUCTURE, value)
                seen.add(value)


def text_of(element: Element) -> str:
    """The text of an element that holds nothing else."""
    if len(element):
        raise Rejected(Reason.STRUCTURE, element.tag)
    return str(element.text or "")


def only(element: Element, tag: str) -> Element:
    """Its one child of that tag."""
    found = element.findall(tag)
    if len(found) != 1:
        raise Rejected(Reason.STRUCTURE, tag)
    return found[0]


def _check_attributes(element: Element, shape: Shape) -> None:
    names = set(element.attrib)
    for name in names - shape.required - shape.optional:
        is_foreign = name.startswith("{") and name.rpartition("}")[2].lower() != "id"
        if not (shape.foreign_attributes and is_foreign):
            raise Rejected(Reason.STRUCTURE, f"{element.tag} {name}")
    for name in shape.required - names:
        raise Rejected(Reason.STRUCTURE, f"{element.tag} {name}")


def _check_children(element: Element, shape: Shape) -> None:
    children = [child.tag for child in element]
    place = 0
    for group in shape.groups:
        counts = dict.fromkeys(group, 0)
        while place < len(children) and children[place] in counts:
            counts[children[place]] += 1
            place += 1
        for tag, (least, most) in group.items():
            if not least <= counts[tag] <= most:
                raise Rejected(Reason.STRUCTURE, tag)
    if place < len(children):
        raise Rejected(Reason.STRUCTURE, children[place])
