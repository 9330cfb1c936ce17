"""python3-saml must agree: its own parser, schema validation and xmlsec, which share no line with the gate.

The library reads values from the tree as it arrived; the gate reads them from the bytes that were signed.
What fooled one of them alone is refused, also where the two read different people.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from copy import deepcopy
from urllib.parse import urlsplit

from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from assistant.identity.saml.bounded import Element
from assistant.identity.saml.conditions import Asserted, Expected
from assistant.identity.saml.reasons import Reason, Rejected
from assistant.identity.saml.vocabulary import MASK

_SCHEMA = "saml-schema-protocol-2.0.xsd"


def agree_on_response(
    data: bytes, asserted: Asserted, *, expected: Expected, certificates: Sequence[str], key: str
) -> None:
    """The library accepts the response, and reads the same person, session and assertion.

    `certificates` are those that the gate would use, `key` the one that opened the assertion, or empty. The
    library looks at the machine's clock.

    Raises:
        Rejected: it does not.
    """
    try:
        settings = OneLogin_Saml2_Settings(_settings(expected, certificates, key))
        response = _Response(settings, base64.b64encode(data).decode())
        response.is_valid(_request(expected.destination), expected.request_id, raise_exceptions=True)
        read = (response.get_assertion_id(), response.get_nameid(), response.get_session_index() or "")
    except Exception as error:  # noqa: BLE001 - whatever the library raises means no
        raise Rejected(Reason.SECOND_OPINION, type(error).__name__) from None
    if read != (asserted.assertion_id, asserted.subject, asserted.session_index):
        raise Rejected(Reason.SECOND_OPINION)


class _Response(OneLogin_Saml2_Response):  # type: ignore[misc]  # the library has no types
    """The library's reading of a response whose key was encrypted with a mask that its schema does not know.

    The schema of XML encryption 1.0 allows elements of other namespaces there, but the library brings no
    schema of 1.1. While it validates, the document stands there without the mask; signatures and decryption
    see all of it. The gate has held the mask against its own list by then.
    """

    document: Element

    def process_signed_elements(self) -> list[str]:
        """What the library does last before the schema."""
        signed: list[str] = super().process_signed_elements()
        self._arrived: Element = self.document
        if self.document.find(f".//{MASK}") is not None:
            self.document = deepcopy(self.document)
            for mask in list(self.document.iter(MASK)):
                mask.getparent().remove(mask)
        return signed

    def check_one_condition(self) -> bool:
        """What it does first after the schema."""
        self.document = self._arrived
        return bool(super().check_one_condition())


def agree_on_message(data: bytes, kind: str, *, certificates: Sequence[str], is_signed_inside: bool) -> None:
    """The library finds that a logout message (`kind` is its local name) fits the schema and is signed.

    Raises:
        Rejected: it does not.
    """
    try:
        agrees = not isinstance(OneLogin_Saml2_XML.validate_xml(data, _SCHEMA), str)
        if agrees and is_signed_inside:
            path = f"/samlp:{kind}/ds:Signature"
            agrees = OneLogin_Saml2_Utils.validate_sign(data, xpath=path, multicerts=list(certificates))
    except Exception as error:  # noqa: BLE001 - whatever the library raises means no
        raise Rejected(Reason.SECOND_OPINION, type(error).__name__) from None
    if not agrees:
        raise Rejected(Reason.SECOND_OPINION)


def _settings(expected: Expected, certificates: Sequence[str], key: str) -> dict[str, object]:
    return {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": expected.audience,
            "assertionConsumerService": {"url": expected.destination},
            "privateKey": key,
        },
        "idp": {
            "entityId": expected.issuer,
            # Never called: the library demands an address, and the gate knows none.
            "singleSignOnService": {"url": expected.destination},
            "x509certMulti": {"signing": list(certificates)},
        },
        "security": {
            "wantAttributeStatement": False,
            "allowSingleLabelDomains": True,  # many a company calls its server https://wiki/
            "allowRepeatAttributeName": True,
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": False,
        },
    }


def _request(destination: str) -> dict[str, str]:
    parts = urlsplit(destination)
    return {
        "https": "on" if parts.scheme == "https" else "off",
        "http_host": parts.netloc,
        "script_name": parts.path,
    }
