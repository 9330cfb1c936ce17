"""Secrets that people write down: groups of letters and digits, none of which is mistaken for another.

They are made by chance and too long to be guessed, so a plain digest of them is safe to keep (NIST SP 800-63B
5.1.2.2 asks for a slow hash below 112 bits only).
"""

from __future__ import annotations

import hashlib
import re
import secrets

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # 31 of them: 4.95 bits each
_KEPT = re.compile(r"[a-z0-9]+")
_LONGEST = 1_024


def new_secret(*, groups: int, letters: int) -> str:
    """What nobody can guess: so many groups of so many letters, with hyphens between them."""
    made = ("".join(secrets.choice(_LETTERS) for _ in range(letters)) for _ in range(groups))
    return "-".join(made)


def digest_of(written: str) -> str:
    """Of letters and digits alone, so that case, blanks and hyphens do not count. 64 hexadecimal digits."""
    kept = "".join(_KEPT.findall(written[:_LONGEST].lower()))
    return hashlib.sha256(kept.encode()).hexdigest()
