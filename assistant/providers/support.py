"""Does the evidence say what a written sentence says, and where?

A model's own citation proves nothing, so every sentence is looked up: in which few sentences of which
source do its words stand, weighted by how rare they are there? Words alone do not carry it: each figure
and each name of the sentence must stand there too, and the one may not deny what the other affirms.
Where a model cites the wrong source and another one carries the sentence, that one is cited.

A configured entailment model adds two things: what it says that a place entails is carried there too, in
other words or another language; and what a place contradicts is not, however many words they share. Figures
and denials have their veto over it as over words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import language_of, normalise, terms
from assistant.common.sentences import split_sentences
from assistant.providers.contract import Entailment, Quote, Source
from assistant.providers.question_type import Word, question_of
from assistant.providers.sentence_ranking import how_far_held

Floats = NDArray[np.float64]

ENOUGH = 0.6  # share of a sentence's words, by rarity, that the evidence must hold
_CITED = 0.1  # what the model's own citation adds where two sources carry a sentence alike
_WIDEST = 3  # sentences of a source that carry one sentence together
_WIDTH = 0.05  # what each further sentence costs: a short quote is checked sooner
_HEAD = 0.9  # of a word that stands in the title or heading only
_FOUND = 0.67  # share of a word's terms that counts as "the word is there"
_RAREST = 0.2
ENTAILS = CONTRADICTS = 0.9  # how sure an entailment model must be
MOST_JUDGED = 24  # places that it reads for one sentence
_SENTENCE_COSTS = 2  # shared words that each further sentence of a place must bring, to be read sooner

_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-Z][\w’'-]+")
_DENIES = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|except|unless)\b|n['’]t\b"
    r"|않|없|못\s?하|못한|아니|아닌|금지|불가|제외|미포함|(?:^|\s)(?:안|못)\s",
    re.IGNORECASE,
)
# A line for each figure from nought on.
_WRITTEN_LINES = """zero
one 하나 하루
two twice 두 둘 이틀
three 세 셋 사흘
four 네 넷 나흘
five 다섯 닷새
six 여섯
seven 일곱
eight 여덟
nine 아홉
ten 열 열흘
eleven
twelve
thirteen
fourteen
fifteen 보름
sixteen
seventeen
eighteen
nineteen
twenty"""
_WRITTEN = {
    word: str(value) for value, line in enumerate(_WRITTEN_LINES.splitlines()) for word in line.split()
}
_SAYS_LITTLE = "1"  # written out, it may be no figure: "one of them"
_WORD = re.compile(r"[A-Za-z]+|[가-힣]+")
# As a calendar writes them: "may" and "march" are other words as well.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    *("November", "December"),
)
_MONTH = re.compile(rf"\b(?:{'|'.join(f'({name[:3]}(?:{name[3:]})?)' for name in _MONTHS)})\b")


@dataclass(frozen=True, slots=True)
class Support:
    """Where a sentence is carried. `share`: of its words, by rarity, 0..1. No quotes: nowhere."""

    share: float
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """One sentence of a source; `squeezed` is normalised and without spaces."""

    start: int
    end: int
    terms: frozenset[str]
    squeezed: str
    denies: bool


class EvidenceCheck:
    """Looks sentences up in the sources of one answer."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        enough: float = ENOUGH,
        entailment: Entailment | None = None,
    ) -> None:
        self._sources = sources
        self._enough = enough
        self._entailment = entailment
        self._places = [_places(source.text) for source in sources]
        self._heads = [_read(f"{source.title} {source.heading}", 0, None) for source in sources]

    def support(self, sentence: str, cited: Sequence[int] = ()) -> Support:
        """The place that carries the sentence best; `cited` are the numbers that the model gave.

        Raises:
            ModelUnavailable: the configured entailment model cannot be used.
        """
        found = self._by_words(sentence, cited)
        if self._entailment is None or not any(self._places):
            return found
        return self._by_meaning(sentence, cited, found, self._entailment)

    def _by_meaning(
        self, sentence: str, cited: Sequence[int], by_words: Support, model: Entailment
    ) -> Support:
        """Where words carry it and nothing contradicts, there; else the first place that entails it."""
        if by_words.quotes:
            (quote,) = by_words.quotes
            at = next(at for at, source in enumerate(self._sources) if source.n == quote.n)
            premise = self._premise(at, quote.start, quote.end)
            if model.judged(premise, sentence).contradicts < CONTRADICTS:
                return by_words
        for at, first, last in self._likely(sentence, cited)[:MOST_JUDGED]:
            start, end = self._places[at][first].start, self._places[at][last - 1].end
            if model.judged(self._premise(at, start, end), sentence).entails >= ENTAILS:
                return Support(by_words.share, (Quote(self._sources[at].n, start, end),))
        return Support(by_words.share)

    def _premise(self, at: int, start: int, end: int) -> str:
        """What a place says, under the title and heading that it stands below."""
        source = self._sources[at]
        head = " › ".join(filter(None, (source.title, source.heading)))
        return "\n".join(filter(None, (head, source.text[start:end])))

    def _likely(self, sentence: str, cited: Sequence[int]) -> list[tuple[int, int, int]]:
        """Places that no rule forbids: of cited sources first, then by shared words, narrow ones first."""
        known = frozenset(terms(sentence))
        found: list[tuple[tuple[bool, int, int], tuple[int, int, int]]] = []
        for at, source in enumerate(self._sources):
            for first, last in _windows(len(self._places[at])):
                if self._agrees(sentence, at, first, last, by_meaning=True):
                    held = frozenset[str]().union(*(place.terms for place in self._places[at][first:last]))
                    shared = len(known & held)
                    cost = _SENTENCE_COSTS * (last - first - 1) - shared
                    found.append(((source.n not in cited, cost, last - first), (at, first, last)))
        return [place for _, place in sorted(found)]

    def _by_words(self, sentence: str, cited: Sequence[int]) -> Support:
        words = question_of(sentence, language_of(sentence)).words
        if not words or not any(self._places):
            return Support(0.0)
        found = [_held(words, places) for places in self._places]
        weights = _rarity(np.concatenate(found)) * np.array([word.weight for word in words])
        weights /= weights.sum()
        best, support = 0.0, Support(0.0)
        for at, source in enumerate(self._sources):
            preferred = _CITED if source.n in cited else 0.0
            (head,) = _HEAD * _held(words, self._heads[at : at + 1])
            for first, last in _windows(len(self._places[at])):
                held = found[at][first:last].max(axis=0)
                share = float(np.maximum(held, head) @ weights)
                worth = share + preferred - _WIDTH * (last - first - 1)
                if worth > best and held.any() and self._agrees(sentence, at, first, last):
                    places = self._places[at]
                    quote = Quote(source.n, places[first].start, places[last - 1].end)
                    best, support = worth, Support(share, (quote,))
        return support if support.share >= self._enough else Support(support.share)

    def _agrees(self, sentence: str, at: int, first: int, last: int, *, by_meaning: bool = False) -> bool:
        """Whether these sentences hold every figure and name, and deny what it denies and nothing else.

        `by_meaning`: it may stand there in another language, where months are figures and names are written
        in other letters.
        """
        source, places = self._sources[at], self._places[at][first:last]
        text = source.text[places[0].start : places[-1].end]
        around = f"{source.title}\n{source.heading}\n{text}"
        foreign = by_meaning and language_of(sentence) != language_of(text)
        stated = _figures(sentence) | (_written_figures(sentence) - {_SAYS_LITTLE})
        held = _figures(around) | _written_figures(around)
        if foreign:
            stated, held = stated | _months(sentence), held | _months(around)
        if not stated <= held:
            return False
        known = normalise(around)
        if not foreign and any(normalise(name) not in known for name in _NAME.findall(sentence)):
            return False
        # Of several sentences one could affirm what another denies of something else.
        return {place.denies for place in places} == {denies(sentence)}


def denies(text: str) -> bool:
    """Whether the text denies something, an even number of times being none."""
    return len(_DENIES.findall(text)) % 2 == 1


def _held(words: Sequence[Word], places: Sequence[_Place]) -> Floats:
    """How far each place holds each word: shape (places, words)."""
    table = np.zeros((len(places), len(words)))
    for row, place in enumerate(places):
        table[row] = how_far_held(words, place.terms, place.squeezed)
    return table


def _rarity(held: Floats) -> Floats:
    """What each word tells, by how few places hold it."""
    rarity: Floats = np.log((len(held) + 1) / ((held >= _FOUND).sum(axis=0) + 0.5))
    return np.maximum(_RAREST, rarity)


def _windows(places: int) -> Iterator[tuple[int, int]]:
    """Each sentence alone, then with those after it: from where to before where."""
    for width in range(1, _WIDEST + 1):
        for first in range(places - width + 1):
            yield first, first + width


@lru_cache(maxsize=512)
def _places(text: str) -> tuple[_Place, ...]:
    return tuple(_read(text, start, end) for start, end in split_sentences(text))


def _read(text: str, start: int, end: int | None) -> _Place:
    """A stretch of the text, with what it writes as words also in figures."""
    part = text[start:end]
    held = {*terms(part), *_written_figures(part)}
    squeezed = normalise("".join(part.split()))
    return _Place(start, start + len(part), frozenset(held), squeezed, denies(part))


def _figures(text: str) -> frozenset[str]:
    return frozenset(_THOUSANDS.sub("", figure).strip(".,") for figure in _FIGURE.findall(text))


def _written_figures(text: str) -> frozenset[str]:
    """What the text writes in words, as figures."""
    return frozenset(_WRITTEN[word] for word in _WORD.findall(text.casefold()) if word in _WRITTEN)


def _months(text: str) -> frozenset[str]:
    """The months that an English text names, as figures: so Korean writes them."""
    return frozenset(str(found.lastindex) for found in _MONTH.finditer(text))
