"""Which stretches of a sentence could be a short answer: dates, times, durations, amounts, numbers, names?

Each is as long as the thing it names, with its unit, currency or month. What the question says is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from assistant.common.analysis import normalise, terms
from assistant.providers.question_type import Kind, Question


class Sort(Enum):
    """What sort of thing a question asks for, more closely than `Kind`."""

    YEAR = "year"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    MONEY = "money"
    PERCENT = "percent"
    COUNT = "count"
    NUMBER = "number"
    PERSON = "person"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` could answer. `fits`: its unit is the one asked for."""

    start: int
    end: int
    fits: bool = False


_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_NUMERAL = (
    r"(?:[Oo]ne|[Tt]wo|[Tt]hree|[Ff]our|[Ff]ive|[Ss]ix|[Ss]even|[Ee]ight|[Nn]ine|[Tt]en|[Ee]leven|[Tt]welve"
    r"|[Tt]hirteen|[Ff]ourteen|[Ff]ifteen|[Ss]ixteen|[Ss]eventeen|[Ee]ighteen|[Nn]ineteen|[Tt]wenty"
    r"|[Tt]hirty|[Ff]orty|[Ff]ifty|[Ss]ixty|[Ss]eventy|[Ee]ighty|[Nn]inety)"
)
_WRITTEN = rf"(?:{_NUMERAL}|half an?|an?)"
_FIGURE = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_LARGE = r"(?:\s(?:hundred|thousand|million|billion|trillion))?"
_SPAN_OF_TIME = r"(?:years?|months?|weeks?|(?:working |business |calendar )?days?|hours?|minutes?|seconds?)"
_MEASURE = (
    r"(?:%|°\s?[CF]|km²?|mi²?|miles|feet|ft|metres|meters|kg|cm|mm|m|tons|tonnes|pounds|lbs|acres|hectares"
    r"|people|square (?:miles|kilometres|kilometers|feet|metres))(?!\w)"
)
_KO_FIGURE = rf"{_FIGURE}(?:\s?[조억만천백](?:\s?{_FIGURE})?)*(?:여)?"
_KO_SPAN_OF_TIME = r"(?:년|개월|달|주일?|(?:영업|근무|역)?일|시간|분|초)(?:간)?"
_KO_MEASURE = r"(?:%|(?:제곱|평방|킬로|센티|밀리)*(?:미터|그램|리터)|[㎞㎢㎡℃도명개톤평]|km²?|m²?|kg|cm|mm)"

_PATTERNS: dict[tuple[Sort, str], tuple[str, ...]] = {
    (Sort.YEAR, "en"): (r"\b(?:1\d{3}|20\d\d)\b(?!s)",),
    (Sort.DATE, "en"): (
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? \d{{3,4}})?",
        rf"\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b",
        rf"\b{_MONTH},? \d{{4}}\b",
        r"\b(?:(?:the )?(?:early |late |mid-?)?(?:1\d{3}|20\d\d)s|1\d{3}|20\d\d)\b",
        r"\b\d{1,2}(?:st|nd|rd|th) century\b",
        r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b",
        r"\b\d{4}-\d\d-\d\d\b",
    ),
    (Sort.TIME, "en"): (r"\b\d{1,2}(?::\d\d)?\s?[ap]\.?m\b\.?", r"\b\d{1,2}:\d\d\b"),
    (Sort.DURATION, "en"): (rf"\b(?:{_FIGURE}|{_WRITTEN})[\s-](?:to {_FIGURE} )?{_SPAN_OF_TIME}\b",),
    (Sort.MONEY, "en"): (
        rf"(?:US)?[$€£¥₩]\s?{_FIGURE}{_LARGE}",
        rf"\b(?:USD|EUR|KRW|GBP) {_FIGURE}{_LARGE}",
        rf"\b{_FIGURE}{_LARGE} (?:dollars|euros|won|pounds|USD|EUR|KRW|yen)\b",
    ),
    (Sort.PERCENT, "en"): (rf"\b{_FIGURE}\s?(?:%|percent\b|per cent\b)",),
    (Sort.COUNT, "en"): (rf"\b(?:{_FIGURE}{_LARGE}|{_NUMERAL})\b(?!\s?%)",),
    (Sort.NUMBER, "en"): (rf"(?<![\w.])(?:[$€£]\s?)?{_FIGURE}{_LARGE}(?:\s?{_MEASURE})?",),
    (Sort.YEAR, "ko"): (r"(?:1\d{3}|20\d\d)년대?",),
    (Sort.DATE, "ko"): (
        r"(?:기원전 )?\d{1,4}년(?:\s?\d{1,2}월(?:\s?\d{1,2}일)?|대|경)?",
        r"\d{1,2}월(?:\s?\d{1,2}일)?",
        r"\d{1,2}세기(?:\s?[초중후]반?)?",
        r"(?:19|20)\d\d-\d\d-\d\d",
        r"[월화수목금토일]요일",
    ),
    (Sort.TIME, "ko"): (r"(?:오전|오후)?\s?\d{1,2}시(?:\s?\d{1,2}분|\s?반)?", r"\d{1,2}:\d\d"),
    (Sort.DURATION, "ko"): (
        rf"{_FIGURE}\s?{_KO_SPAN_OF_TIME}(?:\s?{_FIGURE}\s?{_KO_SPAN_OF_TIME})?",
        r"이틀|사흘|나흘|열흘|보름|하루",
    ),
    (Sort.MONEY, "ko"): (rf"{_KO_FIGURE}\s?(?:원|달러|유로|엔|파운드)",),
    (Sort.PERCENT, "ko"): (rf"{_FIGURE}\s?(?:%|퍼센트|프로)",),
    (Sort.NUMBER, "ko"): (rf"{_KO_FIGURE}\s?{_KO_MEASURE}?",),
    (Sort.COUNT, "ko"): (_KO_FIGURE, r"[한두세네]|다섯|여섯|일곱|여덟|아홉|열"),
}
_COMPILED = {key: re.compile("|".join(patterns)) for key, patterns in _PATTERNS.items()}
_NAME = re.compile(
    r"\b[A-Z][\w'’.-]*"
    r"(?:(?: (?:of|the|de|van|von|da|del|la|al|bin|ibn|and) | )[A-Z][\w'’-]*)*(?:,? (?:Jr|Sr)\.)?"
)
_NO_NAMES_LISTED = """
    the this that these those as in on at it its he she they his her their there when where while after
    before during since until from for with by to of and but or if one some many most all each an i we our
    you your not no both such other another although because however also first former
"""
_NO_NAMES = frozenset(_NO_NAMES_LISTED.split())
_FOOTNOTE = re.compile(r"\[\d+\]$")
_KO_COUNTED = re.compile(
    r"몇\s*(?P<unit>번째|년도|년|월|일|시|세기|주|달|개월|분|살|세|초|[가-힣]{1,2}?)(?=[을를은는이가의에도까인]|\W|$)"
)
_SAME_UNITS = {"세": "살", "살": "세", "명": "사람"}
_EN_COUNTED = re.compile(
    r"\bhow many (?:different |total |more |other )?([a-z'-]+)(?: ([a-z'-]+))?", re.IGNORECASE
)
_SORTS = tuple(
    (sort, re.compile("|".join(patterns)))
    for sort, patterns in (
        (Sort.PERCENT, (r"\b(?:percent|percentage)\b", r"몇\s*(?:%|퍼센트|프로)")),
        (Sort.YEAR, (r"\b(?:what|which) year\b", r"몇\s*년도|몇\s*년(?=에)|어느\s*해")),
        (Sort.TIME, (r"\b(?:what|which) time\b", r"몇\s*시(?!간)")),
        (
            Sort.DURATION,
            (
                r"\bhow long\b|\bhow many (?:\w+ )?(?:years|months|weeks|days|hours|minutes)\b",
                r"며칠|얼마\s*동안|몇\s*(?:개월|시간|일|주|분)",
            ),
        ),
        (
            Sort.MONEY,
            (
                r"\bhow much (?:does|do|did|is|was|money|are|were)\b",
                r"\b(?:price|cost|salary|fee|budget|revenue)\b",
                r"얼마(?:인|예|에|입|나요|죠|\?)|(?:금액|비용|가격)",
            ),
        ),
        (Sort.COUNT, (r"\bhow many\b", r"몇")),
    )
)


def sort_of(question: Question) -> Sort | None:
    """What sort of short thing the question asks for; None where no pattern shows one."""
    text = normalise(question.text)
    named = next((sort for sort, pattern in _SORTS if pattern.search(text)), None)
    if question.kind in {Kind.DATE, Kind.NUMBER} and named is not None:
        return named
    if question.kind is Kind.DATE and not re.search(r"\bhow (?:old|often|soon)\b|자주", text):
        return Sort.DATE
    if question.kind is Kind.NUMBER:
        return Sort.NUMBER
    if question.language == "en" and question.kind in {Kind.PERSON, Kind.PLACE}:
        return Sort.PERSON if question.kind is Kind.PERSON else Sort.PLACE
    return None


def spans_of(question: Question, sort: Sort, text: str) -> list[Span]:
    """The stretches of the sentence that could answer, in order."""
    asked = normalise(question.text)
    named = _unit_asked_for(question)
    found: list[Span] = []
    for start, end in _stretches(sort, question.language, text):
        shown = text[start:end]
        if normalise(shown) in asked or not any(character.isalnum() for character in shown):
            continue
        found.append(_with_unit(Span(start, end), text, named, sort))
    return found


def _stretches(sort: Sort, language: str, text: str) -> Iterator[tuple[int, int]]:
    if sort in {Sort.PERSON, Sort.PLACE}:
        for match in _NAME.finditer(text):
            if match.group().casefold() not in _NO_NAMES:
                yield match.span()
        return
    for match in _COMPILED[sort, "ko" if language == "ko" else "en"].finditer(text):
        start, end = match.start(), match.start() + len(match.group().rstrip())
        if not _FOOTNOTE.match(text[max(0, start - 1) : end + 1]):
            yield start + len(match.group()) - len(match.group().lstrip()), end


def _unit_asked_for(question: Question) -> tuple[str, ...]:
    """What is counted: the unit after "몇", the stems of the words after "how many"."""
    if question.language == "ko":
        match = _KO_COUNTED.search(question.text)
        return (match["unit"],) if match else ()
    words = _EN_COUNTED.search(question.text)
    return tuple(terms(" ".join(filter(None, words.groups())))) if words else ()


def _with_unit(span: Span, text: str, named: tuple[str, ...], sort: Sort) -> Span:
    """The span with the unit that was asked for, where that follows it."""
    if not named or sort in {Sort.PERSON, Sort.PLACE}:
        return span
    after = text[span.end :]
    if not named[0].isascii():
        units = "|".join(map(re.escape, (named[0], _SAME_UNITS.get(named[0], named[0]))))
        match = re.match(rf"\s?(?:{units})", after)
        inside = text[span.start : span.end].endswith(named[0])
        return Span(span.start, span.end + (match.end() if match else 0), fits=bool(match) or inside)
    match = re.match(r"(?:\s[\w'’-]+){1,3}", after)
    near = terms(match.group()) if match else []
    return Span(span.start, span.end, fits=bool(set(named) & set(near)))
