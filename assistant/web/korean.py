"""Which particle follows this word?

Korean particles depend on how the word before them ends when it is spoken. Names
of people, files and products are inserted into sentences, so the choice is made here.
"""

from __future__ import annotations

import re

_FIRST, _FINALS, _RIEUL = 0xAC00, 28, 8  # of the Hangul syllables
_NONE, _OTHER = 0, 1  # finals beside rieul: none, and any other
_CLOSERS = "\"'”’」』》〉)]}>.,!?…·:; "
_BRACKETED = re.compile(r"(?<=\S)\s*[(\[][^()\[\]]*[)\]]$")
_DIGITS = {"1": _RIEUL, "3": _OTHER, "6": _OTHER, "7": _RIEUL, "8": _RIEUL, "0": _OTHER}
_TEN_TO_TWELVE = 12  # 10^12 is 조, which ends in a vowel; smaller powers of ten end in a consonant
_SPELLED = {"L": _RIEUL, "R": _RIEUL, "M": _OTHER, "N": _OTHER}
_TO = "으로/로"
PAIRS = ("은/는", "이/가", "을/를", "과/와", "아/야", "이나/나", "이라는/라는", _TO)


def with_particle(word: str, pair: str) -> str:
    """The word with the form of `pair` that its last sound wants: `("문답", "을/를")` gives `"문답을"`.

    Raises:
        ValueError: the pair is not one of `PAIRS`.
    """
    return word + particle(word, pair)


def particle(word: str, pair: str) -> str:
    """The form of `pair` that follows `word`. Closing quotes and a last bracket are not spoken.

    Raises:
        ValueError: the pair is not one of `PAIRS`.
    """
    if pair not in PAIRS:
        raise ValueError(f"'{pair}' is no pair of particles; known are {', '.join(PAIRS)}.")
    after_consonant, after_vowel = pair.split("/")
    final = _final_sound(_spoken_end(word))
    if final == _NONE or (final == _RIEUL and pair == _TO):
        return after_vowel
    return after_consonant


def _spoken_end(word: str) -> str:
    bare = _BRACKETED.sub("", word.rstrip(_CLOSERS.replace(")", "").replace("]", "")))
    return bare.rstrip(_CLOSERS)


def _final_sound(word: str) -> int:
    """`_NONE`, `_RIEUL` or `_OTHER`."""
    last = word[-1:]
    if "가" <= last <= "힣":
        final = (ord(last) - _FIRST) % _FINALS
        return final if final in (_NONE, _RIEUL) else _OTHER
    if last.isdigit() and last.isascii():
        zeros = len(word) - len(word.rstrip("0"))
        return _NONE if zeros == _TEN_TO_TWELVE else _DIGITS.get(last, _NONE)
    tail = (re.search(r"[A-Za-z]+$", word) or [""])[0]
    return _final_of_latin(tail) if tail else _NONE


def _final_of_latin(word: str) -> int:
    """As the word is usually written in Hangul: Slack 슬랙, Gmail 지메일, phone 폰, report 리포트."""
    if word.isupper():
        return _SPELLED.get(word[-1], _NONE)
    low = word.lower()
    stem = low[:-1] if re.search(r"[aeiouy][lmn]e$", low) else low
    if re.search(r"(?:l|[aeiou]ll)$", stem):
        return _RIEUL
    short_end = re.search(r"(?:m|n|ng|[aeiou](?:ck|k|p|t|b))$", stem)
    long_vowel = re.search(r"(?:ee|ea|oa|oo|ou|ai|igh)[kptb]$", stem)
    return _OTHER if short_end and not long_vowel else _NONE
