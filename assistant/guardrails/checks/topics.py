"""Is a text about a topic, judged by its description and example questions?

`topic_judge.py` weighs a text's likeness to the examples against its likeness to everyday questions, by the
vectors of the embedder and by shared words, concepts and fields. Weights are learnt by
tests/bench/topic_fitting.py; tests/bench/topic_blocks.py measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assistant.common.analysis import language_of
from assistant.common.sentences import split_sentences
from assistant.guardrails.checks.contract import Encoder, TopicRule
from assistant.guardrails.checks.likeness import Sparse, cosine, sparse
from assistant.guardrails.checks.topic_judge import TopicJudge
from assistant.guardrails.verdict import Stage

MAX_UNITS = 16  # pieces of one text that are judged; of a longer text, those nearest in words
MAX_UNIT = 600  # characters
_SHORTEST_UNIT = 4  # characters: "네." is about nothing

# Log odds from which a text falls under a topic. An answer says many sentences, and a sentence that only
# touches the topic is not about it: it takes more.
THRESHOLDS = {
    "en": {Stage.QUESTION: 1.2, Stage.ANSWER: 2.2},
    "ko": {Stage.QUESTION: 0.7, Stage.ANSWER: 4.0},
}
_JUDGED = frozenset({Stage.QUESTION, Stage.ANSWER})


class TopicsCheck:
    """All topics that have a description or examples, ready to judge questions and answers."""

    def __init__(self, rules: Sequence[TopicRule], *, encoder: Encoder) -> None:
        self._topics = [_Topic(rule, encoder) for rule in rules if rule.description or rule.examples]

    def first_match(self, text: str, *, stage: Stage) -> TopicRule | None:
        """The topic that the text is most clearly about."""
        if stage not in _JUDGED or not self._topics:
            return None
        units = units_of(text, topics=[topic.judge.middle for topic in self._topics])
        if not units:
            return None
        least = [THRESHOLDS[language_of(unit)][stage] for unit in units]
        excess = [
            max(odds - enough for odds, enough in zip(topic.judge.odds(units), least, strict=True))
            for topic in self._topics
        ]
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
    """A rule and the judge of its topic."""

    def __init__(self, rule: TopicRule, encoder: Encoder) -> None:
        self.rule = rule
        self.judge = TopicJudge(_shots(rule), encoder)


def _shots(rule: TopicRule) -> list[str]:
    """The texts that show what the topic is."""
    head = f"{rule.name}: {rule.description}" if rule.description else rule.name
    return [*rule.examples, head]
