"""Is what a test needs here? If not: a named skip on a laptop, a failure where `CI` is set."""

from __future__ import annotations

import os
import shutil
import socket
from typing import NoReturn

import pytest

_MORE_PLACES = "/usr/sbin:/sbin"  # where Debian keeps servers, also for people who are not root


def program(name: str, *, package: str) -> str:
    """The path of an installed program."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_MORE_PLACES}")
    return found or missing(f"needs {name}: install the Debian package {package}")


def needs_root(why: str) -> None:
    """Go on as root only."""
    if os.geteuid() != 0:
        missing(f"needs root, {why}")


def missing(reason: str) -> NoReturn:
    """End the test: what it needs is not here."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason} (in CI a missing program is a failure)")
    pytest.skip(reason)


def free_port() -> int:
    """A port on the loopback that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
