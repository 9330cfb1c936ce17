"""The suite that every connector runs lives in a plain module; its asserts should explain themselves too."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.connectors.conformance", "tests.connectors.hostile")
