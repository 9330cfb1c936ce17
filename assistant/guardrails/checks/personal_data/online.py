"""E-mail addresses and IP addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.personal_data.reading import LIKELY, STRONG, Reading

# Latin letters, and those of Cyrillic and Greek, which are written for them; Korean stands beside addresses
# without a blank, so Hangul is a part of one only where all of it is Hangul.
_LETTER = "A-Za-z0-9\u00c0-\u052f"
_AT = re.compile(
    r" ?@ ?| ?[\[({<] ?(?:at|골뱅이) ?[\])}>] ?| 골뱅이 ?| at (?=[\w-]{1,63} ?(?:[\[({<] ?dot|dot ))",
    re.IGNORECASE,
)
_LOCAL = re.compile(rf"(?:[{_LETTER}][{_LETTER}.!#$%&'*+/=?^_`{{|}}~-]{{0,63}}|[가-힣]{{2,20}})$")
_DOMAIN = re.compile(
    rf"(?:[{_LETTER}](?:[{_LETTER}-]{{0,61}}[{_LETTER}])?|[가-힣]{{1,20}})"
    rf"(?:(?:\.| ?[\[({{<] ?(?:dot|점) ?[\])}}>] ?| dot | \. (?=[a-z]{{2,4}}\b))"
    rf"(?:[{_LETTER}](?:[{_LETTER}-]{{0,61}}[{_LETTER}])?|한국|닷컴|닷넷)){{1,6}}",
    re.IGNORECASE,
)
_TOP = re.compile(r"(?:[A-Za-z\u00c0-\u052f]{2,24}|xn--[a-z0-9-]{2,59}|한국|닷컴|닷넷)$", re.IGNORECASE)
_REACH = 64  # characters before the sign in which the name stands

_IPV4 = re.compile(r"(?<![0-9.A-Za-z-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z-]|\.[0-9])")
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{3,39}(?![0-9A-Za-z:])"
)


def emails(reading: Reading) -> Iterator[Finding]:
    """Mail addresses, also with blanks around the sign, or written "(at)" and "골뱅이"."""
    text = reading.text
    done = 0
    for sign in _AT.finditer(text):
        domain = _DOMAIN.match(text, sign.end())
        local = _LOCAL.search(text[max(done, sign.start() - _REACH) : sign.start()])
        if domain is None or local is None:
            continue
        if not _TOP.search(domain.group()):
            continue
        start = max(done, sign.start() - _REACH) + local.start()
        plain = sign.group() == "@"
        yield reading.finding("email", start, domain.end(), STRONG if plain else LIKELY)
        done = domain.end()


def ip_addresses(reading: Reading) -> Iterator[Finding]:
    """Addresses of machines, versions 4 and 6. A version number of four parts looks the same."""
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(reading.text):
            try:
                address = ipaddress.ip_address(match.group())
            except ValueError:
                continue
            if not address.is_unspecified:
                yield reading.finding("ip_address", *match.span(), LIKELY)
