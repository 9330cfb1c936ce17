"""An identity provider that signs and encrypts with the real xmlsec, and lets its messages be altered.

Keys are made once in a run. What is signed or encrypted is text with a template of a signature in it, so that
tests decide about every letter.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from assistant.identity.saml.gate import Expected

IDP = "https://idp.example.com/metadata"
SP = "https://mundap.example.com/saml/acme/metadata"
ACS = "https://mundap.example.com/saml/acme/acs"
SLO = "https://mundap.example.com/saml/acme/slo"
REQUEST = "_request-5f0c2a"

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
NAMES = {"saml": SAML, "samlp": SAMLP, "ds": DS, "xenc": XENC}

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
PSS = "http://www.w3.org/2007/05/xmldsig-more#"
ENC11 = "http://www.w3.org/2009/xmlenc11#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DS + "enveloped-signature"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and its certificate, both PEM."""

    private: str
    certificate: str

    @property
    def certificate_body(self) -> str:
        """The certificate's Base64 alone, as it stands in messages."""
        return "".join(self.certificate.splitlines()[1:-1])


@cache
def keys(name: str) -> KeyPair:
    """The keys of somebody: `rsa` and `next` (the provider), `attacker`, `ours`, `old`, `weak`, `p256`, ..."""
    made: Key
    if name.startswith("p"):
        made = ec.generate_private_key(
            {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}[name]
        )
    else:
        made = rsa.generate_private_key(65537, 1024 if name == "weak" else 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(made.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(made, hashes.SHA256())
    )
    private = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return KeyPair(private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode())


def expecting(**changes: Any) -> Expected:
    """What Mundap waits for."""
    waiting = Expected(
        issuer=IDP,
        audience=SP,
        destination=ACS,
        certificates=(keys("rsa").certificate,),
        request_id=REQUEST,
        decryption_keys=(keys("ours").private,),
    )
    return replace(waiting, **changes)


def at(moment: datetime) -> str:
    """A time as SAML writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Signing:
    """How an element is signed. The defaults are what a provider does."""

    key: str = "rsa"
    method: str = MORE + "rsa-sha256"
    digest: str = XENC + "sha256"
    canonical: str = f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
    transforms: str = f'<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}"/>'
    uri: str | None = None
    key_info: str | None = None
    more_references: str = ""
    objects: str = ""
    shared_secret: bytes = b""  # for an HMAC

    def template(self, element_id: str) -> str:
        """A signature without values."""
        uri = f"#{element_id}" if self.uri is None else self.uri
        info = (
            f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{keys(self.key).certificate_body}"
            "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
            if self.key_info is None
            else self.key_info
        )
        return (
            f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{self.canonical}'
            f'<ds:SignatureMethod Algorithm="{self.method}"/>'
            f'<ds:Reference URI="{uri}"><ds:Transforms>{self.transforms}</ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{self.digest}"/><ds:DigestValue/></ds:Reference>'
            f"{self.more_references}</ds:SignedInfo><ds:SignatureValue/>{info}{self.objects}</ds:Signature>"
        )


PLAIN = Signing()


@dataclass(frozen=True, slots=True)
class Encrypting:
    """How an assertion is encrypted."""

    to: str = "ours"
    method: str = ENC11 + "aes256-gcm"
    key_method: str = f'<xenc:EncryptionMethod Algorithm="{XENC}rsa-oaep-mgf1p"/>'
    beside: bool = False  # the key beside the data instead of in it


@dataclass(frozen=True, slots=True)
class Made:
    """A response before it is signed. Every piece of text can be replaced."""

    now: datetime
    assertion_id: str = "_assertion-1"
    response_id: str = "_response-1"
    name_id: str = "ann@example.com"
    name_id_attributes: str = ' Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"'
    issuer: str = IDP
    response_issuer: str = f"<saml:Issuer>{IDP}</saml:Issuer>"
    status: str = (
        '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
    )
    response_attributes: Mapping[str, str] = field(default_factory=dict)
    assertion_attributes: Mapping[str, str] = field(default_factory=dict)
    data_attributes: Mapping[str, str] = field(default_factory=dict)
    method: str = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
    confirmation: str | None = None  # the whole SubjectConfirmation
    conditions_attributes: Mapping[str, str] = field(default_factory=dict)
    audiences: str = (
        f"<saml:AudienceRestriction><saml:Audience>{SP}</saml:Audience></saml:AudienceRestriction>"
    )
    statement_attributes: Mapping[str, str] = field(default_factory=dict)
    authn_statement: str | None = None
    attributes: str = (
        '<saml:AttributeStatement><saml:Attribute Name="mail"><saml:AttributeValue>ann@example.com'
        '</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>staff'
        "</saml:AttributeValue><saml:AttributeValue>design</saml:AttributeValue></saml:Attribute>"
        "</saml:AttributeStatement>"
    )
    extra: str = ""  # behind the last statement of the assertion

    def assertion(self, signature: str = "") -> str:
        """The assertion, with a signature's template where it belongs."""
        attributes = _attributes(
            {"ID": self.assertion_id, "Version": "2.0", "IssueInstant": at(self.now)},
            self.assertion_attributes,
        )
        data = _attributes(
            {
                "Recipient": ACS,
                "NotOnOrAfter": at(self.now + timedelta(minutes=5)),
                "InResponseTo": REQUEST,
            },
            self.data_attributes,
        )
        conditions = _attributes(
            {
                "NotBefore": at(self.now - timedelta(seconds=30)),
                "NotOnOrAfter": at(self.now + timedelta(minutes=5)),
            },
            self.conditions_attributes,
        )
        statement = _attributes(
            {
                "AuthnInstant": at(self.now - timedelta(minutes=1)),
                "SessionIndex": "_session-1",
                "SessionNotOnOrAfter": at(self.now + timedelta(hours=8)),
            },
            self.statement_attributes,
        )
        confirmation = self.confirmation or (
            f'<saml:SubjectConfirmation Method="{self.method}"><saml:SubjectConfirmationData{data}/>'
            "</saml:SubjectConfirmation>"
        )
        authn = (
            f"<saml:AuthnStatement{statement}><saml:AuthnContext><saml:AuthnContextClassRef>"
            "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>"
            "</saml:AuthnContext></saml:AuthnStatement>"
            if self.authn_statement is None
            else self.authn_statement
        )
        return (
            f'<saml:Assertion xmlns:saml="{SAML}"{attributes}><saml:Issuer>{self.issuer}</saml:Issuer>'
            f"{signature}<saml:Subject><saml:NameID{self.name_id_attributes}>{self.name_id}</saml:NameID>"
            f"{confirmation}</saml:Subject><saml:Conditions{conditions}>{self.audiences}</saml:Conditions>"
            f"{authn}{self.attributes}{self.extra}</saml:Assertion>"
        )

    def response(self, body: str, signature: str = "") -> str:
        """The response around `body`, with a signature's template where it belongs."""
        attributes = _attributes(
            {
                "ID": self.response_id,
                "Version": "2.0",
                "IssueInstant": at(self.now),
                "Destination": ACS,
                "InResponseTo": REQUEST,
            },
            self.response_attributes,
        )
        return (
            f'<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}"{attributes}>{self.response_issuer}'
            f"{signature}{self.status}{body}</samlp:Response>"
        )


def _attributes(usual: Mapping[str, str], changed: Mapping[str, str]) -> str:
    """Attributes in the order given; an empty change takes one away."""
    named = {**usual, **changed}
    return "".join(f' {name}="{escape(value)}"' for name, value in named.items() if value)


def signed(text: str, *signings: Signing) -> str:
    """The text with the values of its signature templates: the innermost first, each with the next signing.

    A template is found by its empty SignatureValue.
    """
    root = etree.fromstring(text.encode())
    xmlsec.tree.add_ids(root, ["ID"])
    empty = [
        value.getparent()
        for value in root.iter(f"{{{DS}}}SignatureValue")
        if not value.text and value.getparent().tag == f"{{{DS}}}Signature"
    ]
    for node, signing in zip(reversed(empty), signings, strict=True):
        context = xmlsec.SignatureContext()
        if signing.shared_secret:
            context.key = xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC, signing.shared_secret)
        else:
            context.key = xmlsec.Key.from_memory(keys(signing.key).private, xmlsec.KeyFormat.PEM)
        context.sign(node)
    return str(etree.tostring(root).decode())


def encrypted(assertion: str, how: Encrypting) -> str:
    """An EncryptedAssertion."""
    key = (
        f'<xenc:EncryptedKey xmlns:xenc="{XENC}" xmlns:ds="{DS}" Id="_key-1">{how.key_method}'
        "<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey>"
    )
    template = etree.fromstring(
        f'<xenc:EncryptedData xmlns:xenc="{XENC}" xmlns:ds="{DS}" Type="{XENC}Element"><xenc:EncryptionMethod '
        f'Algorithm="{how.method}"/><ds:KeyInfo>{key}</ds:KeyInfo><xenc:CipherData><xenc:CipherValue/>'
        "</xenc:CipherData></xenc:EncryptedData>"
    )
    holder = etree.fromstring(
        f'<saml:EncryptedAssertion xmlns:saml="{SAML}">{assertion}</saml:EncryptedAssertion>'
    )
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(keys(how.to).certificate, xmlsec.KeyFormat.CERT_PEM))
    context = xmlsec.EncryptionContext(manager)
    bits = int(how.method.rpartition("aes")[2][:3])
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, bits, xmlsec.KeyDataType.SESSION)
    context.encrypt_xml(template, holder[0])
    if how.beside:
        data = holder[0]
        info = data.find(f"{{{DS}}}KeyInfo")
        moved = info[0]
        info.remove(moved)
        etree.SubElement(info, f"{{{DS}}}RetrievalMethod", URI="#_key-1", Type=f"{XENC}EncryptedKey")
        holder.append(moved)
    return str(etree.tostring(holder).decode())


Form = Callable[[Made, Signing], str]


def signed_assertion(made: Made, signing: Signing = PLAIN) -> str:
    """Only the assertion is signed."""
    return signed(made.response(made.assertion(signing.template(made.assertion_id))), signing)


def signed_response(made: Made, signing: Signing = PLAIN) -> str:
    """Only the response is signed."""
    return signed(made.response(made.assertion(), signing.template(made.response_id)), signing)


def signed_both(made: Made, signing: Signing = PLAIN) -> str:
    """Assertion and response are signed."""
    assertion = made.assertion(signing.template(made.assertion_id))
    return signed(made.response(assertion, signing.template(made.response_id)), signing, signing)


def encrypted_assertion(made: Made, signing: Signing = PLAIN, how: Encrypting = Encrypting()) -> str:
    """The assertion is signed and then encrypted."""
    assertion = signed(made.assertion(signing.template(made.assertion_id)), signing)
    return made.response(encrypted(assertion, how))


def encrypted_in_signed(made: Made, signing: Signing = PLAIN, how: Encrypting = Encrypting()) -> str:
    """The assertion is encrypted, and the response around it signed."""
    body = encrypted(made.assertion(), how)
    return signed(made.response(body, signing.template(made.response_id)), signing)


def encrypted_and_both(made: Made, signing: Signing = PLAIN, how: Encrypting = Encrypting()) -> str:
    """The assertion is signed and encrypted, and the response around it signed."""
    assertion = signed(made.assertion(signing.template(made.assertion_id)), signing)
    body = encrypted(assertion, how)
    return signed(made.response(body, signing.template(made.response_id)), signing)


FORMS: dict[str, Form] = {
    "signed assertion": signed_assertion,
    "signed response": signed_response,
    "both signed": signed_both,
    "encrypted": encrypted_assertion,
    "encrypted in a signed response": encrypted_in_signed,
    "encrypted and both signed": encrypted_and_both,
}


def posted(text: str | bytes) -> str:
    """As it stands in the form field."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()
