"""Mundap's own web server, as `up` starts it, over a home of the crawl's, and the errors it wrote down."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.browser.server import REPOSITORY, environment_of, wait_for
from tests.connectors.servers.programs import free_port
from tests.security.crawl.passive import Known

_ERROR = re.compile(r"^(?:\S+ \S+ )?(?:ERROR|CRITICAL):? +(.*)$", re.MULTILINE)
# What Django calls an error of security is one of the request: a foreign host, too many fields.
_OF_CLIENTS = ("django.security.", "django.request Bad Request")
_LOST = "was never retrieved"


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that answers at `address` and writes to `log`."""

    address: str
    log: Path
    home: Path
    process: subprocess.Popen[bytes]

    def known(self, secrets: tuple[str, ...] = (), redirects: tuple[str, ...] = ()) -> Known:
        """What the rules must know of it."""
        paths = [str(self.home), str(REPOSITORY)]
        if len(socket.gethostname()) > 6:
            paths.append(socket.gethostname())
        return Known(self.address, secrets, tuple(paths), redirects)

    def errors(self) -> list[str]:
        """The mistakes of its own that it wrote down, each with the lines below."""
        return errors_in(self.log.read_text(encoding="utf-8", errors="replace"))


def errors_in(log: str) -> list[str]:
    """Records of errors that no request is to be blamed for."""
    found = [
        log[record.start() : record.start() + 3_000]
        for record in _ERROR.finditer(log)
        if not record[1].startswith(_OF_CLIENTS)
    ]
    return found + [line for line in log.splitlines() if _LOST in line]


@contextmanager
def serving(home: Path, settings: Mapping[str, str] | None = None) -> Iterator[Serving]:
    """Start it over `home`, and stop it at the end."""
    port = free_port()
    environment = environment_of(home) | {"MUNDAP_HOST": "127.0.0.1", "MUNDAP_PORT": str(port)}
    log = home / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "assistant.config.serve"],
            cwd=REPOSITORY,
            env=environment | dict(settings or {}),
            stdout=out,
            stderr=out,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz", process)
            yield Serving(f"http://127.0.0.1:{port}", log, home, process)
        finally:
            process.terminate()
            process.wait(timeout=20)
