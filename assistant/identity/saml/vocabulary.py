"""Namespaces, element names and the few values of SAML 2.0 that are compared letter by letter."""

from __future__ import annotations

from typing import Final

SAML: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
XENC11: Final = "http://www.w3.org/2009/xmlenc11#"
MASK: Final = f"{{{XENC11}}}MGF"  # of OAEP
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
ASYNC_LOGOUT: Final = "urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo"

SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
ENTITY: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


def saml(name: str) -> str:
    """The tag of an element of assertions."""
    return f"{{{SAML}}}{name}"


def samlp(name: str) -> str:
    """The tag of an element of messages."""
    return f"{{{SAMLP}}}{name}"


def ds(name: str) -> str:
    """The tag of an element of signatures."""
    return f"{{{DS}}}{name}"


def xenc(name: str) -> str:
    """The tag of an element of encryption."""
    return f"{{{XENC}}}{name}"
