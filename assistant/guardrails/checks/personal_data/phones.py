"""Telephone numbers: Korean ones by prefix, others by country code, a common form or the words around.

What is only long enough to be a number ("785 8949") counts where a word such as
"phone" or "연락처" stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.personal_data.reading import (
    IN_CONTEXT,
    LIKELY,
    STRONG,
    Figures,
    Reading,
)

_ASKED_FOR = re.compile(
    r"\b(?:tele)?phone\b|\btel\b|\bmobile\b|\bcell ?phone\b|"
    r"\bcell ?(?:no\b|number|:|#)|\bfax\b|\bcall\b|\bdial\b|\breach\b|\bwhatsapp\b|"
    r"\bhotline\b|\banswering at\b|\btext (?:me|us|him|her|them)\b|"
    r"전화|연락|휴대|핸드폰|폰 ?번호|팩스|문자|직통|내선|콜센터",
    re.IGNORECASE,
)
_LABEL_AFTER = re.compile(r"\b(?:office|fax|mobile|cell|home|work|direct)\b", re.IGNORECASE)
_LABEL_TIGHT = re.compile(
    r"(?:^|[^A-Za-z])(?:tel|hp|fax|mobile|phone|cell|ph|m|t|c|f|p|h)[-.:]?$", re.IGNORECASE
)
_EXTENSION = re.compile(r",? ?(?:x|ext\.?|#|내선) ?[0-9]{1,6}(?![0-9])", re.IGNORECASE)
_AMOUNT = re.compile(r" ?(?:원|만|억|천|명|건|개|%|won\b|krw\b|usd\b|dollars?\b|people\b)", re.IGNORECASE)

_MOBILE = re.compile(r"(?:010\d{8}|01[16789]\d{7,8})")
_LANDLINE = re.compile(
    r"(?:02\d{7,8}|0(?:3[1-3]|4[1-4]|5[1-5]|6[1-4])\d{7,8}|0(?:70|80|60)\d{7,8}|050[2-8]?\d{7,8})"
)
_LANDLINE_SHAPES = frozenset(
    {(2, 3, 4), (2, 4, 4), (3, 3, 4), (3, 4, 4), (4, 3, 4), (4, 4, 4), (2, 7), (2, 8), (3, 7), (3, 8)}
)
_SERVICE = re.compile(
    r"(?:15(?:22|33|44|66|77|88|99)|16(?:00|11|14|22|33|44|55|60|61|66|68|70|77|88|99)|18(?:00|11|33|55|77|99))\d{4}"
)
_YEARS_END = 2100  # "1592-1598" is a span of years
_SPOKEN_DIGIT = "공영일이삼사오육륙칠팔구"
_SPOKEN_VALUE = dict(zip(_SPOKEN_DIGIT, "001234566789", strict=True))
_SPOKEN = re.compile(
    rf"(?<![가-힣])[공영]일[공영][ -]{{0,2}}(?:[{_SPOKEN_DIGIT}][ -]{{0,2}}){{7}}[{_SPOKEN_DIGIT}]"
)

# Country codes that are assigned (ITU-T E.164).
_COUNTRY = re.compile(
    r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    r"|(?:2[1-69]|3[578]|42|5[09]|6[7-9]|8[0578]|9[67])[0-9]|99[2-68]"
)
_PREFIX = 5  # digits of "00" with the longest country code
_SHORTEST, _LONGEST = 7, 15  # digits of an international number, with its country code (E.164)
_DATE_SHAPES = frozenset({(4, 2, 2), (2, 2, 4), (4, 4), (4, 2), (2, 4), (4, 2, 2, 2), (4, 2, 2, 2, 2)})
_ALONE = 7  # digits from which a number without groups may be one of a telephone


def phones(reading: Reading) -> Iterator[Finding]:
    """Telephone numbers, with the extension that follows."""
    for window in reading.windows_of(*range(6, _LONGEST + 3)):  # two more for "00" before a country code
        start = _with_sign(reading, window)
        score = _score(reading, window, start)
        if score and not _stands_in_code(reading, window, start):
            yield reading.finding("phone", start, _end(reading, window), score)
    for spoken in _SPOKEN.finditer(reading.text):
        yield reading.finding("phone", *spoken.span(), STRONG)


def _with_sign(reading: Reading, window: Figures) -> int:
    """Where the number begins with its "+" or opening bracket."""
    start = window.start
    if start and reading.text[start - 1] == "(" and ")" in "".join(window.joints[:1]):
        start -= 1
    if start and reading.text[start - 1] == "+":
        start -= 1
    return start


def _end(reading: Reading, window: Figures) -> int:
    extension = _EXTENSION.match(reading.figures, window.end)
    return extension.end() if extension else window.end


def _score(reading: Reading, window: Figures, start: int) -> float:
    if reading.text[start] == "+":
        return _international(window.digits, STRONG)
    if window.digits.startswith("00") and window.shape[0] <= _PREFIX and window.joints and not window.in_row:
        return _international(window.digits[2:], LIKELY)
    return _korean(reading, window) or _grouped(window) or _by_context(reading, window)


def _international(digits: str, score: float) -> float:
    korean = digits.startswith("82")
    national = "0" + digits[2:].removeprefix("0")
    if korean:
        return score if _MOBILE.fullmatch(national) or _LANDLINE.fullmatch(national) else 0.0
    return score if _SHORTEST < len(digits) <= _LONGEST and _COUNTRY.match(digits) else 0.0


def _korean(reading: Reading, window: Figures) -> float:
    digits, shape = window.digits, window.shape
    if _MOBILE.fullmatch(digits):
        return STRONG
    if _LANDLINE.fullmatch(digits) and (
        shape in _LANDLINE_SHAPES or not shape or reading.near(window.start, window.end, _ASKED_FOR)
    ):
        return STRONG if window.joints else LIKELY
    if shape == (4, 4) and _SERVICE.fullmatch(digits):
        years = "-" in window.joints[0] and int(digits[:4]) < int(digits[4:]) < _YEARS_END
        doubtful = years or (window.in_row and window.joints == (" ",))
        return LIKELY if not doubtful or reading.near(window.start, window.end, _ASKED_FOR) else 0.0
    return 0.0


def _grouped(window: Figures) -> float:
    """The North American form: three, three and four digits, with signs or an area code in brackets."""
    shape = window.shape[1:] if window.digits[0] == "1" and window.shape[0:1] == (1,) else window.shape
    signs = window.joints[-2:]
    if shape != (3, 3, 4) or signs[-1:] == (" ",):
        return 0.0
    return LIKELY if ")" in signs[0] or signs[0] == signs[1] else 0.0


def _by_context(reading: Reading, window: Figures) -> float:
    digits, shape = window.digits, window.shape
    if len(digits) > 13 or _is_date(window):  # noqa: PLR2004 - a national number with its trunk prefix
        return 0.0
    if len(shape) == 1 and (len(digits) < _ALONE or _AMOUNT.match(reading.figures, window.end)):
        return 0.0
    near = reading.follows(window.start, _ASKED_FOR, within=20)
    return IN_CONTEXT if near or reading.precedes(window.end, _LABEL_AFTER, within=2) else 0.0


def _is_date(window: Figures) -> bool:
    """Whether it is written like a date or a range of years."""
    if window.shape not in _DATE_SHAPES or not window.evenly_joined:
        return False
    parts = [window.digits[:4], window.digits[-4:]]
    return any(part[:2] in {"18", "19", "20", "21"} for part in parts)


def _stands_in_code(reading: Reading, window: Figures, start: int) -> bool:
    """Whether the digits are the tail of a code ("HR-2024-0017") or the head of one."""
    text = reading.text
    before = text[max(0, start - 8) : start]
    if before[-1:].isascii() and (before[-1:].isalnum() or before[-1:] in {"_", ","}):
        if not _LABEL_TIGHT.search(before):
            return before[-1:] != "," or before[-2:-1].isdigit()
    elif before[-1:] == "-" and before[-2:-1].isascii() and before[-2:-1].isalpha():
        return not _LABEL_TIGHT.search(before)
    after = text[window.end : window.end + 2]
    return after[:1].isascii() and ((after[:1].isalpha() and after[:1] not in "xeXE") or after[:1] == "_")
