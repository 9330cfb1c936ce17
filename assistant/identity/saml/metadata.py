"""What a provider says of itself (SAML metadata), read within bounds. No network, no database.

Nothing here is believed for standing in metadata alone: an administrator entered it, or the address from
which it comes, and if they named a certificate, it must have signed the whole document.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree
from onelogin.saml2.errors import OneLogin_Saml2_Error
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser

from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.identity.saml.certificates import (
    BadCertificates,
    Certificate,
    certificates_in,
    certificates_of,
)
from assistant.identity.saml.reasons import Reason, Rejected
from assistant.identity.saml.signature import signature_in, signed_bytes, usable_keys
from assistant.identity.saml.structure import check_structure

MOST_BYTES = 1_000_000
_LONGEST_ENTITY_ID, _LONGEST_URL = 1_024, 2_000
_MD = "urn:oasis:names:tc:SAML:2.0:metadata"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


class BadMetadata(UsageError):
    """It cannot be used. The sentence is told, for administrators."""


@dataclass(frozen=True, slots=True)
class Party:
    """An identity provider as we talk to it. Both logout addresses are empty where there is none."""

    entity_id: str
    sign_in_url: str
    logout_url: str
    logout_answer_url: str
    certificates: tuple[Certificate, ...]

    def believed(self, now: datetime) -> tuple[str, ...]:
        """PEM of the certificates that count at this moment."""
        return tuple(one.pem for one in self.certificates if one.counts(now))


def read_metadata(text: str, *, signed_by: str = "", now: datetime) -> Party:
    """The one identity provider of which the document speaks.

    `signed_by`: PEM of the certificate that must have signed it; empty: no signature is asked for.

    Raises:
        BadMetadata: it is none, of nobody or of several, over, or not signed as it must be.
    """
    root = _root(text)
    if signed_by:
        root = _signed(root, signed_by)
    descriptors = root.findall(f".//{{{_MD}}}IDPSSODescriptor")
    if len(descriptors) != 1:
        raise BadMetadata(
            told("The metadata must be of one identity provider. This has {n}.", n=len(descriptors))
        )
    _require_time(descriptors[0], now)
    entity = descriptors[0].getparent()
    entity_id = "" if entity is None else entity.get("entityID", "")
    try:
        # Alone, so that the library reads of no other entity in the same document.
        alone = etree.tostring(entity, encoding="unicode") if entity is not None else ""
        read = OneLogin_Saml2_IdPMetadataParser.parse(alone)["idp"]
        multiple = read.get("x509certMulti", {})
        bodies = multiple.get("signing", []) or [read["x509cert"]]
        certificates = certificates_of(bodies)
    except (KeyError, BadCertificates) as error:
        raise BadMetadata(told("The metadata names no certificate for signing that can be read.")) from error
    except (OneLogin_Saml2_Error, etree.XMLSyntaxError, ValueError) as error:
        raise BadMetadata(told("The metadata cannot be read.")) from error
    logout = descriptors[0].find(f"{{{_MD}}}SingleLogoutService[@Binding='{_REDIRECT}']")
    party = Party(
        entity_id=entity_id,
        sign_in_url=read.get("singleSignOnService", {}).get("url", ""),
        logout_url="" if logout is None else logout.get("Location", ""),
        logout_answer_url=""
        if logout is None
        else logout.get("ResponseLocation", "") or logout.get("Location", ""),
        certificates=certificates,
    )
    wrong = party_mistake(party)
    if wrong:
        raise BadMetadata(wrong)
    return party


def entity_named_in(text: str) -> str:
    """Of which entity the document speaks, be it over or not signed; empty where that cannot be said."""
    try:
        descriptors = _root(text).findall(f".//{{{_MD}}}IDPSSODescriptor")
    except BadMetadata:
        return ""
    entities = {one.getparent().get("entityID", "") for one in descriptors if one.getparent() is not None}
    return entities.pop() if len(entities) == 1 else ""


def party_mistake(party: Party) -> str:
    """What keeps us from talking to it, in a told sentence; empty where nothing does."""
    if not party.entity_id or len(party.entity_id) > _LONGEST_ENTITY_ID:
        return told("The entity ID of the identity provider is missing or too long.")
    if not is_web_address(party.sign_in_url):
        return told("The identity provider has no sign-in address for HTTP-Redirect that can be used.")
    if any(url and not is_web_address(url) for url in (party.logout_url, party.logout_answer_url)):
        return told("The logout address of the identity provider is no web address.")
    return ""


def is_web_address(text: str) -> bool:
    """Whether browsers can be sent there: https, or http where it is this very machine."""
    if len(text) > _LONGEST_URL or any(letter.isspace() or not letter.isprintable() for letter in text):
        return False
    local = ("http://localhost", "http://127.0.0.1", "http://[::1]")
    here = any(text == start or text.startswith((f"{start}/", f"{start}:")) for start in local)
    rest = text.partition("://")[2]
    return (text.startswith("https://") or here) and bool(rest.strip("/")) and "@" not in rest.split("/")[0]


def _root(text: str) -> etree._Element:
    raw = text.strip().encode("utf-8", "replace")
    if len(raw) > MOST_BYTES:
        raise BadMetadata(told("The metadata is larger than {most} bytes.", most=MOST_BYTES))
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise BadMetadata(told("The metadata holds a document type, which is not read."))
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise BadMetadata(told("The metadata is no XML.")) from error
    if root.getroottree().docinfo.internalDTD is not None or root.tag not in (
        f"{{{_MD}}}EntityDescriptor",
        f"{{{_MD}}}EntitiesDescriptor",
    ):
        raise BadMetadata(told("This is no SAML metadata. It must begin with an EntityDescriptor."))
    return root


def _signed(root: etree._Element, signed_by: str) -> etree._Element:
    """The document as it was signed as a whole: what is read later comes from these bytes only."""
    try:
        keys = tuple(key for _, key in usable_keys([one.pem for one in certificates_in(signed_by)]))
        signature = signature_in(root)
        if signature is None or not root.get("ID"):
            raise Rejected(Reason.UNSIGNED)
        check_structure(signature)
        return etree.fromstring(signed_bytes(root, keys))
    except (BadCertificates, Rejected) as error:
        raise BadMetadata(
            told("The metadata is not signed by the certificate that you entered for it.")
        ) from error


def _require_time(descriptor: etree._Element, now: datetime) -> None:
    """Metadata that says when it is over is over then, whichever of its parts says so."""
    elements = [descriptor, *descriptor.iterancestors()]
    for said in (element.get("validUntil") for element in elements):
        if said is None:
            continue
        try:
            end = datetime.fromisoformat(said)
        except ValueError as error:
            raise BadMetadata(told("The metadata says in no known form until when it is valid.")) from error
        if now >= (end if end.tzinfo else end.replace(tzinfo=UTC)):
            raise BadMetadata(told("The metadata was valid until {end} only.", end=end.date().isoformat()))
