"""Servers that some tests need. Missing ones are a named skip on a laptop and a failure in CI.

MUNDAP_TEST_REDIS_URL      a Redis that may be emptied
MUNDAP_TEST_DATABASE_URL   a PostgreSQL in which test databases may be made (see the Makefile)
"""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The address of a Redis server."""
    return required("MUNDAP_TEST_REDIS_URL", "a Redis server")


def required(variable: str, what: str) -> str:
    """The value of an environment variable that says where a service is."""
    value = os.environ.get(variable, "")
    if not value:
        reason = f"needs {what}: set {variable}"
        if os.environ.get("CI"):
            pytest.fail(f"{reason} (in CI a missing service is a failure)")
        pytest.skip(reason)
    return value
