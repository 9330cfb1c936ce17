"""A real server over a home of its own, filled with the small world, for tests and for pictures."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import URLError

from tests.browser.world import WORLD
from tests.connectors.servers.programs import free_port
from tests.made_in_run import DATABASE, laid, prepared_home
from tests.unlimited import UNLIMITED

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = Path(os.environ.get("MUNDAP_TEST_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_S = 120


def environment_of(home: Path) -> dict[str, str]:
    """What a process of this installation is started with."""
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return kept | {
        "MUNDAP_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
        "PYTHONPATH": str(REPOSITORY),
        "MUNDAP_LOG_LEVEL": "WARNING",
        "MUNDAP_REQUIRE_SECOND_FACTOR": "nobody",  # but where a test is about it
        **UNLIMITED,
    }


def fill(home: Path) -> None:
    """Have the small world in `home`. A run of the tests makes it once."""
    laid("browser-world", _make_world, home)
    with closing(sqlite3.connect(home / DATABASE)) as rows, rows:
        file = json.dumps({"path": str(home / WORLD)})
        assert rows.execute("UPDATE sync_source SET config = ?", [file]).rowcount == 1


def _make_world(home: Path) -> None:
    prepared_home(home)  # its migrations take longer than the world
    subprocess.run(
        [sys.executable, "-m", "tests.browser.world"],
        cwd=REPOSITORY,
        env=environment_of(home),
        check=True,
        timeout=START_S,
    )


@contextmanager
def running_server(home: Path, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of a server over `home`, which is filled first; `settings` are put into its environment."""
    fill(home)
    with served(home, settings) as address:
        yield address


@contextmanager
def served(home: Path, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The same over a home as it is."""
    port = free_port()
    environment = environment_of(home) | dict(settings or {})
    command = [sys.executable, "-m", "uvicorn", "assistant.config.asgi:application", "--port", str(port)]
    server = subprocess.Popen([*command, "--log-level", "warning"], cwd=REPOSITORY, env=environment)
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Until the server answers."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended while it started"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"{url} did not answer within {START_S} s")
