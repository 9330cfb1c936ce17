"""What the run on PostgreSQL leaves out by file never asks the database."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
_ASKS = re.compile(r"\bdjango_db\b|\bdjango_db_blocker\b|\btransactional_db\b|\bdb: None|DATABASE_URL")
_FIXTURES = re.compile(r"\bSmallWorld|people: dict|folder: Folder|Script\b|scripted_source|command: Command")


def left_out() -> list[Path]:
    """The single files among what the Makefile names."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    [names] = re.findall(r"^WITHOUT_DATABASE = (.*)$", makefile, re.MULTILINE)
    return [REPOSITORY / "tests" / name for name in names.split() if name.endswith(".py")]


def test_the_makefile_leaves_single_files_out() -> None:
    assert len(left_out()) > 5


@pytest.mark.parametrize("file", left_out(), ids=lambda file: file.stem)
def test_a_file_that_is_left_out_never_asks_the_database(file: Path) -> None:
    """pytest-django refuses the database to every test that names neither the mark nor such a fixture."""
    text = file.read_text(encoding="utf-8")
    assert _ASKS.search(text) is None
    assert _FIXTURES.search(text) is None
