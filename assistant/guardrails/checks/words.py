"""Does a text hold one of a rule's words or phrases?

Both sides are reduced to their letters and digits, with the gaps between them kept
apart; a rule's word is looked for in that skeleton, and each hit must then stand as a
word in the text. So the search is linear, and these are all found by one rule "연봉":
"연봉을", "연 봉", "연-봉", "ｓａｌａｒｙ" likewise by "salary". `spellings` adds what is written to
get around a word ("ㅇㅕㄴㅂㅗㅇ", "s4lary").

A Latin word must begin and end at a word boundary. A Korean word must begin one: what
follows may be a particle or the rest of a compound ("연봉협상"). Where the letters were
pulled apart, the match must end the word or be followed by a particle. A word written with
an asterisk before or behind it ("*병신", "hack*") may begin or end within a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.guardrails.checks.finding import CERTAIN, Finding, apart
from assistant.guardrails.checks.particles import is_particle
from assistant.guardrails.checks.spellings import WIDEST_GAP, Skeleton, plain, spellings

BLOCKED_WORD = "blocked_word"
KINDS: tuple[tuple[str, str], ...] = ((BLOCKED_WORD, "Blocked word or phrase"),)
IN_DISGUISE = 0.9  # the score of a word that is not written as it is

_LONGEST_PARTICLE = 3  # syllables between two words of a phrase
_LONG_ENOUGH = 4  # letters from which a plural or a hyphen left out is still the same word
_SPELLED_OUT = 3  # Latin letters from which "s a l" counts as one word


@dataclass(frozen=True, slots=True)
class _Term:
    """A word, or a phrase as its words; signs inside a word ("m&a") are gaps of its skeleton."""

    words: tuple[Skeleton, ...]
    within: bool = False  # it may begin within a word
    before: bool = False  # other letters may follow it, whatever its script


def _is_hangul(char: str) -> bool:
    return "가" <= char <= "힣"


def _is_unspaced(char: str) -> bool:
    """Whether the letter belongs to a script that writes no spaces (Han, kana)."""
    return "\u3040" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff"


def holds_word(text: str, word: str) -> bool:
    """Whether `text` holds `word` (or a phrase), however it is spelled."""
    return _found(_term(word), spellings(text))


def findings(text: str, words: Sequence[str]) -> list[Finding]:
    """Where one of the words or phrases stands in `text`, by place, without overlaps.

    A finding covers the word with what was put between its letters, not what follows it in a compound or
    as a particle. Score 1.0: written as the word is.
    """
    terms = [term for term in map(_term, words) if term.words]
    found: list[Finding] = []
    for reading in spellings(text) if terms else ():
        score = IN_DISGUISE if reading.disguised else CERTAIN
        for term in terms:
            found += (
                Finding(BLOCKED_WORD, reading.starts[first], reading.ends[last - 1], score)
                for first, last in _hits(term, reading)
            )
    return apart(found) if found else []


@lru_cache(maxsize=4_096)
def _term(word: str) -> _Term:
    skeletons = (plain(part) for part in word.split())
    stripped = word.strip()
    return _Term(
        tuple(s for s in skeletons if s.letters),
        within=stripped.startswith("*"),
        before=stripped.endswith("*"),
    )


def _found(term: _Term, readings: Iterable[Skeleton]) -> bool:
    return any(True for reading in readings for _ in _hits(term, reading))


def _hits(term: _Term, text: Skeleton) -> Iterator[tuple[int, int]]:
    """First and last letter (exclusive) of each place at which the term stands."""
    if not term.words:
        return
    first = term.words[0].letters
    at = text.letters.find(first)
    while at >= 0:
        end = _matches_from(term, text, at) if term.within or _begins_word(text, at) else None
        if end is not None:
            yield at, end
        at = text.letters.find(first, at + 1)


def _matches_from(term: _Term, text: Skeleton, at: int) -> int | None:
    """Where the term ends if all its words follow each other from `at`, the last ending as a word may."""
    starts = {at}
    for number, word in enumerate(term.words):
        last = number == len(term.words) - 1
        ends = set()
        for start in starts:
            pulled_apart = _pulled_apart(word, text, start)
            if pulled_apart is None:
                continue
            end = start + len(word.letters)
            if last and (term.before or _ends_word(word, text, end, pulled_apart=pulled_apart)):
                return end
            ends.add(end)
        starts = {start for end in ends for start in _next_words(text, end)}
    return None


def _next_words(text: Skeleton, end: int) -> list[int]:
    """Where the next word of a phrase may begin: at once in Korean, else after a gap, or after a particle."""
    if end >= len(text.letters):
        return []
    found = [end] if text.gap(end) is not None or _is_hangul(text.letters[end - 1]) else []
    if _is_hangul(text.letters[end - 1]):
        found.extend(
            end + n for n in range(1, _LONGEST_PARTICLE + 1) if is_particle(text.letters[end : end + n])
        )
    return found


def _pulled_apart(word: Skeleton, text: Skeleton, start: int) -> bool | None:
    """Whether the letters at `start` are the word with gaps put in; None if they are not the word."""
    if not text.letters.startswith(word.letters, start):
        return None
    spaced = tight = signs = 0
    for offset in range(1, len(word.letters)):
        own, gap = word.gaps.get(offset), text.gaps.get(start + offset)
        if own is not None:
            if not _same_sign(own, gap, long=len(word.letters) >= _LONG_ENOUGH):
                return None
        elif gap is None:
            tight += 1
        elif len(gap) > WIDEST_GAP:
            return None
        elif gap.isspace() or any(c.isspace() for c in gap):
            spaced += 1
        else:
            signs += 1
    # Spaces stand between words: only a word spelled out letter by letter is one word in spite of them.
    enough = _is_hangul(word.letters[0]) or len(word.letters) >= _SPELLED_OUT
    if spaced and (tight or not enough):
        return None
    return bool(spaced or signs)


def _same_sign(own: str, gap: str | None, *, long: bool) -> bool:
    """Whether the sign inside a rule's word ("m&a") is in the text. A long word ("e-mail") may lack it."""
    if gap is None or gap.isspace():
        return long
    return gap.strip() == own


def _begins_word(text: Skeleton, at: int) -> bool:
    if text.gap(at) is not None:
        return True
    char, before = text.letters[at], text.letters[at - 1]
    return _is_unspaced(char) or _is_unspaced(before) or _is_hangul(char) != _is_hangul(before)


def _ends_word(word: Skeleton, text: Skeleton, end: int, *, pulled_apart: bool) -> bool:
    char = word.letters[-1]
    if text.gap(end) is not None or _is_unspaced(char):
        return True
    if not _is_hangul(char):
        plural = len(word.letters) >= _LONG_ENOUGH and text.letters[end] == "s"
        return _is_hangul(text.letters[end]) or (
            plural and (text.gap(end + 1) is not None or _is_hangul(text.letters[end + 1]))
        )
    if not _is_hangul(text.letters[end]) or (len(word.letters) > 1 and not pulled_apart):
        return True
    return is_particle(_rest_of_word(text, end))


def _rest_of_word(text: Skeleton, at: int) -> str:
    """The Hangul from `at` to the end of its word; a handful of syllables is enough to tell a particle."""
    end = at
    while end < min(len(text.letters), at + 6) and _is_hangul(text.letters[end]):
        end += 1
        if text.gap(end) is not None:
            break
    return text.letters[at:end]
