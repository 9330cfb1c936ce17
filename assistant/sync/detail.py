"""The technical detail of a failure, which may repeat anything that a source said."""

from __future__ import annotations

from typing import TypedDict

from assistant.common.known_secrets import UNGUESSABLE, without_secrets
from assistant.common.told import Told, parts
from assistant.common.types import JsonObject

_MAX_LENGTH = 2_000


class KeptDetail(TypedDict):
    """The columns of a row that keep a detail: its text, and what it is told in another language by."""

    detail: str
    detail_parts: JsonObject | None


def kept_detail(detail: str) -> KeptDetail:
    """How a detail is written into the database."""
    kept = storable(detail)
    return {"detail": str(kept), "detail_parts": parts(kept)}


def storable(detail: str) -> str:
    """One line of at most 2,000 characters that every database can hold and every page can show.

    A told sentence stays one: its values are cleaned and cut like the whole, so that what is kept
    of them never says more than the text does.
    """
    if not isinstance(detail, Told):
        return _clean(detail, _MAX_LENGTH)
    longest = _MAX_LENGTH if len(detail) <= _MAX_LENGTH else _MAX_LENGTH // _leaves(detail)
    return _told(detail, longest)


def _told(sentence: Told, longest: int) -> Told:
    values = {
        name: _told(value, longest) if isinstance(value, Told) else _clean(value, longest)
        for name, value in sentence.values.items()
    }
    return Told(_clean(sentence, _MAX_LENGTH), sentence.template, values)


def _leaves(sentence: Told) -> int:
    """How many values there are, those of sentences within it among them; 1 at least."""
    values = sentence.values.values()
    return max(1, sum(_leaves(value) if isinstance(value, Told) else 1 for value in values))


def _clean(text: str, longest: int) -> str:
    """A server may repeat what it was sent; a short secret is left, lest its place tell who guessed it."""
    plain = without_secrets(text[: 2 * longest], shortest=UNGUESSABLE)
    return "".join(_shown(character) for character in plain[:longest])[:longest]


def _shown(character: str) -> str:
    if character in "\n\r\t":
        return " "
    return character if character.isprintable() else f"\\u{ord(character):04x}"
