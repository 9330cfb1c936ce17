"""What number does a cell hold, in which unit, and how is one written?

A cell is a number only if all of it is: a range, a note behind the figure or two figures in one cell are
none. Values are `Decimal`, exactly as written; nothing is ever computed in floating point.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from assistant.common.analysis import normalise

_LONGEST = 40  # characters of a cell that holds a number
_LONGEST_UNIT = 12
_MOST_DIGITS = 20  # of a figure, signs between them counted
_FIRST_YEAR = 1_900

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_CURRENCY_SIGNS = {"$": "$", "us$": "$", "€": "€", "£": "£", "¥": "¥", "₩": "원"}
_CURRENCY_WORDS = {
    "usd": "$",
    "dollar": "$",
    "dollars": "$",
    "달러": "$",
    "eur": "€",
    "euro": "€",
    "euros": "€",
    "유로": "€",
    "gbp": "£",
    "jpy": "¥",
    "엔": "¥",
    "krw": "원",
    "won": "원",
    "원": "원",
    "cny": "cny",
    "chf": "chf",
}
CURRENCIES = frozenset(_CURRENCY_SIGNS.values()) | frozenset(_CURRENCY_WORDS.values())
_PERCENT = {"%": "%", "퍼센트": "%", "percent": "%", "pct": "%", "프로": "%"}
_SAME = {
    **_CURRENCY_WORDS,
    **_CURRENCY_SIGNS,
    **_PERCENT,
    "day": "일",
    "days": "일",
    "hour": "시간",
    "hours": "시간",
    "minute": "분",
    "minutes": "분",
    "month": "개월",
    "months": "개월",
    "year": "년",
    "years": "년",
}
_KOREAN_SCALES = (
    ("조", 10**12),
    ("억", 10**8),
    ("천만", 10**7),
    ("백만", 10**6),
    ("만", 10**4),
    ("천", 10**3),
)
_KOREAN = "".join(rf"(?:(?P<s{at}>{_NUMBER})\s*{name}\s*)?" for at, (name, _) in enumerate(_KOREAN_SCALES))
_ENGLISH_SCALES = {
    "thousand": 10**3,
    "million": 10**6,
    "mn": 10**6,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
}
_SIGN = r"(?P<sign>[-−–△]\s*)?"
_PREFIX = (
    rf"(?P<prefix>us\$|[$€£¥₩]|(?:{'|'.join(word for word in _CURRENCY_WORDS if word.isascii())})\s)?\s*"
)
_AMOUNT = re.compile(
    rf"{_SIGN}{_PREFIX}(?P<inner>[-−–]\s*)?{_KOREAN}(?P<rest>{_NUMBER})?"
    rf"\s*(?P<scale>{'|'.join(_ENGLISH_SCALES)})?\s*(?P<unit>%|[℃°]c?|[^\W\d_]+)?",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"\((?P<inside>[^()]+)\)")
# With these a number names a place in an order, not an amount.
_ORDINAL = frozenset("월 분기 주차 층 호 호선 위 등 등급 차 년도 학년 기 권 st nd rd th q w am pm".split())  # noqa: SIM905
_NOTHING = frozenset(("", "-", "–", "—", "n/a", "na", "미정", "tbd", "null", "…", "..."))
_NONE = frozenset(("없음", "none", "해당 없음", "해당없음", "nil"))


@dataclass(frozen=True, slots=True)
class Amount:
    """`value` in `unit`; equal units are written alike ("원", "$", "%", "일"), none is "".

    The rest is how it was written: before or after the figure, with how many decimals, with 만 and 억.
    """

    value: Decimal
    unit: str = ""
    before: str = ""
    after: str = ""
    places: int = 0
    is_korean: bool = False


def amount_of(cell: str) -> Amount | None:
    """The number that the cell is, or None."""
    text = " ".join(normalise(cell).split())
    if not text or len(text) > _LONGEST:
        return None
    bracketed = _BRACKETED.fullmatch(text)
    found = _AMOUNT.fullmatch(bracketed["inside"].strip() if bracketed else text)
    if found is None or (bracketed and (found["sign"] or found["inner"])):
        return None
    if found["sign"] and found["inner"]:
        return None
    amount = _read(found)
    if amount is None or not (bracketed or found["sign"] or found["inner"]):
        return amount
    return replace(amount, value=-amount.value)


def _read(found: re.Match[str]) -> Amount | None:
    scaled = [(found[f"s{at}"], factor) for at, (_, factor) in enumerate(_KOREAN_SCALES) if found[f"s{at}"]]
    figures = [*scaled, *([(found["rest"], 1)] if found["rest"] else [])]
    if not figures or (found["scale"] and scaled):
        return None
    if any(len(figure) > _MOST_DIGITS for figure, _ in figures):
        return None
    if any(len(figure) > 1 and figure[0] == "0" and figure[1].isdigit() for figure, _ in figures):
        return None  # a code
    if any(after >= before for (_, before), (_, after) in pairwise(figures)):
        return None
    value = sum((Decimal(figure.replace(",", "")) * factor for figure, factor in figures), Decimal(0))
    value *= _ENGLISH_SCALES.get((found["scale"] or "").lower(), 1)
    before, after = (found["prefix"] or "").strip(), (found["unit"] or "").strip()
    unit = _unit(before, after)
    if unit is None or (after == "년" and value >= _FIRST_YEAR):
        return None
    places = 0 if scaled or found["scale"] else len(figures[-1][0].partition(".")[2])
    return Amount(value, unit, before.upper(), _shown_unit(after), places, bool(scaled))


def _unit(before: str, after: str) -> str | None:
    """The unit, None where two units or an ordinal are written."""
    if after in _ORDINAL or len(after) > _LONGEST_UNIT:
        return None
    prefix = _SAME.get(before, before)
    suffix = _SAME.get(after, after)
    if prefix and suffix and prefix != suffix:
        return None
    return prefix or suffix


def _shown_unit(after: str) -> str:
    return after.upper() if after.isascii() and after in _CURRENCY_WORDS else after.replace("°c", "℃")


def says_nothing(cell: str) -> bool:
    """Whether the cell is empty, or says that a figure is not known yet."""
    return " ".join(normalise(cell).split()) in _NOTHING


def says_none(cell: str) -> bool:
    """Whether the cell says that there is none of it."""
    return " ".join(normalise(cell).split()) in _NONE


def canonical_unit(word: str) -> str:
    """The unit in the form in which units are compared."""
    folded = normalise(word).replace(" ", "")
    return _SAME.get(folded, folded)


def rounded(value: Fraction, *, places: int) -> tuple[Decimal, bool]:
    """The value with at most so many decimals, half away from zero, and whether it is exactly that."""
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    result = Decimal((int(value < 0), tuple(map(int, str(whole))), -places))
    return result, Fraction(result) == value


def shown(value: Decimal, like: Amount, *, places: int) -> str:
    """The value written as `like` is, with `places` decimals at most and without needless noughts."""
    text = f"{value.copy_abs():,.{places}f}"
    text = text.rstrip("0").rstrip(".") if places > like.places and "." in text else text
    gap = " " if like.is_korean and like.after else ""
    if like.is_korean and value == value.to_integral_value() and not int(value) % 10**4 and value:
        text = _in_ten_thousands(abs(int(value)))
    sign = "-" if value < 0 else ""
    between = " " if like.before.isalpha() else ""
    separate = " " if like.after.isascii() and like.after.isalpha() else gap
    return f"{sign}{like.before}{between}{text}{separate if like.after else ''}{like.after}"


def _in_ten_thousands(value: int) -> str:
    parts: list[str] = []
    for name, factor in (("조", 10**12), ("억", 10**8), ("만", 10**4)):
        count, value = divmod(value, factor)
        if count:
            parts.append(f"{count:,}{name}")
    return " ".join(parts)
