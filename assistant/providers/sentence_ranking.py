"""The sentences of the evidence, and how far each holds the words of the question.

Everything here is counted inside the sources at hand: a word is rare when few of *their* sentences use
it. So the ranking can depend on nothing that the viewer may not read. What is counted further is
`sentence_features`'.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import language_of, normalise, terms
from assistant.providers.contract import Source
from assistant.providers.passage_layout import (
    Part,
    Piece,
    asks_about_the_document,
    context_of,
    pieces_of,
)
from assistant.providers.question_type import Question, Word
from assistant.providers.source_versions import version_fit

Floats = NDArray[np.float64]

FOUND = 0.67  # share of a word's terms that counts as "the word is there"
_SHARED = 0.5  # share of a word's terms below which a passage does not speak of it
_SHORTEST = 3  # words of a sentence that can say something
_ENDED = re.compile(r"(?:[.!。…]|[다요죠함됨음임]\W{0,3})[\"'”’)\]」』]*$")
_WORD = re.compile(r"[^\W_]+")
_PRIORS = {Part.CAPTION: -4.0, Part.COLUMNS: -6.0, Part.METADATA: -6.0}  # in units of log-odds
_VERSION = 3.0
_KEY = 1.0
_OTHER_LANGUAGE = -1.5  # of two that say the same, the one in the language of the question


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of source number `source` (its place in the request, from 0)."""

    source: int
    start: int
    end: int
    text: str  # white space collapsed
    terms: tuple[str, ...]
    folded: str  # normalised
    squeezed: str  # ... and without spaces
    language: str
    is_row: bool
    is_prose: bool  # False: a heading, a question or a scrap
    piece: Piece  # where it stands in the layout


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sentences of the sources; `found[sentence, word]`: how far each holds each word of the question."""

    question: Question
    sources: tuple[Source, ...]
    sentences: tuple[Sentence, ...]
    found: Floats
    heads: Floats  # [sentence, word]: the same for its title and headings
    weights: Floats  # [word]: rarity, less for verbs


@lru_cache(maxsize=2048)
def _read(text: str, title: str, heading: str) -> tuple[Sentence, ...]:
    """What one passage says, as if it were source 0: its headings are context, not sentences."""
    return tuple(
        _sentence(text, piece) for piece in pieces_of(text, title, heading) if piece.part is not Part.HEADING
    )


def _sentence(text: str, piece: Piece) -> Sentence:
    """The layout says what is prose; the words may still show a question or a scrap."""
    is_row, shown = "\t" in text[piece.start : piece.end], piece.shown
    words = len(_WORD.findall(shown))
    ended = _ENDED.search(shown) is not None
    says = (
        words >= _SHORTEST and (is_row or ended or words > 2 * _SHORTEST) and not shown.endswith(("?", "？"))
    )
    folded = normalise(shown)
    squeezed = "".join(folded.split())
    is_prose = piece.part in {Part.PROSE, Part.ROW} and says
    held = tuple(terms(shown))
    return Sentence(
        0, piece.start, piece.end, shown, held, folded, squeezed, language_of(shown), is_row, is_prose, piece
    )


def gather(question: Question, sources: Sequence[Source]) -> Evidence:
    """Cut the sources into sentences and look for the question's words in each, and in what heads it."""
    sentences: list[Sentence] = []
    for at, source in enumerate(sources):
        read = _read(source.text, source.title, source.heading)
        sentences.extend(replace(sentence, source=at) for sentence in read)
    found = np.zeros((len(sentences), len(question.words)))
    heads = np.zeros((len(sentences), len(question.words)))
    known: dict[str, Floats] = {}
    for row, sentence in enumerate(sentences):
        found[row] = how_far_held(question.words, frozenset(sentence.terms), sentence.squeezed)
        source = sources[sentence.source]
        head = context_of(source, sentence.piece)
        if head not in known:
            known[head] = how_far_held(
                question.words, frozenset(terms(head)), normalise("".join(head.split()))
            )
        heads[row] = known[head]
    frequency = (found >= FOUND).sum(axis=0)
    rarity = np.maximum(0.2, np.log((len(sentences) + 1) / (frequency + 0.5)))
    weights = rarity * np.array([word.weight for word in question.words])
    return Evidence(question, tuple(sources), tuple(sentences), found, heads, weights)


def how_far_held(words: Sequence[Word], held: frozenset[str], squeezed: str) -> Floats:
    """How far a text with these terms holds each word: 1 for the word, less for a part of its terms.

    `squeezed`: the text normalised and without spaces.
    """
    row = np.zeros(len(words))
    for at, word in enumerate(words):
        share = len(word.keys & held) / len(word.keys)
        if share < 1 and len(word.stem) > 1 and word.stem[0] >= "가" and word.stem in squeezed:
            share = 1.0
        row[at] = share if share >= 0.5 else share / 2  # noqa: PLR2004 - less than half is another word
    return row


def is_off_the_point(evidence: Evidence, best: int) -> bool:
    """No word of the question stands in the passage of the best sentence, nor in its title or headings."""
    owner = evidence.sentences[best].source
    rows = [at for at, sentence in enumerate(evidence.sentences) if sentence.source == owner]
    around = np.maximum(evidence.found[rows].max(axis=0), evidence.heads[best])
    return bool(around.max() < _SHARED)


def layout_prior(evidence: Evidence) -> Floats:
    """What the place of a sentence adds to its score. Chosen: the public sets have hardly any layout."""
    fits = version_fit(evidence.question.text, evidence.sources)
    prior = np.zeros(len(evidence.sentences))
    for row, sentence in enumerate(evidence.sentences):
        piece = sentence.piece
        prior[row] = _VERSION * fits[sentence.source] + _PRIORS.get(piece.part, 0.0)
        if piece.part is Part.METADATA and asks_about_the_document(evidence.question.text, sentence.text):
            prior[row] -= _PRIORS[Part.METADATA]
        if piece.key:
            prior[row] += _KEY * key_match(evidence.question, piece.key)
        if sentence.is_prose and sentence.language != evidence.question.language:
            prior[row] += _OTHER_LANGUAGE
    return prior


def key_match(question: Question, key: str) -> float:
    """Share of the key cells' terms that the question names."""
    held = frozenset(terms(key))
    asked = frozenset[str]().union(*(word.keys for word in question.words))
    return len(held & asked) / len(held) if held else 0.0
