"""What may a search be narrowed to? Values, read strictly from what a person or a program wrote.

The values of one field are alternatives, and all fields must fit; of attributes, each name is a field.
Whether a source exists is not asked here: a name that means nothing to a person, and one of a source of
which they may read nothing, both simply match no document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

from django.utils import timezone

from assistant.common.analysis import normalise
from assistant.common.errors import UsageError
from assistant.common.formats import EXTENSIONS, FORMATS
from assistant.common.types import Json, JsonObject

MOST_VALUES = 50  # of one field
LONGEST_VALUE = 200  # characters
FIRST_YEAR, LAST_YEAR = 1900, 9000  # so that a moment has a day in every time zone
NAMES = ("source", "type", "after", "before", "author", "attribute")

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII)

Key = tuple[
    frozenset[str],
    frozenset[str],
    datetime | None,
    datetime | None,
    frozenset[str],
    frozenset[tuple[str, str]],
]


@dataclass(frozen=True, slots=True)
class Filters:
    """What the documents of a search must be. Empty: anything.

    `types` are names of `common.formats`. A document fits the time span if it was last changed at
    `modified_from` or later and before `modified_until`; one without a date fits no time span. `authors` are
    looked for in the attributes `author` and `authors`. Names and values are compared without case.

    Raises:
        UsageError: an unknown type, an empty or overlong value, an empty time span or a moment without zone.
    """

    sources: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    modified_from: datetime | None = None
    modified_until: datetime | None = None
    authors: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could mean nothing."""
        _check_values("source", self.sources)
        _check_values("type", self.types)
        _check_values("author", self.authors)
        _check_values("attribute", [part for pair in self.attributes for part in pair], most=2 * MOST_VALUES)
        for unknown in (name for name in self.types if name not in FORMATS):
            raise UsageError(
                f"The filter 'type' does not know '{unknown[:40]}'. Known types: {', '.join(FORMATS)}."
            )
        for name, at in (("after", self.modified_from), ("before", self.modified_until)):
            if at is not None and at.tzinfo is None:
                raise UsageError(f"The moment of the filter '{name}' names no time zone.")
            if at is not None and not FIRST_YEAR <= at.year <= LAST_YEAR:
                raise UsageError(f"The filter '{name}' must lie between {FIRST_YEAR} and {LAST_YEAR}.")
        if self.modified_from and self.modified_until and self.modified_from >= self.modified_until:
            raise UsageError("The time span is empty: the filter 'before' must be later than 'after'.")

    @property
    def none(self) -> bool:
        """Whether every document fits."""
        return self == NO_FILTERS

    @property
    def key(self) -> Key:
        """Equal for filters that every document fits alike."""
        return (
            frozenset(map(normalise, self.sources)),
            frozenset(self.types),
            self.modified_from,
            self.modified_until,
            frozenset(map(normalise, self.authors)),
            frozenset((normalise(name), normalise(value)) for name, value in self.attributes),
        )


def read_filters(given: Mapping[str, Sequence[str]]) -> Filters:
    """Filters as a person writes them: the values of each of `NAMES`; one that is missing has none.

    A type may be an extension, with or without a dot. `after` and `before` are days (2024-03-31: from the
    beginning of that day, up to its beginning, by this server's clock) or moments with a zone; empty means
    no limit. An attribute is written name=value.

    Raises:
        UsageError: something is malformed or unknown, with what to write instead.
    """
    return Filters(
        sources=_once(given.get("source", ())),
        types=_once([_type(text) for text in given.get("type", ())]),
        modified_from=_moment("after", _only(given, "after")),
        modified_until=_moment("before", _only(given, "before")),
        authors=_once(given.get("author", ())),
        attributes=tuple(dict.fromkeys(_pair(text) for text in given.get("attribute", ()))),
    )


def as_stored(filters: Filters) -> dict[str, Json]:
    """The filters as JSON, without the fields that are empty; `from_stored` reads it."""
    found: dict[str, Json] = {
        "sources": list(filters.sources),
        "types": list(filters.types),
        "modified_from": filters.modified_from.isoformat() if filters.modified_from else None,
        "modified_until": filters.modified_until.isoformat() if filters.modified_until else None,
        "authors": list(filters.authors),
        "attributes": [list(pair) for pair in filters.attributes],
    }
    return {name: value for name, value in found.items() if value}


def from_stored(stored: JsonObject) -> Filters:
    """What `as_stored` wrote.

    Raises:
        UsageError: the JSON is not one that `as_stored` writes.
    """
    return Filters(
        sources=_texts(stored, "sources"),
        types=_texts(stored, "types"),
        modified_from=_stored_moment(stored, "modified_from"),
        modified_until=_stored_moment(stored, "modified_until"),
        authors=_texts(stored, "authors"),
        attributes=_stored_pairs(stored),
    )


def _check_values(name: str, values: Sequence[str], *, most: int = MOST_VALUES) -> None:
    if len(values) > most:
        raise UsageError(f"The filter '{name}' has {len(values)} values; at most {most} fit.")
    for value in values:
        if not normalise(value).strip():
            raise UsageError(f"The filter '{name}' is empty. Write a value, or leave the filter out.")
        if len(value) > LONGEST_VALUE:
            raise UsageError(f"A value of the filter '{name}' is longer than {LONGEST_VALUE} characters.")


def _once(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in values))


def _only(given: Mapping[str, Sequence[str]], name: str) -> str:
    values = given.get(name, ())
    if len(values) > 1:
        raise UsageError(f"The filter '{name}' may stand only once.")
    return values[0] if values else ""


def _type(text: str) -> str:
    name = text.strip().lower().removeprefix(".")
    return EXTENSIONS.get(name, name)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"The filter 'attribute' is written name=value, such as team=HR; not '{text[:40]}'.")
    return name.strip(), value.strip()


def _moment(name: str, text: str) -> datetime | None:
    text = text.strip()
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return timezone.make_aware(datetime.combine(date.fromisoformat(text), time.min))
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text.upper())
    except (ValueError, OverflowError):
        pass  # a month 13, a 30th of February: told as what has the wrong form
    raise UsageError(
        f"The filter '{name}' is a day such as 2024-03-31 or a moment such as 2024-03-31T09:00:00+09:00, "
        f"not '{text[:40]}'."
    )


def _texts(stored: JsonObject, name: str) -> tuple[str, ...]:
    value = stored.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"The stored filter '{name}' is no list of texts.")
    return tuple(str(item) for item in value)


def _stored_moment(stored: Mapping[str, Json], name: str) -> datetime | None:
    value = stored.get(name)
    return None if value is None else _moment(name, str(value))


def _stored_pairs(stored: JsonObject) -> tuple[tuple[str, str], ...]:
    value = stored.get("attributes", [])
    if not isinstance(value, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in value):  # noqa: PLR2004
        raise UsageError("The stored filter 'attributes' is no list of pairs.")
    return tuple((str(name), str(value)) for name, value in value)


NO_FILTERS: Final = Filters()
