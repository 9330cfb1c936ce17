"""What tells a question with an answer in the evidence from one that only seems to have one?

Counted, like the features of sentences, inside the sources at hand. `answer_weights` makes a chance of it.
"""

from __future__ import annotations

import numpy as np

from assistant.providers.meaning_features import HIGHEST_MEANING
from assistant.providers.sentence_features import AT, FEATURES
from assistant.providers.sentence_ranking import FOUND, Evidence, Floats, key_match

_OF_THE_SHAPE = frozenset({"opens", "ends", "alone", "brackets", "commas", "capitals", "other_language"})
# What depends on how many other passages there are, and of which documents, says more about a collection than
# about a question: it is left out, so that one short document is believed as much as eight passages.
_OF_THE_COLLECTION = frozenset({"same_title"})
_OF_THE_BEST = tuple(
    name for name in FEATURES if name not in _OF_THE_SHAPE | _OF_THE_COLLECTION and "apart" not in name
)
_HIGHEST = (
    "coverage",
    "coverage_titled",
    "coverage_near",
    "coverage_plain",
    "near_plain",
    "passage_plain",
    "pairs",
    "in_order",
    "told",
    "answer_near",
    "weakest_near",
    "cosine",
    "cosine_mean",
    *HIGHEST_MEANING,
)
_SHARES = (
    "best_odds",  # of the best sentence
    "margin",  # of the best sentence over the next one, in log-odds
    "share",  # of the belief that the best sentence holds
)
_LACKS = (
    "unknown",  # weighted share of question words that no source holds
    "unknown_plain",
    "missing_names",  # names and numbers that neither the best passage nor its title holds
    "missing_plain",
    "weak_squares",  # mean square of what they lack
    "weakest_passage",  # how far the best passage or its title holds the word that they hold least
    "missing_first",
    "missing_last",
    "top_score",  # of the best sentence's passage, not relative
    "few_words",
    "wordless",  # the best sentence shares no word with the question
    "key",  # the row's key cells stand in the question
)
DOUBT_FEATURES = (
    *(f"best_{name}" for name in _OF_THE_BEST),
    *(f"highest_{name}" for name in _HIGHEST),
    *_SHARES,
    *_LACKS,
)
_BEST_COLUMNS = [AT[name] for name in _OF_THE_BEST]
_HIGHEST_COLUMNS = [AT[name] for name in _HIGHEST]
_APART = 0.3  # words found below which a sentence shares none with the question
_MOST = 8.0  # log-odds beyond which a margin says no more


def doubt_features(evidence: Evidence, table: Floats, scores: Floats) -> Floats:
    """One number for each of DOUBT_FEATURES; the evidence has a sentence and the question a word."""
    best = int(scores.argmax())
    return np.concatenate(
        [
            table[best, _BEST_COLUMNS],
            table[:, _HIGHEST_COLUMNS].max(axis=0),
            _shares(scores, best),
            _lacks(evidence, best),
        ]
    )


def _shares(scores: Floats, best: int) -> Floats:
    belief = np.exp(scores - scores.max())
    others = np.delete(scores, best)
    return np.array(
        [
            float(scores[best]),
            min(float(scores[best] - others.max()), _MOST) if others.size else _MOST,
            float(belief[best] / belief.sum()),
        ]
    )


def _lacks(evidence: Evidence, best: int) -> Floats:
    found, question = evidence.found, evidence.question
    owner = np.array([sentence.source for sentence in evidence.sentences])
    around = np.maximum(found[owner == owner[best]].max(axis=0), evidence.heads[best])
    missing = around < FOUND
    special = np.array([word.is_name or word.is_number for word in question.words], dtype=bool)
    plain = np.array([word.weight for word in question.words])
    nowhere = np.maximum(found.max(axis=0), evidence.heads.max(axis=0)) < FOUND
    total = max(float(evidence.weights.sum()), 1e-9)
    return np.array(
        [
            float(evidence.weights[nowhere].sum()) / total,
            float(plain[nowhere].sum() / plain.sum()),
            float(missing[special].mean()) if special.any() else 0.0,
            float(missing[~special] @ plain[~special] / plain.sum()) if (~special).any() else 0.0,
            float(plain @ (1.0 - around) ** 2 / plain.sum()),
            float((1.0 - plain * (1.0 - around)).min()),
            float(1.0 - around[0]),
            float(1.0 - around[-1]),
            evidence.sources[int(owner[best])].score,
            1.0 / len(question.words),
            float(found[best] @ plain < _APART),
            key_match(question, evidence.sentences[best].piece.key),
        ]
    )
