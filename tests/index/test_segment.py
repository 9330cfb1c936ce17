"""Each row of the vectors is checked when it is read, everything else when a segment is opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant.common.errors import IndexDamaged
from assistant.index.compaction import MOST_SEGMENTS
from assistant.index.lexical import MOST_COUNTED
from tests.index.world import DIMENSION, document, open_index, permit, question

TEXTS = {1: "연차 휴가", 2: "travel policy", 3: "laptop"}


def altered_row(folder: Path, row: int) -> None:
    """Change one byte of one row, and hide it as far as a program can."""
    (path,) = folder.glob("segments/*/vectors.npy")
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) - (len(TEXTS) - row) * 4 * DIMENSION] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of one segment."""
    open_index(tmp_path).publish([document(number, text) for number, text in TEXTS.items()])
    return tmp_path


def test_an_altered_row_is_never_scored(folder: Path) -> None:
    altered_row(folder, 1)
    with pytest.raises(IndexDamaged, match=r"a row of vectors\.npy fails its checksum"):
        open_index(folder).search(question("travel policy"), permitted=permit({2: 1}))


def test_a_search_that_reads_other_rows_goes_on_and_verify_tells(folder: Path) -> None:
    before = open_index(folder).search(question("연차 휴가"), permitted=permit({1: 1}))
    altered_row(folder, 1)
    index = open_index(folder)
    assert index.search(question("연차 휴가"), permitted=permit({1: 1})) == before
    assert [problem.code for problem in index.verify()] == ["index_segment"]


def test_rows_that_were_cut_off_refuse_to_open(folder: Path) -> None:
    (path,) = folder.glob("segments/*/vectors.npy")
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(IndexDamaged, match=r"vectors\.npy fails its checksum"):
        open_index(folder).search(question("연차 휴가"), permitted=permit({1: 1}))


def test_a_term_counts_at_most_as_often_as_a_byte_holds(tmp_path: Path) -> None:
    """More of it changes nothing, so that nobody is found first by repeating a word."""
    index = open_index(tmp_path)
    often, more = "laptop " * MOST_COUNTED, "laptop " * (MOST_COUNTED + 50)
    index.publish([document(1, often), document(2, more)])
    scores = [
        candidate.lexical
        for candidate in index.search(question("laptop", weight=0.0), permitted=permit({1: 1, 2: 1}))
    ]
    assert len(scores) == 2
    assert scores[0] == scores[1] > 0


def test_many_small_publications_keep_few_segments_and_few_open_files(tmp_path: Path) -> None:
    """A large source is published a batch at a time, and a process may open a thousand files or so."""
    index = open_index(tmp_path)
    fds = Path("/proc/self/fd")
    before = len(list(fds.iterdir())) if fds.is_dir() else 0
    for number in range(1, 5 * MOST_SEGMENTS):
        index.publish([document(number, f"laptop {number}")])
        assert len(list(tmp_path.glob("segments/*"))) <= MOST_SEGMENTS
    assert len(index.contents()[0]) == 5 * MOST_SEGMENTS - 1
    everything = permit(dict.fromkeys(range(1, 5 * MOST_SEGMENTS), 1))
    assert len(index.search(question("laptop", k=200), permitted=everything)) == 5 * MOST_SEGMENTS - 1
    assert index.verify() == []
    if fds.is_dir():
        assert len(list(fds.iterdir())) - before <= 2 * MOST_SEGMENTS


def test_mapped_files_and_files_in_memory_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small files are read whole; here all of them count as large."""
    numbers = range(1, 400)
    open_index(tmp_path).publish([document(n, f"laptop {n}", f"travel {n}") for n in numbers])
    permitted = permit({n: 1 for n in numbers if n % 3})
    asked = [question("laptop 7", k=30), question("travel", weight=1.0, k=30)]
    whole = [open_index(tmp_path).search(one, permitted=permitted) for one in asked]
    monkeypatch.setattr("assistant.index.segment._SMALL", 0)
    mapped = open_index(tmp_path)
    assert [mapped.search(one, permitted=permitted) for one in asked] == whole


def test_codes_that_are_cut_short_under_an_open_index_are_never_scored(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.index.segment._SMALL", 0)
    index = open_index(folder)
    index.search(question("laptop"), permitted=permit({3: 1}))
    (path,) = folder.glob("segments/*/fine.npy")
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(IndexDamaged):
        index.search(question("laptop"), permitted=permit({3: 1}))
