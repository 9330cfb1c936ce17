"""Is a text about a topic, judged by its description and example questions?

A text's nearness to a topic is the mean of its likeness to the nearest example and to
the middle of all, less a share of its likeness to everyday questions: what is near to
everything is near to nothing. The same rule runs on two kinds of likeness: vectors of the
embedder for the languages it was trained on, shared words and concepts for the others.
Thresholds were measured; tests/bench/topic_blocks.py repeats the measurement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import language_of
from assistant.common.sentences import split_sentences
from assistant.guardrails.checks.contract import Encoder, TopicRule
from assistant.guardrails.checks.likeness import Sparse, centre, cosine, everyday, sparse
from assistant.guardrails.verdict import Stage
from assistant.providers.contract import Vectors

Scores = NDArray[np.float32]

MAX_UNITS = 16  # pieces of one text that are judged; of a longer text, those nearest in words
MAX_UNIT = 600  # characters
_SHORTEST_UNIT = 4  # characters: "네." is about nothing
_ENOUGH_EXAMPLES = 3  # from which vectors alone decide
_EVERYDAY_NEAREST = 5  # everyday questions: the mean of these and the nearest count alike
_BUNDLED_BASE = 0.093  # mean likeness of two everyday questions to the bundled model
_OWN_GROUND = 0.6  # an everyday question this near to the topic belongs to it and does not count


@dataclass(frozen=True, slots=True)
class _Measure:
    """How one kind of likeness is judged."""

    everyday_share: float
    thresholds: dict[Stage, float]


# An answer says many sentences, and a sentence that only touches the topic is not about it: it takes more.
_BY_VECTORS = _Measure(0.7, {Stage.QUESTION: 0.25, Stage.ANSWER: 0.30})
_BY_WORDS = _Measure(0.5, {Stage.QUESTION: 0.23, Stage.ANSWER: 0.28})


class TopicsCheck:
    """All topics that have a description or examples, ready to judge questions and answers."""

    def __init__(self, rules: Sequence[TopicRule], *, encoder: Encoder) -> None:
        self._topics = [_Topic(rule, encoder) for rule in rules if rule.description or rule.examples]

    def first_match(self, text: str, *, stage: Stage) -> TopicRule | None:
        """The topic that the text is most clearly about."""
        if stage not in _BY_WORDS.thresholds or not self._topics:
            return None
        units = units_of(text, topics=[topic.words.middle for topic in self._topics])
        if not units:
            return None
        excess = [topic.excess(units, stage=stage) for topic in self._topics]
        best = max(range(len(excess)), key=excess.__getitem__)
        return self._topics[best].rule if excess[best] >= 0 else None


def units_of(text: str, *, topics: Sequence[Sparse]) -> list[str]:
    """What is judged of a text: its beginning as a whole, and its sentences.

    A forbidden question does not become harmless in a long text, so sentences count
    alone; where there are too many, those nearest in words to any topic are taken.
    """
    pieces = [text[start:end] for start, end in split_sentences(text)]
    sentences = dict.fromkeys(
        piece[at : at + MAX_UNIT] for piece in pieces for at in range(0, len(piece), MAX_UNIT)
    )
    whole = text[:MAX_UNIT].strip()
    rest = [s for s in sentences if s != whole and len(s) >= _SHORTEST_UNIT]
    if len(rest) >= MAX_UNITS:
        near = {s: _nearness_in_words(s, topics) for s in rest}
        rest = sorted(rest, key=near.__getitem__, reverse=True)[: MAX_UNITS - 1]
    return [unit for unit in (whole, *rest) if unit]


def _nearness_in_words(text: str, topics: Iterable[Sparse]) -> float:
    vector = sparse(text)
    return max((cosine(vector, topic) for topic in topics), default=0.0)


class _Topic:
    """One topic under both kinds of likeness."""

    def __init__(self, rule: TopicRule, encoder: Encoder) -> None:
        self.rule = rule
        self._encoder = encoder
        shots = _shots(rule)
        self.words = _WordJudge(shots)
        known = [shot for shot in shots if encoder.knows(language_of(shot))]
        self._vectors = _VectorJudge(known, encoder) if known else None
        self._vectors_decide = len(known) >= _ENOUGH_EXAMPLES

    def excess(self, units: Sequence[str], *, stage: Stage) -> float:
        """The highest score of any unit above its threshold."""
        known = [u for u in units if self._vectors and self._encoder.knows(language_of(u))]
        found = [-1.0]
        if self._vectors and known:
            found.append(float(self._vectors.scores(known).max()) - _BY_VECTORS.thresholds[stage])
        left = [u for u in units if u not in known] if self._vectors_decide else units
        if left:
            found.append(float(self.words.scores(left).max()) - _BY_WORDS.thresholds[stage])
        return max(found)


def _shots(rule: TopicRule) -> list[str]:
    """The texts that show what the topic is."""
    head = f"{rule.name}: {rule.description}" if rule.description else rule.name
    return [*rule.examples, head]


class _WordJudge:
    """A topic by shared words and concepts."""

    def __init__(self, shots: Sequence[str]) -> None:
        self._shots = [sparse(shot) for shot in shots]
        self.middle = centre(self._shots)
        apart = [q for q in _everyday_in_words() if self._nearest(q) < _OWN_GROUND]
        self._everyday = apart or _everyday_in_words()

    def _nearest(self, vector: Sparse) -> float:
        return max(cosine(vector, shot) for shot in self._shots)

    def scores(self, units: Sequence[str]) -> Scores:
        return np.array([self._score(sparse(unit)) for unit in units], dtype=np.float32)

    def _score(self, vector: Sparse) -> float:
        near = (self._nearest(vector) + cosine(vector, self.middle)) / 2
        if near <= 0:
            return 0.0
        common = sorted(cosine(vector, q) for q in self._everyday)[-_EVERYDAY_NEAREST:]
        everyday_likeness = (common[-1] + sum(common) / len(common)) / 2
        return near - _BY_WORDS.everyday_share * everyday_likeness


@cache
def _everyday_in_words() -> tuple[Sparse, ...]:
    return tuple(sparse(q) for language in ("ko", "en") for q in everyday(language))


class _VectorJudge:
    """A topic by the embedder's vectors."""

    def __init__(self, shots: Sequence[str], encoder: Encoder) -> None:
        self._encoder = encoder
        self._shots = encoder.vectors(shots)
        common = encoder.vectors(
            [q for language in ("en", "ko") if encoder.knows(language) for q in everyday(language)]
        )
        self._base = float((common @ common.T).mean())
        own = self._likeness(common, self._shots).max(axis=1) >= _OWN_GROUND
        self._everyday = common if own.all() else common[~own]
        middle = self._shots.mean(axis=0, keepdims=True)
        self._middle = middle / np.linalg.norm(middle)

    def _likeness(self, some: Vectors, others: Vectors) -> Scores:
        # Some models find any two texts alike: stretch what lies above that to the bundled model's range.
        stretch = (1 - _BUNDLED_BASE) / max(1 - self._base, 1e-6)
        return np.asarray((some @ others.T - self._base) * stretch + _BUNDLED_BASE, dtype=np.float32)

    def scores(self, units: Sequence[str]) -> Scores:
        vectors = self._encoder.vectors(units)
        near = (
            self._likeness(vectors, self._shots).max(axis=1) + self._likeness(vectors, self._middle)[:, 0]
        ) / 2
        common = np.sort(self._likeness(vectors, self._everyday), axis=1)[:, -_EVERYDAY_NEAREST:]
        everyday_likeness = (common[:, -1] + common.mean(axis=1)) / 2
        return np.asarray(near - _BY_VECTORS.everyday_share * everyday_likeness, dtype=np.float32)
