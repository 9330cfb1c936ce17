"""One canonical form for an e-mail address, used by both sides of every comparison."""

from __future__ import annotations

import re
import unicodedata

from assistant.common.errors import UsageError
from assistant.common.told import told

_SHAPE = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+@[^@\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
MAX_EMAIL_LENGTH = 254


def canonical_email(address: str) -> str:
    """The form in which addresses are stored and compared.

    NFKC, trimmed, lower case. `+tag` stays: it is another mailbox until its
    provider says otherwise. Case is lowered, not folded: folding makes one of
    straße.de and strasse.de, which are two domains.

    Raises:
        UsageError: the text is not an e-mail address.
    """
    lowered = unicodedata.normalize("NFKC", address).strip().lower()
    # Lowering can leave the NFKC form (a dotted capital I, for one), so normalise once more.
    lowered = unicodedata.normalize("NFKC", lowered)
    if len(lowered) > MAX_EMAIL_LENGTH or not _SHAPE.fullmatch(lowered):
        raise UsageError(told("'{address}' is not an e-mail address.", address=address[:80]))
    return lowered


def known_as_address(typed: str) -> str:
    """What was typed where an e-mail address is asked for, if it is one; else nothing.

    For what is written down: people type their password there by mistake.
    """
    try:
        return canonical_email(typed)
    except UsageError:
        return ""
