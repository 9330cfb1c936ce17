"""Numbers that authorities give: to residents, foreigners, drivers, travellers, businesses and the insured.

A resident number has a check digit if it was given before October 2020; the tail of
later ones is random. So a birth date and a digit of gender that fit each other count in the usual form with a
hyphen or near a word that says so, and everywhere with a right check digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from assistant.guardrails.checks.finding import CERTAIN, Finding
from assistant.guardrails.checks.personal_data.reading import (
    IN_CONTEXT,
    LIKELY,
    STRONG,
    Figures,
    Reading,
)

_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_FOREIGN = "5678"  # the seventh digit of people who are not Korean
_RESIDENT_SHAPES = frozenset({(), (13,), (6, 7), (6, 1, 6), (2, 2, 2, 7)})
_RESIDENT_WORD = re.compile(
    r"주민|주번|민번|등록번호|외국인|생년월일|거소신고|\bresident|\brrn\b|\barc\b", re.IGNORECASE
)
_CORPORATION_WORD = re.compile(r"법인|등기|corporat", re.IGNORECASE)
_OLDEST = 105  # years; the Seoul register numbers its companies 110111-…, as if somebody were born in 1911

_BUSINESS_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
_BUSINESS_WORD = re.compile(
    r"사업자|등록번호|\bbrn\b|business (?:registration|number)|\btax id\b", re.IGNORECASE
)

_LICENCE_REGIONS = range(11, 29)
_LICENCE_WORD = re.compile(r"면허|driv(?:er|ing)['’]?s? licen[sc]e", re.IGNORECASE)
_OLD_LICENCE = re.compile(
    r"(?:서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산)"
    r" ?-?[0-9]{2}-[0-9]{6}-[0-9]{2}(?![0-9-])"
)
_FOREIGN_LICENCE = re.compile(
    r"driv(?:er|ing)['’]?s? licen[sc]e(?: (?:number|no\.?|num|#))?(?: (?:is|was|:|=|-)|:|#)? {0,3}"
    r"([A-Za-z]{0,3}[0-9][A-Za-z0-9-]{4,17})(?![A-Za-z0-9])",
    re.IGNORECASE,
)

_PASSPORT_WORD = re.compile(r"여권|passport", re.IGNORECASE)
_KOREAN_PASSPORT = re.compile(
    r"(?<![A-Za-z0-9])[MSRODGmsrodg] ?(?:[0-9]{8}|[0-9]{3}[A-Za-z][0-9]{4})(?![A-Za-z0-9])"
)
_PASSPORT = re.compile(
    r"(?:여권|passport)(?: ?(?:번호|number|no\.?|num|#))?[는은이가]?(?: (?:is|was)| ?[:=#-])? {0,3}"
    r"([A-Za-z]{0,2}[0-9][A-Za-z0-9]{5,8})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_LEAST_DIGITS = 5  # of a licence or a passport

_SSN_WORD = re.compile(r"\bssn\b|social security", re.IGNORECASE)


def resident_numbers(reading: Reading) -> Iterator[Finding]:
    """Korean resident numbers (`kr_resident_number`) and those of foreigners (`kr_foreigner_number`)."""
    for window in reading.windows_of(13):
        if window.shape in _RESIDENT_SHAPES and not reading.in_word(window):
            score = _resident_score(reading, window)
            kind = "kr_foreigner_number" if window.digits[6] in _FOREIGN else "kr_resident_number"
            if score:
                yield reading.finding(kind, window.start, window.end, score)


def _resident_score(reading: Reading, window: Figures) -> float:
    digits = window.digits
    born = _birth_date(digits)
    today = date.today()  # noqa: DTZ011 - a day more or less changes nothing
    if born is None or not today.year - _OLDEST <= born.year or born > today:
        return 0.0
    if reading.near(window.start, window.end, _CORPORATION_WORD, within=15):
        return 0.0
    rest = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=False)) % 11
    base = 13 if digits[6] in _FOREIGN else 11
    if int(digits[12]) == (base - rest) % 10:
        return CERTAIN if window.joints else STRONG
    named = reading.near(window.start, window.end, _RESIDENT_WORD)
    if window.shape == (6, 7) and (named or window.hyphened):
        return LIKELY
    return IN_CONTEXT if named else 0.0


def _birth_date(digits: str) -> date | None:
    """The date in the first six digits, in the century that the seventh says; None if there is none."""
    century = {"1": 1900, "2": 1900, "5": 1900, "6": 1900, "3": 2000, "4": 2000, "7": 2000, "8": 2000}.get(
        digits[6]
    )
    if century is None:
        return None
    try:
        return date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return None


def business_numbers(reading: Reading) -> Iterator[Finding]:
    """Korean business registration numbers with a right check digit, with hyphens or near a word for them."""
    for window in reading.windows_of(10):
        usual = window.shape == (3, 2, 5) and window.hyphened
        if not usual and window.shape not in {(10,), (3, 2, 5), ()}:
            continue
        if not _is_business(window.digits) or reading.in_word(window):
            continue
        if usual or reading.near(window.start, window.end, _BUSINESS_WORD):
            yield reading.finding("kr_business_number", window.start, window.end, CERTAIN)


def _is_business(digits: str) -> bool:
    if digits[:3] < "101" or digits[3:5] == "00":
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_BUSINESS_WEIGHTS, digits, strict=False))
    return int(digits[9]) == (10 - (total + int(digits[8]) * 5 // 10) % 10) % 10


def driving_licences(reading: Reading) -> Iterator[Finding]:
    """Korean licences by their form, others after the words "driver's license"."""
    for window in reading.windows_of(12):
        if int(window.digits[:2]) not in _LICENCE_REGIONS:
            continue
        named = reading.near(window.start, window.end, _LICENCE_WORD)
        if window.shape == (2, 2, 6, 2) and (window.hyphened or named):
            yield reading.finding("driving_licence", window.start, window.end, STRONG if named else LIKELY)
        elif window.shape in {(12,), ()} and named:
            yield reading.finding("driving_licence", window.start, window.end, IN_CONTEXT)
    for match in _OLD_LICENCE.finditer(reading.text):
        yield reading.finding("driving_licence", *match.span(), STRONG)
    for match in _FOREIGN_LICENCE.finditer(reading.text):
        if sum(char.isdigit() for char in match.group(1)) >= _LEAST_DIGITS:
            yield reading.finding("driving_licence", *match.span(1), LIKELY)


def passports(reading: Reading) -> Iterator[Finding]:
    """Passport numbers; all forms are too common to count without the word."""
    for match in _KOREAN_PASSPORT.finditer(reading.text):
        if reading.near(*match.span(), _PASSPORT_WORD):
            yield reading.finding("passport", *match.span(), STRONG)
    for match in _PASSPORT.finditer(reading.text):
        if sum(char.isdigit() for char in match.group(1)) >= _LEAST_DIGITS:
            yield reading.finding("passport", *match.span(1), LIKELY)


def social_security_numbers(reading: Reading) -> Iterator[Finding]:
    """Numbers of the United States: with hyphens, or near a word for them. There is no check digit."""
    for window in reading.windows_of(9):
        digits = window.digits
        if window.shape not in {(3, 2, 4), (9,), ()} or reading.in_word(window):
            continue
        if digits[:3] in {"000", "666"} or digits[0] == "9" or digits[3:5] == "00" or digits[5:] == "0000":
            continue
        named = reading.near(window.start, window.end, _SSN_WORD)
        if window.shape == (3, 2, 4) and window.hyphened:
            yield reading.finding(
                "us_social_security_number", window.start, window.end, STRONG if named else LIKELY
            )
        elif named:
            yield reading.finding("us_social_security_number", window.start, window.end, IN_CONTEXT)
