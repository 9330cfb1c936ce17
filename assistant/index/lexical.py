"""BM25 over weighted fields, with every statistic taken from the permitted chunks only.

A term counts by the field it stands in; counts and lengths are whole numbers,
so that sums do not depend on how chunks are spread over segments.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import query_terms, terms
from assistant.index.contract import IndexChunk, IndexDocument
from assistant.index.parallel import by_worker, run_all, split, threads
from assistant.index.view import View

Places = NDArray[np.int64]
Scores = NDArray[np.float64]
Span = tuple[Places, Places]

K1 = 1.2
B = 0.75
# A title counts three times: MRR@10 with 1, 2, 3 was .729, .738, .746 on tydiqa-ko-train and .885 throughout
# on squad2-dev. The development sets have no headings and no file names; those two weights are judgement.
TITLE_WEIGHT = 3
HEADINGS_WEIGHT = 2
NAME_WEIGHT = 1

MOST_COUNTED = 255  # a byte; with K1 as above, what lies beyond could add half a percent to a term's score
_LEAST_ROWS = 50_000  # fewer are not worth another thread
_MANY_POSTINGS = 100_000  # fewer are not, either, nor is it worth thinking twice about how few will do
_FEW_POSTINGS = 4_000  # are read before thinking at all
_GROWTH = 4  # times as many are read before thinking again
_ROUNDING = 1e-14  # of all that could be summed, for each term: far more than rounding can amount to


def weighted_counts(document: IndexDocument, chunk: IndexChunk) -> Counter[str]:
    """How much each term of a chunk counts, 1 to 255, its document's title and name included."""
    counts = Counter(terms(chunk.text))
    # The name tells nothing new where the title was made from it.
    name = document.name if document.name != document.title else ""
    for text, weight in (
        (document.title, TITLE_WEIGHT),
        (chunk.headings, HEADINGS_WEIGHT),
        (name, NAME_WEIGHT),
    ):
        for term in terms(text):
            counts[term] += weight
    for term, count in counts.items():
        if count > MOST_COUNTED:
            counts[term] = MOST_COUNTED
    return counts


@dataclass(frozen=True, slots=True)
class Words:
    """A question's terms in sorted order, so that equal sets of terms give equal sums to the last bit.

    `spans` hold (starts, stops) of their postings by segment. `norms` are what the part of BM25
    that does not depend on the term is made of (see `lexical_kernels`).
    """

    matches: list[int]  # permitted chunks that hold each term
    rarity: NDArray[np.float64]  # (t,)
    spans: list[Span]
    norms: NDArray[np.float64]  # (3,)

    @property
    def most(self) -> float:
        """What no chunk's BM25 can exceed."""
        return float(self.rarity.sum()) * (K1 + 1)


def words_of(text: str, views: Sequence[View]) -> Words:
    """The question's terms with their weights under the permission."""
    asked = sorted(Counter(query_terms(text)).items())
    total = sum(view.total for view in views)
    average = max(sum(view.length for view in views) / max(total, 1), 1.0)
    spans, matches = _looked_up([term for term, _ in asked], views)
    rarity = [
        repeats * math.log(1 + (total - found + 0.5) / (found + 0.5))
        for (_, repeats), found in zip(asked, matches, strict=True)
    ]
    return Words(matches, np.array(rarity), spans, np.array([K1 + 1, K1 * (1 - B), K1 * B / average]))


def best(words: Words, views: Sequence[View], *, count: int) -> tuple[Places, Scores]:
    """(positions, BM25) of the `count` highest scores above 0, ties by chunk id.

    Positions count through the segments.
    """
    parts = _searched(words, views, _leading(words, views, count=count), count=count)
    scores = np.concatenate([part.scores[: part.held] for part in parts])
    ids = np.concatenate([part.ids[: part.held] for part in parts])
    positions = np.concatenate([part.positions[: part.held] for part in parts])
    order = np.lexsort((ids, -scores))[:count]
    return positions[order], scores[order]


def scores_at(words: Words, views: Sequence[View], positions: Places) -> Scores:
    """BM25 of permitted positions."""
    from assistant.index.lexical_kernels import scores_by_words  # noqa: PLC0415 - loads the compiler

    scores = np.zeros(len(positions))
    first = 0
    for view, span in zip(views, words.spans, strict=True):
        columns = view.segment.columns
        scores_by_words(
            columns.postings.posting_chunks, columns.postings.posting_counts, *span, words.rarity,
            columns.lengths, words.norms, first, positions, scores,
        )  # fmt: skip
        first += len(columns.chunk_ids)
    return scores


@dataclass(frozen=True, slots=True)
class _Leading:
    """The terms that propose chunks. From each of the others on, all can add above[i] to a sum."""

    terms: NDArray[np.bool_]  # (t,)
    others: Places
    above: Scores  # (len(others) + 1,)
    slack: float  # what rounding can amount to
    postings: int  # of the leading terms, permitted
    least: float  # what a chunk must reach


def _leading(words: Words, views: Sequence[View], *, count: int) -> _Leading:
    """As few of the rarest terms as are enough.

    Alone they find `count` chunks, and so what a chunk must reach; other terms need not propose any if
    together they cannot reach that. Of the 69,000 postings that a question to a million chunks has on
    average, 6,000 propose.
    """
    order = sorted(range(len(words.matches)), key=words.matches.__getitem__)
    reach = [*accumulate([0.0, *(float(words.rarity[term]) * (K1 + 1) for term in reversed(order))])][::-1]
    read = [*accumulate([0, *(words.matches[term] for term in order)])]

    def rarest(some: int, least: float, *, alone: bool = False) -> _Leading:
        terms = np.zeros(len(order), np.bool_)
        terms[order[:some]] = True
        others = [] if alone else order[some:]
        above = np.array(reach[-1:] if alone else reach[some:])
        slack = reach[0] * len(order) * _ROUNDING
        return _Leading(terms, np.array(others, np.int64), above, slack, read[some], least)

    some, least = max(1, bisect_right(read, _FEW_POSTINGS) - 1), 0.0
    while some < len(order):
        parts = _searched(words, views, rarest(some, least, alone=True), count=count)
        sums = np.concatenate([part.scores[: part.held] for part in parts])
        if len(sums) >= count:
            least = float(np.partition(sums, -count)[-count])
        enough = next((i for i in range(some, len(order)) if reach[i] < least), len(order))
        if read[enough] <= max(_GROWTH * read[some], _MANY_POSTINGS):
            return rarest(enough, least)
        some = max(some + 1, bisect_right(read, _GROWTH * read[some]) - 1)
    return rarest(len(order), least)


@dataclass(slots=True)
class _Part:
    """What one thread searches, units of a view whose chunks begin at position `first`, and what it finds.

    The best rows are a heap of `held`, worst first.
    """

    view: View
    span: Span
    units: tuple[Places, Places]
    first: int
    scores: Scores
    ids: Places
    positions: Places
    held: int = 0

    def search(self, words: Words, leading: _Leading) -> None:
        """Fill the heap."""
        from assistant.index.lexical_kernels import best_by_words  # noqa: PLC0415 - as above

        columns = self.view.segment.columns
        self.held = best_by_words(
            columns.postings.posting_chunks, columns.postings.posting_counts, *self.span, words.rarity,
            leading.terms, leading.others, leading.above, columns.lengths, words.norms, *self.units,
            self.view.mask, columns.chunk_ids, self.first, leading.least, leading.slack,
            self.scores, self.ids, self.positions,
        )  # fmt: skip


def _searched(words: Words, views: Sequence[View], leading: _Leading, *, count: int) -> list[_Part]:
    """The best `count` of each part of the views, which are shared out to threads where that is worth it."""
    workers = threads() if leading.postings > _MANY_POSTINGS else 1
    parts: list[_Part] = []
    first = 0
    for view, span in zip(views, words.spans, strict=True):
        pieces = split(*view.units, parts=workers, least=_LEAST_ROWS) if workers > 1 else [view.units]
        parts += [
            _Part(view, span, piece, first, np.empty(count), *np.empty((2, count), np.int64))
            for piece in pieces
        ]
        first += len(view.mask)
    tasks = [partial(part.search, words, leading) for part in parts]
    if workers > 1:
        run_all(by_worker(tasks))
    else:
        for task in tasks:
            task()
    return parts


def _looked_up(asked: Sequence[str], views: Sequence[View]) -> tuple[list[Span], list[int]]:
    """(starts, stops) of the terms' postings by segment, and how many permitted chunks hold each."""
    from assistant.index.lexical_kernels import find_terms, permitted_counts  # noqa: PLC0415 - as above

    encoded = [term.encode() for term in asked]
    letters = np.frombuffer(b"".join(encoded), np.uint8)
    letter_starts = np.array([*accumulate([0, *map(len, encoded)])], np.int64)
    found = np.zeros(len(asked), np.int64)
    spans: list[Span] = []
    for view in views:
        postings = view.segment.columns.postings
        numbers, starts, stops = np.empty((3, len(asked)), np.int64)
        find_terms(
            postings.term_bytes, postings.term_starts, postings.posting_starts, letters, letter_starts,
            numbers, starts, stops,
        )  # fmt: skip
        permitted_counts(
            postings.posting_chunks, starts, stops, numbers, *view.ranges, view.mask, view.counts, found
        )
        spans.append((starts, stops))
    return spans, found.tolist()
