"""How the local engine finds it: bounds, ranges, views. What it must find is in `conformance_search.py`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistant.index import dense_kernels
from assistant.index.codes import coded, coded_query
from assistant.index.contract import IndexDocument, IndexQuery
from assistant.index.dense import cosines, within_reach
from assistant.index.fusion import fused, least_cosine
from assistant.index.lexical import best
from assistant.index.parallel import split
from assistant.index.positions import chunk_ids
from assistant.index.segment import Columns, Postings, Segment, write_segment
from assistant.index.view import UNIT, View, ranges_of, units_of, view
from tests.index.conformance_bench import TEXTS
from tests.index.conformance_search import assert_exact, corpora, some_of
from tests.index.world import document, open_index, permit, plainly_found, question


def segments_of(folder: Path, tables: Sequence[NDArray[np.float32]], ids: NDArray[np.int64]) -> list[Segment]:
    """A segment a table, with documents of three chunks each and no words."""
    found: list[Segment] = []
    first = 0
    for table in tables:
        count = len(table) // 3
        columns = Columns(
            document_ids=np.arange(first // 3, first // 3 + count),
            versions=np.ones(count, np.int32),
            acl_ids=np.zeros(count, np.int64),
            chunk_starts=np.arange(0, len(table) + 1, 3),
            chunk_ids=ids[first : first + len(table)],
            lengths=np.ones(len(table), np.int32),
            postings=Postings(
                term_bytes=np.zeros(0, np.uint8),
                term_starts=np.zeros(1, np.int64),
                posting_starts=np.zeros(1, np.int64),
                posting_chunks=np.zeros(0, np.int32),
                posting_counts=np.zeros(0, np.uint8),
            ),
        )
        found.append(Segment(folder, write_segment(folder, columns, [table], dimension=table.shape[1])))
        first += len(table)
    return found


def nearest_of(
    views: Sequence[View], query: NDArray[np.float32], *, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(positions, cosines) of the nearest, out of what is within reach."""
    segments = [view.segment for view in views]
    reach, below = within_reach(views, coded_query(query), count=count, least=-np.inf)
    exact = cosines([segment.rows for segment in segments], reach.positions, query)
    assert ((reach.lowest <= exact) & (exact <= reach.highest)).all()
    assert len(exact) < count or np.partition(exact, -count)[-count] >= below
    order = np.lexsort((chunk_ids(segments, reach.positions), -exact))[:count]
    return reach.positions[order], exact[order]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("kind", ["spread", "close", "tied", "axes"])
def test_the_nearest_rows_equal_brute_force_under_any_mask(tmp_path: Path, kind: str, workers: int) -> None:
    """Also where thousands of rows lie within the codes' error of each other."""
    rng = np.random.default_rng(7)
    table = rng.standard_normal((6000, 32)).astype(np.float32)
    if kind == "close":
        table = (table[:1] + 0.001 * table).astype(np.float32)
    if kind == "tied":
        table[100:4000] = table[50]
    if kind == "axes":  # codes of one large component and many that vanish
        table = np.eye(32, dtype=np.float32)[rng.integers(0, 32, 6000)] + 1e-4 * table
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    ids = rng.permutation(6000).astype(np.int64)
    segments = segments_of(tmp_path, [table[:4200], table[4200:]], ids)
    query = table[50]
    with mock.patch("assistant.index.parallel.threads", return_value=workers):
        for share in (0.001, 0.01, 0.3, 1.0):
            permitted = (rng.random(2000) < share).astype(np.int32)
            views = [view(segment, permitted) for segment in segments]
            got, cosines_of_got = nearest_of(views, query, count=40)
            allowed = np.flatnonzero(np.repeat(permitted > 0, 3))
            exact = cosines([table], allowed, query)
            wanted = allowed[np.lexsort((ids[allowed], -exact))][:40]
            assert got.tolist() == wanted.tolist()
            assert cosines_of_got.tolist() == cosines([table], wanted, query).tolist()


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from([1, 7, 384, 1024]),
    scale=st.sampled_from([1.0, 1e-3, 0.0]),
)
def test_no_product_of_codes_is_further_off_than_its_bound(seed: int, size: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((50, size)) ** rng.choice([1, 3, 5])
    rows = (scale * rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    query = (rows[0] if seed % 2 else rng.standard_normal(size)).astype(np.float32)
    query /= max(float(np.linalg.norm(query)), 1e-6)
    stored, asked = coded(rows), coded_query(query)
    exact = rows.astype(np.float64) @ query.astype(np.float64)
    every = np.arange(len(rows))
    close, rough = np.empty(len(rows)), np.empty(len(rows), np.float32)
    dense_kernels.scores_by_codes(
        stored.coarse,
        stored.fine,
        stored.scales,
        every,
        asked,
        close,
    )
    assert (np.abs(close - exact) <= stored.fine_errors + asked.slack).all()
    begins, ends = np.array([0]), np.array([len(rows)])
    best, best_rows = np.empty(len(rows)), np.empty(len(rows), np.int64)
    assert len(rows) == dense_kernels.scan_coarse(
        stored.coarse, stored.scales, begins, ends,
        asked, rough, best, best_rows,
    )  # fmt: skip
    assert (np.abs(rough - exact) <= stored.coarse_errors + asked.slack).all()
    assert sorted(best_rows) == every.tolist()
    halves = 15 * np.abs(np.concatenate([asked.low, asked.high]).astype(np.int64)).sum()
    assert halves < 2**31, "sums of products of half bytes must fit into 32 bits"


@settings(max_examples=60, deadline=None)
@given(
    corpus=corpora(),
    query=st.builds(
        question,
        TEXTS,
        weight=st.sampled_from([0.0, 0.05, 0.3, 0.5, 0.9, 1.0]),
        k=st.integers(1, 6),
        one_per_document=st.booleans(),
    ),
    seed=st.integers(0, 2**16),
    first=st.integers(1, 4),
)
def test_legs_that_propose_little_are_asked_again_until_the_best_are_proven(
    corpus: list[IndexDocument], query: IndexQuery, seed: int, first: int
) -> None:
    permitted = some_of(corpus, random.Random(seed))
    with (
        TemporaryDirectory() as folder,
        mock.patch("assistant.index.search.FIRST_PROPOSALS", first),
        mock.patch("assistant.index.search.PROPOSALS_PER_RESULT", 1),
    ):
        index = open_index(Path(folder))
        index.publish(corpus[::2])
        index.publish(corpus[1::2])
        found = index.search(query, permitted=permitted)
    whole = plainly_found(corpus, replace(query, k=1000, one_per_document=False), permitted)
    assert_exact(found, plainly_found(corpus, query, permitted), whole, k=query.k)


@given(
    cosine=st.floats(-1, 1), lexical=st.floats(0, 9), weight=st.floats(0.01, 1), score=st.floats(-0.5, 1.5)
)
def test_no_chunk_below_the_least_cosine_reaches_the_score(
    cosine: float, lexical: float, weight: float, score: float
) -> None:
    least = least_cosine(score, lexical=lexical, dense_weight=weight, most=9.0)
    reached = fused(np.array([cosine]), np.array([lexical]), dense_weight=weight, most=9.0)[0]
    assert cosine >= least or reached < score


def test_a_leg_that_cannot_change_the_best_is_not_asked(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    words = [document(number, "연차 휴가 규정") for number in range(3)]
    index.publish([*words, *(document(number, "lunch") for number in range(3, 400))])
    everything = permit(dict.fromkeys(range(400), 1))
    with mock.patch("assistant.index.search.within_reach") as scan:
        found = index.search(question("연차 휴가 규정", weight=0.05, k=3), permitted=everything)
    assert not scan.called
    assert [each.document_id for each in found] == [0, 1, 2]
    assert all(each.dense for each in found)


def test_a_search_that_finds_little_is_made_once(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.publish([document(number, "lunch" if number else "vpn") for number in range(300)])
    everything = permit(dict.fromkeys(range(300), 1))
    with mock.patch("assistant.index.search.best", side_effect=best) as asked:
        assert len(index.search(question("vpn", weight=0.0), permitted=everything)) == 1
        assert len(index.search(question("vpn", weight=0.4), permitted=everything)) == 10
    assert asked.call_count == 2


def test_as_many_as_may_matter_are_in_reach_and_only_so_many_where_they_are_too_many(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    table = rng.standard_normal((3000, 32)).astype(np.float32)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    (segment,) = segments_of(tmp_path, [table], np.arange(3000))
    shown, asked = [view(segment, np.ones(1000, np.int32))], coded_query(table[7])
    exact = cosines([table], np.arange(3000), table[7])
    for least, most in ((0.2, 3000), (0.2, 50), (0.9, 50)):
        with mock.patch("assistant.index.dense._MANY", most):
            reach, below = within_reach(shown, asked, count=20, least=least)
        others = np.setdiff1d(np.arange(3000), reach.positions)
        assert len(reach.positions) >= (20 if least < 0.9 else 1)
        assert exact[others].max() < below
        assert below == least or (most == 50 and below > least)
        assert len(reach.positions) < 60 or most == 3000


def test_ranges_are_exactly_the_permitted_chunks_and_units_cover_them() -> None:
    starts = np.array([0, 10, 10, 20, 1000, 50_000])
    begins, ends = ranges_of(np.array([True, True, False, False, True]), starts)
    assert (begins.tolist(), ends.tolist()) == ([0, 1000], [10, 50_000])
    begins, ends = ranges_of(np.array([True, False, True, False, False]), starts)
    assert (begins.tolist(), ends.tolist()) == ([0, 10], [10, 20])
    assert not ranges_of(np.array([False, True, False, False, False]), starts)[0].size
    low, high = units_of(np.array([0, 30, 1000]), np.array([10, 50, 50_000]))
    assert (low[:2].tolist(), high[:2].tolist()) == ([0, 1000], [50, 1000 + UNIT])
    assert (high[1:-1] == low[2:]).all()
    assert high[-1] == 50_000
    assert (high - low <= UNIT).all()


@given(
    widths=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 50)), min_size=1, max_size=30),
    parts=st.integers(1, 6),
    least=st.integers(1, 40),
)
def test_split_ranges_hold_every_row_once(widths: list[tuple[int, int]], parts: int, least: int) -> None:
    edges = np.cumsum([step for pair in widths for step in pair])
    begins, ends = edges[::2].astype(np.int64), edges[1::2].astype(np.int64)
    pieces = split(begins, ends, parts=parts, least=least)
    rows = [row for low, high in pieces for a, b in zip(low, high, strict=True) for row in range(a, b)]
    assert rows == [row for a, b in zip(begins, ends, strict=True) for row in range(a, b)]
    assert len(pieces) <= parts
    sizes = [int((high - low).sum()) for low, high in pieces]
    assert max(sizes) - min(sizes) <= 1


def test_a_view_is_kept_only_while_its_permission_cannot_change(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.publish([document(1, "vpn"), document(2, "vpn")])
    permitted = permit({1: 1, 2: 1})
    assert len(index.search(question("vpn"), permitted=permitted)) == 2
    permitted[2] = 0
    assert len(index.search(question("vpn"), permitted=permitted)) == 1
    permitted.setflags(write=False)
    for _ in range(2):
        assert len(index.search(question("vpn"), permitted=permitted)) == 1
    window = permit({1: 1, 2: 1})
    shown = window[:]
    shown.setflags(write=False)
    assert len(index.search(question("vpn"), permitted=shown)) == 2
    window[:] = 0
    assert index.search(question("vpn"), permitted=shown) == []
