"""A table of a document as headings, rows and kinds of columns, each cell with its place in the text.

Only tables whose shape leaves no doubt become a `Table`: one row of headings, every row below it under them.
What may be a part of a larger table, cut by a page, a gap or a limit, is marked as not whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from itertools import pairwise

from assistant.chat.tables.amounts import (
    CURRENCIES,
    Amount,
    amount_of,
    canonical_unit,
    says_none,
    says_nothing,
)
from assistant.chat.tables.conditions import Bound
from assistant.chat.tables.periods import Period, named_periods, period_of
from assistant.common.analysis import normalise
from assistant.documents.reading import TextBlock

MOST_ROWS = 2_000
MOST_CHARACTERS = 60_000  # of one table: all of it is what its citation shows
_LOOKED_AT = 200  # lines of a longer one, to know what it is about
_MOST_COLUMNS = 60
_LONGEST_HEADING = 60  # characters of a column's name
_LONGEST_CAPTION = 200
_MOST = 0.8  # share of the cells that make a column of a kind

_TOTAL = re.compile(
    r"(?:소|합|총|누|중간)\s?계|총\s?(?:합계?|액)|계|전체|전사|합|평균|누적"
    r"|\(?(?:sub|grand )?totals?\)?(?:\s.*|:)?"
    r"|.*\s(?:total|subtotal|합계|소계|총계|누계)|(?:합계|소계|총계|누계|평균)[\s(:].*|.*\((?:합계|소계|total)\)"
    r"|sums?|overall|all|averages?|mean|grand total|.*(?:소계|합계|총계)"
)
_IN_BRACKETS = re.compile(r"[(（\[]([^()（）\[\]]*)[)）\]]")
_UNIT_LINE = re.compile(
    r"[(\[<]?\s*(?:단위|units?)\s*[:：]?\s*(?P<unit>[^\s,;)\]>]+(?:\s?[^\s,;)\]>]+)?)\s*[)\]>]?"
)
_SCALED_CURRENCY = re.compile(
    r"(?:(?P<currency>[a-z]{3}|[$€£¥₩])\s?)?(?P<scale>thousands?|millions?|billions?|bn|mn|m|k|천|만|십만|백만|천만|억|십억)?"
    r"\s?(?P<after>[a-z]{3}|원|달러|유로|엔)?"
)
_NOT_AMOUNTS = frozenset(
    """no nr id ids code codes number key sku zip phone tel fax ext extension week year years rank index
    연번 순번 번호 코드 사번 내선 내선번호 전화 전화번호 우편번호 주차 연도 년도 순위 번 호수 층 호 year month
    day date 차수 회차 기수 학년 등급 grade level version 버전 port 포트""".split()  # noqa: SIM905
)
_PER_ONE = re.compile(
    r"단가|가격|요금|시급|일당|일비|한도|환율|이율|금리|율$|률$|비율|비중|점유|증감|평균|확률|할인|rate|ratio|price|percent"
    r"|share|margin|average|avg|mean|median|limit|per\b|probability|discount|score|점수|온도|temperature|age|나이|연령"
)
_PRICE = re.compile(r"단가|가격|판매가|금액|요금|비용|정가|원가|price|cost|fee|charge")


class Kind(Enum):
    """What the cells of a column are."""

    AMOUNT = "amount"
    PERIOD = "period"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text and where it stands in the document."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row below the headings, with where its line stands in the document."""

    cells: tuple[Cell, ...]
    start: int
    end: int
    is_total: bool


@dataclass(frozen=True)
class Column:
    """A column: its name without what stands in brackets, and its unit if heading or caption names one."""

    at: int
    heading: str
    name: str
    kind: Kind
    unit: str
    cells: tuple[Cell, ...]  # of the rows, totals among them

    @cached_property
    def amounts(self) -> tuple[Amount | None, ...]:
        """The number in each cell, if it is one."""
        return tuple(amount_of(cell.text) for cell in self.cells)

    @cached_property
    def periods(self) -> tuple[Period | None, ...]:
        """The period in each cell, if it is one."""
        return tuple(period_of(cell.text) for cell in self.cells)

    @cached_property
    def heading_periods(self) -> tuple[Period, ...]:
        """The periods that the heading names."""
        return tuple(named.period for named in named_periods(self.heading))

    @property
    def is_per_one(self) -> bool:
        """Whether adding its figures up says nothing: prices, rates, limits."""
        return _PER_ONE.search(normalise(self.heading)) is not None or self.unit == "%"

    @property
    def is_price(self) -> bool:
        """Whether it says what something costs."""
        return _PRICE.search(normalise(self.heading)) is not None

    @property
    def is_number_of_something(self) -> bool:
        """Whether its figures count as amounts at all: row numbers, codes and years do not."""
        words = re.findall(r"[^\W_]+", normalise(self.name))
        return self.kind is Kind.AMOUNT and not (words and words[-1] in _NOT_AMOUNTS)


@dataclass(frozen=True)
class Table:
    """A table with what stands over it: title, headings, sheet and caption. Places count the document's
    text."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    start: int
    end: int
    text: str
    place: str
    around: tuple[str, ...]  # title, headings, sheet, caption
    unit_line: str = ""
    is_whole: bool = True  # False: it may go on elsewhere, or is too long to be calculated with

    @property
    def measures(self) -> tuple[Column, ...]:
        """The columns that hold amounts."""
        return tuple(column for column in self.columns if column.is_number_of_something)

    @property
    def labels(self) -> tuple[Column, ...]:
        """The columns whose cells name things."""
        return tuple(column for column in self.columns if column.kind is Kind.LABEL)

    @cached_property
    def body(self) -> tuple[int, ...]:
        """The rows that are not totals."""
        return tuple(at for at, row in enumerate(self.rows) if not row.is_total)


def tables_of(blocks: Sequence[TextBlock], title: str) -> Iterator[Table]:
    """The tables of a document that can be calculated with, in their order."""
    path: list[tuple[int, str]] = []
    torn = _torn(blocks)
    for at, block in enumerate(blocks):
        if block.kind == "heading":
            path = [(level, text) for level, text in path if level < block.level]
            path.append((block.level, block.text))
        if block.kind != "table":
            continue
        captions = _captions(blocks, at)
        table = table_of(
            block, around=(title, *(text for _, text in path), block.place, *captions), captions=captions
        )
        if table is not None:
            yield replace(table, is_whole=table.is_whole and at not in torn)


def table_of(block: TextBlock, *, around: Sequence[str], captions: Sequence[str] = ()) -> Table | None:
    """The table in a block, or None where its shape leaves a doubt."""
    lines = _lines(block)
    if len(lines) < 2:  # noqa: PLR2004 - headings and a row
        return None
    is_short = len(lines) - 1 <= MOST_ROWS and len(block.text) <= MOST_CHARACTERS
    headings, *below = lines if is_short else lines[:_LOOKED_AT]
    width = len(headings)
    if not 2 <= width <= _MOST_COLUMNS or any(len(line) > width for line in below):  # noqa: PLR2004
        return None
    if not _names_columns(headings):
        return None
    rows = tuple(_row(line, width) for line in below)
    line = next((found["unit"] for text in captions if (found := _UNIT_LINE.search(normalise(text)))), "")
    line = line or (headings[0].text if is_unit(normalise(headings[0].text)) else "")
    columns = tuple(
        _column(at, headings[at].text, tuple(row.cells[at] for row in rows)) for at in range(width)
    )
    amounts = [column for column in columns if column.kind is Kind.AMOUNT]
    if any(not column.heading for column in columns[1:]) or _has_second_headings(rows, amounts):
        return None
    return Table(
        columns,
        rows,
        block.start,
        block.end,
        block.text,
        block.place,
        tuple(filter(None, around)),
        line,
        is_whole=is_short,
    )


def _torn(blocks: Sequence[TextBlock]) -> frozenset[int]:
    """Tables that follow each other directly, the later one without headings or with the same: one in
    parts."""
    torn: set[int] = set()
    tables = [(at, block) for at, block in enumerate(blocks) if block.kind == "table"]
    for (at, block), (after, following) in pairwise(tables):
        if any(blocks[between].kind != "table" for between in range(at + 1, after)):
            continue
        if block.place != following.place:
            continue
        first, second = _lines(block)[0], _lines(following)[0]
        same = [cell.text for cell in first] == [cell.text for cell in second]
        only_total = "\n" not in following.text and _is_total(second)
        if same or not (_names_columns(second) or only_total):
            torn.update((at, after))
    return frozenset(torn)


def _captions(blocks: Sequence[TextBlock], at: int) -> tuple[str, ...]:
    """The short paragraphs directly before the table, and a line with the unit directly after it."""
    found: list[str] = []
    for block in reversed(blocks[max(0, at - 2) : at]):
        if block.kind != "paragraph" or len(block.text) > _LONGEST_CAPTION:
            break
        found.append(block.text)
    after = blocks[at + 1] if at + 1 < len(blocks) else None
    if after is not None and after.kind == "paragraph" and _UNIT_LINE.match(normalise(after.text)):
        found.append(after.text)
    return tuple(found)


def _lines(block: TextBlock) -> list[tuple[Cell, ...]]:
    lines: list[tuple[Cell, ...]] = []
    start = block.start
    for line in block.text.split("\n"):
        cells: list[Cell] = []
        at = start
        for text in line.split("\t"):
            cells.append(Cell(text.strip(), at, at + len(text)))
            at += len(text) + 1
        lines.append(tuple(cells))
        start += len(line) + 1
    return lines


def _row(cells: tuple[Cell, ...], width: int) -> Row:
    end = cells[-1].end
    filled = (*cells, *(Cell("", end, end) for _ in range(width - len(cells))))
    return Row(filled, cells[0].start, end, _is_total(cells))


def _is_total(cells: Sequence[Cell]) -> bool:
    """Whether one of the cells before the first figure says that the row adds others up."""
    for cell in cells:
        if amount_of(cell.text) is not None:
            return False
        if _TOTAL.fullmatch(" ".join(normalise(cell.text).split())):
            return True
    return False


def _names_columns(cells: Sequence[Cell]) -> bool:
    """Whether the row can head a table: names and periods, no figures, none twice."""
    named = [cell.text for cell in cells if cell.text]
    if len(named) < max(1, len(cells) - 1) or len({normalise(text) for text in named}) < len(named):
        return False
    return all(
        len(text) <= _LONGEST_HEADING and (amount_of(text) is None or bool(named_periods(text)))
        for text in named
    )


def _has_second_headings(rows: Sequence[Row], amounts: Sequence[Column]) -> bool:
    """Whether the first row below the headings names columns too, as merged headings do."""
    if not rows or not amounts:
        return False
    texts = [rows[0].cells[column.at].text for column in amounts]
    return all(text and amount_of(text) is None and not says_nothing(text) for text in texts)


def _column(at: int, heading: str, cells: tuple[Cell, ...]) -> Column:
    filled = [cell.text for cell in cells if not says_nothing(cell.text) and not says_none(cell.text)]
    amounts = [amount_of(text) for text in filled]
    periods = [period_of(text) for text in filled]
    least = max(1, _MOST * len(filled))
    if sum(period is not None for period in periods) >= least:
        kind = Kind.PERIOD
    elif sum(amount is not None for amount in amounts) >= least:
        kind = Kind.AMOUNT
    else:
        kind = Kind.LABEL
    name = " ".join(_IN_BRACKETS.sub(" ", heading).replace("_", " ").split()) or heading
    return Column(at, heading, name, kind, heading_unit(heading), cells)


def heading_unit(heading: str) -> str:
    """The unit that a heading names in brackets or as its last word, as written; "" for none."""
    folded = normalise(heading)
    inside = _IN_BRACKETS.findall(folded)
    for text in inside:
        text = text.removeprefix("단위").lstrip(" :：").strip()  # noqa: PLW2901 - without its label
        if is_unit(text):
            return str(text)
    words = re.findall(r"[^\W_]+|%", folded)
    if len(words) > 1 and canonical_unit(words[-1]) in CURRENCIES:
        return str(words[-1])
    return "%" if words and words[-1] == "%" else ""


_UNIT_COLUMNS = frozenset(("currency", "통화", "화폐", "단위", "unit", "units", "uom"))
_COUNTERS = frozenset("명 개 건 대 회 점".split())  # noqa: SIM905
_SCALES = {
    **dict.fromkeys(("thousand", "thousands", "k", "천"), 10**3),
    **dict.fromkeys(("million", "millions", "mn", "m", "백만"), 10**6),
    **dict.fromkeys(("billion", "billions", "bn", "십억"), 10**9),
    "만": 10**4,
    "십만": 10**5,
    "천만": 10**7,
    "억": 10**8,
}


def unit_factor(table: Table, column: Column, bound: Bound) -> int | None:
    """What a figure of the column is multiplied by to be held against the bound; None if that is not certain.

    A bound without a unit is held against the figures as they are written.
    """
    own = {amount.unit for amount in column.amounts if amount is not None}
    wanted, beside = bound.amount.unit, units_beside(table, column, table.body)
    if len(own) != 1 or len(beside) > 1 or (wanted and beside):
        return None
    (unit,) = own
    named = column.unit or table.unit_line
    if unit or not wanted:
        return 1 if unit == wanted or not wanted else None
    if not named:  # people are counted without a word for it, and Korean lists often say no 원
        counted = wanted in _COUNTERS or (wanted == "원" and not column.heading.isascii())
        return 1 if counted else None
    found = _SCALED_CURRENCY.fullmatch(named)
    if found is None or canonical_unit(named) == wanted:
        return 1 if canonical_unit(named) == wanted else None
    currency = canonical_unit(found["currency"] or found["after"] or "")
    return _SCALES.get(found["scale"] or "", 1) if currency == wanted else None


def units_beside(table: Table, column: Column, rows: Sequence[int]) -> set[str]:
    """What a column of currencies or units says in these rows."""
    beside = (one for one in table.columns if normalise(one.name) in _UNIT_COLUMNS and one.at != column.at)
    return {one.cells[row].text for one in beside for row in rows} - {""}


def is_unit(text: str) -> bool:
    """Whether the text names a unit: a currency, thousands of one, percent, or a counter."""
    if text in {
        "%",
        "퍼센트",
        "percent",
        "명",
        "개",
        "대",
        "건",
        "회",
        "일",
        "시간",
        "분",
        "개월",
        "년",
        "kg",
        "g",
        "km",
        "m",
        "℃",
        "점",
    }:
        return True
    found = _SCALED_CURRENCY.fullmatch(text)
    if found is None or not text:
        return False
    currency = canonical_unit(found["currency"] or found["after"] or "")
    return currency in CURRENCIES or (not (found["currency"] or found["after"]) and bool(found["scale"]))
