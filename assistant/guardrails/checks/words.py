"""Does a text hold one of a topic's words or phrases?

Both sides are reduced to their letters and digits, with the gaps between them kept
apart; a rule's word is looked for in that skeleton, and each hit must then stand as a
word in the text. So the search is linear, and these are all found by one rule "연봉":
"연봉을", "연 봉", "연-봉", "ｓａｌａｒｙ" likewise by "salary".

A Latin word must begin and end at a word boundary. A Korean word must begin one: what
follows may be a particle or the rest of a compound ("연봉협상"). Where the letters were
pulled apart, the match must end the word or be followed by a particle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.guardrails.checks.contract import Encoder, TopicRule
from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.legible import legible
from assistant.guardrails.checks.particles import is_particle
from assistant.guardrails.verdict import Stage

_RUN = re.compile(r"[^\W_]+")
_LONGEST_PARTICLE = 3  # syllables between two words of a phrase
_LONG_ENOUGH = 4  # letters from which a plural or a hyphen left out is still the same word
_SPELLED_OUT = 3  # Latin letters from which "s a l" counts as one word
_WIDEST_GAP = 4  # characters between the letters of one word pulled apart


@dataclass(frozen=True, slots=True)
class _Skeleton:
    """The letters and digits of a text; `gaps[i]` is what stood before letter `i`, if anything."""

    letters: str
    gaps: dict[int, str]

    def gap(self, at: int) -> str | None:
        """What separates letter `at` from the one before; None if nothing does."""
        if at <= 0 or at >= len(self.letters):
            return " "
        return self.gaps.get(at)


@dataclass(frozen=True, slots=True)
class _Term:
    """A word, or a phrase as its words; signs inside a word ("m&a") are gaps of its skeleton."""

    words: tuple[_Skeleton, ...]


def _skeleton(text: str) -> _Skeleton:
    parts: list[str] = []
    gaps: dict[int, str] = {}
    length = last = 0
    for run in _RUN.finditer(text):
        if run.start() > last:
            gaps[length] = text[last : run.start()]
        parts.append(run.group())
        length += run.end() - run.start()
        last = run.end()
    return _Skeleton("".join(parts), gaps)


def _folded(text: str) -> str:
    return legible(legible(text).casefold())


def _is_hangul(char: str) -> bool:
    return "가" <= char <= "힣"


def _is_unspaced(char: str) -> bool:
    """Whether the letter belongs to a script that writes no spaces (Han, kana)."""
    return "\u3040" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff"


class WordsCheck:
    """The words of all topics, ready to be looked for."""

    def __init__(self, rules: Sequence[TopicRule], *, encoder: Encoder) -> None:  # noqa: ARG002 - needs none
        self._terms = [(rule, _term(word)) for rule in rules for word in rule.words]

    def first_match(self, text: str, *, stage: Stage) -> TopicRule | None:  # noqa: ARG002 - alike at all stages
        """The rule of the first word found."""
        if not self._terms:
            return None
        skeleton = _skeleton(_folded(text))
        return next((rule for rule, term in self._terms if _found(term, skeleton)), None)


KINDS = (("words", "Words and phrases"),)


def findings(text: str, words: Sequence[str]) -> list[Finding]:
    """Where the words stand."""
    folded = [(_folded(char), at) for at, char in enumerate(text)]
    letters = [(c, at) for piece, at in folded for c in piece]
    skeleton = _skeleton("".join(c for c, _ in letters))
    places = [at for c, at in letters if _RUN.fullmatch(c)]
    spans = []
    for word in words:
        term = _term(word)
        first = term.words[0].letters
        at = skeleton.letters.find(first)
        while at >= 0:
            if _begins_word(skeleton, at) and _matches_from(term, skeleton, at):
                size = sum(len(each.letters) for each in term.words)
                spans.append((places[at], places[min(at + size, len(places)) - 1] + 1))
            at = skeleton.letters.find(first, at + 1)
    return [Finding("words", start, end, 1.0) for start, end in sorted(set(spans))]


def holds_word(text: str, word: str) -> bool:
    """Whether `text` holds `word` (or a phrase), however it is spelled."""
    return _found(_term(word), _skeleton(_folded(text)))


def _term(word: str) -> _Term:
    skeletons = (_skeleton(part) for part in _folded(word).split())
    return _Term(tuple(s for s in skeletons if s.letters))


def _found(term: _Term, text: _Skeleton) -> bool:
    if not term.words:
        return False
    first = term.words[0].letters
    at = text.letters.find(first)
    while at >= 0:
        if _begins_word(text, at) and _matches_from(term, text, at):
            return True
        at = text.letters.find(first, at + 1)
    return False


def _matches_from(term: _Term, text: _Skeleton, at: int) -> bool:
    """Whether all words of the term follow each other from `at`, the last ending as a word may."""
    starts = {at}
    for number, word in enumerate(term.words):
        last = number == len(term.words) - 1
        ends = set()
        for start in starts:
            pulled_apart = _pulled_apart(word, text, start)
            if pulled_apart is None:
                continue
            end = start + len(word.letters)
            if last and _ends_word(word, text, end, pulled_apart=pulled_apart):
                return True
            ends.add(end)
        starts = {start for end in ends for start in _next_words(text, end)}
    return False


def _next_words(text: _Skeleton, end: int) -> list[int]:
    """Where the next word of a phrase may begin: at once in Korean, else after a gap, or after a particle."""
    if end >= len(text.letters):
        return []
    found = [end] if text.gap(end) is not None or _is_hangul(text.letters[end - 1]) else []
    if _is_hangul(text.letters[end - 1]):
        found.extend(
            end + n for n in range(1, _LONGEST_PARTICLE + 1) if is_particle(text.letters[end : end + n])
        )
    return found


def _pulled_apart(word: _Skeleton, text: _Skeleton, start: int) -> bool | None:
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
        elif len(gap) > _WIDEST_GAP:
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


def _begins_word(text: _Skeleton, at: int) -> bool:
    if text.gap(at) is not None:
        return True
    char, before = text.letters[at], text.letters[at - 1]
    return _is_unspaced(char) or _is_unspaced(before) or _is_hangul(char) != _is_hangul(before)


def _ends_word(word: _Skeleton, text: _Skeleton, end: int, *, pulled_apart: bool) -> bool:
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


def _rest_of_word(text: _Skeleton, at: int) -> str:
    """The Hangul from `at` to the end of its word; a handful of syllables is enough to tell a particle."""
    end = at
    while end < min(len(text.letters), at + 6) and _is_hangul(text.letters[end]):
        end += 1
        if text.gap(end) is not None:
            break
    return text.letters[at:end]
