"""Programs of Debian's packages that tests start by hand, on free ports of this machine.

What is missing is a named skip on a laptop, and a failure where `CI` is set.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

_PATH = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"


def program(name: str, *, package: str) -> str:
    """The path of an installed program."""
    return shutil.which(name, path=_PATH) or missing(f"needs {name}: install the Debian package {package}")


def installed_file(path: str, *, package: str) -> Path:
    """A file that a package brings."""
    return Path(path) if Path(path).is_file() else missing(f"needs {path}: install {package}")


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
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something accepts connections on this port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    """Wait until a server that was just started answers; show its log if it dies instead."""
    end = time.monotonic() + 20
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            pytest.fail(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and wait for it."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
