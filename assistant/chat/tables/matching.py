"""Which rows and which column of a table does a question mean?

Every word of the question that says something must be accounted for: by a heading, by cells that select
rows, by a period, or by what stands over the table. Where two columns or two selections account for it
equally well, none is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from assistant.chat.tables.asking import Asked, words_of
from assistant.chat.tables.asking_words import Wanted
from assistant.chat.tables.conditions import Bound
from assistant.chat.tables.grid import Column, Kind, Table, unit_factor
from assistant.chat.tables.naming import (
    EXACT,
    Mention,
    NamedColumn,
    first_token,
    heading_named,
    mentions_in,
    without_note,
    words_around,
)
from assistant.chat.tables.timing import fits_in_time, names_only, rows_in_time
from assistant.common.analysis import normalise


@dataclass(frozen=True, slots=True)
class Within:
    """Only rows count whose amount in the column, times `factor`, the bound holds."""

    column: Column
    bound: Bound
    factor: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What a question means in one table.

    `groups`: the sets of rows, one as a rule, two that are held against each other. `columns`: of the
    figures,
    one, or two that are held against each other; none where rows are counted. `entity`: names the rows.
    """

    columns: tuple[Column, ...]
    groups: tuple[tuple[int, ...], ...]
    mentions: tuple[Mention, ...]
    entity: Column | None
    times: tuple[tuple[str, str], ...]  # column and period by which rows were chosen
    worth: float
    is_doubtful: bool = False  # merged cells, or rows of which it is not certain that each is one thing
    is_named: bool = True  # words of the question name a column or cells, not only what stands around
    by: Column | None = None  # its cells name the groups that the figure is told for
    within: Within | None = None
    is_part: bool = False  # one group of several: its sum is not held against the table's own total

    @property
    def is_filtered(self) -> bool:
        """Whether not all rows are meant."""
        return bool(self.mentions or self.times or self.within)


def choices(table: Table, asked: Asked) -> list[Choice]:
    """What the question may mean in the table, the best ones only: one, or several that are equally good."""
    every = list(_choices(table, asked))
    best = max((one.worth for one in every), default=0.0)
    kept: list[Choice] = []
    for one in every:
        same = any((one.columns, one.groups) == (other.columns, other.groups) for other in kept)
        if one.worth >= best - 1e-9 and not same:
            kept.append(one)
    return kept


def _choices(table: Table, asked: Asked) -> Iterator[Choice]:
    if not asked.by:
        yield from _ungrouped(table, asked)
        return
    by = [token for token in asked.tokens if token.at in asked.by]
    rest = tuple(token for token in asked.tokens if token.at not in asked.by)
    named = [one for one in (heading_named(column, by) for column in table.columns) if one.tokens]
    named = [one for one in named if one.worth == EXACT] or named
    if len(named) == 1:
        group = named[0].column
        for choice in _ungrouped(table, replace(asked, tokens=rest, by=frozenset())):
            if _can_group(table, group, choice):
                yield replace(choice, by=group, is_named=True, worth=choice.worth + named[0].worth)
    elif not named:  # "paid by Kim": a cell, and no group
        for choice in _ungrouped(table, replace(asked, by=frozenset())):
            whole = (mention.tokens for mention in choice.mentions if mention.worth == EXACT)
            if asked.by <= frozenset[int]().union(*whole):
                yield choice


def _can_group(table: Table, group: Column, choice: Choice) -> bool:
    """Whether each row certainly lies in one group, and no group is written in two ways."""
    if group.kind is Kind.AMOUNT or any(period and period.day for period in group.periods):
        return False
    if group.at in {column.at for column in choice.columns}:
        return False
    names = {normalise(group.cells[row].text) for row in table.body}
    return all(names) and len({without_note(name) for name in names}) == len(names)


def _ungrouped(table: Table, asked: Asked) -> Iterator[Choice]:
    needed = frozenset(token.at for token in asked.tokens if token.is_needed)
    around = words_around(table, asked.tokens)
    headings = [heading_named(column, asked.tokens) for column in table.columns]
    counts = asked.wanted is Wanted.COUNT
    whole = [one.tokens for one in headings if one.worth == EXACT]
    for figures in _figures(table, asked, headings):
        columns = tuple(one.column for one in figures)
        own = frozenset[int]().union(*(one.tokens for one in figures))
        # What names a column names no cell beside it.
        chosen = _rows(table, asked, columns, taken=own.union(*whole))
        if chosen is None:
            continue
        groups, mentions, times = chosen
        within = _within(table, asked, headings, columns)
        if asked.bound is not None and within is None:
            continue
        if within is not None:
            own |= headings[within.column.at].tokens
            asked = replace(asked, counted=asked.counted - headings[within.column.at].tokens)
        held = own.union(*(mention.tokens for mention in mentions))
        # A heading that is named beside its cell, as in "country KR", or that names what the rows are.
        beside = {mention.column for mention in mentions}
        entity = _entity(table, asked, headings, columns, beside)
        named = [one for one in headings if one.column.at in beside]
        if entity is not None:
            named.append(headings[entity.at])
        held = held.union(*(one.tokens for one in named))
        if needed - held - (around - _meant_otherwise(table, asked, headings)):
            continue
        if counts and (entity is None or _is_counted_otherwise(asked, headings)):
            continue
        worth = sum(one.worth * len(one.tokens & needed) for one in (*figures, *named))
        worth += sum(mention.worth * len(mention.tokens & needed) for mention in mentions)
        worth += 0.5 * len((needed & around) - held) + 0.1 * len(times)
        worth += 0.3 * any(_by_period(one, asked) for one in figures)
        if len(groups) > 1:  # the rows are named by what is held against each other
            entity = table.columns[mentions[0].column]
        doubtful = any(not table.columns[at].cells[row].text for at in beside for row in table.body)
        doubtful = doubtful or (counts and entity is not None and not _names_each_row_apart(table, entity))
        is_named = bool(held & needed)
        yield Choice(columns, groups, mentions, entity, times, worth, doubtful, is_named, within=within)


def _within(
    table: Table, asked: Asked, headings: Sequence[NamedColumn], columns: Sequence[Column]
) -> Within | None:
    """Which amounts the bound is on: the figures themselves, or the one column of them that it may be."""
    if asked.bound is None:
        return None
    named = [one for one in table.measures if headings[one.at].tokens]
    if columns:
        own = headings[columns[0].at].tokens
        beside = any(headings[one.at].tokens - own for one in named if one.at != columns[0].at)
        possible = [] if beside else [columns[0]]
    else:
        possible = named or list(table.measures)
    found = [
        (one, factor) for one in possible if (factor := unit_factor(table, one, asked.bound)) is not None
    ]
    if len(found) != 1 or (len(named) > 1 and not columns):
        return None
    ((column, factor),) = found
    return Within(column, asked.bound, factor)


def _meant_otherwise(table: Table, asked: Asked, headings: Sequence[NamedColumn]) -> frozenset[int]:
    """Tokens that say more than where the table stands: they name a column, or a cell of what is counted."""
    counts = asked.wanted is Wanted.COUNT
    meant = frozenset[int]().union(*(one.tokens for one in headings if counts or one.worth == EXACT))
    if not counts:
        return meant
    cells = (column.cells[row].text for column in table.labels for row in table.body)
    words = {word for text in cells for word in words_of(text)}
    return meant | {token.at for token in asked.tokens if words & set(token.keys)}


def _figures(
    table: Table, asked: Asked, headings: Sequence[NamedColumn]
) -> Iterator[tuple[NamedColumn, ...]]:
    """The columns that may hold the figures: those named best, else the only one there is."""
    if asked.wanted is Wanted.COUNT:
        yield ()
        return
    own = [fits_in_time(column, asked) for column in table.columns]
    if asked.wanted is Wanted.CELL:
        possible = [one for one in headings if own[one.column.at] and (one.tokens or _by_period(one, asked))]
        yield from ((one,) for one in possible)
        return
    measures = [headings[column.at] for column in table.measures if own[column.at]]
    if asked.costs:
        measures = [one for one in measures if one.column.is_price]
    named = [one for one in measures if one.tokens or _by_period(one, asked)]
    if named:
        yield from ((one,) for one in named)
        if asked.wanted is Wanted.DIFFERENCE or asked.wanted is Wanted.RATIO:
            yield from _pairs(named)
    elif len(measures) == 1:
        yield (measures[0],)


def _pairs(named: Sequence[NamedColumn]) -> Iterator[tuple[NamedColumn, ...]]:
    for at, first in enumerate(named):
        for second in named[at + 1 :]:
            if first.tokens != second.tokens or first.column.heading_periods != second.column.heading_periods:
                yield first, second


def _by_period(one: NamedColumn, asked: Asked) -> bool:
    return any(
        named.period == period for named in asked.periods for period in one.column.heading_periods
    ) or any(names_only(named.period, one.column) for named in asked.periods)


def _rows(
    table: Table, asked: Asked, columns: Sequence[Column], *, taken: frozenset[int]
) -> tuple[tuple[tuple[int, ...], ...], tuple[Mention, ...], tuple[tuple[str, str], ...]] | None:
    """The rows in one or two groups, and the cells and periods that selected them.

    None where the words select rows in more than one way, or a period selects none.
    """
    found = mentions_in(table, asked.tokens, taken=taken, without={column.at for column in columns})
    if found is None:
        return None
    by_column = {at: list(group) for at, group in groupby(found, key=lambda one: one.column)}
    rows = set(table.body)
    pairs: list[list[Mention]] = []
    for mentions in by_column.values():
        rows &= frozenset[int]().union(*(mention.rows for mention in mentions))
        if len(mentions) == 2:  # noqa: PLR2004 - two sides
            pairs.append(mentions)
        elif len(mentions) > 2 and _is_two_sided(asked):  # noqa: PLR2004
            return None
    timed = rows_in_time(table, asked, columns, rows)
    if timed is None:
        return None
    rows, times = timed
    if _is_two_sided(asked) and len(columns) == 1:
        if len(pairs) != 1:
            return None
        sides = tuple(tuple(sorted(rows & side.rows)) for side in sorted(pairs[0], key=first_token))
        return sides, tuple(found), times
    return (tuple(sorted(rows)),), tuple(found), times


def _is_two_sided(asked: Asked) -> bool:
    return asked.wanted in {Wanted.DIFFERENCE, Wanted.RATIO}


def _entity(
    table: Table, asked: Asked, headings: Sequence[NamedColumn], columns: Sequence[Column], beside: set[int]
) -> Column | None:
    """The column that names the rows: the one asked for, else the first one with names."""
    own = {column.at for column in columns}
    named = [
        one
        for one in headings
        if one.column.kind is Kind.LABEL and one.column.at not in own and one.tokens & asked.counted
    ]
    exact = [one for one in named if one.worth == EXACT] or named
    if len(exact) == 1:
        return exact[0].column
    free = [column for column in table.labels if column.at not in own]
    first = [column for column in free if column.at not in beside] or free
    if not first or (asked.wanted is Wanted.COUNT and (asked.bound is None or asked.counted)):
        return None
    return first[0]


def _is_counted_otherwise(asked: Asked, headings: Sequence[NamedColumn]) -> bool:
    """Whether a column of figures says how many there are of what is counted."""
    return any(one.tokens & asked.counted for one in headings if one.column.kind is Kind.AMOUNT)


def _names_each_row_apart(table: Table, entity: Column) -> bool:
    named = [normalise(entity.cells[row].text) for row in table.body]
    return all(named) and len(set(named)) == len(named)
