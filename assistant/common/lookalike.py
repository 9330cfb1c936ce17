"""Could a hurried reader take one address for another? Two texts look alike if their shapes are equal.

The shapes follow the idea of skeletons in Unicode Technical Standard 39, over the
letters that mail addresses are imitated with: Cyrillic and Greek twins of Latin
letters, digits for letters, and marks above or below a letter. It warns; it decides nothing.
"""

from __future__ import annotations

import unicodedata

_TWINS = str.maketrans(
    {
        # Cyrillic
        "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "һ": "h", "і": "l", "ј": "j", "к": "k",
        "ӏ": "l", "м": "m", "н": "h", "о": "o", "р": "p", "ԛ": "q", "ѕ": "s", "т": "t", "у": "y",
        "ѵ": "v", "ԝ": "w", "х": "x", "г": "r",
        # Greek
        "α": "a", "β": "b", "ε": "e", "η": "n", "ι": "l", "κ": "k", "ν": "v", "ο": "o", "ρ": "p",
        "τ": "t", "υ": "u", "χ": "x", "γ": "y",
        # Latin letters and digits
        "ı": "l", "i": "l", "1": "l", "|": "l", "0": "o", "ɡ": "g", "ɑ": "a", "ſ": "s",
    }
)  # fmt: skip
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def looks_like(address: str) -> str:
    """The shape of an address: what is left of it at a glance."""
    decomposed = unicodedata.normalize("NFKD", address.casefold())
    shape = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_TWINS)
    for pair, single in _PAIRS:
        shape = shape.replace(pair, single)
    return unicodedata.normalize("NFC", shape)
