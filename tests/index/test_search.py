"""What a search returns depends on the permitted chunks and on nothing else."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.common.errors import UsageError
from assistant.index.contract import Candidate, IndexDocument, IndexQuery, PermittedVersions
from assistant.index.dense import cosines, nearest, permitted_ranges, scan
from assistant.index.fusion import dense_weight
from tests.index.world import document, expected, open_index, permit, question, unit

WORDS = [
    "연차",
    "휴가는",
    "휴가",
    "규정",
    "출장비를",
    "travel",
    "travels",
    "expense",
    "HR-2024-017",
    "the",
    "vpn",
]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)


@st.composite
def corpora(draw: st.DrawFn) -> list[IndexDocument]:
    """A few documents, some without chunks, under a few ACLs."""
    count = draw(st.integers(1, 8))
    return [
        document(
            number,
            *draw(st.lists(TEXTS, max_size=4)),
            version=draw(st.integers(1, 2)),
            acl=draw(st.integers(0, 2)),
            title=draw(TEXTS),
        )
        for number in range(count)
    ]


def searched(
    batches: Sequence[Sequence[IndexDocument]],
    query: IndexQuery,
    permitted: PermittedVersions,
    *,
    compacted: bool = False,
) -> list[Candidate]:
    """What an index that was filled batch by batch answers."""
    # Waiting for the disk is tested elsewhere; here it would only cost examples.
    with mock.patch("os.fsync"), tempfile.TemporaryDirectory() as folder:
        index = open_index(Path(folder))
        for batch in batches:
            index.publish(batch)
        if compacted:
            live = permit({d.document_id: d.version for batch in batches for d in batch})
            index.compact(live=live, force=True)
        return index.search(query, permitted=permitted)


@settings(max_examples=25, deadline=None)
@given(
    corpus=corpora(),
    text=TEXTS,
    weight=st.sampled_from([0.0, 0.4, 1.0]),
    seed=st.integers(0, 2**16),
    folded=st.booleans(),
)
def test_hidden_documents_order_and_segments_change_not_one_bit(
    corpus: list[IndexDocument], text: str, weight: float, seed: int, folded: bool
) -> None:
    chance = random.Random(seed)
    permitted = permit({d.document_id: d.version for d in corpus if chance.random() < 0.6})
    query = question(text, weight=weight, k=5, one_per_document=folded)
    visible = [d for d in corpus if d.document_id < len(permitted) and permitted[d.document_id]]
    shuffled = chance.sample(corpus, len(corpus))
    one_by_one = [[each] for each in shuffled]

    alone = searched([visible], query, permitted)

    assert searched([corpus], query, permitted) == alone
    assert searched(one_by_one, query, permitted) == alone
    assert searched(one_by_one, query, permitted, compacted=True) == alone


@settings(max_examples=25, deadline=None)
@given(corpus=corpora(), text=TEXTS, weight=st.sampled_from([0.0, 0.3, 0.7]), folded=st.booleans())
def test_results_equal_those_of_plain_loops(
    corpus: list[IndexDocument], text: str, weight: float, folded: bool
) -> None:
    permitted = permit({d.document_id: d.version for d in corpus if d.document_id % 3 != 1})
    query = question(text, weight=weight, k=50, one_per_document=folded)

    found = searched([corpus[::2], corpus[1::2]], query, permitted)
    wanted = dict(expected(corpus, query, permitted))

    # The loops add in another order, so equal scores may differ in their last bits.
    assert {c.chunk_id for c in found} == set(wanted) or folded
    assert [c.score for c in found] == pytest.approx(sorted(wanted.values(), reverse=True), abs=1e-9)


def test_the_nearest_rows_equal_a_full_sort_under_any_mask() -> None:
    rng = np.random.default_rng(7)
    table = rng.standard_normal((3000, 32)).astype(np.float32)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    table[100:200] = table[50]  # ties
    query = table[50]
    starts = np.arange(0, 3001, 3)
    ids = rng.permutation(3000).astype(np.int64)
    for share in (0.001, 0.01, 0.3, 1.0):
        documents = rng.random(1000) < share
        mask = np.repeat(documents, 3)
        approximate = scan(table, query, ranges=permitted_ranges(documents, starts), mask=mask)
        got = nearest(approximate, [table], ids, query, count=40)
        allowed = np.flatnonzero(mask)
        exact = cosines([table], allowed, query)
        wanted = allowed[np.lexsort((ids[allowed], -exact))][:40]
        assert got.tolist() == wanted.tolist()


def test_ranges_cover_the_permitted_documents_and_skip_wide_gaps() -> None:
    starts = np.array([0, 10, 20, 1000, 1005])
    assert permitted_ranges(np.array([True, False, False, True]), starts) == [(0, 10), (1000, 1005)]
    assert permitted_ranges(np.array([True, False, True, False]), starts) == [(0, 1000)]
    assert permitted_ranges(np.array([False] * 4), starts) == []


def test_only_the_permitted_version_is_found(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.publish([document(1, "연차 휴가 15일")])
    index.publish([document(1, "연차 휴가 20일", version=2)])

    assert [c.version for c in index.search(question("연차"), permitted=permit({1: 2}))] == [2]
    assert [c.version for c in index.search(question("연차"), permitted=permit({1: 1}))] == [1]
    assert index.search(question("연차"), permitted=permit({1: 3})) == []


def test_documents_past_the_end_of_the_array_are_not_permitted(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.publish([document(1, "연차"), document(900, "연차")])

    assert {c.document_id for c in index.search(question("연차"), permitted=permit({1: 1}))} == {1}
    assert index.search(question("연차"), permitted=np.zeros(0, dtype=np.int32)) == []


def test_a_title_and_a_file_name_find_their_document(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.publish([document(1, "본문", title="출장 규정", name="trip_v2.pdf"), document(2, "출장 본문")])

    by_title = index.search(question("출장 규정", weight=0.0), permitted=permit({1: 1, 2: 1}))
    by_name = index.search(question("trip_v2.pdf", weight=0.0), permitted=permit({1: 1, 2: 1}))

    assert by_title[0].document_id == 1
    assert [c.document_id for c in by_name] == [1]


def test_a_question_without_a_vector_is_answered_by_words_alone(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.publish([document(1, "vpn access"), document(2, "lunch")])

    found = index.search(IndexQuery("vpn", None, 0.0), permitted=permit({1: 1, 2: 1}))

    assert [(c.document_id, c.dense) for c in found] == [(1, 0.0)]
    with pytest.raises(UsageError, match="without a vector"):
        index.search(IndexQuery("vpn", None, 0.4), permitted=permit({1: 1}))


def test_a_vector_of_another_length_is_refused(tmp_path: Path) -> None:
    wrong = IndexQuery("vpn", unit("vpn")[:3], 0.4)
    with pytest.raises(UsageError, match="3 components"):
        open_index(tmp_path).search(wrong, permitted=permit({1: 1}))


def test_the_dense_leg_counts_for_little_in_a_language_that_its_model_does_not_know() -> None:
    bundled = frozenset({"en"})
    assert dense_weight("ko", bundled) < 0.2 < dense_weight("en", bundled)
    assert dense_weight("ko", frozenset()) == dense_weight("en", bundled)
