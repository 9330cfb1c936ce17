"""Names that somebody typed, as one line."""

from __future__ import annotations


def one_line(text: str) -> str:
    """Without what PostgreSQL keeps in no text (U+0000), and with one blank for whatever parts words."""
    return " ".join(text.replace("\x00", "").split())
