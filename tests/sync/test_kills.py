"""The short form of `kills.py`: a real worker, real SIGKILLs, and nothing lost or doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_worker_killed_in_mid_sync_loses_and_doubles_nothing() -> None:
    script = Path(__file__).with_name("kills.py")
    ended = subprocess.run(
        [sys.executable, str(script), "--kills", "2", "--documents", "60", "--seed", "7"],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    figures = json.loads(ended.stdout)
    assert figures["wrong"] == []
    assert figures["kills_of_worker"] + figures["kills_of_pool_process"] == 2
    assert max(figures["takeover_s"]) < 25, "a dead worker's lease of 30 s was waited for"
