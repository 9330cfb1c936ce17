"""Several web processes over one database, and revocations while requests are in flight."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.security.race_world import Closing, Timeline
from tests.security.second_process import REPOSITORY, database_url

COMMAND = "tests.security.races"


@pytest.mark.django_db(transaction=True)
def test_no_process_shows_what_has_been_revoked(tmp_path: Path) -> None:
    """The short form of the command; the long one runs 10,000 races over three processes."""
    done = subprocess.run(
        [sys.executable, "-m", COMMAND, "--races", "100", "--processes", "2", "--database", database_url()],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        timeout=240,
        check=False,
    )
    said = json.loads(done.stdout)
    assert (done.returncode, said["stale_reads"], said["stale"], said["errors"]) == (0, 0, [], []), said
    assert said["races"] >= 100
    assert said["responses_with_a_mark"], "nobody was shown anything, so nothing was revoked"
    assert {"search", "document", "stream"} <= set(said["by_kind"])


@pytest.mark.parametrize(
    ("begin", "end", "race", "stale"),
    [
        (1.0, 4.9, False, False),  # over before anything was closed
        (4.0, 5.5, True, False),  # overlaps the transaction: either answer is right
        (5.9, 6.5, True, False),  # began before the commit
        (6.0, 6.5, True, True),  # began after the commit
        (7.0, 8.0, False, True),  # long after it, and still held the mark
        (7.0, 9.5, False, False),  # was answered when it had been given back
        (9.5, 9.9, False, False),
    ],
)
def test_what_counts_as_a_race_and_what_as_stale(begin: float, end: float, race: bool, stale: bool) -> None:
    timeline = Timeline({3: [Closing(begun=5.0, committed=6.0, granted=9.0)]})
    assert timeline.is_race(3, begin, end) == race
    assert timeline.is_stale(3, begin, end) == stale
    assert not timeline.is_race(4, begin, end)
