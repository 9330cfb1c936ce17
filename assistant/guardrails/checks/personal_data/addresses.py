"""Postal addresses: Korean ones by road and lot, those of the United States and United Kingdom by street.

A Korean address needs a known city, county or ward before the road, or a floor or
flat behind the number, since "-로" is also a particle. A street of a common form ("10 Market
Street") counts alone, one of an ambiguous form ("5 Star Drive") with a unit, state or
postal code. Addresses of other countries are not recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.personal_data.districts import DISTRICTS, PROVINCES
from assistant.guardrails.checks.personal_data.reading import IN_CONTEXT, LIKELY, STRONG, Reading

# Patterns begin with what they are known by, never with a look back: so the engine skips to where one may
# begin. What stands before such a place is asked afterwards.
_DISTRICT = f"(?:{'|'.join(DISTRICTS)})"
_NO_COUNT = (
    r"(?! ?(?:명|개(?!호)|년|월|일|시간|시(?![가-힣])|분|원|회|차|건|가지|배|%|km|만|천|억|조(?![가-힣])))"
    r"(?![0-9])"
)
_UNIT = (
    r"(?:,? ?(?:\([^()\n]{2,30}\)"
    r"|[가-힣A-Za-z0-9]{1,15}(?:빌딩|타워|아파트|오피스텔|빌라|센터|플라자|맨션|주택)"
    r"|[0-9A-Za-z가-힣]{1,4}동(?= ?[0-9])|(?:지하 ?|B)?[0-9]{1,3}층|[0-9]{1,5}호)){0,5}"
)
_ROAD = (
    r"[가-힣][가-힣0-9·.]{0,14}(?:대로|로|길)(?: ?[0-9]{1,4}(?:번[가나다라]?)?[가나다라]?길)? ?"
    r"(?:지하 ?)?[0-9]{1,5}(?:-[0-9]{1,4})?"
)
_LOT = r"[가-힣][가-힣0-9·]{0,7}(?:동|리|가)\s{1,2}(?:산 ?)?[0-9]{1,4}(?:-[0-9]{1,4})?(?:번지)?"
_KOREAN = re.compile(
    rf"(?P<first>{'|'.join(sorted({*PROVINCES, *DISTRICTS}, key=len, reverse=True))})"
    rf"(?P<second>[ ,]{{0,2}}{_DISTRICT}(?:\s{{0,2}}{_DISTRICT})?)?\s{{1,2}}"
    rf"(?:[가-힣0-9]{{1,7}}(?:읍|면|동|가)\s{{1,2}})?(?:{_ROAD}|{_LOT}){_NO_COUNT}{_UNIT}"
)
_SEJONG = "세종"  # the one province without districts
_FLOOR = re.compile(
    r"[로길](?: ?[0-9]{1,4}번?길)? ?[0-9]{1,4}(?:-[0-9]{1,4})?(?![0-9])(?:, ?| )"
    r"(?:[가-힣A-Za-z0-9]{1,15} ?(?:빌딩|타워|아파트|오피스텔|빌라),? ?)?(?:[0-9]{1,4}동 ?)?"
    r"(?:(?:지하 ?|B)?[0-9]{1,3}층(?: ?[0-9]{1,5}호)?|[0-9]{1,5}호)"
)
_NAME_BEFORE = re.compile(r"[가-힣]{2,8}$")
_FLAT = re.compile(
    r"(?:아파트|빌라|오피스텔|맨션|자이|푸르지오|래미안|힐스테이트|롯데캐슬)"
    r"[가-힣0-9]{0,6} ?[0-9]{1,4}동 ?[0-9]{1,5}호"
)
_WORD_BEFORE = re.compile(r"[가-힣A-Za-z0-9]{1,15} ?$")
_REACH = 16  # characters before a road or a house in which its name stands

_STATE = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|"
    "OR|PA|PR|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY"
)
_POSTCODE = r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"
_CLEAR = r"Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Parkway|Pkwy|Highway|Hwy"
_UNCLEAR = (
    r"Drive|Dr|Court|Ct|Way|Place|Pl|Square|Sq|Terrace|Ter|Circle|Cir|Crescent|Close|Gardens|Row|Hill|Green"
    r"|Mews|Walk"
)
_STREET = re.compile(
    r"(?P<house>[0-9]{1,6}[A-Z]?(?:-[0-9]{1,5})?)\s(?P<name>(?:[\w'’.-]{1,20}\s){1,4}?)"
    rf"(?P<form>(?:{_CLEAR})\b|(?:{_UNCLEAR})\b)\.?"
    r"(?P<unit>,?\s{1,3}(?:apt|apartment|suite|ste|unit|flat|floor|room|rm|#)\.?\s?#?\w{1,6})?"
    rf"(?P<region>,?\s{{1,3}}(?:[A-Za-z'’.-]{{2,20}}\s?){{0,3}}?,?\s?"
    rf"(?:(?-i:{_STATE})\b(?:,?\s{{1,3}}[0-9]{{5}}(?:-[0-9]{{4}})?(?![0-9]))?"
    rf"|[0-9]{{5}}(?:-[0-9]{{4}})?(?![0-9-])|(?-i:{_POSTCODE})\b))?",
    re.IGNORECASE,
)
_BEFORE_HOUSE = re.compile(r"[\w.,$£€-]")
_CLEAR_FORM = re.compile(rf"(?:{_CLEAR})", re.IGNORECASE)
_BOX = re.compile(
    r"(?:PSC|Unit|CMR) [0-9]{1,5},? Box [0-9]{1,5}(?:,?\s{1,3}(?:APO|FPO|DPO),? (?:AA|AE|AP) [0-9]{5})?"
    r"|P\.? ?O\.? ?Box [0-9]{1,6}",
    re.IGNORECASE,
)


def addresses(reading: Reading) -> Iterator[Finding]:
    """Addresses from the largest unit that is named to the smallest."""
    if not reading.has_digits:
        return
    yield from _korean(reading)
    for match in _STREET.finditer(reading.text):
        score = _street_score(match)
        if score and not _BEFORE_HOUSE.match(reading.text[max(0, match.start() - 1) : match.start()]):
            yield reading.finding("address", *match.span(), score)
    for match in _BOX.finditer(reading.text):
        if not reading.text[max(0, match.start() - 1) : match.start()].isalnum():
            yield reading.finding("address", *match.span(), LIKELY)


def _korean(reading: Reading) -> Iterator[Finding]:
    text = reading.text
    for match in _KOREAN.finditer(text):
        if match["second"] or match["first"] in DISTRICTS or match["first"].startswith(_SEJONG):
            yield reading.finding("address", *match.span(), STRONG)
    for match in _FLOOR.finditer(text):
        name = _NAME_BEFORE.search(text[max(0, match.start() - _REACH) : match.start()])
        if name and not name.group().endswith("으"):
            yield reading.finding("address", match.start() - len(name.group()), match.end(), IN_CONTEXT)
    for match in _FLAT.finditer(text):
        word = _WORD_BEFORE.search(text[max(0, match.start() - _REACH) : match.start()])
        start = match.start() - (len(word.group()) if word else 0)
        yield reading.finding("address", start, match.end(), IN_CONTEXT)


def _street_score(match: re.Match[str]) -> float:
    proved = match["unit"] or match["region"]
    words = match["name"].split()
    titled = all(word[0].isupper() or word[0].isdigit() for word in [*words, match["form"]])
    if proved:
        return STRONG if titled else LIKELY
    clear = _CLEAR_FORM.fullmatch(match["form"]) is not None
    return LIKELY if clear and titled and not words[0].isdigit() else 0.0
