"""The long trials of damage and of killed writers, in short."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from assistant.common.errors import IndexDamaged
from assistant.index.local import LocalIndex
from tests.index import faults, kills
from tests.index.world import document, open_index, permit


@contextmanager
def altered_unseen(path: Path) -> Iterator[None]:
    """The last byte is another one for a while; size, time and identity stay."""
    content, times = path.read_bytes(), path.stat()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    yield
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_damage_to_any_file_is_noticed_serves_nothing_wrong_and_is_repaired(tmp_path: Path) -> None:
    with mock.patch("os.fsync"):
        tally = faults.run(tmp_path, faults=45, seed=11)

    assert tally.faults.total() == 45
    assert tally.detected == tally.faults
    assert (tally.wrong_results, tally.unrepaired) == (0, 0)


def test_an_index_that_overlooks_damage_does_not_pass_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = LocalIndex.search

    def careless(index: LocalIndex, *args: object, **named: object) -> object:
        try:
            return search(index, *args, **named)  # type: ignore[arg-type]
        except IndexDamaged:
            return []

    monkeypatch.setattr(LocalIndex, "search", careless)
    monkeypatch.setattr(LocalIndex, "verify", lambda index: [])
    with mock.patch("os.fsync"):
        tally = faults.run(tmp_path, faults=6, seed=11)

    assert tally.detected.total() == 0
    assert tally.wrong_results > 0


def test_killed_writers_leave_a_sound_index_and_readers_notice_nothing(tmp_path: Path) -> None:
    tally, reader = kills.run(tmp_path, kills=6, seed=11)

    assert tally.fell.total() == 6
    assert (tally.lost, tally.doubled, tally.problems) == (0, 0, [])
    assert reader.errors == []
    assert reader.searches > 0


@pytest.mark.parametrize("program", ["faults", "kills"])
def test_the_trials_run_from_the_command_line_and_print_json(program: str) -> None:
    path = Path(__file__).with_name(f"{program}.py")
    command = [sys.executable, str(path), f"--{program}", "3", "--seed", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)[program] == 3


def test_a_merge_never_takes_over_what_was_altered_unseen_since_the_index_was_opened(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.publish([document(1, "연차 휴가", "travel policy")])
    index.publish([document(2, "보안 규정", "vpn access")])
    live = permit({1: 1, 2: 1})
    assert len(index.chunk_ids([1, 2])) == 2
    before = sorted((tmp_path / "segments").iterdir())

    for path in sorted(path for path in (tmp_path / "segments").rglob("*") if path.is_file()):
        with altered_unseen(path):
            with pytest.raises(IndexDamaged):
                index.compact(live=live, force=True)
            assert len(open_index(tmp_path).verify()) == 1

    assert sorted((tmp_path / "segments").iterdir()) == before
    assert index.compact(live=live, force=True)


@pytest.mark.parametrize("change", ["one more", "one else"])
def test_a_blank_in_the_manifest_that_was_not_written_is_damage(tmp_path: Path, change: str) -> None:
    index = open_index(tmp_path)
    index.publish([document(1, "연차 휴가")])
    manifest = tmp_path / "manifest.json"
    stored = manifest.read_bytes()
    manifest.write_bytes(stored + b"\n" if change == "one more" else stored.replace(b"\n", b" ", 1))

    for reader in (index, open_index(tmp_path)):
        assert [problem.code for problem in reader.verify()] == ["index_manifest"]
        with pytest.raises(IndexDamaged, match="manifest"):
            reader.contents()
