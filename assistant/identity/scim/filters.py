"""Filters and paths of SCIM (RFC 7644, sections 3.4.2.2 and 3.5.2): from text to a tree.

Attribute names are case-insensitive and kept in lower case; the URN of a core schema before a name is
dropped. Text, nesting and the number of terms are bounded, so that a filter costs no more than its length.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from assistant.common.types import JsonScalar
from assistant.identity.scim.errors import ScimError, bad_filter, bad_path

LONGEST, DEEPEST, MOST_TERMS = 4_000, 16, 64
OPERATORS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})
_OF_TEXT = frozenset({"co", "sw", "ew"})
_CORE = re.compile(r"urn:ietf:params:scim:schemas:core:2\.0:(?:user|group):", re.IGNORECASE)
_TOKEN = re.compile(
    r"\s*(?:"
    r'(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))"
    r"|(?P<word>\$?[A-Za-z](?:[\w:$-]|\.(?=[\w$]))*)"
    r"|(?P<mark>[()\[\].])"
    r")",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Name:
    """An attribute, and the sub-attribute of it that is meant, or "". Both in lower case."""

    attribute: str
    sub: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """An attribute against a value."""

    name: Name
    operator: str
    value: JsonScalar


@dataclass(frozen=True, slots=True)
class Present:
    """The attribute has a value."""

    name: Name


@dataclass(frozen=True, slots=True)
class Within:
    """One and the same value of the attribute fits the filter."""

    name: Name
    filter: Filter


@dataclass(frozen=True, slots=True)
class Both:
    """And."""

    left: Filter
    right: Filter


@dataclass(frozen=True, slots=True)
class Either:
    """Or."""

    left: Filter
    right: Filter


@dataclass(frozen=True, slots=True)
class Not:
    """Not."""

    inner: Filter


Filter = Compare | Present | Within | Both | Either | Not


@dataclass(frozen=True, slots=True)
class Path:
    """What an operation of PATCH is about: an attribute, those of its values that fit, a sub-attribute."""

    attribute: str
    chosen: Filter | None = None
    sub: str = ""


def parse_filter(text: str) -> Filter:
    """The tree of a filter.

    Raises:
        ScimError: invalidFilter, with the place.
    """
    reader = _Reader(text)
    found = reader.either(0)
    reader.end()
    return found


def parse_path(text: str) -> Path:
    """The parts of a path.

    Raises:
        ScimError: invalidPath.
    """
    try:
        return _path(_Reader(text))
    except ScimError as error:
        raise bad_path(str(error).replace("filter", "path", 1)) from error


def _path(reader: _Reader) -> Path:
    name = reader.name(reader.take("word"))
    if reader.next_is("["):
        chosen = reader.within(name, 0)
        sub = ""
        if reader.next_is("."):
            reader.take("mark")
            sub = reader.take("word").lower()
        reader.end()
        return Path(name.attribute, chosen.filter, sub or name.sub)
    reader.end()
    return Path(name.attribute, None, name.sub)


class _Reader:
    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise bad_filter(f"The filter is longer than {LONGEST} characters.")
        self._tokens: list[tuple[str, str, int]] = []
        self._at = self._terms = 0
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None or found.lastgroup is None:
                raise bad_filter(f"The filter cannot be read at character {place + 1}.")
            self._tokens.append((found.lastgroup, found[found.lastgroup], found.start(found.lastgroup) + 1))
            place = found.end()
        self._length = len(text)

    def either(self, depth: int) -> Filter:
        left = self._both(depth)
        while self._word() == "or":
            self._at += 1
            left = Either(left, self._both(depth))
        return left

    def _both(self, depth: int) -> Filter:
        left = self._one(depth)
        while self._word() == "and":
            self._at += 1
            left = Both(left, self._one(depth))
        return left

    def _one(self, depth: int) -> Filter:
        self._terms += 1
        if depth > DEEPEST or self._terms > MOST_TERMS:
            raise bad_filter(
                f"The filter has more than {MOST_TERMS} terms, or more than {DEEPEST} brackets in each other."
            )
        if self._word() == "not" and self._mark(1) == "(":
            self._at += 1
            return Not(self._bracketed(depth))
        if self._mark() == "(":
            return self._bracketed(depth)
        name = self.name(self.take("word"))
        if self._mark() == "[":
            return self.within(name, depth)
        operator = self.take("word").lower()
        if operator == "pr":
            return Present(name)
        if operator not in OPERATORS:
            raise self._wrong(back=1)
        return Compare(name, operator, self._value(operator))

    def _bracketed(self, depth: int) -> Filter:
        self.take("mark")
        found = self.either(depth + 1)
        self._close(")")
        return found

    def within(self, name: Name, depth: int) -> Within:
        self.take("mark")
        found = self.either(depth + 1)
        self._close("]")
        return Within(name, found)

    def name(self, text: str) -> Name:
        """A name from its text; the URN of an extension stays with its attribute."""
        plain = _CORE.sub("", text, count=1).lower()
        if plain.startswith("urn:"):
            return Name(plain)
        attribute, _, sub = plain.partition(".")
        if "." in sub or ":" in plain:
            raise self._wrong(back=1)
        return Name(attribute, sub)

    def take(self, kind: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != kind:
            raise self._wrong()
        self._at += 1
        return self._tokens[self._at - 1][1]

    def next_is(self, mark: str) -> bool:
        return self._mark() == mark

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise self._wrong()

    def _value(self, operator: str) -> JsonScalar:
        kind, text, _ = self._tokens[self._at] if self._at < len(self._tokens) else ("", "", 0)
        value: JsonScalar
        if kind in {"text", "number"}:
            try:
                value = json.loads(text)
            except ValueError as error:
                raise self._wrong() from error
            if isinstance(value, str) and not is_storable(value):
                raise self._wrong()
        elif kind == "word" and text.lower() in _WORDS:
            value = _WORDS[text.lower()]
        else:
            raise self._wrong()
        if operator not in {"eq", "ne"} and (value is None or isinstance(value, bool)):
            raise bad_filter(f"The operator '{operator}' takes neither true, false nor null.")
        if operator in _OF_TEXT and not isinstance(value, str):
            raise bad_filter(f"The operator '{operator}' takes a text.")
        self._at += 1
        return value

    def _close(self, mark: str) -> None:
        if self._mark() != mark:
            raise self._wrong()
        self._at += 1

    def _word(self) -> str:
        kind, text, _ = self._tokens[self._at] if self._at < len(self._tokens) else ("", "", 0)
        return text.lower() if kind == "word" else ""

    def _mark(self, ahead: int = 0) -> str:
        at = self._at + ahead
        kind, text, _ = self._tokens[at] if at < len(self._tokens) else ("", "", 0)
        return text if kind == "mark" else ""

    def _wrong(self, *, back: int = 0) -> ScimError:
        at = self._at - back
        place = self._tokens[at][2] if 0 <= at < len(self._tokens) else self._length + 1
        return bad_filter(f"The filter cannot be read at character {place}.")


_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def is_storable(text: str) -> bool:
    """Whether databases take the text: no NUL, no half of a character."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
