"""The figure that a question asks for, from the tables of some documents, which are read elsewhere.

Of all tables the one that accounts best for the question is taken; of two that do equally well, none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.chat.tables.asking import Asked
from assistant.chat.tables.computing import Refusal, Result, result_of, spans_of
from assistant.chat.tables.grid import Table
from assistant.chat.tables.matching import Choice, choices
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


def figure_of(asked: Asked, tables: Sequence[Table]) -> Figure | Refusal:
    """The figure from the tables, best documents first, or why there is none."""
    fitting: list[tuple[int, Choice]] = []
    for at, table in enumerate(tables):
        fitting += [(at, choice) for choice in choices(table, asked)]
    if not fitting:
        return Refusal.NOTHING_FITS
    best = max(choice.worth for _, choice in fitting)
    ahead = [(at, choice) for at, choice in fitting if choice.worth >= best - 1e-9]
    found = [(at, result_of(tables[at], asked, choice)) for at, choice in ahead]
    results = [(at, one) for at, one in found if isinstance(one, Result)]
    if len(results) < len(found):
        refusals = [one for _, one in found if isinstance(one, Refusal)]
        return refusals[0] if not results else Refusal.AMBIGUOUS
    told = {_said(one) for _, one in results}
    if len(told) > 1:
        return Refusal.AMBIGUOUS
    at, result = results[0]
    sentence = sentence_of(tables[at], result, asked.language)
    return Figure(at, result, sentence, tuple(spans_of(tables[at], result)), short_of(result, sentence))


def _said(result: Result) -> tuple[object, ...]:
    """What two results must have in common to be one: copies of a table give the same."""
    return (
        result.value,
        result.like.unit,
        result.unit,
        result.text,
        tuple(column.heading for column in result.columns),
        tuple((term.label, term.amount.value) for term in result.winners or result.terms),
    )
