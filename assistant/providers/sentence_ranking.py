"""How well does each sentence of the evidence answer the question?

Everything here is counted inside the sources at hand: a word is rare when few of *their* sentences use it.
So the ranking can depend on nothing that the viewer may not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

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
from assistant.providers.question_type import Kind, Question, Word, has_answer_of_kind
from assistant.providers.source_versions import version_fit

Floats = NDArray[np.float64]

FEATURES = (
    "coverage",  # share of the question's words in the sentence, weighted by rarity
    "coverage_plain",  # the same, every word alike
    "coverage_titled",  # ... in the sentence, its title and heading
    "coverage_near",  # ... and in the sentences before and after it
    "coverage_passage",  # ... anywhere in its passage
    "names",  # share of names and numbers in the sentence or its title
    "pairs",  # share of neighbouring question words that are neighbours here too
    "predicate",  # the last plain word of the question
    "focus",  # the noun asked for: "which *country*", "*수도*는 어디"
    "about",  # share of the title's terms that the question names
    "subject",  # share of the question's words found that stand among the first words of the sentence
    "defines",  # the question asks what something is, and the sentence opens its passage with that word
    "density",  # weight of the words found for the length of the sentence
    "person",  # +1: holds something of the kind asked for, -1: does not; 0: another kind is asked for
    "date",
    "number",
    "place",
    "reason",
    "length",
    "short",
    "asks",
    "opens",  # first sentence of its passage
    "row",  # a table row
    "rank",  # of its passage, 1, 1/2, 1/3, ...
    "score",  # of its passage, for the best one
    "other_language",
    "cosine",  # to the question; 0 without an embedder
)
_SHARED = 0.5  # share of a word's terms below which a passage does not speak of it
_APART = 0.3  # words found below which a sentence shares none with the question
_SHORTEST = 3  # words of a sentence that can say something
_FOUND = 0.67  # share of a word's terms that counts as "the word is there"
_ENDED = re.compile(r"(?:[.!。…]|[다요죠함됨음임]\W{0,3})[\"'”’)\]」』]*$")
_WORD = re.compile(r"[^\W_]+")
_FIRST_TERMS = 6
_LONG_QUESTION = 4  # words: a longer one asks for more than what something is
_GAP = 3  # words between two that still count as neighbours
_PRIORS = {Part.CAPTION: -4.0, Part.COLUMNS: -6.0, Part.METADATA: -6.0}  # in units of log-odds
_VERSION = 3.0
_KEY = 1.0
_KINDS = (Kind.PERSON, Kind.DATE, Kind.NUMBER, Kind.PLACE, Kind.REASON)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of source number `source` (its place in the request, from 0)."""

    source: int
    start: int
    end: int
    text: str  # white space collapsed
    terms: tuple[str, ...]
    squeezed: str  # normalised, without spaces
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
    squeezed = normalise("".join(shown.split()))
    is_prose = piece.part in {Part.PROSE, Part.ROW} and says
    held = tuple(terms(shown))
    return Sentence(
        0, piece.start, piece.end, shown, held, squeezed, language_of(shown), is_row, is_prose, piece
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
    frequency = (found >= _FOUND).sum(axis=0)
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


def features(evidence: Evidence, cosines: Floats | None) -> Floats:
    """One row a sentence, one column for each of FEATURES."""
    rows = len(evidence.sentences)
    table = np.zeros((rows, len(FEATURES)))
    if not rows:
        return table
    found, weights, question = evidence.found, evidence.weights, evidence.question
    owner = np.array([sentence.source for sentence in evidence.sentences])
    titled = np.maximum(found, 0.9 * evidence.heads)
    total = max(float(weights.sum()), 1e-9)
    passage = np.array([found[owner == at].max(axis=0) for at in owner]) if found.size else found
    plain = np.array([word.weight for word in question.words])
    covers = [found @ weights / total, found @ plain / max(float(plain.sum()), 1e-9)]
    covers += [
        near @ weights / total
        for near in (titled, _near(titled, found, owner, evidence.sentences), np.maximum(passage, titled))
    ]
    for column, values in enumerate(covers):
        table[:, column] = values
    special = [at for at, word in enumerate(question.words) if word.is_name or word.is_number]
    if special:
        table[:, _AT["names"]] = titled[:, special].mean(axis=1)
    for name, at in (("predicate", question.predicate), ("focus", question.focus)):
        if at is not None:
            table[:, _AT[name]] = found[:, at]
    sizes = np.array([len(sentence.terms) for sentence in evidence.sentences]) + 1.0
    table[:, _AT["density"]] = found @ weights / np.sqrt(sizes) / 4
    table[:, _AT["length"]] = np.log(sizes) / 4
    for row, sentence in enumerate(evidence.sentences):
        _describe(table[row], question, sentence)
    _place(table, evidence, owner)
    defines = question.asks_what_it_is and len(question.words) < _LONG_QUESTION
    headed = np.array([_key_match(question, sentence.piece.key) for sentence in evidence.sentences])
    opens = np.maximum(table[:, _AT["opens"]], headed)
    table[:, _AT["defines"]] = float(defines) * opens * table[:, _AT["subject"]]
    if cosines is not None:
        table[:, _AT["cosine"]] = cosines
    return table


_AT = {name: column for column, name in enumerate(FEATURES)}


def _near(titled: Floats, found: Floats, owner: NDArray[np.int64], sentences: Sequence[Sentence]) -> Floats:
    """Words of the neighbours count most of a word: pronouns point at them."""
    near = titled.copy()
    same = (owner[1:] == owner[:-1]) & _next_speaks_on(sentences)
    near[1:][same] = np.maximum(near[1:][same], 0.8 * found[:-1][same])
    near[:-1][same] = np.maximum(near[:-1][same], 0.5 * found[1:][same])
    return near


def _next_speaks_on(sentences: Sequence[Sentence]) -> NDArray[np.bool_]:
    """Not where another section begins, and no row speaks of the row before it."""
    return np.array(
        [
            one.piece.section == next_.piece.section and not (one.is_row and next_.is_row)
            for one, next_ in pairwise(sentences)
        ],
        dtype=bool,
    )


def _describe(row: Floats, question: Question, sentence: Sentence) -> None:
    row[_AT["pairs"]] = _pairs(question, sentence)
    row[_AT["subject"]] = _subject(question, sentence)
    row[_AT["short"]] = float(not sentence.is_prose)
    row[_AT["asks"]] = float(sentence.text.endswith(("?", "？")))
    row[_AT["opens"]] = float(sentence.start == 0)
    row[_AT["row"]] = float(sentence.is_row)
    row[_AT["other_language"]] = float(sentence.language != question.language)
    of_kind = has_answer_of_kind(question, sentence.text)
    if of_kind is not None:
        row[_AT[question.kind.value]] = 1.0 if of_kind else -1.0


def _pairs(question: Question, sentence: Sentence) -> float:
    """Share of neighbouring question words that stand close together, in this order, in the sentence."""
    words = question.words
    if len(words) < 2:  # noqa: PLR2004 - one word has no neighbour
        return 0.0
    places = [[at for at, term in enumerate(sentence.terms) if term in word.keys] for word in words]
    close = 0
    for here, there in pairwise(places):
        close += any(0 < right - left <= _GAP for left in here for right in there)
    return close / (len(words) - 1)


def _subject(question: Question, sentence: Sentence) -> float:
    first = frozenset(sentence.terms[:_FIRST_TERMS])
    return sum(bool(word.keys & first) for word in question.words) / max(len(question.words), 1)


def _about(question: Question, source: Source) -> float:
    titled = frozenset(terms(source.title))
    asked = frozenset(terms(question.text))
    return len(titled & asked) / len(titled) if titled else 0.0


def _place(table: Floats, evidence: Evidence, owner: NDArray[np.int64]) -> None:
    scores = np.array([max(source.score, 0.0) for source in evidence.sources])
    best = scores.max()
    table[:, _AT["about"]] = np.array([_about(evidence.question, source) for source in evidence.sources])[
        owner
    ]
    table[:, _AT["rank"]] = 1.0 / (owner + 1.0)
    table[:, _AT["score"]] = scores[owner] / best if best > 0 else 0.0


def _lead(sources: Sequence[Source]) -> float:
    scores = sorted((source.score for source in sources), reverse=True)
    return scores[0] - scores[1] if len(scores) > 1 else 0.0


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
            prior[row] += _KEY * _key_match(evidence.question, piece.key)
    return prior


def _key_match(question: Question, key: str) -> float:
    """Share of the key cells' terms that the question names."""
    held = frozenset(terms(key))
    asked = frozenset[str]().union(*(word.keys for word in question.words))
    return len(held & asked) / len(held) if held else 0.0


DOUBT_FEATURES = (
    "best_score",  # log-odds mass of the ranking: how the best sentence stands out
    "margin",
    "coverage",
    "coverage_titled",
    "coverage_near",
    "coverage_passage",
    "names",
    "pairs",
    "predicate",
    "focus",
    "about",
    "subject",
    "of_kind",
    "unknown",  # weighted share of question words that no source holds
    "missing_names",  # names and numbers that neither the best passage nor its title holds
    "missing_plain",
    "weakest",  # how far the best passage or its title holds the word that they hold least
    "weak_squares",  # mean square of what they lack
    "cosine",
    "best_cosine",
    "rank",
    "few_words",
    "top_score",  # of the best sentence's passage, not relative
    "lead",  # of the first passage over the next one
    "apart",  # the best sentence shares no word with the question
    "key",  # the row's key cells stand in the question
)


def doubt_features(evidence: Evidence, table: Floats, scores: Floats) -> Floats:
    """What tells a question with an answer from one that only seems to have one: one number a name."""
    best = int(scores.argmax())
    row = table[best]
    found, question = evidence.found, evidence.question
    owner = np.array([sentence.source for sentence in evidence.sentences])
    around = (
        np.maximum(found[owner == owner[best]].max(axis=0), evidence.heads[best]) if found.size else found
    )
    missing = around < _FOUND
    special = np.array([word.is_name or word.is_number for word in question.words], dtype=bool)
    plain = np.array([word.weight for word in question.words])
    anywhere = np.maximum(found.max(axis=0), evidence.heads.max(axis=0)) < _FOUND if found.size else missing
    total = max(float(evidence.weights.sum()), 1e-9)
    kinds = [row[_AT[kind.value]] for kind in _KINDS]
    second = float(np.partition(scores, -2)[-2]) if len(scores) > 1 else float(scores[best]) - 5.0
    return np.array(
        [
            float(scores[best]),
            min(float(scores[best]) - second, 5.0),
            *(row[_AT[name]] for name in DOUBT_FEATURES[2:12]),
            sum(kinds),
            float(evidence.weights[anywhere].sum()) / total if found.size else 1.0,
            float(missing[special].mean()) if special.any() else 0.0,
            float(missing[~special] @ plain[~special] / plain.sum()) if (~special).any() else 0.0,
            float((1.0 - plain * (1.0 - around)).min()) if around.size else 0.0,
            float(plain @ (1.0 - around) ** 2 / plain.sum()) if around.size else 1.0,
            row[_AT["cosine"]],
            float(table[:, _AT["cosine"]].max()),
            row[_AT["rank"]],
            1.0 / max(len(question.words), 1),
            evidence.sources[int(owner[best])].score,
            _lead(evidence.sources),
            float(found[best] @ plain < _APART),
            _key_match(question, evidence.sentences[best].piece.key),
        ]
    )
