"""The checks of what a search returns: exact, and a function of what is permitted and nothing else."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import UsageError
from assistant.index.contract import Candidate, IndexDocument, IndexQuery, PermittedVersions
from tests.index.conformance_bench import TEXTS, Bench, check
from tests.index.world import DIMENSION, document, permit, plainly_found, question, unit

WEIGHTS = st.sampled_from([0.0, 0.05, 0.4, 0.5, 1.0])


@st.composite
def corpora(draw: st.DrawFn) -> list[IndexDocument]:
    """A few documents, some without chunks, under a few access lists."""
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


def some_of(corpus: Sequence[IndexDocument], chance: random.Random) -> PermittedVersions:
    """A random permission: some of the documents, some of them in a version that is not there."""
    return permit(
        {d.document_id: d.version + (chance.random() < 0.1) for d in corpus if chance.random() < 0.6}
    )


def searched(
    bench: Bench,
    batches: Sequence[Sequence[IndexDocument]],
    query: IndexQuery,
    permitted: PermittedVersions,
    *,
    compacted: bool = False,
) -> list[Candidate]:
    """What an index that was filled batch by batch answers."""
    with bench.scratch() as index:
        for batch in batches:
            index.publish(batch)
        if compacted:
            live = permit({d.document_id: d.version for batch in batches for d in batch})
            index.compact(live=live, force=True)
        return index.search(query, permitted=permitted)


def assert_exact(
    found: Sequence[Candidate], wanted: Sequence[Candidate], whole: Sequence[Candidate], *, k: int
) -> None:
    """`found` is the best `k` of `wanted`; what differs in its last bits may have changed places.

    `whole` holds every permitted chunk with its scores.
    """
    assert len(found) == min(k, len(wanted))
    known = {each.chunk_id: each for each in whole}
    for got, best in zip(found, wanted, strict=False):
        assert got.score == pytest.approx(best.score, abs=1e-9)
        same = known[got.chunk_id]
        assert (got.document_id, got.version) == (same.document_id, same.version)
        assert (got.score, got.dense, got.lexical) == pytest.approx(
            (same.score, same.dense, same.lexical), abs=1e-6
        )
    assert len({got.chunk_id for got in found}) == len(found)


@check
def results_equal_those_of_plain_loops_under_random_permissions(bench: Bench) -> None:
    @bench.examples
    @given(
        corpus=corpora(),
        query=st.builds(
            question, TEXTS, weight=WEIGHTS, k=st.integers(1, 40), one_per_document=st.booleans()
        ),
        seed=st.integers(0, 2**16),
    )
    def holds(corpus: list[IndexDocument], query: IndexQuery, seed: int) -> None:
        permitted = some_of(corpus, random.Random(seed))
        whole = plainly_found(corpus, replace(query, k=1000, one_per_document=False), permitted)
        wanted = plainly_found(corpus, replace(query, k=1000), permitted)
        found = searched(bench, [corpus[::2], corpus[1::2]], query, permitted)
        assert_exact(found, wanted, whole, k=query.k)
        owners = [candidate.document_id for candidate in found]
        assert not query.one_per_document or len(set(owners)) == len(owners)

    holds()


@check
def the_nearest_are_found_among_many_that_lie_close_together(bench: Bench) -> None:
    rng = np.random.default_rng(3)
    middle = unit("middle")
    corpus = [document(number, *(f"{number} {place}" for place in range(20))) for number in range(60)]
    for each in corpus:
        for chunk in each.chunks:
            row = middle + 0.01 * rng.standard_normal(DIMENSION)
            object.__setattr__(chunk, "vector", (row / np.linalg.norm(row)).astype(np.float32))
    index = bench.filled()
    index.publish(corpus)
    for share in (0.05, 0.5, 1.0):
        permitted = (rng.random(60) < share).astype(np.int32)
        query = IndexQuery("", middle, 1.0, 25)
        whole = plainly_found(corpus, IndexQuery("", middle, 1.0, 2000), permitted)
        assert_exact(index.search(query, permitted=permitted), whole, whole, k=25)


@check
def hidden_documents_order_and_batches_change_not_one_bit(bench: Bench) -> None:
    @bench.examples
    @given(corpus=corpora(), text=TEXTS, weight=WEIGHTS, seed=st.integers(0, 2**16), folded=st.booleans())
    def holds(corpus: list[IndexDocument], text: str, weight: float, seed: int, folded: bool) -> None:
        chance = random.Random(seed)
        permitted = some_of(corpus, chance)
        query = question(text, weight=weight, k=5, one_per_document=folded)
        visible = [d for d in corpus if d.document_id < len(permitted) and permitted[d.document_id]]
        one_by_one = [[each] for each in chance.sample(corpus, len(corpus))]

        alone = searched(bench, [visible], query, permitted)

        assert searched(bench, [corpus], query, permitted) == alone
        assert searched(bench, one_by_one, query, permitted) == alone
        assert searched(bench, one_by_one, query, permitted, compacted=True) == alone

    holds()


@check
def equal_scores_are_ordered_by_chunk_id(bench: Bench) -> None:
    numbers = random.Random(1).sample(range(1, 60), 40)
    index = bench.filled(*(document(number, "연차 휴가", acl=number % 3) for number in numbers))
    for weight in (0.0, 0.4, 1.0):
        found = index.search(
            question("연차 휴가", weight=weight, k=15), permitted=permit(dict.fromkeys(numbers, 1))
        )
        assert [c.document_id for c in found] == sorted(numbers)[:15]


@check
def one_per_document_keeps_the_best_chunk_of_each(bench: Bench) -> None:
    corpus = [document(number, *["vpn access"] * 6, "lunch", f"vpn {number}") for number in range(1, 6)]
    index = bench.filled(*corpus)
    permitted = permit(dict.fromkeys(range(1, 6), 1))
    folded = index.search(question("vpn access", k=4, one_per_document=True), permitted=permitted)
    whole = index.search(question("vpn access", k=1000), permitted=permitted)
    best: dict[int, Candidate] = {}
    for each in whole:
        best.setdefault(each.document_id, each)
    assert folded == list(best.values())[:4]


@check
def only_the_permitted_version_is_found(bench: Bench) -> None:
    index = bench.filled(document(1, "연차 휴가 15일"), document(1, "연차 휴가 20일", version=2))
    assert [c.version for c in index.search(question("연차"), permitted=permit({1: 2}))] == [2]
    assert [c.version for c in index.search(question("연차"), permitted=permit({1: 1}))] == [1]
    assert index.search(question("연차"), permitted=permit({1: 3})) == []


@check
def documents_past_the_end_of_the_array_are_not_permitted(bench: Bench) -> None:
    index = bench.filled(document(1, "연차"), document(900, "연차"))
    assert {c.document_id for c in index.search(question("연차"), permitted=permit({1: 1}))} == {1}
    assert index.search(question("연차"), permitted=np.zeros(0, dtype=np.int32)) == []


@check
def a_permission_that_changed_is_obeyed_by_the_next_search(bench: Bench) -> None:
    index = bench.filled(document(1, "vpn"), document(2, "vpn"))
    permitted = permit({1: 1, 2: 1})
    assert len(index.search(question("vpn"), permitted=permitted)) == 2
    permitted[2] = 0
    assert len(index.search(question("vpn"), permitted=permitted)) == 1
    fresh = permit({2: 1})
    fresh.setflags(write=False)
    for _ in range(2):
        assert [c.document_id for c in index.search(question("vpn"), permitted=fresh)] == [2]


@check
def a_title_and_a_file_name_find_their_document(bench: Bench) -> None:
    index = bench.filled(document(1, "본문", title="출장 규정", name="trip_v2.pdf"), document(2, "출장 본문"))
    by_title = index.search(question("출장 규정", weight=0.0), permitted=permit({1: 1, 2: 1}))
    by_name = index.search(question("trip_v2.pdf", weight=0.0), permitted=permit({1: 1, 2: 1}))
    assert by_title[0].document_id == 1
    assert [c.document_id for c in by_name] == [1]


@check
def a_question_without_a_vector_is_answered_by_words_alone(bench: Bench) -> None:
    index = bench.filled(document(1, "vpn access"), document(2, "lunch"))
    found = index.search(IndexQuery("vpn", None, 0.0), permitted=permit({1: 1, 2: 1}))
    assert [(c.document_id, c.dense) for c in found] == [(1, 0.0)]
    with pytest.raises(UsageError):
        index.search(IndexQuery("vpn", None, 0.4), permitted=permit({1: 1, 2: 1}))


@check
def a_vector_that_is_no_unit_vector_of_the_model_is_refused(bench: Bench) -> None:
    index = bench.filled(document(1, "vpn"))
    bad = (np.ones(3) / 2, unit("vpn") * 1.01, np.full(DIMENSION, np.nan))
    for vector in bad:
        query = IndexQuery("vpn", vector.astype(np.float32), 0.4)
        with pytest.raises(UsageError, match="vector"):
            index.search(query, permitted=permit({1: 1}))


@check
def threads_that_share_an_index_get_their_own_results(bench: Bench) -> None:
    words = ["연차", "travel", "vpn", "expense"]
    index = bench.filled(*(document(n, words[n % 4], words[(n + 1) % 4]) for n in range(1, 41)))
    permissions = [permit({n: 1 for n in range(1, 41) if n % 3 != part}) for part in range(3)]
    asked = [(question(word, k=50), permitted) for word in words for permitted in permissions]
    alone = [index.search(query, permitted=permitted) for query, permitted in asked]
    wrong: list[object] = []

    def ask(seed: int) -> None:
        for i in random.Random(seed).choices(range(len(asked)), k=40):
            query, permitted = asked[i]
            found = index.search(query, permitted=permitted)
            if found != alone[i]:
                wrong.append((query.text, found))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
