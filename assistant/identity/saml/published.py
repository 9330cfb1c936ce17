"""What we say of ourselves: our metadata at a provider.

Written here, since the library's writer lets it end after two days and knows one way of logging out only.
"""

from __future__ import annotations

from lxml import etree
from lxml.builder import ElementMaker

from assistant.identity.saml.keys import OwnKeys
from assistant.identity.saml.party import OwnAddresses

_MD = "urn:oasis:names:tc:SAML:2.0:metadata"
_DS = "http://www.w3.org/2000/09/xmldsig#"
_PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
_BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings"
# What may be encrypted how: the provider is told, as many would take what the gate refuses.
_ENCRYPTION = (
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    "http://www.w3.org/2009/xmlenc11#rsa-oaep",
)


def our_metadata(own: OwnAddresses, keys: OwnKeys, *, name_id_format: str, signs_requests: bool) -> bytes:
    """The document, in UTF-8."""
    md = ElementMaker(namespace=_MD, nsmap={"md": _MD, "ds": _DS})
    ds = ElementMaker(namespace=_DS)
    described = []
    for pair in keys.published:
        body = "".join(pair.certificate.pem.splitlines()[1:-1])
        for use in ("signing", "encryption"):
            methods = _ENCRYPTION if use == "encryption" else ()
            described.append(
                md.KeyDescriptor(
                    ds.KeyInfo(ds.X509Data(ds.X509Certificate(body))),
                    *(md.EncryptionMethod(Algorithm=method) for method in methods),
                    use=use,
                )
            )
    logout = [
        md.SingleLogoutService(Binding=f"{_BINDINGS}:{way}", Location=own.logout)
        for way in ("HTTP-Redirect", "HTTP-POST")
    ]
    descriptor = md.SPSSODescriptor(
        *described,
        *logout,
        md.NameIDFormat(name_id_format),
        md.AssertionConsumerService(
            Binding=f"{_BINDINGS}:HTTP-POST", Location=own.consumer, index="0", isDefault="true"
        ),
        AuthnRequestsSigned="true" if signs_requests else "false",
        WantAssertionsSigned="true",
        protocolSupportEnumeration=_PROTOCOL,
    )
    document = md.EntityDescriptor(descriptor, entityID=own.entity_id)
    written: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written
