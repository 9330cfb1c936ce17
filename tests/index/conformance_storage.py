"""The checks of what is stored: all or none, seen by every process at once, and never served damaged."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from assistant.common.errors import IndexDamaged, UsageError
from assistant.index.contract import Index
from tests.index.conformance_bench import Bench, check
from tests.index.world import DIMENSION, contents, document, permit, question


def everything(count: int) -> dict[int, int]:
    """Documents 1 to `count`, each in version 1."""
    return dict.fromkeys(range(1, count + 1), 1)


def filled(bench: Bench, *, count: int) -> Index:
    """Documents from 1, published one after another."""
    return bench.filled(*(document(n, f"연차 휴가 {n}", "travel policy", acl=n) for n in range(1, count + 1)))


@check
def publishing_a_version_twice_changes_nothing(bench: Bench) -> None:
    index = filled(bench, count=2)
    before = index.search(question("휴가 travel"), permitted=permit(everything(2)))
    index.publish([document(1, "연차 휴가 1", "travel policy", acl=1)])
    index.publish([])
    index.publish([document(2, "연차 휴가 2", "travel policy", acl=2)] * 2)
    assert contents(index) == [(1, 1), (2, 1)]
    assert index.search(question("휴가 travel"), permitted=permit(everything(2))) == before


@check
def a_version_named_twice_in_one_call_is_indexed_once(bench: Bench) -> None:
    index = bench.open()
    index.publish([document(1, "연차"), document(1, "연차")])
    assert contents(index) == [(1, 1)]
    assert len(index.search(question("연차"), permitted=permit({1: 1}))) == 1


@check
def a_document_without_chunks_is_remembered(bench: Bench) -> None:
    index = bench.filled(document(4))
    assert contents(index) == [(4, 1)]
    assert index.chunk_ids([4, 5]) == {(4, 1): ()}
    assert index.search(question("연차"), permitted=permit({4: 1})) == []


@check
def chunk_ids_are_listed_by_document_and_version(bench: Bench) -> None:
    index = bench.filled(document(1, "a"), document(2, "b", "c"), document(2, "d", version=2))
    assert index.chunk_ids([2]) == {(2, 1): (20100, 20101), (2, 2): (20200,)}
    assert index.chunk_ids([]) == {}


@check
def contents_are_of_one_type_and_name_each_version_once(bench: Bench) -> None:
    index = bench.open()
    for _ in range(2):
        ids, versions = index.contents()
        assert (str(ids.dtype), str(versions.dtype)) == ("int64", "int32")
        assert len(ids) == len(versions) == len(set(zip(ids.tolist(), versions.tolist(), strict=True)))
        index.publish([document(1, "a"), document(1, "b", version=2), document(7, "c")])
    assert contents(index) == [(1, 1), (1, 2), (7, 1)]


@check
def documents_are_published_all_or_none(bench: Bench) -> None:
    index = bench.filled(document(9, "연차"))
    vectors = {"length": np.zeros(3), "norm": np.full(DIMENSION, 2.0), "nan": np.full(DIMENSION, np.nan)}
    for case in ("version", "id", *vectors):
        bad = document(2, "연차")
        if case in vectors:
            object.__setattr__(bad.chunks[0], "vector", vectors[case].astype(np.float32))
        else:
            object.__setattr__(bad, "version" if case == "version" else "document_id", -1)
        with pytest.raises(UsageError, match="Document"):
            index.publish([document(1, "연차"), bad])
        assert contents(index) == [(9, 1)], case


@check
def another_reader_sees_at_once_what_was_published_merged_and_dropped(bench: Bench) -> None:
    writer, reader = filled(bench, count=2), bench.open()
    permitted = permit(everything(3))
    assert len(reader.search(question("휴가"), permitted=permitted)) == 4
    writer.publish([document(3, "휴가")])
    assert len(reader.search(question("휴가"), permitted=permitted)) == 5
    assert contents(reader) == [(1, 1), (2, 1), (3, 1)]
    writer.compact(live=permit({1: 1, 3: 1}), force=True)
    assert len(reader.search(question("휴가"), permitted=permitted)) == 3
    writer.drop()
    assert reader.search(question("휴가"), permitted=permitted) == []
    assert contents(reader) == []


@check
def another_process_sees_the_same_and_is_seen(bench: Bench) -> None:
    index = filled(bench, count=2)
    permitted = permit(everything(3))
    before = index.search(question("휴가 travel"), permitted=permitted)
    said = bench.in_child(
        "permitted = permit({1: 1, 2: 1, 3: 1})\n"
        "print(index.search(question('휴가 travel'), permitted=permitted))\n"
        "index.publish([document(3, '휴가')])\n"
    )
    assert said == str(before)
    assert contents(index) == [(1, 1), (2, 1), (3, 1)]
    assert len(index.search(question("휴가"), permitted=permitted)) == 5


@check
def a_process_that_forks_may_go_on_in_both(bench: Bench) -> None:
    filled(bench, count=3)
    said = bench.in_child(
        "permitted = permit({1: 1, 2: 1, 3: 1, 4: 1})\n"
        "query = question('휴가 travel', k=50)\n"
        "before = index.search(query, permitted=permitted)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    same = index.search(query, permitted=permitted) == before\n"
        "    index.publish([document(4, '휴가')])\n"
        "    os._exit(0 if same and len(index.search(query, permitted=permitted)) == 7 else 3)\n"
        "status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        "print(status, len(index.search(query, permitted=permitted)))\n"
    )
    assert said == "0 7"


@check
def writers_take_turns_and_readers_never_see_half(bench: Bench) -> None:
    def write(first: int) -> None:
        index = bench.open()
        for number in range(first, first + 8):
            index.publish([document(number, "연차", "휴가")])
            index.compact(live=permit(everything(40)))

    reader = bench.open()
    halves: list[int] = []
    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, first) for first in (1, 5, 21)]
        while not all(writer.done() for writer in writers):
            halves += halves_seen(reader)
    for writer in writers:
        writer.result()
    assert halves == []
    assert contents(reader) == [(number, 1) for number in (*range(1, 13), *range(21, 29))]


def halves_seen(reader: Index) -> list[int]:
    """Documents of which a search does not find both chunks, each once."""
    found = reader.search(question("연차 휴가", k=100), permitted=permit(everything(40)))
    owners = [candidate.document_id for candidate in found]
    twice = len({candidate.chunk_id for candidate in found}) < len(found)
    return [owner for owner in owners if twice or owners.count(owner) != 2]


@check
def compaction_keeps_what_is_live_and_nothing_else(bench: Bench) -> None:
    index = filled(bench, count=12)
    index.publish([document(2, "연차 휴가 새로", version=2)])
    live = permit({1: 1, 2: 2, 12: 1})
    before = index.search(question("휴가 travel", k=50), permitted=live)
    assert index.compact(live=live, force=True)
    assert contents(index) == [(1, 1), (2, 2), (12, 1)]
    assert index.search(question("휴가 travel", k=50), permitted=live) == before
    assert not index.compact(live=live, force=True), "nothing is left to do"
    assert not index.compact(live=live)
    assert index.verify() == []
    index.publish([document(3, "휴가")])
    assert contents(index) == [(1, 1), (2, 2), (3, 1), (12, 1)]


@check
def another_model_is_refused_until_the_index_is_dropped(bench: Bench) -> None:
    filled(bench, count=1)
    other = bench.open(model="another")
    with pytest.raises(UsageError, match="holds vectors of made-up"):
        other.search(question("연차"), permitted=permit({1: 1}))
    with pytest.raises(UsageError, match=r"[Rr]ebuild the index"):
        other.publish([document(9, "연차")])
    assert [problem.code for problem in other.verify()] == ["index_model"]
    with pytest.raises(UsageError):
        other.discard_damaged()
    assert contents(bench.open()) == [(1, 1)], "a refusal changes nothing"
    other.drop()
    other.publish([document(9, "연차")])
    assert contents(other) == [(9, 1)]


@check
def an_index_of_nothing_is_sound_and_finds_nothing(bench: Bench) -> None:
    index = bench.open()
    assert index.search(question("연차"), permitted=permit({1: 1})) == []
    assert (contents(index), index.verify(), index.discard_damaged()) == ([], [], [])
    assert not index.compact(live=permit({}), force=True)
    index.drop()
    assert (contents(index), index.verify()) == ([], [])


@check
def damage_is_detected_never_served_and_mended_from_what_is_missing(bench: Bench) -> None:
    """Engines that keep their bytes elsewhere have no files here; then there is nothing to harm."""
    for seed in range(4):
        index = filled(bench, count=3)
        permitted = permit(everything(3))
        before = index.search(question("휴가 travel"), permitted=permitted)
        if not _flip_a_bit(bench.folder / "index", random.Random(seed)):
            return
        for reader in (index, bench.open()):
            with pytest.raises(IndexDamaged):
                reader.search(question("휴가 travel"), permitted=permitted)
            assert reader.verify()
        assert index.discard_damaged()
        assert index.discard_damaged() == []
        missing = sorted(set(everything(3)) - {number for number, _ in contents(index)})
        assert missing
        index.publish([document(n, f"연차 휴가 {n}", "travel policy", acl=n) for n in missing])
        assert index.search(question("휴가 travel"), permitted=permitted) == before
        assert bench.open().verify() == []


def _flip_a_bit(folder: Path, chance: random.Random) -> bool:
    """Whether there was a file to harm."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    if not files:
        return False
    victim = chance.choice(files)
    content = bytearray(victim.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    victim.write_bytes(content)
    return True
