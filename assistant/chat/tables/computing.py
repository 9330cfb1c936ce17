"""What comes out of the rows and the column that a question means: exact, or refused with the reason.

Decimals are added, fractions divided; what is rounded says so. Whatever could be counted twice or stands in
two units is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

from assistant.chat.tables.amounts import Amount, canonical_unit, rounded, says_none, says_nothing
from assistant.chat.tables.asking import Asked
from assistant.chat.tables.asking_words import Wanted
from assistant.chat.tables.conditions import Sense
from assistant.chat.tables.grid import Column, Kind, Table, units_beside
from assistant.chat.tables.matching import Choice
from assistant.chat.tables.results import BARE, Refusal, RefusedError, Result, Term
from assistant.common.analysis import normalise

_DIGITS = 100  # more than any sum here has: nothing is rounded unseen
_MOST_TIED = 4
_MOST_GROUPS = 20
_SMALLEST_WITH_TOTAL = 4  # rows from which one can be the sum of the others


def result_of(table: Table, asked: Asked, choice: Choice) -> Result | Refusal:
    """The result, or why there is none."""
    if choice.is_doubtful:
        return Refusal.AMBIGUOUS
    try:
        with localcontext(prec=_DIGITS):
            narrowed = _narrowed(choice)
            result = _COMPUTE[asked.wanted](table, asked, narrowed)
            return result if choice.by is None else _grouped(table, asked, narrowed, choice.by, result)
    except RefusedError as refused:
        return refused.why


def _narrowed(choice: Choice) -> Choice:
    """The choice with those of its rows alone that lie on the side of the bound.

    Raises:
        RefusedError: a cell holds more than a figure, or no row is left.
    """
    within = choice.within
    if within is None:
        return choice
    least = within.bound.sense in {Sense.AT_LEAST, Sense.ABOVE} and within.bound.amount.value > 0
    kept: list[tuple[int, ...]] = []
    for rows in choice.groups:
        own: list[int] = []
        for row in rows:
            amount, text = within.column.amounts[row], within.column.cells[row].text
            if amount is None and not (says_nothing(text) or (least and says_none(text))):
                raise RefusedError(Refusal.UNREADABLE)
            if amount is not None and within.bound.holds(amount.value * within.factor):
                own.append(row)
        kept.append(tuple(own))
    return replace(choice, groups=tuple(kept))


def _grouped(table: Table, asked: Asked, choice: Choice, by: Column, whole: Result) -> Result:
    """The result with one for each group of rows that have the same cell in the column."""
    (rows,) = choice.groups
    named: dict[str, list[int]] = {}
    for row in rows:
        named.setdefault(normalise(by.cells[row].text), []).append(row)
    if not 1 < len(named) <= _MOST_GROUPS:
        raise RefusedError(Refusal.AMBIGUOUS)
    groups = tuple(
        (
            by.cells[own[0]].text,
            _COMPUTE[asked.wanted](table, asked, replace(choice, groups=(tuple(own),), is_part=True)),
        )
        for own in named.values()
    )
    return replace(whole, by=by, groups=groups)


def _cell(table: Table, _asked: Asked, choice: Choice) -> Result:
    (rows,) = choice.groups
    keys = [mention for mention in choice.mentions if mention.worth == 1.0]
    if len(rows) != 1 or not (keys or choice.times):
        raise RefusedError(Refusal.NO_ROWS if not rows else Refusal.AMBIGUOUS)
    (column,) = choice.columns
    text = column.cells[rows[0]].text
    if says_nothing(text):
        raise RefusedError(Refusal.NO_ROWS)
    amount = column.amounts[rows[0]]
    unit = _added_unit(table, column, rows) if amount is not None and not amount.unit else ""
    return Result(
        Wanted.CELL,
        choice.columns,
        choice.mentions,
        rows,
        text=text,
        unit=unit,
        times=choice.times,
    )


def _sum(table: Table, _asked: Asked, choice: Choice) -> Result:
    (column,) = choice.columns
    (rows,) = choice.groups
    if column.is_per_one:
        raise RefusedError(Refusal.NOT_ADDITIVE)
    figures = _Figures(table, column, choice, rows, allow_none=True)
    total = sum((term.amount.value for term in figures.terms), Decimal(0))
    _check_totals(table, column, figures.terms, total, whole=not (choice.is_filtered or choice.is_part))
    return figures.result(Wanted.SUM, total, rows)


def _average(table: Table, _asked: Asked, choice: Choice) -> Result:
    (column,) = choice.columns
    (rows,) = choice.groups
    figures = _Figures(table, column, choice, rows)
    total = sum((term.amount.value for term in figures.terms), Decimal(0))
    _check_totals(table, column, figures.terms, total, whole=False)
    mean = Fraction(total) / len(figures.terms)
    places = max(figures.places, 2)
    value, exact = rounded(mean, places=places)
    return figures.result(Wanted.AVERAGE, value, rows, places=places, is_rounded=not exact, whole=total)


def _extreme(table: Table, asked: Asked, choice: Choice) -> Result:
    (column,) = choice.columns
    (rows,) = choice.groups
    if choice.entity is None:
        raise RefusedError(Refusal.NOTHING_FITS)
    figures = _Figures(table, column, choice, rows)
    pick = max if asked.wanted is Wanted.MOST else min
    value = pick(term.amount.value for term in figures.terms)
    winners = tuple(term for term in figures.terms if term.amount.value == value)
    if len(winners) > _MOST_TIED or any(not term.label for term in winners) or len(figures.terms) == 1:
        raise RefusedError(Refusal.AMBIGUOUS)
    if len({term.label for term in winners}) < len(winners):
        raise RefusedError(Refusal.AMBIGUOUS)
    return figures.result(asked.wanted, value, rows, winners=winners)


def _count(table: Table, _asked: Asked, choice: Choice) -> Result:
    (rows,) = choice.groups
    assert choice.entity is not None
    if not rows:
        raise RefusedError(Refusal.NO_ROWS)
    terms = tuple(Term(row, choice.entity.cells[row].text, Amount(Decimal(1))) for row in rows)
    return Result(
        Wanted.COUNT,
        (),
        choice.mentions,
        rows,
        value=Decimal(len(rows)),
        terms=terms,
        entity=choice.entity,
        times=choice.times,
        within=choice.within,
        totals=_totals(table),
    )


def _two(table: Table, asked: Asked, choice: Choice) -> Result:
    """A difference, larger less smaller, or how many times the second the first is."""
    terms: list[Term] = []
    if len(choice.columns) > 1:
        (rows,) = choice.groups
        for column in choice.columns:
            (term,) = _single(_Figures(table, column, choice, rows))
            terms.append(Term(term.row, column.heading, term.amount))
    else:
        for rows in choice.groups:
            terms += _single(_Figures(table, choice.columns[0], choice, rows))
    first, second = terms
    every = tuple(sorted({term.row for term in terms}))
    figures = _Figures(table, choice.columns[0], choice, every)
    units = {_unit_of(table, column, every, [term.amount for term in terms]) for column in choice.columns}
    if len(units) > 1 or first.amount.unit != second.amount.unit:
        raise RefusedError(Refusal.MIXED_UNITS)
    places = max(term.amount.places for term in terms)
    if asked.wanted is Wanted.DIFFERENCE:
        ordered = tuple(sorted(terms, key=lambda term: -term.amount.value))
        value = ordered[0].amount.value - ordered[1].amount.value
        return figures.result(Wanted.DIFFERENCE, value, every, places=places, terms=ordered)
    if second.amount.value <= 0 or first.amount.value < 0:
        raise RefusedError(Refusal.UNREADABLE)
    value, exact = rounded(Fraction(first.amount.value) / Fraction(second.amount.value), places=2)
    return figures.result(
        Wanted.RATIO, value, every, places=2, is_rounded=not exact, terms=tuple(terms), bare=True
    )


def _single(figures: _Figures) -> tuple[Term, ...]:
    if len(figures.terms) != 1 or figures.skipped:
        raise RefusedError(Refusal.AMBIGUOUS)
    return figures.terms


def _share(table: Table, asked: Asked, choice: Choice) -> Result:
    (column,) = choice.columns
    (rows,) = choice.groups
    timed = any(one.kind is Kind.PERIOD for one in table.columns)
    if column.is_per_one:
        raise RefusedError(Refusal.NOT_ADDITIVE)
    if not choice.mentions or len(rows) >= len(table.body) or (asked.periods and timed):
        raise RefusedError(Refusal.AMBIGUOUS)
    part, every = _Figures(table, column, choice, rows), _Figures(table, column, choice, table.body)
    total = sum((term.amount.value for term in every.terms), Decimal(0))
    _check_totals(table, column, every.terms, total, whole=True)
    if total <= 0 or any(term.amount.value < 0 for term in every.terms) or every.skipped:
        raise RefusedError(Refusal.UNREADABLE)
    own = sum((term.amount.value for term in part.terms), Decimal(0))
    value, exact = rounded(Fraction(own) * 100 / Fraction(total), places=1)
    return part.result(
        Wanted.SHARE,
        value,
        tuple(table.body),
        places=1,
        is_rounded=not exact,
        whole=total,
        bare=True,
    )


class _Figures:
    """The figures of a column in some rows.

    Raises:
        RefusedError: a cell holds more than a figure, units differ, or there is none.
    """

    def __init__(
        self, table: Table, column: Column, choice: Choice, rows: Sequence[int], *, allow_none: bool = False
    ) -> None:
        self._table, self._column, self._choice = table, column, choice
        self.skipped = 0
        terms: list[Term] = []
        names = choice.entity or next(iter(table.labels), None)
        for row in rows:
            amount, text = column.amounts[row], column.cells[row].text
            if amount is not None:
                terms.append(Term(row, _label(table, names, row), amount))
            elif says_nothing(text) or (allow_none and says_none(text)):
                self.skipped += 1
            else:
                raise RefusedError(Refusal.UNREADABLE)
        if not terms:
            raise RefusedError(Refusal.NO_ROWS)
        self.terms = tuple(terms)
        self.places = max(term.amount.places for term in terms)
        self.unit = _unit_of(table, column, [term.row for term in terms], [term.amount for term in terms])

    def result(  # noqa: PLR0913 - what differs between the operations
        self,
        wanted: Wanted,
        value: Decimal,
        rows: Sequence[int],
        *,
        places: int | None = None,
        is_rounded: bool = False,
        terms: tuple[Term, ...] = (),
        winners: tuple[Term, ...] = (),
        whole: Decimal = Decimal(0),
        bare: bool = False,
    ) -> Result:
        """The result over the figures. `bare`: it has no unit of its own."""
        amounts = [term.amount for term in self.terms]
        like = next((amount for amount in amounts if amount.is_korean), amounts[0])
        like = replace(like, places=self.places)
        if bare:
            like = BARE
        return Result(
            wanted,
            self._choice.columns,
            self._choice.mentions,
            tuple(rows),
            value=value,
            like=like,
            unit="" if bare else self.unit,
            places=self.places if places is None else places,
            is_rounded=is_rounded,
            terms=terms or self.terms,
            winners=winners,
            whole=whole,
            entity=self._choice.entity,
            times=self._choice.times,
            within=self._choice.within,
            skipped=self.skipped,
            totals=_totals(self._table),
        )


def _label(table: Table, names: Column | None, row: int) -> str:
    if names is not None:
        return names.cells[row].text
    timed = next((column for column in table.columns if column.kind is Kind.PERIOD), None)
    return timed.cells[row].text if timed is not None else ""


def _unit_of(table: Table, column: Column, rows: Sequence[int], amounts: Sequence[Amount]) -> str:
    """The unit that heading, caption or a column of currencies adds to the figures; "" where each has its
    own.

    Raises:
        RefusedError: the figures are not all of one unit.
    """
    own = {amount.unit for amount in amounts}
    if len(own) > 1:
        raise RefusedError(Refusal.MIXED_UNITS)
    (unit,) = own
    added = _added_unit(table, column, rows)
    if not unit:
        return added
    if added and canonical_unit(added) != unit:
        raise RefusedError(Refusal.MIXED_UNITS)
    return ""


def _added_unit(table: Table, column: Column, rows: Sequence[int]) -> str:
    """What stands in the heading, the caption, or a column of currencies.

    Raises:
        RefusedError: the rows are in several currencies.
    """
    named = units_beside(table, column, rows)
    if len(named) > 1:
        raise RefusedError(Refusal.MIXED_UNITS)
    if column.unit or not any(column.amounts):
        return column.unit
    has_own = any(amount.unit for row in rows if (amount := column.amounts[row]) is not None)
    return "" if has_own else next(iter(named), table.unit_line)


def _check_totals(
    table: Table, column: Column, terms: Sequence[Term], total: Decimal, *, whole: bool
) -> None:
    """Refuse what would count something twice.

    Raises:
        RefusedError: a row is the sum of the others, or the table's own total is another one.
    """
    values = [term.amount.value for term in terms]
    for term in (terms[0], terms[-1]):
        doubled = total and term.amount.value * 2 == total
        if doubled and (len(values) >= _SMALLEST_WITH_TOTAL or (len(values) > 1 and not term.label)):
            raise RefusedError(Refusal.COUNTED_TWICE)
    if not whole:
        return
    stated = [
        amount.value
        for at, row in enumerate(table.rows)
        if row.is_total and (amount := column.amounts[at]) is not None
    ]
    if stated and total not in stated and not _only_averages(table):
        raise RefusedError(Refusal.COUNTED_TWICE)


def _only_averages(table: Table) -> bool:
    """Whether the rows that add others up are averages alone."""
    return all(
        "평균" in row.cells[0].text or "average" in row.cells[0].text.casefold()
        for row in table.rows
        if row.is_total
    )


def _totals(table: Table) -> int:
    return sum(row.is_total for row in table.rows)


_COMPUTE = {
    Wanted.CELL: _cell,
    Wanted.SUM: _sum,
    Wanted.AVERAGE: _average,
    Wanted.COUNT: _count,
    Wanted.MOST: _extreme,
    Wanted.LEAST: _extreme,
    Wanted.DIFFERENCE: _two,
    Wanted.RATIO: _two,
    Wanted.SHARE: _share,
}
