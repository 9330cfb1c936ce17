"""What every index engine must do, as a test class that an engine gets in one line.

    class TestLocal(IndexConformance):
        engine = "local"

Each check is a function named after what it asks for, so that `test_conformance.py` can
show of each that it catches a wrong engine. What a search must find is said by plain
loops (`world.plainly_found`).
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from tests.index import conformance_search, conformance_storage
from tests.index.conformance_bench import CHECKS, Bench

__all__ = ["CHECKS", "Bench", "IndexConformance", "conformance_search", "conformance_storage"]


class IndexConformance:
    """The suite. `engine` is a name of `assistant.index.registry.ENGINES`."""

    engine: ClassVar[str]

    @pytest.mark.parametrize("name", sorted(CHECKS))
    def test_index(self, name: str, tmp_path: Path) -> None:
        CHECKS[name](Bench(self.engine, tmp_path))
