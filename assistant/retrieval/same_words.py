"""Does one passage say all that another one says?

Two copies of a text differ in spaces, punctuation, capitals, articles, the formal endings of Korean verbs,
and in what stands around them: a line of a header, a sentence that the other chunk does not have. Nothing
else is taken for a copy. A word in place of another may be a figure, a name, a date or the opposite, and no
likeness tells which, so one text covers another only if it holds it word for word, with whole lines or
sentences before or after it, and these bring no figure, negation, limit or name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from assistant.common.analysis import normalise

SHINGLE = 5  # characters
# Share of common shingles from which two texts are alike. Of 250 passages of each of eight public sets in
# both languages, the likest other one had at most .14 for 19 of 20 (.28 where all speak of one firm);
# passages that the sets repeat have .74 to 1.0. Little lies between, and sizes from 4 to 9 part them as
# well.
ALIKE = 0.8
# Letters and digits below which a longer text is no copy of a shorter: in so few, each addition says
# something.
_TOO_SHORT = {True: 30, False: 60}  # with Hangul, without

_LEAST_ADDED = 4  # words of a line or sentence around a copy: fewer may be a name, which Korean does not mark

_TOKEN = re.compile(r"[+\-−]?\d+(?:[.,:/\-–~]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?|[%‰°$€£¥₩<>≤≥=≠±]", re.UNICODE)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ARTICLES = frozenset({"a", "an", "the"})
_FORMAL = (  # the same said politely, formally and plainly
    (re.compile(r"(?:합니다|한다|해요|하여요)$"), "하"),
    (re.compile(r"(?:됩니다|된다|돼요|되어요)$"), "되"),
    (re.compile(r"(?:입니다|이다|이에요|예요)$"), "이"),
    (re.compile(r"(?<=[가-힣])(?:습니다|는다)$"), ""),
)
_LIMITS = re.compile(
    r"not|no|none|never|nor|neither|without|except\w*|exclud\w*|unless|only|but|however|cannot|\w+['’]t|until|before"
    r"|after|if|most|least|half|twice|double"
    r"|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty"
    r"|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|first|second|third"
    r"|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
    r"|안|못|만|단|\w*(?:않|없|못하|못한|아니|아닌|금지|불가|제외|예외|한해|한하|한정|이상|이하|초과|미만|까지|부터|요일)\w*"
    r"|[일이삼사오육칠팔구십백천만억조]+(?:원|명|일|개|회|년|월|시|분|배|차례|퍼센트)\w*|[삼사오육칠팔구십백천만억]+"
    r"|(?:한|두|세|네|다섯|여섯|일곱|여덟|아홉|열)(?:달|명|번|개|차례|시간|주)\w*|하루|이틀|사흘|나흘|닷새|열흘|보름|절반"
)
_NEAR = 8  # characters before a word that tell whether it begins a sentence; more space than that parts them
_HANGUL = re.compile(r"[가-힣]")
_SENTENCE_ENDS = frozenset(".!?。\n\r•*#>|")


@dataclass(frozen=True, slots=True)
class Wording:
    """A text as a sequence of words to compare.

    `opens` says of each whether it begins a sentence or line, `marked` holds those that look like names.
    """

    words: tuple[str, ...]
    opens: tuple[bool, ...]
    marked: frozenset[str]
    joined: str

    @property
    def is_short(self) -> bool:
        """Whether each addition to so short a text would say something."""
        return len(self.joined) < _TOO_SHORT[_HANGUL.search(self.joined) is not None]


@lru_cache(maxsize=1024)
def wording(text: str) -> Wording:
    """The words of a text."""
    composed = unicodedata.normalize("NFKC", text)
    words: list[str] = []
    opens: list[bool] = []
    marked: set[str] = set()
    opening = False
    for match in _TOKEN.finditer(composed):
        before = composed[max(0, match.start() - _NEAR) : match.start()].rstrip(" \t\"'“‘(")[-1:]
        opening = opening or not before or before in _SENTENCE_ENDS
        word = _canonical(match.group())
        if word in _ARTICLES:
            continue
        words.append(word)
        opens.append(opening)
        if match.group()[0].isupper() and not opening:
            marked.add(word)
        opening = False
    return Wording(tuple(words), tuple(opens), frozenset(marked), _joined(words))


def likeness(one: Wording, other: Wording) -> float:
    """The share of common shingles (Jaccard), 0..1."""
    mine, yours = _shingles(one.joined), _shingles(other.joined)
    union = len(mine | yours)
    return len(mine & yours) / union if union else 0.0


def _shingles(joined: str) -> frozenset[str]:
    ends = max(1, len(joined) - SHINGLE + 1)
    return frozenset(joined[at : at + SHINGLE] for at in range(ends)) if joined else frozenset()


def says_the_same(one: Wording, other: Wording) -> bool:
    """Word for word the same, however it is spaced."""
    return bool(one.joined) and one.joined == other.joined


def covers(fuller: Wording, other: Wording, *, known: str = "") -> bool:
    """Whether `fuller` says what `other` says, and on top of it nothing that could change the meaning.

    A name on top is none if it stands in `known`, such as the title that one of the two repeats.
    """
    if says_the_same(fuller, other):
        return True
    if not other.words or len(fuller.words) <= len(other.words) or other.is_short:
        return False
    start = _place_of(other.words, fuller)
    if start is None or likeness(fuller, other) < ALIKE:
        return False
    before, after = fuller.words[:start], fuller.words[start + len(other.words) :]
    if any(0 < len(words) < _LEAST_ADDED for words in (before, after)):
        return False
    named = normalise(known)
    return not any(
        _changes_meaning(word) or (word in fuller.marked and word not in other.words and word not in named)
        for word in {*before, *after}
    )


def _place_of(words: tuple[str, ...], fuller: Wording) -> int | None:
    """Where the words stand in the fuller text as whole sentences or lines."""
    for start in range(len(fuller.words) - len(words) + 1):
        end = start + len(words)
        whole = fuller.opens[start] and (end == len(fuller.words) or fuller.opens[end])
        if whole and fuller.words[start:end] == words:
            return start
    return None


def _changes_meaning(word: str) -> bool:
    return not word.isalpha() or _LIMITS.fullmatch(word) is not None


def _canonical(token: str) -> str:
    word = _THOUSANDS.sub("", normalise(token)).replace("−", "-").replace("’", "'")
    if not word or not "가" <= word[-1] <= "힣":
        return word
    for pattern, stem in _FORMAL:
        shorter = pattern.sub(stem, word)
        if shorter != word:
            return shorter
    return word


def _joined(words: list[str]) -> str:
    """Words without spaces, as Korean is spaced at will; figures stay apart, or 1 and 2 would be 12."""
    return "".join(_parts(words))


def _parts(words: list[str]) -> Iterator[str]:
    for word in words:
        yield f"|{word}|" if any(character.isdigit() for character in word) else word
