"""Name identifiers and texts of messages, letter by letter."""

from __future__ import annotations

import unicodedata
from typing import Final

from assistant.identity.saml.bounded import Element
from assistant.identity.saml.reasons import Reason, Rejected
from assistant.identity.saml.structure import only, text_of
from assistant.identity.saml.vocabulary import ENTITY, UNSPECIFIED, saml

_LONGEST_SUBJECT: Final = 512
_LONGEST_INDEX: Final = 512
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def is_plain(text: str, longest: int) -> bool:
    """Not empty, not longer than that, no white space at its ends, and every character can be seen."""
    return (
        0 < len(text) <= longest
        and text == text.strip()
        and not any(unicodedata.category(character) in _UNSEEN for character in text)
    )


def check_issuer(message: Element, issuer: str) -> None:
    """The message's issuer is that identity provider, letter by letter.

    Raises:
        Rejected: it is another.
    """
    element = only(message, saml("Issuer"))
    if element.get("Format", ENTITY) != ENTITY or text_of(element) != issuer:
        raise Rejected(Reason.ISSUER, text_of(element))


def subject_of(parent: Element, audience: str) -> tuple[str, str]:
    """Name identifier and its format. Spaces and unseen characters are refused, not cut off: two subjects
    that look alike must never become one.

    Raises:
        Rejected: it cannot be taken.
    """
    element = only(parent, saml("NameID"))
    subject = text_of(element)
    if not is_plain(subject, _LONGEST_SUBJECT):
        raise Rejected(Reason.SUBJECT)
    if element.get("SPNameQualifier", audience) != audience:
        raise Rejected(Reason.AUDIENCE, element.get("SPNameQualifier"))
    return subject, element.get("Format", UNSPECIFIED)


def checked_index(text: str) -> str:
    """The identity provider's name of a session.

    Raises:
        Rejected: it cannot be taken.
    """
    if text and not is_plain(text, _LONGEST_INDEX):
        raise Rejected(Reason.SUBJECT)
    return text
