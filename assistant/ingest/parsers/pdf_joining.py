"""Joining the lines of a wrapped paragraph: hyphens, and Korean words cut at a line's end.

Korean may wrap inside a word. Whether it did shows in the spaces written at line
ends where the document writes them, else in the document's own vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


HYPHEN = "\ufffe"
_HANGUL = re.compile(r"[가-힣]")
_WORD_EDGES = "\"'“”‘’()[]{}<>「」『』《》〈〉.,;:!?·…"
_SPACES_TELL = 0.12
_MIN_PAIRS = 5
_MOSTLY_CUT = 0.45
_HYPHENATES = 0.03  # of lines; below it the hyphens at line ends are the words' own
# A line that begins with one of these alone goes on with the word before it.
_ENDINGS = _words("""
    을 를 은 는 가 의 에 와 과 에서 에게 으로 까지 부터
    에는 에도 으로는 으로서 으로써 다 다는 니다 습니다 입니다 적인 들은 들이 들을 들의
""")


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a paragraph."""

    text: str
    spaced: bool  # a space is written at its end
    full: bool  # it reaches the column's right edge, so that a word may have been cut there
    hyphenated: bool


class Joiner:
    """Joins lines, with what it has learnt about the whole document."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._words: set[str] = set()
        self._pairs = self._spaced = self._cut = self._whole = 0
        self._lines = self._hyphens = 0
        for line in lines:
            self._words.update(word.strip(_WORD_EDGES) for word in line.split()[1:-1])

    def learn(self, paragraph: Sequence[Part]) -> None:
        """Count what the line ends of one paragraph say about the document's way of wrapping."""
        self._lines += len(paragraph)
        self._hyphens += sum(1 for part in paragraph if part.hyphenated)
        for part, following in pairwise(paragraph):
            if not (part.full and _both_hangul(part.text, following.text)):
                continue
            self._pairs += 1
            self._spaced += part.spaced
            verdict = self._is_cut(part.text, following.text)
            self._cut += verdict is True
            self._whole += verdict is False

    def join(self, parts: Sequence[Part]) -> str:
        """One text of the lines of a paragraph."""
        joined = parts[0].text
        for part, following in pairwise(parts):
            joined += self._between(part, following.text) + following.text
        return joined

    def _between(self, part: Part, following: str) -> str:
        if part.hyphenated:
            return "-" if self._keeps_hyphen(part.text, following) else ""
        if part.spaced or not part.full:
            return " "
        last, first = part.text[-1], following[0]
        if _is_cjk_without_spaces(last) and _is_cjk_without_spaces(first):
            return ""
        if not _both_hangul(part.text, following):
            return "" if self._spaces_tell() and _is_korean_edge(last, first) else " "
        if self._spaces_tell():
            return ""
        verdict = self._is_cut(part.text, following)
        if verdict is None:
            decided = self._cut + self._whole
            verdict = decided >= _MIN_PAIRS and self._cut > decided * _MOSTLY_CUT
        return "" if verdict else " "

    def _spaces_tell(self) -> bool:
        return self._pairs >= _MIN_PAIRS and self._spaced >= self._pairs * _SPACES_TELL

    def _is_cut(self, text: str, following: str) -> bool | None:
        """Whether a word was cut between the lines; None where the document does not say."""
        left, right = _words_at(text, following)
        if right in _ENDINGS or left + right in self._words:
            return True
        return False if left in self._words or right in self._words else None

    def _keeps_hyphen(self, text: str, following: str) -> bool:
        left, right = _words_at(text, following)
        if left + right in self._words:
            return False
        if self._hyphens < self._lines * _HYPHENATES:
            return True
        return f"{left}-{right}" in self._words or not following[0].islower() or "-" in left


def _words_at(text: str, following: str) -> tuple[str, str]:
    """The last word of a line and the first of the next one."""
    last, first = text.rsplit(maxsplit=1)[-1], following.split(maxsplit=1)[0]
    return last.strip(_WORD_EDGES), first.strip(_WORD_EDGES)


def _both_hangul(text: str, following: str) -> bool:
    return _HANGUL.match(text[-1]) is not None and _HANGUL.match(following[0]) is not None


def _is_cjk_without_spaces(character: str) -> bool:
    return "\u3040" <= character <= "\u30ff" or "\u4e00" <= character <= "\u9fff"


def _is_korean_edge(last: str, first: str) -> bool:
    """A break between a Hangul syllable and a digit, bracket or letter, such as `9회 | 까지` or `( | 가`."""
    return (_HANGUL.match(first) is not None and (last.isalnum() or last in ")]”’」』》%")) or (
        _HANGUL.match(last) is not None and (first.isdigit() or first in ")]”’」』》,.")
    )
