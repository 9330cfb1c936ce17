"""The secrets that this process has in hand, so that nothing it writes holds one.

What is opened or sealed is told to `remember`; what is about to be written goes through `without_secrets`.
This is the second line: nobody may write an error's words on without need. It stands because the words of
other people's libraries and servers may repeat whatever they were given.

A secret is found as it is, as it stands in JSON, in a page, in an address, as Python writes it, and with nine
characters or more within base64, wherever it begins there. Shorter ones than `SHORTEST` characters are words
like others and stay.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 6
UNGUESSABLE = 12  # from here on nobody learns by a mark in place of their guess that it was right
MARK = "[secret]"
_MOST = 2_000  # the ones used last are kept
_LEAST_IN_BASE64 = 8
_IN_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)  # public
_PERCENT = re.compile(r"%[0-9A-F]{2}")

_Spellings = tuple[tuple[str, ...], tuple[str, ...]]  # as text, and within base64
_known: OrderedDict[str, _Spellings] = OrderedDict()
_for_good: dict[str, _Spellings] = {}  # of the environment: read once, so nobody would bring them back
_lock = threading.Lock()


def remember(*secrets: object) -> None:
    """Keep the texts among these in mind. Of one with lines (a private key) each line is a secret."""
    for text in _lines(secrets):
        with _lock:
            if text not in _known:
                _known[text] = (tuple(_as_text(text)), tuple(_in_base64(text)))
            _known.move_to_end(text)
            while len(_known) > _MOST:
                _known.popitem(last=False)


def remember_for_good(*secrets: object) -> None:
    """The same for a few that no others push out."""
    for text in _lines(secrets):
        with _lock:
            _for_good[text] = (tuple(_as_text(text)), tuple(_in_base64(text)))


def _lines(secrets: Iterable[object]) -> Iterator[str]:
    for secret in secrets:
        if not isinstance(secret, str):
            continue
        for line in _CERTIFICATE.sub("", secret).splitlines():
            text = line.strip()
            if len(text) >= SHORTEST and not text.startswith("-----"):
                yield text


def remember_json(text: str) -> None:
    """Keep in mind what was opened: of a JSON object its texts, or those of its `secrets` alone; else all."""
    try:
        held = json.loads(text)
    except ValueError:
        held = None
    if isinstance(held, dict) and isinstance(held.get("secrets"), dict):
        held = held["secrets"]  # a draft holds them beside names and addresses
    remember(*(held.values() if isinstance(held, dict) else [text]))


def without_secrets(text: str, *, shortest: int = SHORTEST) -> str:
    """The text with `[secret]` in place of each secret of at least `shortest` characters."""
    with _lock:
        found = {**_known, **_for_good}
    # The longest first: a short one must not break up what it stands within.
    known = [found[secret] for secret in sorted(found, key=len, reverse=True) if len(secret) >= shortest]
    for plain, coded in known:
        for spelling in plain:
            if spelling in text:
                text = text.replace(spelling, MARK)
        for spelling in coded:
            while (at := text.find(spelling)) >= 0:
                text = _without_code(text, at, at + len(spelling))
    return text


def _as_text(secret: str) -> Iterator[str]:
    """The longest first: what stands within another one must not break it up."""
    written = {
        secret,
        repr(secret)[1:-1],
        repr(repr(secret))[2:-2],  # an error within another one
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }
    found = set(written)
    for text in written:
        percent = {quote(text, safe=""), quote(text), quote_plus(text)}
        found |= percent | {_PERCENT.sub(lambda code: code[0].lower(), one) for one in percent}
        found.add(html.escape(text))
    yield from sorted(found, key=len, reverse=True)


def _in_base64(secret: str) -> Iterator[str]:
    """What surely stands in the code of a longer text that holds the secret."""
    for shift in range(3):
        coded = base64.b64encode(b" " * shift + secret.encode()).decode()
        middle = coded[4 if shift else 0 : -4]
        if len(middle) >= _LEAST_IN_BASE64:
            yield middle
            if (other := middle.translate({ord("+"): "-", ord("/"): "_"})) != middle:
                yield other


def _without_code(text: str, start: int, end: int) -> str:
    """The whole code goes: its ends hold the rest of the secret."""
    while start > 0 and _IN_BASE64.match(text[start - 1]):
        start -= 1
    while end < len(text) and _IN_BASE64.match(text[end]):
        end += 1
    return text[:start] + MARK + text[end:]
