"""Servers that the tests of the network layer share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.common.scripted_server import ScriptedServer, TestAuthority, serving


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return TestAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as server:
        yield server


@pytest.fixture
def stranger() -> Iterator[ScriptedServer]:
    """Another origin: same host, another port."""
    with serving() as server:
        yield server
