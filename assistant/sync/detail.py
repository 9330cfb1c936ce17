"""The technical detail of a failure, which may repeat anything that a source said."""

from __future__ import annotations

_MAX_LENGTH = 2_000


def storable(detail: str) -> str:
    """One line of at most 2,000 characters that every database can hold and every page can show."""
    return "".join(_shown(character) for character in detail[:_MAX_LENGTH])[:_MAX_LENGTH]


def _shown(character: str) -> str:
    if character in "\n\r\t":
        return " "
    return character if character.isprintable() else f"\\u{ord(character):04x}"
