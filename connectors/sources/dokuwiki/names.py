"""How DokuWiki writes names of pages, people and groups, and what it takes two spellings for."""

from __future__ import annotations

import re

# Letters that DokuWiki neither strips of accents nor takes for punctuation, whatever its settings.
_CERTAIN = re.compile(r"[a-z0-9._\-\uac00-\ud7a3\u4e00-\u9fff\u3041-\u3096\u30a1-\u30fa]+")
_DOUBLED = re.compile(r"[._\-]{2}")
_ENCODED = re.compile(r"[\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]")
_NUMBER = re.compile(r"[ \t\n\r\v\f]*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[ \t\n\r\v\f]*", re.ASCII)
_NOT_IN_IDS = frozenset(" !\"#$%&'()*+,/;<=>?@[\\]^`{|}~\ufffd")


def cleaned(name: str) -> str:
    """The form in which DokuWiki compares a person's or group's name; empty where that is not certain.

    What becomes of spaces, punctuation and accents depends on settings of the wiki that nobody
    outside can ask for.
    """
    lowered = name.strip(" \t\n\r\v\0").lower().strip("._-")
    return lowered if _CERTAIN.fullmatch(lowered) and not _DOUBLED.search(lowered) else ""


def encoded(name: str) -> str:
    """A name as the rules write it: everything of ASCII but letters and digits in percent form."""
    return _ENCODED.sub(lambda found: f"%{ord(found[0]):x}", name)


def same_text(first: str, second: str) -> bool:
    """Whether PHP's `==` takes two texts for equal: it compares what reads like numbers as numbers."""
    if first == second:
        return True
    if _NUMBER.fullmatch(first) and _NUMBER.fullmatch(second):
        return float(first) == float(second)
    return False


def is_page_id(text: str) -> bool:
    """Whether a browser can ask for this id: every other spelling is led to another page."""
    if text != text.lower() or not _NOT_IN_IDS.isdisjoint(text):
        return False
    return all(step and step == step.strip("._-") for step in text.split(":"))


def namespace_of(page: str) -> str:
    """The namespace around a page, file or namespace; empty: the root."""
    return page.rpartition(":")[0]
