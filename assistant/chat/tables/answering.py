"""The figure that a question asks for, from the tables of some documents, which are read elsewhere.

Of all tables the one that accounts best for the question is taken; of two that do equally well, none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from assistant.chat.tables.asking import Asked
from assistant.chat.tables.asking_words import Wanted
from assistant.chat.tables.computing import result_of
from assistant.chat.tables.grid import Table
from assistant.chat.tables.matching import Choice, choices
from assistant.chat.tables.results import Refusal, Result, spans_of
from assistant.chat.tables.telling import sentence_of, short_of


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with the sentence that tells it. `table`: which of the given ones it comes from.

    `spans` are the places of the headings and rows that carry it, in the document; `short` is where the
    sentence says the figure itself.
    """

    table: int
    result: Result
    sentence: str
    spans: tuple[tuple[int, int], ...]
    short: tuple[int, int] | None


class Why(StrEnum):
    """What a table that was clearly meant lacks, as a person is told it."""

    COLUMNS = "columns"  # several of them fit
    ROWS = "rows"  # it is not certain which are meant
    TABLES = "tables"  # several of them fit
    MIXED_UNITS = "mixed_units"
    UNREADABLE = "unreadable"  # cells that hold more than a figure
    NOT_ADDITIVE = "not_additive"  # prices, rates
    COUNTED_TWICE = "counted_twice"
    IN_PARTS = "in_parts"  # it goes on elsewhere, or is too long
    MASKED = "masked"  # a guardrail hides a part of it


@dataclass(frozen=True, slots=True)
class Refused:
    """That no figure is given. `told`: why not, where tables were clearly meant: which, and which columns."""

    why: Refusal
    told: Why | None = None
    tables: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def may_be_in_parts(self) -> bool:
        """Whether no table fits, so that it is worth to look at those that are not whole."""
        return self.why is Refusal.NOTHING_FITS and self.told is None


_TOLD = {
    Refusal.MIXED_UNITS: Why.MIXED_UNITS,
    Refusal.UNREADABLE: Why.UNREADABLE,
    Refusal.NOT_ADDITIVE: Why.NOT_ADDITIVE,
    Refusal.COUNTED_TWICE: Why.COUNTED_TWICE,
}


def figure_of(asked: Asked, tables: Sequence[Table]) -> Figure | Refused:
    """The figure from the tables, best documents first, or why there is none.

    A table that may be a part of a larger one gives none, and is looked at only where no whole one fits.
    """
    fitting = [
        (at, choice) for at, table in enumerate(tables) if table.is_whole for choice in choices(table, asked)
    ]
    if not fitting:
        parts = _fit_in_parts(asked, tables)
        return Refused(Refusal.NOTHING_FITS, Why.IN_PARTS if parts else None, parts)
    best = max(choice.worth for _, choice in fitting)
    ahead = [(at, choice) for at, choice in fitting if choice.worth >= best - 1e-9]
    found = [(at, result_of(tables[at], asked, choice)) for at, choice in ahead]
    results = [(at, one) for at, one in found if isinstance(one, Result)]
    if not results:
        return _refused(asked, ahead, [one for _, one in found if isinstance(one, Refusal)])
    told = {_said(one) for _, one in results}
    if len(results) < len(found) or len(told) > 1:
        return _refused(asked, ahead, [Refusal.AMBIGUOUS])
    at, result = results[0]
    sentence = sentence_of(tables[at], result, asked.language)
    return Figure(at, result, sentence, tuple(spans_of(tables[at], result)), short_of(result, sentence))


def _fit_in_parts(asked: Asked, tables: Sequence[Table]) -> tuple[int, ...]:
    """Tables that are not whole and would fit."""
    found = (
        at
        for at, table in enumerate(tables)
        if not table.is_whole and any(choice.is_named for choice in choices(table, asked))
    )
    return tuple(found) if asked.wanted is not Wanted.CELL else ()


def _refused(asked: Asked, ahead: Sequence[tuple[int, Choice]], refusals: Sequence[Refusal]) -> Refused:
    """Why nothing follows from the choices that fit best, told where words of the question name them."""
    why = refusals[0]
    if asked.wanted is Wanted.CELL or not all(choice.is_named for _, choice in ahead):
        return Refused(why)
    tables = tuple(dict.fromkeys(at for at, _ in ahead))
    headings = tuple(dict.fromkeys(column.heading for _, choice in ahead for column in choice.columns))
    if len(tables) > 1:
        return Refused(why, Why.TABLES, tables)
    if len(ahead) > 1:
        return Refused(why, Why.COLUMNS, tables, headings) if len(headings) > 1 else Refused(why)
    if ahead[0][1].is_doubtful:
        return Refused(why, Why.ROWS, tables)
    return Refused(why, _TOLD[why], tables, headings) if why in _TOLD else Refused(why)


def _said(result: Result) -> tuple[object, ...]:
    """What two results must have in common to be one: copies of a table give the same."""
    return (
        result.value,
        result.like.unit,
        result.unit,
        result.text,
        tuple(column.heading for column in result.columns),
        tuple((term.label, term.amount.value) for term in result.winners or result.terms),
        tuple((name, group.value) for name, group in result.groups),
    )
