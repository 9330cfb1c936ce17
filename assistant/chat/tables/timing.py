"""Which columns and which rows lie in the time that a question names? None where one may or may not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.chat.tables.asking import Asked
from assistant.chat.tables.conditions import Stretch
from assistant.chat.tables.grid import Column, Kind, Table
from assistant.chat.tables.periods import Period, named_periods


def fits_in_time(column: Column, asked: Asked) -> bool:
    """Whether the column can hold the figures as far as time goes."""
    named = column.heading_periods
    if not named:
        return True
    if not asked.periods:
        return True
    return any(one.holds(two.period) or two.period.holds(one) for one in named for two in asked.periods)


def names_only(period: Period, column: Column) -> bool:
    """Whether the heading names this period and no other."""
    named = column.heading_periods
    return len(named) == 1 and _same(period, named[0])


def rows_in_time(
    table: Table, asked: Asked, columns: Sequence[Column], rows: set[int]
) -> tuple[set[int], tuple[tuple[str, str], ...]] | None:
    """The rows that lie in the periods asked for, and by which column; None where a period fits nothing."""
    over = (text.replace("_", " ") for text in table.around)  # names of files
    around = [named.period for text in over for named in named_periods(text)]
    timed = [column for column in table.columns if column.kind is Kind.PERIOD]
    if len(asked.periods) > 1 and timed:
        return None  # two periods of one column: a span or a comparison
    times: list[tuple[str, str]] = []
    if asked.stretch is not None:
        inside = _rows_between(table, timed[0], asked.stretch, around) if len(timed) == 1 else None
        return None if inside is None else (rows & inside, ((timed[0].heading, asked.stretch.text),))
    for named in asked.periods:
        period = named.period
        if any(names_only(period, column) for column in columns):
            if not _year_agrees(period, columns, around):
                return None
        elif len(timed) == 1:
            inside = _rows_in(table, timed[0], period, around)
            if inside is None:
                return None
            rows = rows & inside
            times.append((timed[0].heading, named.text))
        elif timed or not any(_same(period, one) and one.holds(period) for one in around):
            return None
    return rows, tuple(times)


def _same(asked: Period, named: Period) -> bool:
    """Whether both are of one length and can be the same."""
    alike = (bool(asked.quarter), bool(asked.month), bool(asked.day)) == (
        bool(named.quarter),
        bool(named.month),
        bool(named.day),
    )
    return alike and asked.holds(named) and (bool(named.year) or not _only_year(asked))


def _only_year(period: Period) -> bool:
    return not (period.quarter or period.month or period.day)


def _year_agrees(period: Period, columns: Sequence[Column], around: Sequence[Period]) -> bool:
    """Whether the year asked for is the heading's, or that of what stands over the table."""
    if not period.year:
        return True
    own = {one.year for column in columns for one in column.heading_periods if one.year}
    over = {one.year for one in around if one.year}
    return period.year in own or (not own and over == {period.year})


def _rows_in(table: Table, column: Column, period: Period, around: Sequence[Period]) -> set[int] | None:
    """The rows of the period; None where a row may or may not lie in it."""
    over = {one.year for one in around if one.year}
    inside: set[int] = set()
    years: set[int] = set()
    for row in table.body:
        cell = column.periods[row]
        if cell is None:
            return None
        if (period.quarter and not cell.quarter_of) or (period.month and not cell.month):
            return None
        if period.day and not cell.day:
            return None
        if period.year and not cell.year and over != {period.year}:
            return None
        if period.holds(cell):
            inside.add(row)
            years.add(cell.year)
    if not period.year and len(years) > 1:
        return None  # of which year?
    return inside


def _rows_between(
    table: Table, column: Column, stretch: Stretch, around: Sequence[Period]
) -> set[int] | None:
    """The rows of the stretch; None where one may or may not lie in it, or where a part of it has none."""
    over = {one.year for one in around if one.year}
    like, inside = stretch.first, set[int]()
    years: set[int] = set()
    places: set[int] = set()
    for row in table.body:
        cell = column.periods[row]
        if cell is None or (like.quarter and not cell.quarter_of) or (like.month and not cell.month):
            return None
        if like.day and not cell.day:
            return None
        if like.year and not cell.year and over != {like.year}:
            return None
        year = cell.year or like.year
        place = stretch.place_of(replace(cell, year=year if like.year else 0))
        if place in stretch.places:
            inside.add(row)
            years.add(year)
            places.add(place)
    if not like.year and len(years) > 1:
        return None  # of which year?
    dated = any(period and period.day for period in column.periods)
    must = {stretch.places[0], stretch.places[-1]} if dated and not like.day else set(stretch.places)
    return inside if places >= must or (like.day and inside) else None
