"""The local engine's segments: few, whole, and left alone by a writer that dies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assistant.common.errors import IndexDamaged
from assistant.index.compaction import MAX_SEGMENTS
from assistant.index.local import LocalIndex
from tests.index.world import contents, document, open_index, permit, question

REPOSITORY = Path(__file__).resolve().parents[2]


def filled(folder: Path, *, segments: int = 2) -> LocalIndex:
    """An index with one document a segment, ids from 1."""
    index = open_index(folder)
    for number in range(1, segments + 1):
        index.publish([document(number, f"연차 휴가 {number}", "travel policy", acl=number)])
    return index


def segment_names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "segments").iterdir()}


def everything(count: int) -> dict[int, int]:
    return dict.fromkeys(range(1, count + 1), 1)


def test_publishing_a_version_twice_writes_nothing(tmp_path: Path) -> None:
    index = filled(tmp_path)
    before = segment_names(tmp_path)

    index.publish([document(1, "연차 휴가 1", "travel policy", acl=1)])
    index.publish([])

    assert segment_names(tmp_path) == before
    assert contents(index) == [(1, 1), (2, 1)]


def test_compaction_keeps_few_segments_and_only_live_versions(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    for number in range(1, 30):
        index.publish([document(number, f"연차 {number}")])
        index.compact(live=permit(everything(29)))
        assert len(segment_names(tmp_path)) <= MAX_SEGMENTS
    assert contents(index) == sorted(everything(29).items())

    live = permit({1: 1, 2: 1, 29: 1})
    assert index.compact(live=live, force=True)
    assert contents(index) == [(1, 1), (2, 1), (29, 1)]
    assert len(segment_names(tmp_path)) == 1
    assert not index.compact(live=live, force=True)
    assert not index.compact(live=live)
    assert index.verify() == []


def test_a_segment_that_is_mostly_dead_is_rewritten(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.publish([document(number, "연차") for number in range(1, 9)])
    assert not index.compact(live=permit(everything(7)))
    assert index.compact(live=permit(everything(4)))
    assert contents(index) == sorted(everything(4).items())


def test_leftovers_of_a_killed_writer_are_ignored_and_removed(tmp_path: Path) -> None:
    index = filled(tmp_path)
    (tmp_path / "segments" / "abc.unfinished").mkdir()
    (tmp_path / "segments" / "def").mkdir()

    assert open_index(tmp_path).verify() == []
    index.publish([document(3, "연차")])

    assert len(segment_names(tmp_path)) == 3


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_torn_or_missing_file_is_detected_and_replaced(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    index = filled(tmp_path, segments=3)
    permitted = permit(everything(3))
    before = index.search(question("휴가 travel"), permitted=permitted)
    names = sorted(path for path in tmp_path.rglob("*") if path.is_file() and path.name != "writer.lock")
    victim = chance.choice(names)
    _harm(victim, chance)

    for reader in (index, open_index(tmp_path)):
        with pytest.raises(IndexDamaged, match=r"manifest|segment"):
            reader.search(question("휴가 travel"), permitted=permitted)
        assert len(reader.verify()) == 1

    assert len(index.discard_damaged()) == 1
    assert index.discard_damaged() == []
    missing = set(everything(3)) - {number for number, _ in contents(index)}
    assert missing
    again = [document(n, f"연차 휴가 {n}", "travel policy", acl=n) for n in sorted(missing)]
    index.publish(again)
    assert index.search(question("휴가 travel"), permitted=permitted) == before
    assert open_index(tmp_path).verify() == []


def _harm(victim: Path, chance: random.Random) -> None:
    content = victim.read_bytes()
    how = chance.choice(["flip", "cut", "delete"])
    if how == "delete":
        victim.unlink()
    elif how == "cut":
        victim.write_bytes(content[: chance.randrange(len(content))])
    else:
        at = chance.randrange(len(content))
        victim.write_bytes(
            content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]
        )


WRITER = """
import sys
from pathlib import Path
from tests.index.world import document, open_index, permit
index = open_index(Path(sys.argv[1]))
live = permit(dict.fromkeys(range(1000), 1))
for number in range(int(sys.argv[2]), 1000):
    index.publish([document(number, "연차 휴가", "travel")])
    print(number, flush=True)
    index.compact(live=live, force=number % 3 == 0)
"""


def test_a_writer_killed_at_any_moment_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(5)
    published: list[int] = []
    for _ in range(10):
        command = [sys.executable, "-c", WRITER, str(tmp_path / "index"), str(len(published))]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": "."}
        ) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()
            time.sleep(chance.random() * 0.1)
            writer.send_signal(signal.SIGKILL)
            reported = [int(line) for line in (first, *writer.stdout.read().splitlines())]
        index = open_index(tmp_path / "index")
        assert index.verify() == []
        there = contents(index)
        assert len(set(there)) == len(there)
        assert {number for number, _ in there} >= {*published, *reported}
        published = [number for number, _ in there]
        assert published == list(range(len(published)))


def test_importing_the_engine_loads_neither_torch_nor_numba() -> None:
    code = "import sys, assistant.index.local, assistant.providers.registry, assistant.providers.embedders\n"
    code += "print([m for m in ('torch', 'numba', 'transformers', 'django') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
