"""Where the embedders are what is tested, each of their vectors is computed."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _embedding_once() -> None:
    """Stands in the place of the fixture of all tests."""
