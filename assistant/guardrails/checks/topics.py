"""Is a text about a topic, judged by its description and example questions?

Three judges weigh a text's likeness to the examples against its likeness to everyday questions: one by
vectors of the embedder (`topic_vectors.py`) for the languages it was trained on; for the others one by shared
words, concepts and fields and by what Korean words mean (`topic_meaning.py`), or by the words alone
(`topic_words.py`). Weights are learnt by tests/bench/topic_fitting.py; tests/bench/topic_blocks.py measures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assistant.common.analysis import language_of
from assistant.common.sentences import split_sentences
from assistant.guardrails.checks.contract import Encoder, TopicRule
from assistant.guardrails.checks.likeness import Sparse, cosine, sparse
from assistant.guardrails.checks.topic_meaning import MeaningJudge
from assistant.guardrails.checks.topic_vectors import VectorJudge
from assistant.guardrails.checks.topic_words import WordJudge
from assistant.guardrails.verdict import Stage

MAX_UNITS = 16  # pieces of one text that are judged; of a longer text, those nearest in words
MAX_UNIT = 600  # characters
_SHORTEST_UNIT = 4  # characters: "네." is about nothing
_ENOUGH_EXAMPLES = 3  # from which vectors alone decide

# Log odds from which a text falls under a topic. An answer says many sentences, and a sentence that only
# touches the topic is not about it: it takes more.
_BY_VECTORS = {Stage.QUESTION: 0.3, Stage.ANSWER: 1.3}
_BY_WORDS = {Stage.QUESTION: 0.9, Stage.ANSWER: 3.0}
_BY_MEANING = {Stage.QUESTION: 0.5, Stage.ANSWER: 4.0}
_OTHER_LANGUAGE = 0.7  # what words must show beyond that where no shot is in the language of the text


class TopicsCheck:
    """All topics that have a description or examples, ready to judge questions and answers."""

    def __init__(self, rules: Sequence[TopicRule], *, encoder: Encoder) -> None:
        self._topics = [_Topic(rule, encoder) for rule in rules if rule.description or rule.examples]

    def first_match(self, text: str, *, stage: Stage) -> TopicRule | None:
        """The topic that the text is most clearly about."""
        if stage not in _BY_WORDS or not self._topics:
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
        self.words = WordJudge(shots)
        self._meaning = MeaningJudge(shots, self.words)
        self._languages = {language_of(shot) for shot in shots}
        known = [shot for shot in shots if encoder.knows(language_of(shot))]
        self._vectors = VectorJudge(known, encoder) if known else None
        self._vectors_decide = len(known) >= _ENOUGH_EXAMPLES

    def excess(self, units: Sequence[str], *, stage: Stage) -> float:
        """The highest log odds of any unit above its threshold."""
        known = [u for u in units if self._vectors and self._encoder.knows(language_of(u))]
        found = [float("-inf")]
        if self._vectors and known:
            found.append(float(self._vectors.odds(known).max()) - _BY_VECTORS[stage])
        left = [u for u in units if u not in known] if self._vectors_decide else units
        found += [self._without_vectors(unit, stage) for unit in left]
        return max(found)

    def _without_vectors(self, unit: str, stage: Stage) -> float:
        if language_of(unit) == "ko" and self._meaning.knows(unit):
            return self._meaning.odds(unit) - _BY_MEANING[stage]
        return self.words.odds(unit) - self._enough_words(unit, stage)

    def _enough_words(self, unit: str, stage: Stage) -> float:
        """From which log odds on words alone show that a text is about the topic."""
        return _BY_WORDS[stage] + (0.0 if language_of(unit) in self._languages else _OTHER_LANGUAGE)


def _shots(rule: TopicRule) -> list[str]:
    """The texts that show what the topic is."""
    head = f"{rule.name}: {rule.description}" if rule.description else rule.name
    return [*rule.examples, head]
