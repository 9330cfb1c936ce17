"""`transformers serve`: a second server for language models, here with tiny models of the tests' own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.providers.contract import ChatServer
from assistant.providers.dialect import forget as forget_dialects
from assistant.providers.limits import forget as forget_limits

_STARTS_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class ServedModels:
    """A running server. Every folder of this machine is a model to it."""

    url: str
    process: subprocess.Popen[bytes]

    def server_of(
        self, folder: Path, *, silence_s: float = 20.0, whole_s: float = 60.0, most_tokens: int = 1_024
    ) -> ChatServer:
        """How Mundap is told of one of its models."""
        return ChatServer(
            f"{self.url}/v1", str(folder), most_tokens=most_tokens, silence_s=silence_s, whole_s=whole_s
        )

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It holds its connections and says nothing for as long as the block lasts."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """It is gone, in the middle of whatever it does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def transformers_serve(folder: Path) -> Iterator[ServedModels]:
    """A server on a free port, with its log in `folder`. Skips where what it needs is not installed."""
    from transformers.utils.import_utils import is_accelerate_available, is_serve_available  # noqa: PLC0415 - heavy

    if not (is_serve_available() and is_accelerate_available()):
        reason = "needs what `transformers serve` needs: install requirements-dev.txt"
        if os.environ.get("CI"):
            pytest.fail(f"{reason} (in CI a missing service is a failure)")
        pytest.skip(reason)
    forget_limits()
    forget_dialects()
    port = _free_port()
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "transformers.cli.transformers", "serve"),
                *("--host", "127.0.0.1", "--port", str(port), "--device", "cpu"),
            ],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub"), "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            served = ServedModels(f"http://127.0.0.1:{port}", process)
            _wait_for(served, folder / "serve.log")
            yield served
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(served: ServedModels, log: Path) -> None:
    end = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < end and served.process.poll() is None:
        with (
            contextlib.suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(f"{served.url}/health", timeout=2),
        ):
            return
        time.sleep(0.1)
    pytest.fail(f"`transformers serve` did not start:\n{log.read_text(errors='replace')[-2_000:]}")
