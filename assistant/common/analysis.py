"""Text analysis shared by indexing, querying, answering and topic rules: one place, so that both sides agree.

English words become Snowball stems, irregular forms those of their word. Korean words lose one particle or
verb ending, then become character bigrams, because compounds are written with and without spaces; the first
syllable stands for the word's beginning. Codes, file names and addresses count whole and in parts. What was
tried and what it was worth is measured by tests/bench/retrieval_quality.py.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import Stemmer

from assistant.common.irregular_forms import BASE_FORM

_KOREAN_SHARE = 0.2
_LONGEST_WHOLE = 64  # characters of an identifier that is kept whole
_CACHED_WORDS = 1 << 16
_LEAST_STEM = 2  # syllables that must stay when an ending is cut off

_HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣᄀ-ᇿ]")
_LETTER = re.compile(r"[^\W\d_]")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))  # soft hyphen, zero widths

# What is written without a space, e.g. a word, "hr-2024-017", "report_v2.pdf", "kim@example.com".
_COMPOUND = re.compile(r"[^\W_]+(?:[-_.,/@:+'’][^\W_]+)*")
_RUN = re.compile(r"[가-힣]+|[぀-ヿ㐀-䶿一-鿿豈-﫿]+|(?:(?![가-힣぀-ヿ㐀-䶿一-鿿豈-﫿])[^\W_])+")
_PIECE = re.compile(r"\d+|\D+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_POSSESSIVE = re.compile(r"['’]s$")
_IDENTIFIER = re.compile(r"(?=.*[a-z0-9])(?=.*[0-9@_.])[^,'’]*[-_./@:+][^,'’]*")
_SEPARATOR = re.compile(r"[-_./@:+]")

_PARTICLES_LISTED = """
    은 는 이 가 을 를 의 에 와 과 도 로 만 나 에서 에게 으로 까지 부터 에는 에서는 에서의 에도 에게서 한테
    이나 라는 이라는 이라고 라고 이란 란 하고 처럼 보다 으로는 로는 으로서 로서 으로써 로써 으로도 로도 마다
    조차 밖에 께서 과의 와의 으로의 로의 들 들은 들이 들의 들을 들에
"""
_PARTICLES = frozenset(_PARTICLES_LISTED.split())
_ENDINGS_LISTED = """
    이며 이고 이자 이다 였다 이었다 인 인가 인가요 인지 입니까 입니다 일까 일까요 였나 였나요 였는가 이었나
    이었나요 이었는가 이었던 였던 였고 이었고 이었으며 였으며
    하는 한 하다 한다 했다 하였다 하여 해서 하며 하기 하게 하던 했던 할 함 할까 할까요 하나요 했나 했나요
    하였나 하는가 했는가 하였는가 합니다 했습니다 된 되는 되다 된다 됐다 되었다 되어 되며 될 됨 되나요
    되었나 되었나요 되는가 되었는가 됩니다 되었습니다
"""
_ENDINGS = frozenset(_ENDINGS_LISTED.split())
_CUTS = _PARTICLES | _ENDINGS
_LONGEST_CUT = max(map(len, _CUTS))

# Words that ask rather than tell. Only questions lose them: "The Who" stays findable in a text. Left
# alone on purpose, since they are also names or nouns: it (IT), us (US), may, will, no.
_ASKING_LISTED = """
    a an the of in on at to for from by with and or is are was were be been being do does did have has had
    what which who whom whose when where why how that this these those as than there their its i you we my
    your our me can could would should
    무엇 무엇인 뭐 어디 누구 언제 몇 어느 어떤 어떻게 왜 무슨 얼마 얼마나 있는 있나 있나요 있습니까 있는가
"""
_ASKING = frozenset(_ASKING_LISTED.split())

_STEMMER = Stemmer.Stemmer("english")
_STEMMER_LOCK = threading.Lock()  # a stemmer is not safe to share between threads


def normalise(text: str) -> str:
    """NFKC, case folded and without invisible characters: the form in which words are compared."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_INVISIBLE)
    # Case folding can leave the NFKC form (e.g. of some Greek letters), so normalise once more.
    return unicodedata.normalize("NFKC", folded)


def language_of(text: str) -> str:
    """ "ko" when a good part of the letters is Hangul, else "en"."""
    return "ko" if hangul_share(text) >= _KOREAN_SHARE else "en"


def hangul_share(text: str) -> float:
    """What part of the letters is Hangul, 0..1; 0 of a text without letters."""
    composed = unicodedata.normalize("NFKC", text)
    letters = len(_LETTER.findall(composed))
    return len(_HANGUL.findall(composed)) / letters if letters else 0.0


def terms(text: str) -> list[str]:
    """Search terms in order of appearance: English stems, Korean character bigrams, codes."""
    return [term for _, found in _words(normalise(text)) for term in found]


def query_terms(text: str) -> list[str]:
    """The terms of a question without the words that only ask; all of them if nothing else is left."""
    words = list(_words(normalise(text)))
    telling = [found for word, found in words if word not in _ASKING and _stem(word) not in _ASKING]
    return [term for found in telling or [found for _, found in words] for term in found]


def _words(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(word, its terms) of normalised text; an identifier follows its parts as a word of its own."""
    for match in _COMPOUND.finditer(text):
        compound = _THOUSANDS.sub("", _POSSESSIVE.sub("", match.group()))
        for run in _RUN.finditer(compound):
            word = run.group()
            yield word, _terms_of(word, run.start() > 0 and compound[run.start() - 1].isalnum())
        if len(compound) <= _LONGEST_WHOLE and _IDENTIFIER.fullmatch(compound):
            # "HR-2024-017" is also written "HR2024017"; but 1.5 is not 15.
            plain = _SEPARATOR.sub("", compound)
            yield compound, (compound if plain.isdecimal() else plain,)


@lru_cache(maxsize=_CACHED_WORDS)
def _terms_of(word: str, attached: bool) -> tuple[str, ...]:  # noqa: FBT001 - positional for the cache
    """The terms of a run of one script. `attached`: it follows a number or a Latin word directly."""
    if "가" <= word[0] <= "힣":
        if attached and word in _PARTICLES:
            return ()
        stem = _stem(word, least=1 if attached else _LEAST_STEM)
        return (*_bigrams(stem), f"^{stem[0]}")
    if word[0] >= "぀":
        return _bigrams(word)
    if word.isalpha():
        plain = _without_accents(word)
        with _STEMMER_LOCK:
            return (_STEMMER.stemWord(BASE_FORM.get(plain, plain)),)
    pieces = tuple(_PIECE.findall(word))
    return pieces if len(pieces) == 1 else (word, *pieces)


def _stem(word: str, *, least: int = _LEAST_STEM) -> str:
    """A Korean word without its longest known ending, as long as `least` syllables stay."""
    for width in range(min(_LONGEST_CUT, len(word) - least), 0, -1):
        if word[-width:] in _CUTS:
            return word[:-width]
    return word


def _bigrams(run: str) -> tuple[str, ...]:
    return (run,) if len(run) == 1 else tuple(run[i : i + 2] for i in range(len(run) - 1))


def _without_accents(word: str) -> str:
    if word.isascii():
        return word
    split = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", "".join(c for c in split if not unicodedata.combining(c)))
