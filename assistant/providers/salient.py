"""The sentences that say most: summaries and comparisons without a language model, word for word.

A sentence says much if its words are those that the evidence keeps coming back to. For a comparison it must
also speak of the side, and is worth more where the other side speaks of the same things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import language_of, query_terms, terms
from assistant.providers.contract import AnswerSentence, ChatModel, ModelRequest, Quote, Source
from assistant.providers.question_type import question_of
from assistant.providers.sentence_ranking import Sentence, gather
from assistant.providers.wishes import Length, Task

Floats = NDArray[np.float64]

SUMMARY = {Length.SHORT: 2, Length.NORMAL: 5, Length.LONG: 9}
SIDE = {Length.SHORT: 1, Length.NORMAL: 3, Length.LONG: 5}
_ALIKE = 0.6  # cosine from which a second sentence says the same again
_OPENS = 0.15  # what the beginning of a document is worth beside its end
_FIGURE = 0.1
_SHARED = 0.5  # what the other side's subjects are worth
_NAMED = 0.6  # what holding the words asked about is worth


def in_parts(model: ChatModel, request: ModelRequest) -> Iterator[AnswerSentence]:
    """Sentences part by part, each with its number; an empty one for a part without an answer."""
    if request.task is Task.SUMMARISE and not request.parts:
        yield from summary(request)
        return
    for number, part in enumerate(request.parts, start=1):
        sources = tuple(source for source in request.sources if source.part == number)
        if request.task is Task.COMPARE:
            others = tuple(source for source in request.sources if source.part != number)
            found = side(part.question, sources, others, most=SIDE[request.style.length])
        elif request.task is Task.SUMMARISE:
            found = summary(replace(request, question=part.question, sources=sources))
        else:
            alone = replace(
                request,
                question=part.question,
                language=language_of(part.question),
                sources=sources,
                task=Task.ANSWER,
                parts=(),
            )
            found = list(model.answer(alone))
        yield from (replace(sentence, part=number) for sentence in found)
        if not found:
            yield AnswerSentence("", (), part=number)


def summary(request: ModelRequest) -> list[AnswerSentence]:
    """The sentences of the sources that say most, in the order in which they stand."""
    sentences = _read(request.question, request.sources)
    if not sentences:
        return []
    vectors = _vectors(sentences)
    scores = _central(vectors) + _opening(sentences)
    return _picked(sentences, request.sources, vectors, scores, SUMMARY[request.style.length])


def side(
    about: str, sources: Sequence[Source], others: Sequence[Source], *, most: int
) -> list[AnswerSentence]:
    """What the sources say `about` one side, beside what `others` say of the other."""
    asked = set(query_terms(about))
    sentences = [
        sentence for sentence in _read(about, sources) if _holds(asked, sentence, sources[sentence.source])
    ]
    if not sentences or not asked:
        return []
    vectors = _vectors(sentences)
    opposite = Counter(term for source in others for term in terms(source.text))
    shared = [
        len({t for t in sentence.terms if t in opposite} - asked) / max(1, len(set(sentence.terms)))
        for sentence in sentences
    ]
    named = [len(asked & set(sentence.terms)) / len(asked) for sentence in sentences]
    figures = [float(any(c.isdigit() for c in sentence.text)) for sentence in sentences]
    scores = (
        _central(vectors)
        + _NAMED * np.array(named)
        + _SHARED * np.array(shared)
        + _FIGURE * np.array(figures)
    )
    return _picked(sentences, sources, vectors, scores, most)


def _holds(asked: set[str], sentence: Sentence, source: Source) -> bool:
    """Whether the sentence, with its title and heading, holds every word."""
    return asked <= set(sentence.terms) | set(terms(f"{source.title}\n{source.heading}"))


def _read(question: str, sources: Sequence[Source]) -> list[Sentence]:
    found = gather(question_of(question, language_of(question)), tuple(sources)).sentences
    return [sentence for sentence in found if (sentence.is_prose or sentence.is_row) and sentence.terms]


def _vectors(sentences: Sequence[Sentence]) -> Floats:
    """One unit row a sentence: how often it uses each term, weighted by how few sentences do."""
    numbers = {term: at for at, term in enumerate(sorted({t for s in sentences for t in s.terms}))}
    table = np.zeros((len(sentences), len(numbers)))
    for row, sentence in zip(table, sentences, strict=True):
        for term, count in Counter(sentence.terms).items():
            row[numbers[term]] = count
    table *= np.log((len(sentences) + 1) / (np.count_nonzero(table, axis=0) + 0.5))
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    unit: Floats = table / np.maximum(lengths, 1e-9)
    return unit


def _central(vectors: Floats) -> Floats:
    """How near each sentence is to all of them together, 0..1."""
    centre = vectors.sum(axis=0)
    near: Floats = vectors @ (centre / max(float(np.linalg.norm(centre)), 1e-9))
    return near


def _opening(sentences: Sequence[Sentence]) -> Floats:
    return _OPENS * (1.0 - np.arange(len(sentences)) / len(sentences))


def _picked(
    sentences: Sequence[Sentence], sources: Sequence[Source], vectors: Floats, scores: Floats, most: int
) -> list[AnswerSentence]:
    """The best that do not repeat each other, in the order of the text."""
    chosen: list[int] = []
    for at in np.argsort(-scores, kind="stable"):
        if len(chosen) == most:
            break
        if all(float(vectors[at] @ vectors[other]) < _ALIKE for other in chosen):
            chosen.append(int(at))
    return [
        AnswerSentence(
            sentences[at].text,
            (Quote(sources[sentences[at].source].n, sentences[at].start, sentences[at].end),),
            quoted=True,
        )
        for at in sorted(chosen)
    ]
