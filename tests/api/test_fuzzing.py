"""Requests made from the description, good and bad: no answer is a server's error or other than described."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.api.fuzzing import fired
from tests.connectors.servers.programs import missing


@pytest.fixture
def installed() -> None:
    """schemathesis is there: requirements-dev.txt names it."""
    if find_spec("schemathesis") is None:
        missing("needs schemathesis: install requirements-dev.txt")


@pytest.mark.slow
def test_no_made_request_ends_in_an_error_of_the_server_or_an_undescribed_answer(
    installed: None, tmp_path: Path
) -> None:
    found = fired(tmp_path, examples=3, seed=1, short=True)
    assert found.failures == []
    assert found.server_errors == 0, found.statuses
    assert len(found.operations) >= 16
    assert found.statuses[200] > 0, "good requests are among them"
    assert found.statuses[400] > 0, "and bad ones"
