"""The suites that connectors run live in plain modules; their asserts should explain themselves too."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    "tests.connectors.conformance", "tests.connectors.hostile", "tests.connectors.network_checks"
)
