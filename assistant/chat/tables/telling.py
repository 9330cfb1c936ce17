"""How is a calculated figure told? In one sentence that names the column, the rows and, where few, the
figures."""

from __future__ import annotations

import re
from decimal import Decimal

from assistant.chat.tables.amounts import Amount, shown
from assistant.chat.tables.asking_words import Wanted
from assistant.chat.tables.grid import Table
from assistant.chat.tables.results import Result, Term

_MOST_TERMS = 6
_MOST_NAMES = 12
_LONGEST_LABEL = 40

_KO = {
    Wanted.SUM: "{name} 합계는 {value}입니다",
    Wanted.AVERAGE: "{name} 평균은 {about}{value}입니다",
    Wanted.COUNT: "{name} 수는 {value}입니다",
    Wanted.MOST: "‘{heading}’ 열에서 가장 큰 값은 {value}입니다: {winners}",
    Wanted.LEAST: "‘{heading}’ 열에서 가장 작은 값은 {value}입니다: {winners}",
    Wanted.DIFFERENCE: "차이는 {value}입니다",
    Wanted.SHARE: "비율은 {about}{value}%입니다",
    Wanted.RATIO: "{about}{value}배입니다",
}
_EN = {
    Wanted.SUM: "The total of {name} is {value}",
    Wanted.AVERAGE: "The average of {name} is {about}{value}",
    Wanted.COUNT: "The number of rows under “{name}” is {value}",
    Wanted.MOST: "The largest value of “{heading}” is {value}: {winners}",
    Wanted.LEAST: "The smallest value of “{heading}” is {value}: {winners}",
    Wanted.DIFFERENCE: "The difference is {value}",
    Wanted.SHARE: "The share is {about}{value}%",
    Wanted.RATIO: "It is {about}{value} times as much",
}


def sentence_of(table: Table, result: Result, language: str) -> str:
    """The sentence, in "ko" or "en"."""
    if result.wanted is Wanted.CELL:
        (column,) = result.columns
        names = [mention_text(table, result, at) for at in range(len(result.mentions))]
        row = " · ".join(dict.fromkeys((*(period for _, period in result.times), *names)))
        ending = f" ({result.unit})" if result.unit and result.unit not in column.heading.casefold() else ""
        return f"{row} · {column.heading}: {result.text}{ending}"
    korean = language == "ko"
    nearly = "약 " if korean else "about "
    about = nearly if result.is_rounded else ""
    heading = result.columns[0].heading if result.columns else ""
    name = result.columns[0].name if result.columns else result.entity.name if result.entity else ""
    if result.by is not None:
        head = (_KO_BY if korean else _EN_BY)[result.wanted].format(name=name, by=result.by.name)
        listed = ", ".join(
            f"{group} {nearly if one.is_rounded else ''}{_figure(one.value, one)}"
            for group, one in result.groups
        )
        return f"{head}: {listed} ({'; '.join(_basis(table, result, korean=korean))})."
    pattern = (_KO if korean else _EN)[result.wanted]
    text = pattern.format(
        name=name,
        heading=heading,
        value=_figure(result.value, result),
        about=about,
        winners=", ".join(term.label for term in result.winners),
    )
    return f"{text} ({'; '.join(_basis(table, result, korean=korean))})."


_KO_BY = {
    Wanted.SUM: "{by}별 {name} 합계",
    Wanted.AVERAGE: "{by}별 {name} 평균",
    Wanted.COUNT: "{by}별 {name} 수",
}
_EN_BY = {
    Wanted.SUM: "The total of {name} by {by}",
    Wanted.AVERAGE: "The average of {name} by {by}",
    Wanted.COUNT: "The number of rows under “{name}” by {by}",
}


def short_of(result: Result, sentence: str) -> tuple[int, int] | None:
    """Where the sentence says the figure itself; None of several groups."""
    if result.by is not None:
        return None
    if result.wanted is Wanted.CELL:
        end = (
            len(sentence)
            if not sentence.endswith(f" ({result.unit})")
            else len(sentence) - len(result.unit) - 3
        )
        start = end - len(result.text)
        return (start, end) if sentence[start:end] == result.text else None
    if result.winners:
        text = ", ".join(term.label for term in result.winners)
    else:
        ending = {Wanted.SHARE: "%", Wanted.RATIO: "배"}.get(result.wanted, "")
        text = _figure(result.value, result) + ending
        text = text if text in sentence else text.removesuffix(ending)
    at = sentence.find(text)
    return (at, at + len(text)) if at >= 0 else None


def mention_text(table: Table, result: Result, at: int) -> str:
    """A mentioned cell as the table writes it."""
    mention = result.mentions[at]
    row = min(mention.rows)
    return table.columns[mention.column].cells[row].text


def _basis(table: Table, result: Result, *, korean: bool) -> list[str]:
    """What it was calculated from: column, conditions, rows with their figures, and what was left out."""
    parts: list[str] = []
    headings = [column.heading for column in result.columns]
    extreme = result.wanted in {Wanted.MOST, Wanted.LEAST}
    if headings and not extreme and len(headings) == 1:
        parts.append(f"‘{headings[0]}’ 열" if korean else f"column “{headings[0]}”")
    if result.wanted not in {Wanted.DIFFERENCE, Wanted.RATIO} or len(headings) > 1:
        parts += _conditions(table, result)
    parts.append(_rows(result, korean=korean))
    if result.skipped:
        parts.append(
            f"숫자가 없는 {result.skipped}개 행은 뺌"
            if korean
            else f"{result.skipped} without a figure left out"
        )
    if result.totals and not extreme and result.wanted not in {Wanted.DIFFERENCE, Wanted.RATIO}:
        parts.append("합계 행은 넣지 않음" if korean else "total rows not counted")
    return [part for part in parts if part]


def _conditions(table: Table, result: Result) -> list[str]:
    found: dict[str, list[str]] = {}
    bounded: list[str] = []
    for at, mention in enumerate(result.mentions):
        found.setdefault(table.columns[mention.column].heading, []).append(mention_text(table, result, at))
    for heading, period in result.times:
        found.setdefault(heading, []).append(_as_written(period))
    if result.within is not None:
        within = result.within
        limit = shown(within.bound.amount.value, within.bound.amount, places=within.bound.amount.places)
        bounded = [f"{within.column.heading} {within.bound.sense} {limit}"]
    return [*(f"{heading}: {', '.join(values)}" for heading, values in found.items()), *bounded]


def _as_written(period: str) -> str:
    """The names of months as English writes them: questions are folded."""
    return re.sub(r"\b(?:[a-z]{3,9}|q)(?=\b|\d)", lambda match: match.group().capitalize(), period)


def _rows(result: Result, *, korean: bool) -> str:
    terms = result.terms
    if result.wanted in {Wanted.DIFFERENCE, Wanted.RATIO}:
        sign = " - " if result.wanted is Wanted.DIFFERENCE else " ÷ "
        return sign.join(_term(term, result) for term in terms)
    if result.wanted is Wanted.SHARE:
        own = sum((term.amount.value for term in terms), Decimal(0))
        every = len(result.rows)
        whole = f"전체 {every}개 행" if korean else f"all {every} rows"
        return f"{_plain(own, result)} ÷ {whole} {_plain(result.whole, result)}"
    count = len(terms)
    rows = f"{count}개 행" if korean else f"{count} row{'s' if count != 1 else ''}"
    if result.wanted is Wanted.COUNT:
        names = ", ".join(_label(term) for term in terms)
        return f"{rows}: {names}" if count <= _MOST_NAMES and result.by is None else rows
    if result.wanted in {Wanted.MOST, Wanted.LEAST}:
        return f"{rows} 가운데" if korean else f"of {rows}"
    if 1 < count <= _MOST_TERMS and result.by is None:
        rows = f"{rows}: {' + '.join(_term(term, result) for term in terms)}"
    if result.wanted is Wanted.AVERAGE and result.by is None:
        total = "합계" if korean else "total"
        return f"{rows}; {total} {_plain(result.whole, result)} ÷ {count}"
    return rows


def _term(term: Term, result: Result) -> str:
    label = _label(term)
    return f"{label} {_plain(term.amount.value, result, term.amount)}".strip()


def _label(term: Term) -> str:
    return term.label if len(term.label) <= _LONGEST_LABEL else term.label[: _LONGEST_LABEL - 1] + "…"


def _plain(value: Decimal, result: Result, like: Amount | None = None) -> str:
    like = like or next((term.amount for term in result.terms), result.like)
    written = f"{value:f}".partition(".")[2].rstrip("0")
    return shown(value, like, places=max(like.places, len(written)))


def _figure(value: Decimal, result: Result) -> str:
    text = shown(value, result.like, places=result.places)
    between = " " if result.unit and result.unit.isascii() and result.unit != "%" else ""
    unit = result.unit.upper() if result.unit.isascii() and len(result.unit) == 3 else result.unit  # noqa: PLR2004
    return f"{text}{between}{unit}"
