"""Card numbers and IBANs, proved by check digits, and account numbers, told by the words around them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.guardrails.checks.finding import CERTAIN, Finding
from assistant.guardrails.checks.personal_data.reading import IN_CONTEXT, LIKELY, Reading

# Issuers by their first digits, with the lengths that they use.
_CARD = re.compile(
    r"4(?:\d{15}|\d{18})"  # Visa; its 13 digits of long ago need a word beside them
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-59]|[689]\d)\d{11}"  # Diners Club
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}|(?:2131|1800)\d{11}"  # JCB
    r"|62\d{14,17}"  # UnionPay
    r"|9\d{15}"  # cards for use within Korea only
)
_IN_CONTEXT = re.compile(r"4\d{12}|(?:50|5[6-8]|6\d)\d{10,17}")
_CARD_SHAPES = frozenset(
    {
        (),
        (13,),
        (14,),
        (15,),
        (16,),
        (19,),
        (4, 4, 4, 4),
        (4, 6, 5),
        (4, 6, 4),
        (4, 4, 4, 4, 3),
        (8, 8),
        (6, 13),
    }
)
_CARD_WORD = re.compile(r"\bcard\b|\bcc\b|\bvisa\b|\bmaster ?card\b|\bmaestro\b|\bamex\b|카드", re.IGNORECASE)

_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}"
    r"(?:[A-Za-z0-9]{11,30}|(?:[ -][A-Za-z0-9]{4}){2,7}(?:[ -][A-Za-z0-9]{1,4})?)"
    r"(?![A-Za-z0-9])"
)

_ACCOUNT_WORD = re.compile(
    r"계좌|통장|입금|송금|이체|예금주|[가-힣]{2,6}(?:은행|뱅크)|농협|수협|신협|새마을금고|우체국|저축은행|"
    r"\b(?:bank|checking|savings|deposit) (?:account|acct)|\baccount (?:number|num|no)\b|\bacct\b|\ba/c\b|"
    r"\baccount ?[#:]|\b(?:kb|nh|ibk|sc)\b",
    re.IGNORECASE,
)
# Names of banks that are also everyday words count only right before a number.
_BANK_BEFORE = re.compile(
    r"(?:국민|신한|우리|하나|기업|산업|대구|부산|경남|광주|전북|제주|씨티|제일|카카오|토스|케이)"
    r"(?:\(|\s|:|은행|뱅크){0,3}$"
)
_ACCOUNT_LENGTHS = range(10, 17)
_SHORTEST_PLAIN = 8  # digits without groups, where the words say "account number"
_NO_ACCOUNT = re.compile(r" ?(?:원|만|억|천|won\b|krw\b|usd\b|dollars?\b)", re.IGNORECASE)


def cards(reading: Reading) -> Iterator[Finding]:
    """Card numbers of known issuers whose check digit (Luhn) is right."""
    from stdnum import luhn  # noqa: PLC0415 - most texts hold no such number

    for window in reading.windows_of(*range(13, 20)):
        if window.shape not in _CARD_SHAPES or not window.evenly_joined:
            continue
        digits = window.digits
        known = _CARD.fullmatch(digits) or (
            _IN_CONTEXT.fullmatch(digits) and reading.near(window.start, window.end, _CARD_WORD)
        )
        if known and len(set(digits)) > 1 and luhn.is_valid(digits) and not reading.in_word(window):
            yield reading.finding("card", window.start, window.end, CERTAIN)


def ibans(reading: Reading) -> Iterator[Finding]:
    """Account numbers in the international form, right in country, length, structure and check digits."""
    from stdnum import iban  # noqa: PLC0415 - its registry of countries is read when it is imported

    for match in _IBAN.finditer(reading.text):
        written = match.group()
        # A word may follow in groups of four ("... 3000 from"): the longest valid beginning counts.
        for end in sorted(
            {len(written), *(gap.start() for gap in re.finditer("[ -]", written))}, reverse=True
        ):
            if iban.is_valid(written[:end], check_country=False):
                yield reading.finding("iban", match.start(), match.start() + end, CERTAIN)
                break


def bank_accounts(reading: Reading) -> Iterator[Finding]:
    """Account numbers near the name of a bank or a word for account; they have no check digit."""
    for window in reading.windows_of(*range(_SHORTEST_PLAIN, 18)):
        groups = len(window.shape)
        if not window.evenly_joined or reading.in_word(window) or groups > 4:  # noqa: PLR2004
            continue
        plain = groups == 1
        if not plain and len(window.digits) not in _ACCOUNT_LENGTHS:
            continue
        if plain and _NO_ACCOUNT.match(reading.text, window.end):
            continue
        if reading.follows(window.start, _ACCOUNT_WORD, within=15) or _BANK_BEFORE.search(
            reading.text[max(0, window.start - 10) : window.start]
        ):
            yield reading.finding("bank_account", window.start, window.end, LIKELY + 0.05)
        elif window.hyphened and reading.near(window.start, window.end, _ACCOUNT_WORD):
            yield reading.finding("bank_account", window.start, window.end, IN_CONTEXT)
