"""Can this name be an external id: stored, shown on one line, and found again?"""

from __future__ import annotations

import hashlib
import unicodedata

from assistant.common.acl import MAX_ID_LENGTH
from assistant.common.told import told

# Embeddings, overrides and isolates reorder the text around them; a file name must not.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Control characters, halves of surrogate pairs (undecodable bytes), line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def id_problem(text: str) -> str:
    """Why `text` cannot be an external id, as the end of a sentence; empty when it can."""
    if not text.strip():
        return told("is empty")
    if len(text) > MAX_ID_LENGTH:
        return told("is longer than {most} characters", most=MAX_ID_LENGTH)
    if any(map(_unclean, text)):
        return told("holds control or direction characters, or bytes that are not UTF-8")
    return ""


def escaped_id(text: str) -> str:
    """A printable stand-in for a name that cannot be an id.

    It starts with "./", as no id of a listed document does, so it never names one.
    """
    printable = "./" + "".join(_escape(c) if _unclean(c) or c == "\\" else c for c in text)
    if len(printable) <= MAX_ID_LENGTH:
        return printable
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{printable[: MAX_ID_LENGTH - 17]}~{digest}"


def _unclean(character: str) -> bool:
    return character in _BIDI or unicodedata.category(character) in _UNPRINTABLE


def _escape(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if unicodedata.category(character) == "Cs":  # a byte that was not UTF-8, as the file system hands it over
        return f"\\x{ord(character) & 0xFF:02x}"
    return f"\\u{ord(character):04x}"
