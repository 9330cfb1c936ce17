"""BM25 over weighted fields, with every statistic taken from the permitted chunks only.

A term counts by the field it stands in; counts and lengths are whole numbers,
so that sums do not depend on how chunks are spread over segments.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from assistant.common.analysis import query_terms, terms
from assistant.index.contract import IndexChunk, IndexDocument
from assistant.index.dense import first_positions
from assistant.index.parallel import by_worker, run_all, split, threads
from assistant.index.view import View

Places = NDArray[np.int64]

K1 = 1.2
B = 0.75
# A title counts three times: MRR@10 with 1, 2, 3 was .729, .738, .746 on tydiqa-ko-train and .885 throughout
# on squad2-dev. The development sets have no headings and no file names; those two weights are judgement.
TITLE_WEIGHT = 3
HEADINGS_WEIGHT = 2
NAME_WEIGHT = 1

MOST_COUNTED = 255  # a byte; with K1 as above, what lies beyond could add half a percent to a term's score
_COUNTS, _LENGTHS = 16, 1024  # of the table; what lies beyond is computed one by one
_LEAST_ROWS = 50_000  # fewer are not worth another thread


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

    `spans` hold (starts, stops) of their postings by segment. table[count, length] and `norms`
    are the part of BM25 that does not depend on the term (see `lexical_kernels`).
    """

    rarity: NDArray[np.float64]  # (t,)
    spans: list[tuple[Places, Places]]
    table: NDArray[np.float64]
    norms: NDArray[np.float64]

    @property
    def most(self) -> float:
        """What no chunk's BM25 can exceed."""
        return float(self.rarity.sum()) * (K1 + 1)


def words_of(text: str, views: Sequence[View]) -> Words:
    """The question's terms with their weights under the permission."""
    asked = sorted(Counter(query_terms(text)).items())
    total = sum(view.total for view in views)
    average = max(sum(view.length for view in views) / max(total, 1), 1.0)
    spans = [_spans(view, [term for term, _ in asked]) for view in views]
    matches = np.zeros(len(asked), np.int64)
    for view, (starts, stops) in zip(views, spans, strict=True):
        matches += _permitted_counts(view, starts, stops)
    rarity = [
        repeats * math.log(1 + (total - found + 0.5) / (found + 0.5))
        for (_, repeats), found in zip(asked, matches.tolist(), strict=True)
    ]
    return Words(np.array(rarity), spans, _parts(average), _norms(average))


def best(words: Words, views: Sequence[View], *, count: int) -> Places:
    """Positions (counted through the segments) of the `count` highest scores above 0, ties by chunk id."""
    starts = first_positions([view.segment for view in views])
    parts = [
        _Part(
            view, words.spans[number], piece, int(starts[number]), np.empty(count), np.empty(count, np.int64)
        )
        for number, view in enumerate(views)
        for piece in split(*view.units, parts=threads(), least=_LEAST_ROWS)
    ]
    run_all(by_worker([partial(part.search, words) for part in parts]))
    scores = np.concatenate([part.scores[: part.held] for part in parts])
    rows = [part.rows[: part.held] for part in parts]
    ids = np.concatenate(
        [part.view.segment.columns.chunk_ids[own] for part, own in zip(parts, rows, strict=True)]
    )
    positions = np.concatenate([part.offset + own for part, own in zip(parts, rows, strict=True)])
    return positions[np.lexsort((ids, -scores))[:count]]


def scores_at(words: Words, views: Sequence[View], positions: Places) -> NDArray[np.float64]:
    """BM25 of permitted positions."""
    from assistant.index.lexical_kernels import scores_by_words  # noqa: PLC0415 - loads the compiler

    starts = first_positions([view.segment for view in views])
    scores = np.zeros(len(positions))
    for view, (low, high), span in zip(views, pairwise(starts), words.spans, strict=True):
        here = np.flatnonzero((positions >= low) & (positions < high))
        columns = view.segment.columns
        own = np.zeros(len(here))
        scores_by_words(
            columns.postings.posting_chunks, columns.postings.posting_counts, *span, words.rarity,
            columns.lengths, words.table, words.norms, positions[here] - low, own,
        )  # fmt: skip
        scores[here] = own
    return scores


@dataclass(slots=True)
class _Part:
    """What one thread searches of a view, and the best rows it finds, as a heap."""

    view: View
    span: tuple[Places, Places]
    units: tuple[Places, Places]
    offset: int
    scores: NDArray[np.float64]
    rows: Places
    held: int = 0

    def search(self, words: Words) -> None:
        """Fill `scores` and `rows`."""
        from assistant.index.lexical_kernels import best_by_words  # noqa: PLC0415 - as above

        columns = self.view.segment.columns
        self.held = best_by_words(
            columns.postings.posting_chunks, columns.postings.posting_counts, *self.span, words.rarity,
            columns.lengths, words.table, words.norms, *self.units, self.view.mask, columns.chunk_ids,
            self.scores, self.rows,
        )  # fmt: skip


def _spans(view: View, asked: Sequence[str]) -> tuple[Places, Places]:
    postings = view.segment.columns.postings
    spans = [postings.span(term.encode()) for term in asked]
    return np.array([low for low, _ in spans], np.int64), np.array([high for _, high in spans], np.int64)


def _permitted_counts(view: View, starts: Places, stops: Places) -> Places:
    from assistant.index.lexical_kernels import permitted_counts  # noqa: PLC0415 - as above

    if view.total == len(view.mask):
        return stops - starts
    counts = np.zeros(len(starts), np.int64)
    chunks = view.segment.columns.postings.posting_chunks
    permitted_counts(chunks, starts, stops, *view.ranges, view.mask, counts)
    return counts


def _parts(average: float) -> NDArray[np.float64]:
    counts, lengths = np.arange(_COUNTS)[:, None], np.arange(_LENGTHS)[None, :]
    norm = K1 * (1 - B) + K1 * B / average * lengths
    parts: NDArray[np.float64] = counts * (K1 + 1) / (counts + norm)
    return parts


def _norms(average: float) -> NDArray[np.float64]:
    return np.array([K1 + 1, K1 * (1 - B), K1 * B / average])
