"""The words of a question: what is left out unread changes nothing, to the last bit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistant.index import lexical
from assistant.index.lexical import K1, B, best, scores_at, words_of
from assistant.index.lexical_kernels import find_terms
from assistant.index.segment import Columns, Postings, Segment, write_segment
from assistant.index.view import View, view

TERMS = ("bax", "cax", "dax", "fax", "gax", "hax")  # sorted, and each its own stem
PER_DOCUMENT = 4

Counts = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Texts:
    """How often each term counts in each chunk, shape (n, t), and the chunks' lengths and ids, shape (n,)."""

    counts: Counts
    lengths: NDArray[np.int32]
    ids: NDArray[np.int64]

    def segments(self, folder: Path, cuts: Sequence[int]) -> list[Segment]:
        """The chunks in order, those between two cuts in a segment of their own."""
        return [self._segment(folder, low, high) for low, high in pairwise(cuts)]

    def _segment(self, folder: Path, low: int, high: int) -> Segment:
        terms, chunks = np.nonzero(self.counts[low:high].T)
        documents = np.arange(low, high, PER_DOCUMENT) // PER_DOCUMENT
        columns = Columns(
            document_ids=documents,
            versions=np.ones(len(documents), np.int32),
            acl_ids=np.zeros(len(documents), np.int64),
            chunk_starts=np.append(np.arange(0, high - low, PER_DOCUMENT), high - low),
            chunk_ids=self.ids[low:high],
            lengths=self.lengths[low:high],
            postings=Postings(
                term_bytes=np.frombuffer("".join(TERMS).encode(), np.uint8),
                term_starts=np.arange(0, 3 * len(TERMS) + 1, 3),
                posting_starts=np.searchsorted(terms, np.arange(len(TERMS) + 1)),
                posting_chunks=chunks.astype(np.int32),
                posting_counts=self.counts[low:high].T[terms, chunks],
            ),
        )
        entry = write_segment(folder, columns, [np.ones((high - low, 1), np.float32)], dimension=1)
        return Segment(folder, entry)

    def sums(self, asked: str, allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """BM25 of every chunk by the definition, term by term, with statistics of the allowed ones."""
        total = int(allowed.sum())
        norm = K1 * (1 - B) + K1 * B / max(int(self.lengths[allowed].sum()) / total, 1.0) * self.lengths
        sums = np.zeros(len(self.ids))
        for t in (t for t, term in enumerate(TERMS) if term in asked.split()):
            found = int((self.counts[allowed, t] > 0).sum())
            rarity = asked.split().count(TERMS[t]) * math.log(1 + (total - found + 0.5) / (found + 0.5))
            counts = self.counts[:, t]
            sums += np.where(counts > 0, rarity * (counts * (K1 + 1) / (counts + norm)), 0.0)
        return sums

    def best(self, asked: str, allowed: NDArray[np.bool_], count: int) -> tuple[list[int], list[float]]:
        """Positions and sums of the best allowed chunks, ties by id."""
        sums = self.sums(asked, allowed)
        within = np.flatnonzero(allowed & (sums > 0))
        order = within[np.lexsort((self.ids[within], -sums[within]))[:count]]
        return order.tolist(), sums[order].tolist()


def texts(rng: np.random.Generator, chunks: int) -> Texts:
    """Terms from everywhere to nearly nowhere; few different counts and lengths, so that many chunks tie."""
    held = rng.random((chunks, len(TERMS))) < rng.choice([0.005, 0.05, 0.3, 0.9, 1.0], len(TERMS))
    often = ([1, 1, 1, 2, 3, 255], [1, 1, 255])[rng.integers(2)]
    counts = np.where(held, rng.choice(often, held.shape), 0).astype(np.uint8)
    lengths = np.maximum(rng.choice([0, 60, 5000], chunks, p=[0.3, 0.6, 0.1]), counts.sum(axis=1))
    return Texts(counts, lengths.astype(np.int32), rng.permutation(chunks).astype(np.int64))


def views_of(segments: Sequence[Segment], rng: np.random.Generator, chunks: int) -> list[View]:
    """A random permission, from a few documents to all of them."""
    documents = -(-chunks // PER_DOCUMENT)
    permitted = (rng.random(documents) < rng.choice([0.05, 0.5, 0.9, 1.0])).astype(np.int32)
    permitted[rng.integers(documents)] = 1
    return [view(segment, permitted) for segment in segments]


@dataclass(frozen=True, slots=True)
class Way:
    """A way of searching, for small corpora to go the ways of large ones."""

    few: int
    many: int
    unit: int
    workers: int

    def taken(self) -> ExitStack:
        """Search in this way for the time being."""
        taken = ExitStack()
        for name, value in (
            ("lexical._FEW_POSTINGS", self.few),
            ("lexical._MANY_POSTINGS", self.many),
            ("lexical._LEAST_ROWS", 20),
            ("view.UNIT", self.unit),
            ("view._NARROW_GAP", self.unit // 8),
            ("lexical.threads", lambda: self.workers),
            ("parallel.threads", lambda: self.workers),
            ("segment.sync_file", mock.Mock()),  # most of the time of a test that writes many segments
            ("segment.sync_folder", mock.Mock()),
        ):
            taken.enter_context(mock.patch(f"assistant.index.{name}", value))
        return taken


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(1, 120), min_size=1, max_size=3),
    asked=st.lists(st.sampled_from([*TERMS, "nowhere"]), max_size=8).map(" ".join),
    count=st.sampled_from([1, 10, 100]),
    way=st.builds(
        Way,
        few=st.sampled_from([1, 60, 2000]),
        many=st.sampled_from([1, 100_000]),
        unit=st.sampled_from([8, 100, 16_384]),
        workers=st.sampled_from([1, 3]),
    ),
)
def test_the_best_are_those_of_plain_sums_to_the_last_bit(
    seed: int, sizes: list[int], asked: str, count: int, way: Way
) -> None:
    """Over segments, gaps in the permission, ties, counts of 255, repeated and unknown words."""
    rng = np.random.default_rng(seed)
    cuts = np.cumsum([0, *(PER_DOCUMENT * size for size in sizes)]).tolist()
    made = texts(rng, cuts[-1])
    with TemporaryDirectory() as folder, way.taken():
        views = views_of(made.segments(Path(folder), cuts), rng, cuts[-1])
        allowed = np.concatenate([each.mask for each in views])
        views = [each for each in views if each.total]
        shown = np.concatenate([each.segment.columns.chunk_ids for each in views])
        words = words_of(asked, views)
        positions, scores = best(words, views, count=count)
        wanted, sums = made.best(asked, allowed, count)
        assert shown[positions].tolist() == made.ids[wanted].tolist()
        assert scores.tolist() == sums
        every = np.flatnonzero(np.concatenate([each.mask for each in views]))
        of_every = made.sums(asked, allowed)[np.argsort(made.ids)][shown[every]]
        assert scores_at(words, views, every).tolist() == of_every.tolist()


def large(folder: Path, rng: np.random.Generator) -> tuple[Texts, list[Segment]]:
    """40,000 chunks in two segments; the first two terms are rare, the last two nearly everywhere."""
    chunks = 40_000
    shares = np.array([0.001, 0.002, 0.02, 0.2, 0.8, 0.95])
    held = rng.random((chunks, len(TERMS))) < shares
    counts = np.where(held, rng.choice([1, 2, 3], held.shape, p=[0.8, 0.15, 0.05]), 0).astype(np.uint8)
    lengths = rng.integers(20, 120, chunks).astype(np.int32)
    made = Texts(counts, lengths, rng.permutation(chunks).astype(np.int64))
    return made, made.segments(folder, [0, 30_000, chunks])


@pytest.mark.parametrize("workers", [1, 3])
def test_large_segments_give_the_best_of_plain_sums_too(tmp_path: Path, workers: int) -> None:
    rng = np.random.default_rng(5)
    made, segments = large(tmp_path, rng)
    for share in (0.002, 0.1, 0.3, 0.6, 0.9, 1.0):
        permitted = (rng.random(10_000) < share).astype(np.int32)
        permitted[2000:4000] = share > 0.1
        permitted[9000] = 1
        with mock.patch("assistant.index.view._COUNTED_TERMS", rng.choice([1, 4096])):
            views = [view(segment, permitted) for segment in segments]
        allowed = np.concatenate([each.mask for each in views])
        for asked in ("bax cax fax gax hax", "gax hax", "fax hax hax", "dax", "dax fax gax"):
            with mock.patch("assistant.index.lexical.threads", return_value=workers):
                words = words_of(asked, views)
                again = words_of(
                    asked, views
                )  # how many hold a frequent term is remembered, if there is room
                positions, scores = best(words, views, count=10)
            held = [
                int((made.counts[allowed, TERMS.index(term)] > 0).sum())
                for term in sorted(set(asked.split()))
            ]
            assert words.matches == again.matches == held
            assert (positions.tolist(), scores.tolist()) == made.best(asked, allowed, 10)


def test_frequent_terms_propose_nothing_where_rare_ones_are_enough(tmp_path: Path) -> None:
    """Else the tests above would not test what they are for."""
    made, segments = large(tmp_path, np.random.default_rng(5))
    views = [view(segment, np.ones(10_000, np.int32)) for segment in segments]
    words = words_of("bax cax gax hax", views)
    leading = lexical._leading(words, views, count=10)
    assert leading.terms.tolist() == [True, True, False, False]
    assert leading.postings == int((made.counts[:, :2] > 0).sum())


def test_frequent_words_together_lift_a_chunk_above_one_with_more_of_a_rare_word(tmp_path: Path) -> None:
    """None of them would alone, so that each has to be counted on until it has been looked up."""
    counts = np.zeros((2000, len(TERMS)), np.uint8)
    for t, found in ((3, 300), (4, 560), (5, 560)):
        counts[100 : 100 + found, t] = 1
    counts[0, 0] = 255
    counts[1, [0, 3, 4, 5]] = 1, 255, 255, 255
    made = Texts(counts, np.full(2000, 60, np.int32), np.arange(2000))
    views = [view(segment, np.ones(500, np.int32)) for segment in made.segments(tmp_path, [0, 2000])]
    words = words_of("bax fax gax hax", views)
    with mock.patch("assistant.index.lexical._FEW_POSTINGS", 10):
        assert lexical._leading(words, views, count=1).terms.tolist() == [True, False, False, False]
        positions, scores = best(words, views, count=1)
    assert (positions.tolist(), scores.tolist()) == made.best("bax fax gax hax", np.ones(2000, np.bool_), 1)
    assert positions.tolist() == [1]


@settings(max_examples=200, deadline=None)
@given(
    known=st.sets(st.text(alphabet="ab가나\U0001f600", min_size=1, max_size=4), max_size=20),
    asked=st.lists(st.text(alphabet="ab가나\U0001f600", max_size=4), max_size=10),
)
def test_terms_are_found_by_their_bytes(known: set[str], asked: list[str]) -> None:
    ordered = sorted(term.encode() for term in known)
    wanted = [term.encode() for term in asked]
    ends = np.cumsum([0, *map(len, ordered)], dtype=np.int64)
    numbers, starts, stops = np.empty((3, len(wanted)), np.int64)
    find_terms(
        np.frombuffer(b"".join(ordered), np.uint8), ends, np.arange(len(ordered) + 1) * 10,
        np.frombuffer(b"".join(wanted), np.uint8), np.cumsum([0, *map(len, wanted)], dtype=np.int64),
        numbers, starts, stops,
    )  # fmt: skip
    for term, number, start, stop in zip(wanted, numbers, starts, stops, strict=True):
        if term in ordered:
            assert (number, start, stop) == (
                ordered.index(term),
                10 * ordered.index(term),
                10 * ordered.index(term) + 10,
            )
        else:
            assert start == stop
