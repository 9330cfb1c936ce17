"""Why a message was refused: a reason to count by, and a sentence for the administrator.

The person at the browser is told only that signing in failed. Nothing of a message stands in a sentence; what
was found instead of what was expected is kept beside it, short and without anything that is not printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from assistant.common.errors import MundapError
from assistant.common.told import Told, told

_LONGEST_FOUND: Final = 120


class Reason(StrEnum):
    """The first thing that was wrong."""

    ENCODING = "encoding"
    TOO_LARGE = "too_large"
    FORBIDDEN_XML = "forbidden_xml"
    STRUCTURE = "structure"
    DUPLICATE_ID = "duplicate_id"
    KIND = "kind"
    STATUS = "status"
    ASSERTIONS = "assertions"
    UNSIGNED = "unsigned"
    SIGNATURE_FORM = "signature_form"
    ALGORITHM = "algorithm"
    CERTIFICATE = "certificate"
    SIGNATURE = "signature"
    NOT_ENCRYPTED = "not_encrypted"
    ENCRYPTION_ALGORITHM = "encryption_algorithm"
    UNSIGNED_CIPHERTEXT = "unsigned_ciphertext"
    DECRYPTION = "decryption"
    ISSUER = "issuer"
    DESTINATION = "destination"
    IN_RESPONSE_TO = "in_response_to"
    UNSOLICITED = "unsolicited"
    RECIPIENT = "recipient"
    CONFIRMATION = "confirmation"
    AUDIENCE = "audience"
    TIME_FORM = "time_form"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    TOO_LONG = "too_long"
    SUBJECT = "subject"
    SECOND_OPINION = "second_opinion"


_SENTENCES: Final[Mapping[Reason, Told]] = {
    Reason.ENCODING: told(
        "The message is not strict Base64 of XML in UTF-8. Set the identity provider to send UTF-8 by"
        " HTTP POST."
    ),
    Reason.TOO_LARGE: told(
        "The message has more bytes, elements, attributes or levels than a sign-in needs. Let the"
        " identity provider send fewer attributes, for instance only the groups that Mundap uses."
    ),
    Reason.FORBIDDEN_XML: told(
        "The message holds a document type, an entity, a comment, a processing instruction, CDATA or a"
        " relative namespace, which no identity provider sends. Somebody may have tried to slip something"
        " past the check."
    ),
    Reason.STRUCTURE: told(
        "An element or attribute stands where SAML or Mundap allows none, or one is missing. See what was"
        " found; leave out extensions at the identity provider."
    ),
    Reason.DUPLICATE_ID: told(
        "Two elements of the message have the same ID. Messages like that are made to deceive."
    ),
    Reason.KIND: told(
        "This is not a SAML 2.0 message of the kind that belongs to this address. Check the addresses"
        " that are entered at the identity provider."
    ),
    Reason.STATUS: told(
        "The identity provider answered that it did not sign anybody in. Its own log says why."
    ),
    Reason.ASSERTIONS: told("The message must hold exactly one assertion, and it holds none or several."),
    Reason.UNSIGNED: told(
        "Neither the assertion nor the response is signed. Set the identity provider to sign one of them,"
        " or both."
    ),
    Reason.SIGNATURE_FORM: told(
        "The signature is not over exactly the element that it stands in, or transforms it in a way that"
        " is not allowed. Only enveloped signatures with exclusive canonicalization are read."
    ),
    Reason.ALGORITHM: told(
        "The signature uses an algorithm that is not allowed. Set the identity provider to RSA or ECDSA"
        " with SHA-256 or stronger."
    ),
    Reason.CERTIFICATE: told(
        "None of the identity provider's certificates can be used: RSA keys need 2048 bits or more,"
        " elliptic curves P-256, P-384 or P-521. Read its metadata again."
    ),
    Reason.SIGNATURE: told(
        "No certificate of the identity provider matches the signature. If the provider has changed its"
        " certificate, read its metadata again; otherwise the message was altered or made by somebody"
        " else."
    ),
    Reason.NOT_ENCRYPTED: told(
        "The assertion is not encrypted, but this provider must encrypt. Turn on encryption there with"
        " Mundap's certificate."
    ),
    Reason.ENCRYPTION_ALGORITHM: told(
        "The assertion is encrypted in a way that is not allowed. Set the identity provider to AES-GCM,"
        " and to RSA-OAEP for the key."
    ),
    Reason.UNSIGNED_CIPHERTEXT: told(
        "The assertion is encrypted with AES-CBC and the response around it is not signed, so that"
        " anybody could alter it. Set the identity provider to AES-GCM, or let it sign the response."
    ),
    Reason.DECRYPTION: told(
        "The assertion cannot be decrypted. Check that the identity provider encrypts with Mundap's"
        " present certificate."
    ),
    Reason.ISSUER: told(
        "The message names another identity provider as its issuer. Compare the entity ID in the settings"
        " with the one of the provider."
    ),
    Reason.DESTINATION: told(
        "The message is addressed to another address than the one at which it arrived. Check the address"
        " that is entered at the identity provider, and the address under which Mundap is opened."
    ),
    Reason.IN_RESPONSE_TO: told(
        "The message does not answer the request that this browser was sent away with. The person should"
        " start again."
    ),
    Reason.UNSOLICITED: told(
        "The message says that it answers a request, but none was sent. The person should start again"
        " from Mundap's sign-in page."
    ),
    Reason.RECIPIENT: told(
        "The assertion is meant for another recipient. Check the address that is entered at the identity"
        " provider."
    ),
    Reason.CONFIRMATION: told(
        "The assertion must hold exactly one bearer confirmation, with a recipient, an end and no beginning."
    ),
    Reason.AUDIENCE: told(
        "The assertion is meant for another application, or does not say for which. Compare the audience"
        " (entity ID) that is entered at the identity provider with Mundap's."
    ),
    Reason.TIME_FORM: told(
        "A time in the message cannot be read. SAML demands UTC, as in 2026-11-23T09:00:00Z."
    ),
    Reason.NOT_YET: told(
        "The message is dated in the future. Check the clocks of Mundap's machine and of the identity"
        " provider."
    ),
    Reason.EXPIRED: told(
        "The message is no longer valid. If this happens often, check the clocks of Mundap's machine and"
        " of the identity provider."
    ),
    Reason.TOO_LONG: told(
        "The assertion could be used for longer than half a day. Let the identity provider make it valid"
        " for some minutes."
    ),
    Reason.SUBJECT: told(
        "The name identifier is empty, too long, or holds spaces at its ends or characters that are not"
        " seen. Choose another attribute for it at the identity provider."
    ),
    Reason.SECOND_OPINION: told(
        "The strict check found nothing wrong, but the SAML library refused the message. Please report"
        " this with the kind and version of the identity provider."
    ),
}


class Rejected(MundapError):
    """A message of an identity provider is refused.

    Args:
        reason: the first thing that was wrong.
        found: what stood there instead; shortened, and without characters that are not printed. It comes from
            the message: it is shown to administrators as data and to nobody else.
    """

    def __init__(self, reason: Reason, found: str = "") -> None:
        super().__init__(_SENTENCES[reason])
        self.reason = reason
        self.found = "".join(
            c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in found[:_LONGEST_FOUND]
        )
