"""A text as a person sees it, without the characters that only programs see.

Invisible characters and odd widths are the cheapest way around a rule, so every
check judges what is left after this.
"""

from __future__ import annotations

import unicodedata

# Letters and symbols by category, yet they print as nothing: Hangul fillers, the empty braille cell, a null
# note.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159")
_VISIBLE_CONTROLS = frozenset("\n\r\t\v\f\x1c\x1d\x1e\x85")


def legible(text: str) -> str:
    """`text` in NFKC without format, control, filler and combining characters and lone surrogates."""
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.normalize("NFKC", "".join(filter(is_visible, text)))
    return "".join(char for char in composed if not unicodedata.category(char).startswith("M"))


def is_visible(char: str) -> bool:
    """Whether a person sees the character, or at least the gap that it makes."""
    if char in _VISIBLE_CONTROLS:
        return True
    if char in _FILLERS or char == "\u034f":
        return False
    return unicodedata.category(char) not in {"Cf", "Cc", "Cs", "Cn"}
