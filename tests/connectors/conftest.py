"""The suites that connectors run live in plain modules; their asserts should explain themselves too."""

from __future__ import annotations

import pytest

from assistant.common import guarded_http

pytest.register_assert_rewrite(
    "tests.connectors.conformance", "tests.connectors.hostile", "tests.connectors.network_checks"
)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks again asks at once."""
    monkeypatch.setattr(guarded_http, "_pause", lambda attempt: 0.0)
