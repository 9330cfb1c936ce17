"""The ways in which a text may be read by a person, as letters and digits with the gaps between them.

The first is the text as it stands; the others undo what is written to get around a word:
Cyrillic and Greek letters for Latin ones, digits and signs for letters ("s4lary"), Hangul pulled
apart into its letters ("ㅇㅕㄴㅂㅗㅇ", "여ㄴ봉"), a digit or letter between two syllables ("연1봉").
Each is made only where the text holds something of that kind. Initial consonants alone stay what they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from assistant.guardrails.checks.aligned import aligned

WIDEST_GAP = 4  # characters between the letters of one word pulled apart

_RUN = re.compile(r"[^\W_]+")

_TWINS = {
    # Cyrillic
    "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "ё": "e", "һ": "h", "н": "h", "і": "i", "ї": "i",
    "ј": "j", "к": "k", "ӏ": "l", "м": "m", "о": "o", "р": "p", "ԛ": "q", "г": "r", "ѕ": "s", "т": "t",
    "ѵ": "v", "ԝ": "w", "х": "x", "у": "y",
    # Greek
    "α": "a", "β": "b", "ε": "e", "η": "n", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "τ": "t",
    "υ": "u", "χ": "x", "γ": "y", "ζ": "z", "μ": "m",
    # Latin letters that NFKC keeps
    "ı": "i", "ɡ": "g", "ɑ": "a", "ł": "l", "ø": "o", "đ": "d",
}  # fmt: skip
_TWIN_TABLE = str.maketrans(_TWINS)
_FOREIGN = re.compile("[\u0370-\u052f]")
_NOT_ASCII = re.compile(r"[^\W\d_a-z\u1100-\u11ff\u3040-\u318f\u3400-\ud7ff]")
_LATIN_TOKEN = re.compile(r"[^\W\d_\u1100-\u11ff\u3040-\u318f\u3400-\ud7ff]+")

_FOR_LETTERS = "0134578@$!|"
_LEET_TABLES = (str.maketrans(_FOR_LETTERS, "oieastbasil"), str.maketrans(_FOR_LETTERS, "oleastbasll"))
_LEET_TOKEN = re.compile(
    r"(?<![a-z0-9@$!|])(?=[a-z0-9@$!|]{0,40}[a-z])[a-z0-9$@][a-z0-9@$!|]{2,40}(?![a-z0-9@$!|])"
)
_LEET_SIGN = re.compile(rf"[{re.escape(_FOR_LETTERS)}]")

_LETTERS_APART = re.compile("[\u1100-\u1112\u1161-\u1175\u11a8-\u11c2]")
_FIRST_SYLLABLE, _FIRST_INITIAL, _FIRST_VOWEL, _FIRST_FINAL = 0xAC00, 0x1100, 0x1161, 0x11A7
_LAST_SYLLABLE = 0xD7A3
_VOWELS, _FINALS = 21, 28
# The final that an initial consonant becomes; ㄸ, ㅃ and ㅉ never end a syllable.
_FINAL_OF = {
    0x1100 + initial: final
    for initial, final in zip(
        (0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18),
        (1, 2, 4, 7, 8, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27),
        strict=True,
    )
}

_BETWEEN = re.compile(r"(?<=[가-힣])[0-9a-z](?=[가-힣])")
# "제1조", "3층2호" and "1월2일" are counted, not disguised.
_COUNTED = frozenset("제조항호차원명개년월일시분초번층동인대위급등점장권회건세살주기단관가절")


@dataclass(slots=True)
class Skeleton:
    """Letters and digits of a text; `gaps[i]` is what stood before letter `i`, if anything.

    Letter `i` was read from `given[starts[i]:ends[i]]`.
    """

    letters: str
    gaps: dict[int, str]
    starts: Sequence[int] = ()
    ends: Sequence[int] = ()
    disguised: bool = field(default=False)

    def gap(self, at: int) -> str | None:
        """What separates letter `at` from the one before; None if nothing does."""
        if at <= 0 or at >= len(self.letters):
            return " "
        return self.gaps.get(at)


def plain(text: str) -> Skeleton:
    """A text as it stands, without regard to case and width."""
    return _skeleton(*_folded(text))


def spellings(text: str) -> Iterator[Skeleton]:
    """The text as it stands, then what it may be read as."""
    folded, starts, ends = _folded(text)
    first = _skeleton(folded, starts, ends)
    yield first
    variants = [*_without_twins(folded), *_without_digits_for_letters(folded)]
    for variant in dict.fromkeys(variants):
        yield _skeleton(variant, starts, ends, disguised=True)
    if _LETTERS_APART.search(first.letters):
        yield _composed(first)
    opened = _BETWEEN.sub(_opened, folded)
    if opened != folded:
        yield _skeleton(opened, starts, ends, disguised=True)


def _folded(text: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """The legible text without case, with the place of each character in the text as given."""
    view = aligned(text)
    folded = view.text.casefold()
    if len(folded) == len(view.text) and (folded.isascii() or unicodedata.is_normalized("NFKC", folded)):
        return folded, view.starts, view.ends
    parts, starts, ends = [], [], []
    for char, start, end in zip(view.text, view.starts, view.ends, strict=True):
        for each in unicodedata.normalize("NFKC", char.casefold()):
            if not unicodedata.category(each).startswith("M"):
                parts.append(each)
                starts.append(start)
                ends.append(end)
    return "".join(parts), starts, ends


def _skeleton(
    folded: str, starts: Sequence[int], ends: Sequence[int], *, disguised: bool = False
) -> Skeleton:
    parts: list[str] = []
    gaps: dict[int, str] = {}
    begins: list[int] = []
    finishes: list[int] = []
    length = last = 0
    for run in _RUN.finditer(folded):
        begin, end = run.span()
        if begin > last:
            gaps[length] = folded[last:begin]
        parts.append(run.group())
        begins += starts[begin:end]
        finishes += ends[begin:end]
        length += end - begin
        last = end
    return Skeleton("".join(parts), gaps, begins, finishes, disguised)


def _without_twins(folded: str) -> Iterator[str]:
    """Latin letters for those that look like them and for those with marks.

    A word that mixes scripts is read as Latin. One that is all Cyrillic or Greek is so only in a text in
    which every such letter has a Latin twin: a Russian text holds others.
    """
    if folded.isascii() or not _NOT_ASCII.search(folded):
        return
    all_twins = all(char in _TWINS for char in _FOREIGN.findall(folded))

    def read(match: re.Match[str]) -> str:
        token = match.group()
        if all_twins or any("a" <= char <= "z" for char in token):
            token = token.translate(_TWIN_TABLE)
        return "".join(unicodedata.normalize("NFD", char)[0] for char in token)

    yield _LATIN_TOKEN.sub(read, folded)


def _without_digits_for_letters(folded: str) -> Iterator[str]:
    """Letters for the digits and signs in words that are letters for the most part; "a55" is a code."""
    if not _LEET_SIGN.search(folded):
        return

    def reading(table: dict[int, int]) -> str:
        def read(match: re.Match[str]) -> str:
            token = match.group()
            signs = len(_LEET_SIGN.findall(token))
            return token.translate(table) if 0 < signs <= len(token) - signs else token

        return _LEET_TOKEN.sub(read, folded)

    for table in _LEET_TABLES:
        variant = reading(table)
        if variant != folded:
            yield variant


def _opened(match: re.Match[str]) -> str:
    around = match.string[match.start() - 1] + match.string[match.end()]
    return match.group() if match.group().isdigit() and not _COUNTED.isdisjoint(around) else "_"


def _composed(apart: Skeleton) -> Skeleton:
    """Syllables of the Hangul letters that stand apart, also over blanks and signs between them."""
    letters: list[str] = []
    gaps: dict[int, str] = {}
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(apart.letters):
        gap = apart.gaps.get(at)
        if gap is not None:
            gaps[len(letters)] = gap
        syllable, after = _syllable(apart, at)
        letters.append(syllable)
        starts.append(apart.starts[at])
        ends.append(apart.ends[after - 1])
        at = after
    return Skeleton("".join(letters), gaps, starts, ends, disguised=True)


def _syllable(apart: Skeleton, at: int) -> tuple[str, int]:
    """The syllable that begins at a letter, and the letter after it; the letter itself where none does."""
    text, code = apart.letters, ord(apart.letters[at])
    after = at + 1
    in_pieces = apart.ends[at] - apart.starts[at] > 1
    if _is_initial(code) and after < len(text) and _is_vowel(ord(text[after])) and _joins(apart, after):
        made = (code - _FIRST_INITIAL) * _VOWELS + ord(text[after]) - _FIRST_VOWEL
        code, after, in_pieces = _FIRST_SYLLABLE + made * _FINALS, after + 1, True
    if not (_FIRST_SYLLABLE <= code <= _LAST_SYLLABLE and (code - _FIRST_SYLLABLE) % _FINALS == 0):
        return chr(code), after
    if after >= len(text) or not _joins(apart, after, over_gaps=in_pieces):
        return chr(code), after
    final = _final(ord(text[after]))
    # A consonant before a vowel begins the next syllable.
    if not final or (after + 1 < len(text) and _is_vowel(ord(text[after + 1]))):
        return chr(code), after
    return chr(code + final), after + 1


def _joins(apart: Skeleton, at: int, *, over_gaps: bool = True) -> bool:
    gap = apart.gaps.get(at)
    return gap is None or (over_gaps and len(gap) <= WIDEST_GAP and "\n" not in gap)


def _is_initial(code: int) -> bool:
    return 0x1100 <= code <= 0x1112  # noqa: PLR2004 - ㄱ to ㅎ


def _is_vowel(code: int) -> bool:
    return 0x1161 <= code <= 0x1175  # noqa: PLR2004 - ㅏ to ㅣ


def _final(code: int) -> int:
    """The number of the final that the letter can be, 0 if it can be none."""
    if 0x11A8 <= code <= 0x11C2:  # noqa: PLR2004 - ㄱ to ㅎ, and pairs like ㅄ
        return code - _FIRST_FINAL
    return _FINAL_OF.get(code, 0)
