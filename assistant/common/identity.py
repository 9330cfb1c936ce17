"""One canonical form for an e-mail address, used by both sides of every comparison."""

from __future__ import annotations

import re
import unicodedata

from assistant.common.errors import UsageError

_SHAPE = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")
MAX_EMAIL_LENGTH = 254


def canonical_email(address: str) -> str:
    """The form in which addresses are stored and compared.

    NFKC, trimmed, case folded. `+tag` stays: it is another mailbox until its
    provider says otherwise.

    Raises:
        UsageError: the text is not an e-mail address.
    """
    folded = unicodedata.normalize("NFKC", address).strip().casefold()
    # Case folding can leave the NFKC form (e.g. of some Greek letters), so normalise once more.
    folded = unicodedata.normalize("NFKC", folded)
    if len(folded) > MAX_EMAIL_LENGTH or not _SHAPE.fullmatch(folded):
        raise UsageError(f"'{address[:80]}' is not an e-mail address.")
    return folded
