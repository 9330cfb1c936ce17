"""`manage.py up` from nothing to a first page, and back to nothing."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assistant.config.env import REPOSITORY
from tests.made_in_run import prepared_home

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]
PATIENCE_S = 120.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(happened: Callable[[], bool], screen: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, screen.read_text(encoding="utf-8")
        time.sleep(0.1)


def processes_of(home: Path) -> set[int]:
    """Every living process whose environment names this home."""
    mark = f"MUNDAP_HOME={home}\0".encode()
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it ended while we looked
                if mark in (folder / "environ").read_bytes() + b"\0":
                    found.add(int(folder.name))
    return found


def environment(home: Path, port: int) -> dict[str, str]:
    plain = {
        name: value for name, value in os.environ.items() if not name.startswith(("MUNDAP_", "DATABASE_"))
    }
    return {**plain, "MUNDAP_HOME": str(home), "MUNDAP_PORT": str(port), "MUNDAP_LOG_LEVEL": "INFO"}


@contextmanager
def up(home: Path, port: int, screen: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with (
        screen.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "manage.py", "up", *arguments],
            cwd=REPOSITORY,
            env=environment(home, port),
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as running,
    ):
        try:
            yield running
        finally:
            running.kill()


def test_a_first_start_serves_a_page_and_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    home, port, screen = tmp_path / "home", free_port(), tmp_path / "screen"
    with up(home, port, screen, "--no-demo") as running:
        wait_for(lambda: "Mundap is ready" in screen.read_text(encoding="utf-8"), screen)
        assert f"http://127.0.0.1:{port}/" in screen.read_text(encoding="utf-8")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"ok\n"
        connection.close()
        assert len(processes_of(home)) >= 4

        second = subprocess.run(
            [sys.executable, "manage.py", "up"],
            cwd=REPOSITORY,
            env=environment(home, free_port()),
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert f"already runs on {home}" in second.stderr

        asked = time.monotonic()
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 0
        assert time.monotonic() - asked < 15
    assert processes_of(home) == set()
    assert "Stopped." in screen.read_text(encoding="utf-8")
    assert {"web.log", "worker.log", "scheduler.log"} <= {log.name for log in (home / "logs").iterdir()}


def test_kill_9_of_up_leaves_no_process_and_the_next_start_works(tmp_path: Path) -> None:
    home, port, screen = tmp_path / "home", free_port(), tmp_path / "screen"
    prepared_home(home)
    with up(home, port, screen, "--no-demo") as running:
        wait_for(lambda: "Mundap is ready" in screen.read_text(encoding="utf-8"), screen)
        running.kill()
        running.wait()
        wait_for(lambda: not processes_of(home), screen)
    with up(home, port, screen, "--no-demo") as running:
        wait_for(lambda: "Mundap is ready" in screen.read_text(encoding="utf-8"), screen)
        assert "migrations applied" not in screen.read_text(encoding="utf-8")
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=30) == 0
    assert processes_of(home) == set()


def test_a_busy_port_stops_the_start_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "manage.py", "up"],
            cwd=REPOSITORY,
            env=environment(tmp_path / "home", port),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is in use" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "home" / "mundap.sqlite3").exists()


@pytest.mark.parametrize("below_a_file", [True, False])
def test_a_folder_that_cannot_be_written_gives_one_line(tmp_path: Path, *, below_a_file: bool) -> None:
    (tmp_path / "file").touch()
    # Not even root can make a folder in either place.
    home = tmp_path / "file" / "home" if below_a_file else Path("/proc/mundap")
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=REPOSITORY,
        env=environment(home, free_port()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert str(home) in done.stderr
    assert "MUNDAP_HOME" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
