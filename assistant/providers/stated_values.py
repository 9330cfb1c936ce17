"""Which amounts, durations, dates and times does a sentence state, in one form for Korean and English?

"3일", "three days" and "사흘" are the same value, and so are "1억 2천만 원" and "120,000,000 won". What is
read here is compared; nothing is calculated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from assistant.common.analysis import normalise

DATE, YEAR, TIME, DURATION, MONEY, PERCENT, COUNT = (
    "date",
    "year",
    "time",
    "duration",
    "money",
    "percent",
    "count",
)


@dataclass(frozen=True, slots=True)
class Value:
    """`text[start:end]` of the normalised sentence states `amount` of `unit`. Equal ones are the same value.

    A date is a number made of what it tells: 20260331, or 331 without its year.
    """

    kind: str
    unit: str
    amount: Decimal
    start: int
    end: int

    @property
    def slot(self) -> tuple[str, str]:
        """What kind of thing it is, so that only like is compared with like."""
        return self.kind, self.unit


_ENGLISH_NUMBERS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen twenty"""
_KOREAN_NUMBERS = "한 두 세 네 다섯 여섯 일곱 여덟 아홉 열"
_TENS = "thirty forty fifty sixty seventy eighty ninety"
_WRITTEN = {
    **{word: number for number, word in enumerate(_ENGLISH_NUMBERS.split())},
    **{word: 10 * number for number, word in enumerate(_TENS.split(), start=3)},
    **{word: number for number, word in enumerate(_KOREAN_NUMBERS.split(), start=1)},
    "석": 3,
    "넉": 4,
    "열두": 12,
    "스무": 20,
}
_DAYS = {"하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "엿새": 6, "이레": 7, "열흘": 10, "보름": 15}
_MAGNITUDES = {
    "천": 10**3,
    "만": 10**4,
    "억": 10**8,
    "조": 10**12,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "m": 10**6,
    "bn": 10**9,
    "k": 10**3,
}
_MONTH_NAMES = """january|jan february|feb march|mar april|apr may june|jun july|jul august|aug
    september|sept|sep october|oct november|nov december|dec"""
_MONTHS = {
    name: number for number, names in enumerate(_MONTH_NAMES.split(), start=1) for name in names.split("|")
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_UNITS = {
    DURATION: {
        "second": "seconds? 초",
        "minute": "minutes? mins? 분",
        "hour": "hours? hrs? 시간",
        "day": "days? 일간 일",
        "working day": "(?:working|business)\\s?days? (?:영업|근무|평)일",
        "week": "weeks? 주일 주간 주",
        "month": "months? 개월 달",
        "year": "years? 년간 년",
    },
    MONEY: {
        "krw": "won krw 원",
        "usd": "dollars? usd 달러",
        "eur": "euros? eur 유로",
        "gbp": "pounds? gbp 파운드",
        "jpy": "yen jpy 엔",
    },
    PERCENT: {"percent": "% percent per\\s?cent 퍼센트 프로"},
}
_SIGNS = {"₩": "krw", "$": "usd", "€": "eur", "£": "gbp", "¥": "jpy"}
_UNIT = "|".join(
    f"(?P<{kind}_{unit.replace(' ', '_')}>{'|'.join(words.split(' '))})"
    for kind, units in _UNITS.items()
    for unit, words in sorted(units.items(), key=lambda one: -len(one[1]))
)
_FIGURE = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_BIG = (
    r"\s?(?:천만|백만|십만|천억|thousand|million|billion|trillion|bn|[천만억조](?![가-힣]{2})|[km](?![a-z]))"
)
_NATIVE = "|".join(sorted(_WRITTEN, key=len, reverse=True))
_DATES = (
    re.compile(r"(?P<y>(?:19|20|1[0-8])\d\d)\s?년\s?(?P<m>\d{1,2})\s?월(?:\s?(?P<d>\d{1,2})\s?일)?"),
    re.compile(r"(?<![\d.])(?P<y>(?:19|20)\d\d)[-./]\s?(?P<m>\d{1,2})[-./]\s?(?P<d>\d{1,2})(?!\d)"),
    re.compile(
        rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<m>{_MONTH})\b\.?(?:,?\s(?P<y>\d{{4}})(?!\s?년))?"
    ),
    re.compile(
        rf"\b(?P<m>{_MONTH})\b\.?\s(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s(?P<y>\d{{4}})(?!\s?년))?"
    ),
    re.compile(rf"\b(?P<m>{_MONTH})\b\.?,?\s(?P<y>\d{{4}})(?!\d)"),
    re.compile(r"(?<!\d)(?P<m>\d{1,2})\s?월\s?(?P<d>\d{1,2})\s?일"),
)
_YEAR = re.compile(r"(?<![\d.,])(?P<y>1\d{3}|20\d\d)(?:\s?년(?![간도])|(?![\d,.]*\d|\s?[가-힣%]|s\b))")
_CLOCK = re.compile(
    r"(?<!\d)(?P<h>\d{1,2}):(?P<m>\d\d)(?!\d)(?:\s?(?P<half>[ap])\.?m\b\.?)?"
    r"|(?P<half2>오전|오후)?\s?(?<!\d)(?P<h2>\d{1,2})\s?시(?!간)(?:\s?(?P<m2>\d{1,2})\s?분)?"
    r"|(?<!\d)(?P<h3>\d{1,2})\s?(?P<half3>[ap])\.?m\b\.?"
)
_AMOUNT = re.compile(
    rf"(?P<sign>[₩$€£¥])?\s?(?<![\w.])(?P<n>[-−]?(?:{_FIGURE})(?:{_BIG})?(?:\s?(?:{_FIGURE})(?:{_BIG}))*)"
    rf"(?:[\s-]?(?:{_UNIT})(?![a-z])|\s?(?P<counted>[가-힣]{{1,2}}|[a-z]+))?"
    rf"|(?<![\w가-힣-])(?P<w>{_NATIVE})(?:[\s-]{{1,2}}(?P<big>hundred|thousand|million|billion))?"
    rf"[\s-]{{0,2}}(?:(?P<wunit>{_UNIT.replace('?P<', '?P<w_')})(?![a-z])"
    r"|(?P<wcounted>명|개|번|차례|대|곳|가지|장|건|people|times)(?![a-z]))"
    rf"|(?<![\w가-힣])(?P<days>{'|'.join(_DAYS)})"
)
_HOURS = 12
_ITEM = re.compile(r"\W{0,3}\d{1,2}(?=\s[A-Z])")  # the number of a list item
_NUMBERING = re.compile(r"\[\d{1,3}\]|^\W{0,3}\d{1,2}[.)]\s")  # of notes and of list items


@lru_cache(maxsize=8192)
def values_of(sentence: str) -> tuple[Value, ...]:
    """The values that the sentence states, in their order; places are those of `normalise(sentence)`."""
    text = _NUMBERING.sub(_blank, normalise(sentence))
    if (item := _ITEM.match(sentence)) is not None:
        text = " " * item.end() + text[item.end() :]
    taken = [False] * len(text)
    found: list[Value] = []
    readers = [
        *((pattern, _dated) for pattern in _DATES),
        (_YEAR, _year),
        (_CLOCK, _timed),
        (_AMOUNT, _amount),
    ]
    for pattern, read in readers:
        for match in pattern.finditer(text):
            if not any(taken[match.start() : match.end()]):
                _take(found, taken, match, read(match))
    return tuple(sorted(found, key=lambda value: value.start))


def without_values(sentence: str) -> str:
    """The sentence, normalised, with blanks where it states values."""
    text = list(normalise(sentence))
    for value in values_of(sentence):
        text[value.start : value.end] = " " * (value.end - value.start)
    return "".join(text)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _take(
    found: list[Value], taken: list[bool], match: re.Match[str], read: tuple[str, str, Decimal] | None
) -> None:
    if read is None:
        return
    start = match.start() + len(match.group()) - len(match.group().lstrip())
    found.append(Value(*read, start, match.end()))
    taken[start : match.end()] = [True] * (match.end() - start)


def _year(match: re.Match[str]) -> tuple[str, str, Decimal]:
    return YEAR, "", Decimal(match["y"])


def _dated(match: re.Match[str]) -> tuple[str, str, Decimal]:
    parts = match.groupdict()
    month = _MONTHS.get(parts["m"]) or int(parts["m"])
    year, day = int(parts.get("y") or 0), int(parts.get("d") or 0)
    unit = "".join(name for name, held in (("y", year), ("m", month), ("d", day)) if held)
    return DATE, unit, Decimal(year * 10_000 + month * 100 + day)


def _timed(match: re.Match[str]) -> tuple[str, str, Decimal] | None:
    parts = match.groupdict()
    hour = int(parts["h"] or parts["h2"] or parts["h3"])
    minute = int(parts["m"] or parts["m2"] or 0)
    half = parts["half"] or parts["half2"] or parts["half3"] or ""
    if hour > 24 or minute > 59:  # noqa: PLR2004 - no time of day
        return None
    if half in ("p", "오후") and hour < _HOURS:
        hour += _HOURS
    if half in ("a", "오전") and hour == _HOURS:
        hour = 0
    return TIME, "", Decimal(hour * 60 + minute)


def _amount(match: re.Match[str]) -> tuple[str, str, Decimal] | None:
    parts = match.groupdict()
    if parts["days"]:
        return DURATION, "day", Decimal(_DAYS[parts["days"]])
    prefix = "w_" if parts["w"] else ""
    number = Decimal(_WRITTEN[parts["w"]]) if parts["w"] else _number(parts["n"])
    if number is None:
        return None
    if parts["big"]:
        number *= {"hundred": 100}.get(parts["big"]) or _MAGNITUDES[parts["big"]]
    for kind, units in _UNITS.items():
        for unit in units:
            if parts[f"{prefix}{kind}_{unit.replace(' ', '_')}"]:
                return kind, unit, number
    if parts["sign"]:
        return MONEY, _SIGNS[parts["sign"]], number
    counted = parts["counted"] or parts["wcounted"] or ""
    return COUNT, _counted(counted), number


_ONES = {
    "명": "명",
    "people": "명",
    "번": "번",
    "회": "번",
    "차례": "번",
    "times": "번",
    "개": "개",
    "건": "건",
    "대": "대",
}


def _counted(word: str) -> str:
    """What is counted, where the word after the number is a counter; else nothing, as it may be anything."""
    return next((unit for name, unit in _ONES.items() if word.startswith(name)), "")


def _number(text: str) -> Decimal | None:
    """ "1억 2천만" as a number."""
    whole = Decimal(0)
    for part in re.finditer(
        rf"(?P<f>{_FIGURE})\s?(?P<b>[천백십]?[만억조]|천|thousand|million|billion|trillion|bn|[km])?", text
    ):
        figure = Decimal(part["f"].replace(",", ""))
        big = part["b"] or ""
        times = 1
        for letter in (big,) if big in _MAGNITUDES else big:
            times *= {"백": 100, "십": 10}.get(letter) or _MAGNITUDES[letter]
        whole += figure * times
    return -whole if text[:1] in "-−" else whole
