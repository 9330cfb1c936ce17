"""What a calculation gives: a figure with what it was worked out from, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from assistant.chat.tables.amounts import Amount
from assistant.chat.tables.asking_words import Wanted
from assistant.chat.tables.grid import Column, Table
from assistant.chat.tables.matching import Within
from assistant.chat.tables.naming import Mention

BARE = Amount(Decimal(0))


class Refusal(StrEnum):
    """Why nothing is calculated."""

    NOTHING_FITS = "nothing_fits"
    AMBIGUOUS = "ambiguous"  # two columns, two selections or two tables fit equally
    NO_ROWS = "no_rows"
    MIXED_UNITS = "mixed_units"
    UNREADABLE = "unreadable"  # a cell holds more than a figure
    NOT_ADDITIVE = "not_additive"  # prices, rates
    COUNTED_TWICE = "counted_twice"  # a row adds others up, or the table's own total is another


@dataclass(frozen=True, slots=True)
class Term:
    """One figure that was used: the row, what names it, and the amount."""

    row: int
    label: str
    amount: Amount


@dataclass(frozen=True, slots=True)
class Result:
    """What came out. `value` is exact unless `is_rounded`; `like` says how it is written, `unit` what is
    added.

    `terms` are the figures used, `winners` those that are the most or least, `text` a cell as it stands
    there. `skipped`: rows without a figure; `totals`: rows that add others up, which were not used.
    """

    wanted: Wanted
    columns: tuple[Column, ...]
    mentions: tuple[Mention, ...]
    rows: tuple[int, ...]
    value: Decimal = Decimal(0)
    like: Amount = BARE
    unit: str = ""
    places: int = 0
    is_rounded: bool = False
    terms: tuple[Term, ...] = ()
    winners: tuple[Term, ...] = ()
    whole: Decimal = Decimal(0)  # what a share is of
    entity: Column | None = None
    times: tuple[tuple[str, str], ...] = ()
    within: Within | None = None
    by: Column | None = None
    groups: tuple[tuple[str, Result], ...] = ()
    text: str = ""
    skipped: int = 0
    totals: int = 0


class RefusedError(Exception):
    def __init__(self, why: Refusal) -> None:
        super().__init__(why.value)
        self.why = why


def spans_of(table: Table, result: Result) -> Iterator[tuple[int, int]]:
    """Where the headings and the rows that carry the result stand in the document, neighbours as one."""
    first_line = table.start + len(table.text.partition("\n")[0])
    spans = [(table.start, first_line)]
    rows = result.rows
    if result.wanted in {Wanted.MOST, Wanted.LEAST, Wanted.DIFFERENCE, Wanted.RATIO}:
        rows = tuple(sorted({term.row for term in result.winners or result.terms}))
    for at in rows:
        row = table.rows[at]
        start, end = row.start, row.start + len(table.text[row.start - table.start :].partition("\n")[0])
        if spans and spans[-1][1] + 1 == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    yield from spans
