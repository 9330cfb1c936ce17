"""A row's number as a form or an address sends it."""

from __future__ import annotations

_MOST_DIGITS = 18  # fit 64 bits


def number(text: str) -> int | None:
    """The number; None for anything that is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
