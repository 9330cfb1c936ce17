"""PHP's own web server, started by hand for one wiki and stopped with the tests."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.connectors.servers.programs import program

_READY_WITHIN_S = 30.0
_WORKERS = "3"  # PHP's server answers one request a process


@contextmanager
def php_server(
    root: Path,
    *,
    port: int,
    log: Path,
    options: Mapping[str, str],
    router: Sequence[str] = (),
) -> Iterator[None]:
    """Serve `root` on a loopback port until the block ends. `options` are settings of php.ini."""
    settings = [part for name, value in options.items() for part in ("-d", f"{name}={value}")]
    command = [
        program("php", package="php-cli"),
        *settings,
        "-S",
        f"127.0.0.1:{port}",
        "-t",
        str(root),
        *router,
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PHP_CLI_SERVER_WORKERS": _WORKERS},
            start_new_session=True,
        )
        try:
            _await_port(process, port, log)
            yield
        finally:
            _end(process)


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError(f"PHP's server did not start: {log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the server and the workers that it forked: the whole session that was started for them."""
    for sign in (15, 9):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
