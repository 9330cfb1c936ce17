"""How alike are two short texts in their words?

A text becomes a sparse unit vector of features: fields (`fields.txt`) and concepts
(`concepts.txt`) of the bilingual word lists, English stems and Korean character bigrams,
each weighted by how rare it is in everyday questions. Korean is judged by this alone when
the embedder does not know it, so particles and polite endings must not count as likeness.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import Stemmer

from assistant.common.analysis import normalise
from assistant.guardrails.checks.particles import is_ending, is_particle

Sparse = Mapping[str, float]
"""Feature to weight, of Euclidean length 1 (empty for a text without words)."""

_HERE = Path(__file__).parent
_STEMMER = Stemmer.Stemmer("english")
_RUN = re.compile(r"[가-힣]+|[a-z0-9]+(?:&[a-z0-9]+)*")
_LONGEST_WORD = 8  # syllables of the longest Korean word looked for
_CONCEPT, _COMMON, _FIELD = "concept:", "common:", "field:"
_CONCEPT_WEIGHT = 2.0  # a shared concept says more than a shared bigram
_FIELD_WEIGHT = 2.0  # a field counts once, however many of its words a text has
_COMMON_WEIGHT = 0.6  # "who", "plan", "our": the same in questions on any topic


@dataclass(frozen=True, slots=True)
class _Lexicon:
    korean: Mapping[str, str]
    english: Mapping[str, str]  # by stem


@cache
def _fields() -> Mapping[str, tuple[str, ...]]:
    """The fields of Korean words and English stems."""
    found: dict[str, list[str]] = {}
    for number, line in enumerate(_lines("fields.txt")):
        for word in line.split():
            known = word if word[0] >= "가" else _STEMMER.stemWord(word)
            found.setdefault(known, []).append(f"{_FIELD}{number}")
    return {word: tuple(dict.fromkeys(some)) for word, some in found.items()}


@cache
def _lexicon() -> _Lexicon:
    korean: dict[str, str] = {}
    english: dict[str, str] = {}
    for number, line in enumerate(_lines("concepts.txt")):
        concept = f"{_COMMON if line.startswith('~') else _CONCEPT}{number}"
        for word in line.lstrip("~ ").split():
            if word[0] >= "가":
                korean.setdefault(word, concept)
            else:
                english.setdefault(_STEMMER.stemWord(word), concept)
    return _Lexicon(korean, english)


@cache
def everyday(language: str) -> tuple[str, ...]:
    """Questions of everyday work in "ko" or "en": what a topic must be told apart from."""
    return tuple(_lines(f"everyday.{language}.txt"))


def _lines(name: str) -> list[str]:
    text = (_HERE / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def features(text: str) -> list[str]:
    """The features of a text, in order, repeated ones repeated."""
    lexicon, fields = _lexicon(), _fields()
    found: list[str] = []
    for run in _RUN.findall(normalise(text)):
        if run[0] < "가":
            stem = _STEMMER.stemWord(run)
            found.append(lexicon.english.get(stem, stem))
            found.extend(fields.get(stem, ()))
        else:
            found.extend(_of_korean_word(run, lexicon.korean))
            found.extend(_fields_of_korean_word(run, fields))
    return found


def _fields_of_korean_word(word: str, fields: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The fields of the longest known words from left to right."""
    at = 0
    while at < len(word):
        end = _known_end(word, at, fields)
        if end:
            yield from fields[word[at:end]]
        at = end or at + 1


def _of_korean_word(word: str, known: Mapping[str, str]) -> Iterator[str]:
    """Concepts found in a Korean word from left to right; bigrams of what they leave."""
    start = at = 0
    while at < len(word):
        end = _known_end(word, at, known)
        if not end:
            at += 1
            continue
        yield from _bigrams(word[start:at])
        yield known[word[at:end]]
        start = at = end
        if is_particle(word[at:]) or is_ending(word[at:]):
            return
    yield from _bigrams(word[start:])


def _known_end(word: str, at: int, known: Container[str]) -> int:
    """Where the longest known word that begins at `at` ends; 0 if none does."""
    for end in range(min(len(word), at + _LONGEST_WORD), at + 1, -1):
        if word[at:end] in known:
            return end
    # One syllable stands inside too many other words: it counts only as a word of its own.
    return 1 if at == 0 and word[0] in known and is_particle(word[1:]) else 0


def _bigrams(piece: str) -> Iterator[str]:
    if len(piece) == 1:
        yield piece
    for i in range(len(piece) - 1):
        yield piece[i : i + 2]


@cache
def _rarity() -> tuple[Mapping[str, float], float]:
    """How rare each feature of the everyday questions is in them, and a feature they do not have."""
    texts = [*everyday("ko"), *everyday("en")]
    seen = Counter(feature for text in texts for feature in set(features(text)))
    size = len(texts) / 2
    return {f: math.log1p(size / (count + 0.5)) for f, count in seen.items()}, math.log1p(size / 0.5)


def _kind_weight(feature: str) -> float:
    if feature.startswith(_CONCEPT):
        return _CONCEPT_WEIGHT
    if feature.startswith(_FIELD):
        return _FIELD_WEIGHT
    return _COMMON_WEIGHT if feature.startswith(_COMMON) or len(feature) == 1 else 1.0


def sparse(text: str) -> Sparse:
    """The unit vector of a text."""
    rarity, unseen = _rarity()
    return unit({feature: rarity.get(feature, unseen) * _kind_weight(feature) for feature in features(text)})


def unit(weights: Sparse) -> Sparse:
    """The same direction with length 1."""
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {feature: weight / length for feature, weight in weights.items()}


def cosine(one: Sparse, other: Sparse) -> float:
    """0 (nothing shared) to 1 (the same words)."""
    if len(other) < len(one):
        one, other = other, one
    return sum(weight * other.get(feature, 0.0) for feature, weight in one.items())


def parts(vector: Sparse) -> tuple[Sparse, Sparse, Sparse]:
    """The unit vectors of the fields, the concepts and the stems and bigrams of a vector alone."""
    found: tuple[dict[str, float], ...] = ({}, {}, {})
    for feature, weight in vector.items():
        if feature.startswith(_FIELD):
            found[0][feature] = weight
        elif feature.startswith(_CONCEPT):
            found[1][feature] = weight
        elif not feature.startswith(_COMMON):
            found[2][feature] = weight
    fields, concepts, words = (unit(part) for part in found)
    return fields, concepts, words


def centre(vectors: Iterable[Sparse]) -> Sparse:
    """The unit vector in the middle of several."""
    total: dict[str, float] = {}
    for vector in vectors:
        for feature, weight in vector.items():
            total[feature] = total.get(feature, 0.0) + weight
    return unit(total)
