"""Answers without a language model: the few sentences of the evidence that answer, word for word.

It never writes a word of its own, so whatever stands in a document, an instruction included, stays a
quotation. Where the evidence seems to hold no answer it says nothing, which is how a model refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.common.analysis import normalise, terms
from assistant.providers.answer_doubt import doubt_features
from assistant.providers.answer_weights import Weights, weights_for
from assistant.providers.contract import (
    AnswerSentence,
    ChatParts,
    ContextWanted,
    Embedder,
    ModelRequest,
    Quote,
)
from assistant.providers.question_type import Question, question_of
from assistant.providers.salient import in_parts
from assistant.providers.sentence_features import compare, features
from assistant.providers.sentence_ranking import (
    FOUND,
    Evidence,
    Floats,
    Sentence,
    gather,
    how_far_held,
    is_off_the_point,
    layout_prior,
)
from assistant.providers.short_answers import short_answer
from assistant.providers.stated_figures import asks_over_records, states, wanted_over_records
from assistant.providers.wishes import Length, Task

MOST_SENTENCES = 3
Twins = tuple[Sentence, ...]
"""A sentence and the same words in other places."""

_MOST = {Length.SHORT: 1, Length.NORMAL: MOST_SENTENCES, Length.LONG: 5}
_ENOUGH = 0.8  # belief in the sentences quoted so far that makes a further one needless
_LEAST_SHARE = 0.08  # belief that a further sentence must earn
_NEAR_THE_BEST = 0.25  # its belief as a share of the best one's: what is far behind is off the point
MOST_EMBEDDED = 24  # sentences compared by vectors, so that an answer stays within a quarter of a second


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sentence with its share of the belief that it is the one that answers, 0..1."""

    sentence: Sentence
    share: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """All sentences, best first, and how likely it is that the evidence holds the answer at all, 0..1.

    `quoted`: those to quote.
    """

    answerable: float
    threshold: float
    ranked: tuple[Ranked, ...]
    quoted: tuple[Twins, ...]


def chat_model(parts: ChatParts) -> ExtractiveModel:
    """The extractive answerer with the embedder, if there is one."""
    return ExtractiveModel(parts.embedder)


class ExtractiveModel:
    """Quotes the evidence. `embedder`, where there is one, says which sentences mean what was asked.

    `weights`: others than those that come with the product.
    """

    def __init__(self, embedder: Embedder | None, weights: Mapping[str, Weights] | None = None) -> None:
        self._embedder = embedder
        self._weights = weights

    @property
    def name(self) -> str:
        return "extractive"

    @property
    def context(self) -> ContextWanted:
        """The passages alone. With their neighbours (`tests/bench/answer_context.py`, answers with the gold
        one):

        | set             | best 1        | in the answer shown | refused when removed | p95 ms    |
        |-----------------|---------------|---------------------|----------------------|-----------|
        | squad2-dev      | .849 -> .828  | .859 -> .865        | 1.000 -> .984        | 15 -> 55  |
        | tydiqa-en-train | .679 -> .673  | .776 -> .786        | .868 -> .853         | 17 -> 40  |
        | covidqa         | .500 -> .500  | .590 -> .617        | .620 -> .606         | 28 -> 95  |
        | tydiqa-ko-train | .576 -> .576  | .707 -> .732        | .375 -> .393         | 14 -> 35  |

        It finds a little more, puts the right sentence first a little less often, and takes two to four
        times as long. Of the 97 demo questions it quotes the right place in 80 instead of 78, but of the 16
        without an answer it declines 12 instead of 14, and a wrong answer costs more than a missing one.
        """
        return ContextWanted.NONE

    def answer(self, request: ModelRequest) -> Iterator[AnswerSentence]:
        """At most three sentences, or one or five by the style, best first; none without an answer.

        Raises:
            ModelUnavailable: the embedder cannot be loaded or reached.
        """
        if request.parts or request.task is Task.SUMMARISE:
            yield from in_parts(self, request)
            return
        assessment = self.assess(request)
        if assessment is None or assessment.answerable < assessment.threshold:
            return
        question, first = question_of(request.question, request.language), assessment.ranked[0]
        short = None if first.sentence.is_row else short_answer(question, first.sentence.text, first.share)
        for group in assessment.quoted[: _MOST[request.style.length]]:
            quotes = tuple(Quote(request.sources[s.source].n, s.start, s.end) for s in group)
            leads = short if group[0] is first.sentence else None
            yield AnswerSentence(group[0].text, quotes, quoted=True, short=leads)

    def assess(self, request: ModelRequest) -> Assessment | None:
        """The ranking and the doubt behind an answer; None where there is nothing to rank.

        Raises:
            ModelUnavailable: the embedder cannot be loaded or reached.
        """
        question = question_of(request.question, request.language)
        evidence = gather(question, request.sources)
        if not question.words or not evidence.sentences:
            return None
        table, scores, weights = self._ranked(evidence)
        doubt = float(weights.doubt(doubt_features(evidence, table, scores)[None, :])[0])
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        order = np.argsort(-scores, kind="stable")
        ranked = tuple(Ranked(evidence.sentences[at], float(shares[at])) for at in order)
        answerable = 1.0 / (1.0 + float(np.exp(-doubt)))
        if self._embedder is None and is_off_the_point(evidence, int(order[0])):
            answerable = 0.0  # without vectors nothing else could tie the passage to the question
        quoted = _quoted(question, request, ranked)
        if not quoted:
            answerable = 0.0
        return Assessment(answerable, weights.threshold, ranked, quoted)

    def _ranked(self, evidence: Evidence) -> tuple[Floats, Floats, Weights]:
        """The features of every sentence, its log-odds, and the weights that they come from."""
        language, prior = evidence.question.language, layout_prior(evidence)
        weights = weights_for(language, dense=False, known=self._weights)
        table = features(evidence)
        scores = weights.ranking(table) + prior
        if self._embedder is None:
            return table, scores, weights
        table = with_cosines(table, evidence, self._embedder, worth_a_vector(scores))
        weights = weights_for(language, dense=True, known=self._weights)
        return table, weights.ranking(table) + prior, weights


def with_cosines(table: Floats, evidence: Evidence, embedder: Embedder, near: Sequence[int]) -> Floats:
    """The table with the cosines of the sentences `near`; of the others it is known that they are no better.

    Raises:
        ModelUnavailable: the embedder cannot be loaded or reached.
    """
    (asked,) = embedder.embed_questions([evidence.question.text])
    cosines = embedder.embed([evidence.sentences[at].text for at in near]) @ asked
    every = np.full(len(evidence.sentences), float(cosines.min()))
    every[near] = cosines
    return compare(table, evidence, every)


def worth_a_vector(scores: Floats) -> list[int]:
    """The sentences that are compared by vectors: the best by their words."""
    return [int(at) for at in np.argsort(-scores, kind="stable")[:MOST_EMBEDDED]]


def _quoted(question: Question, request: ModelRequest, ranked: Sequence[Ranked]) -> tuple[Twins, ...]:
    """The sentences to quote; of a question over records those alone that state what it asks for."""
    groups = tuple(map(tuple, chosen(ranked, most=max(_MOST.values()))))
    wanted = wanted_over_records(question.text)
    if wanted is None:
        return groups
    return tuple(
        one
        for one in groups
        if states(wanted, one[0].text) and (not one[0].is_row or _is_of(question, request, one[0]))
    )


def _is_of(question: Question, request: ModelRequest, row: Sentence) -> bool:
    """Whether a row, with what heads it, speaks of all that the question does: the sum of what, of whom."""
    source = request.sources[row.source]
    text = f"{source.title} {source.heading} {row.text}"
    words = [word for word in question.words if not asks_over_records(word.stem)]
    held = how_far_held(words, frozenset(terms(text)), normalise("".join(text.split())))
    return bool((held >= FOUND).all())


def chosen(ranked: Sequence[Ranked], *, most: int = MOST_SENTENCES) -> list[list[Sentence]]:
    """The sentences to quote, best first, each with its twins in other places."""
    groups: dict[str, list[Sentence]] = {}
    believed = 0.0
    for one in ranked:
        key = normalise(one.sentence.text)
        if key in groups:
            groups[key].append(one.sentence)
            continue
        near = one.share >= max(_LEAST_SHARE, _NEAR_THE_BEST * ranked[0].share)
        wanted = near and believed <= _ENOUGH and len(groups) < most
        if not groups or (wanted and one.sentence.is_prose):
            groups[key] = [one.sentence]
        believed += one.share
    return list(groups.values())
