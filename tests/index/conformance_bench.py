"""Where the checks of the conformance suite run: an engine, a folder, and processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from assistant.index import registry
from assistant.index.contract import Index, IndexDocument
from tests.index.world import DIMENSION, MODEL

REPOSITORY = Path(__file__).resolve().parents[2]
CHILD_S = 120

WORDS = [
    *("연차", "휴가는", "휴가", "규정", "출장비를"),
    *("travel", "travels", "expense", "HR-2024-017", "the", "vpn"),
]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)


@dataclass(frozen=True, slots=True)
class Bench:
    """An engine and a folder to try it in. `shrinks`: whether a failing example is made smaller first."""

    engine: str
    folder: Path
    shrinks: bool = True

    @property
    def examples(self) -> settings:
        """How examples are drawn."""
        return settings(
            max_examples=25,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=[HealthCheck.too_slow],
            phases=(Phase.generate, *((Phase.shrink,) if self.shrinks else ())),
        )

    def open(self, *, model: str = MODEL, dimension: int = DIMENSION, folder: Path | None = None) -> Index:
        """The index of the folder as a new process would open it."""
        return registry.new_index(
            folder or self.folder / "index", model=model, dimension=dimension, engine=self.engine
        )

    def filled(self, *documents: IndexDocument) -> Index:
        """An index with these documents, published one after another."""
        index = self.open()
        for each in documents:
            index.publish([each])
        return index

    @contextmanager
    def scratch(self) -> Iterator[Index]:
        """An empty index for one example. Waiting for the disk would only cost examples."""
        with mock.patch("os.fsync"), tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield self.open(folder=Path(folder))

    def in_child(self, body: str) -> str:
        """What a process of its own prints that has `index` open and runs these lines."""
        known = registry.ENGINES[self.engine]
        head = (
            "import os, sys\nfrom pathlib import Path\nfrom assistant.index import registry\n"
            "from tests.index.world import *\n"
            f"registry.ENGINES[{self.engine!r}] = {known!r}\n"
            f"index = registry.new_index(Path({str(self.folder / 'index')!r}), "
            f"model=MODEL, dimension=DIMENSION, engine={self.engine!r})\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", head + body],
            check=False,
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": "."},
            capture_output=True,
            text=True,
            timeout=CHILD_S,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


Check = Callable[[Bench], None]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    """Register a check under its name."""
    CHECKS[function.__name__] = function
    return function
