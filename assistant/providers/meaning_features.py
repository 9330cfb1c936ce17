"""How far the sentences of the evidence mean what the words of a Korean question mean, as numbers.

A word counts by the word of the sentence that is most like it (`korean_meaning`), so 사망 (decease) is partly
found in 숨지다 (to die). Rarity is counted among the sentences at hand. All is 0 for questions in other
languages, for which the embedder speaks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from assistant.providers.korean_meaning import SAME, Piece, likeness, meaning, pieces_of
from assistant.providers.sentence_ranking import Evidence, Floats

MEANING = (
    "like",  # mean over the question's words of how like the nearest word of the sentence is
    "like_titled",  # ... of the sentence or its title
    "like_near",  # ... or of the sentences before and after it
    "like_passage",  # ... or of its passage
    "like_rare",  # the first, second and fourth, weighted by rarity among the sentences
    "like_titled_rare",
    "like_passage_rare",
    "like_behind",  # how far behind the best sentence, plainly and by rarity, and behind the best passage
    "like_rare_behind",
    "like_passage_behind",
    "like_missing",  # mean over the words that neither the sentence nor its title has
    "words_missing",  # the share of these words
    "like_first",  # of the question's first and last word, and of the one that is least found
    "like_last",
    "like_weakest",
    "meaning",  # cosine of the sentence to the question, each the mean of its words
    "meaning_behind",
    "meaning_titled",  # of the sentence with its title, of its passage, of the title
    "meaning_passage",
    "meaning_title",
)
HIGHEST_MEANING = ("like", "like_near", "like_missing", "like_weakest", "meaning", "meaning_passage")

_TITLED = 0.9  # what a word in the title counts of one in the sentence
_BEFORE, _AFTER = 0.8, 0.5  # and in the sentence before and the next one
_LEAST_RARITY = 0.2
_FOUND = 0.999

Vectors = NDArray[np.float64]


def meaning_features(evidence: Evidence) -> Floats:
    """One row a sentence, one column for each of MEANING."""
    columns = np.zeros((len(MEANING), len(evidence.sentences)))
    asked = _once(pieces_of(evidence.question.text)) if evidence.question.language == "ko" else []
    if asked and evidence.sentences:
        sentences = [pieces_of(sentence.text) for sentence in evidence.sentences]
        titles = [pieces_of(source.title) for source in evidence.sources]
        owner = np.array([sentence.source for sentence in evidence.sentences])
        rarity = _rarity(asked, sentences)
        columns[: len(_WORDS)] = _by_words(asked, sentences, titles, owner, rarity)
        columns[len(_WORDS) :] = _as_wholes(asked, sentences, titles, owner, rarity)
    return columns.T


_WORDS = MEANING[: MEANING.index("meaning")]


def _once(pieces: Sequence[Piece]) -> list[Piece]:
    return list({piece.text: piece for piece in reversed(pieces)}.values())[::-1]


def _rarity(asked: Sequence[Piece], sentences: Sequence[Sequence[Piece]]) -> dict[str, float]:
    """How rare each word is among the sentences, in nats."""
    seen = Counter(text for some in sentences for text in {piece.text for piece in some})
    every = {*seen, *(piece.text for piece in asked)}
    return {
        text: max(_LEAST_RARITY, float(np.log((len(sentences) + 1) / (seen[text] + 0.5)))) for text in every
    }


def _by_words(
    asked: Sequence[Piece],
    sentences: Sequence[Sequence[Piece]],
    titles: Sequence[Sequence[Piece]],
    owner: NDArray[np.int64],
    rarity: Mapping[str, float],
) -> Floats:
    """The columns that compare word by word, one a row."""
    here = np.array([likeness(asked, some) for some in sentences], dtype=np.float64)
    titled = np.maximum(here, _TITLED * np.array([likeness(asked, some) for some in titles])[owner])
    near, same = titled.copy(), owner[1:] == owner[:-1]
    near[1:][same] = np.maximum(near[1:][same], _BEFORE * here[:-1][same])
    near[:-1][same] = np.maximum(near[:-1][same], _AFTER * here[1:][same])
    passages = np.zeros((len(titles), len(asked)))
    np.maximum.at(passages, owner, titled)
    passage = passages[owner]
    rare = np.array([rarity[piece.text] for piece in asked])
    rare /= rare.sum()
    missing = titled < _FOUND * SAME
    plainly, by_rarity, of_passage = here.mean(axis=1), here @ rare, passage @ rare
    return np.array(
        [
            plainly,
            titled.mean(axis=1),
            near.mean(axis=1),
            passage.mean(axis=1),
            by_rarity,
            titled @ rare,
            of_passage,
            plainly - plainly.max(),
            by_rarity - by_rarity.max(),
            of_passage - of_passage.max(),
            (titled * missing).sum(axis=1) / np.maximum(missing.sum(axis=1), 1),
            missing.mean(axis=1),
            titled[:, 0],
            here[:, -1],
            titled.min(axis=1),
        ]
    )


def _as_wholes(
    asked: Sequence[Piece],
    sentences: Sequence[Sequence[Piece]],
    titles: Sequence[Sequence[Piece]],
    owner: NDArray[np.int64],
    rarity: Mapping[str, float],
) -> Floats:
    """The columns that compare the means of words, one a row."""
    question = _mean(asked, rarity)
    heads = np.array([_mean(some, rarity) for some in titles])
    each = np.array([_mean(some, rarity) for some in sentences])
    passages = np.zeros_like(heads)
    np.add.at(passages, owner, each)
    cosines = each @ question
    return np.array(
        [
            cosines,
            cosines - cosines.max(),
            _unit(each + heads[owner]) @ question,
            (_unit(passages) @ question)[owner],
            (heads @ question)[owner],
        ]
    )


def _mean(pieces: Sequence[Piece], rarity: Mapping[str, float]) -> Vectors:
    return meaning(pieces, [rarity.get(piece.text, 1.0) for piece in pieces]).astype(np.float64)


def _unit(some: Vectors) -> Vectors:
    return np.asarray(some / np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-9))
