"""Parsers run here: one child process with limits, which may crash or hang without harm.

The child sees one document at a time, keeps nothing of the parent's environment
and is replaced after a crash, a timeout and every so many documents.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import restored, told
from assistant.common.types import Json
from assistant.ingest.parsers.contract import Parsed
from assistant.ingest.parsers.wire import LENGTH, MAX_FRAME, FrameError, decode, encode, parsed_from_json

_ROOT = Path(__file__).resolve().parents[2]
_READ_AT_ONCE = 1 << 20
_MAX_NAME = 1_000
_MAX_DETAIL = 300
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one parser process may use."""

    seconds: int = 60  # wall time of one document
    memory_mib: int = 2_048
    documents: int = 200  # before the process is replaced


class ParserProcess:
    """A parser process, started when first needed. Not for use by several threads at once."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._child: subprocess.Popen[bytes] | None = None
        self._served = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process id of the child, if one runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def parse(self, path: Path, *, name: str, media_type: str = "") -> Parsed:
        """Read the file at `path` that its source calls `name`.

        Raises:
            DocumentFailure: what is wrong with the file; TIMEOUT and CRASHED where the parser failed.
        """
        request = encode(
            {"path": str(path.absolute()), "name": name[-_MAX_NAME:], "media_type": media_type[:_MAX_NAME]}
        )
        deadline = time.monotonic() + self._limits.seconds
        try:
            message = decode(self._exchange(request, deadline))
            return self._result(message)
        except FrameError as error:
            self.close()
            raise DocumentFailure(
                FailureCode.CRASHED, told("the parser process gave no sensible answer")
            ) from error

    def kill(self) -> None:
        """End the child from another thread: the document that is being parsed fails as CRASHED."""
        child = self._child
        if child is not None and child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the child and whatever it started."""
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()

    def _result(self, message: dict[str, Json]) -> Parsed:
        if "parsed" in message:
            return parsed_from_json(message["parsed"])
        code, detail = message.get("failure"), message.get("detail")
        if code not in {known.value for known in FailureCode}:
            raise FrameError("neither a document nor a failure")
        failure = DocumentFailure(
            FailureCode(str(code)), restored(str(detail)[:_MAX_DETAIL], message.get("parts"))
        )
        if failure.code is FailureCode.CRASHED:
            self.close()
        raise failure

    def _exchange(self, request: bytes, deadline: float) -> bytes:
        """Send a request and give the reply's body."""
        child = self._ready_child()
        assert child.stdin is not None
        try:
            child.stdin.write(request)
            child.stdin.flush()
            self._served += 1
            length = LENGTH.unpack(self._read(child, LENGTH.size, deadline))[0]
            if length > MAX_FRAME:
                raise FrameError("an endless reply")
            return self._read(child, length, deadline)
        except (BrokenPipeError, EOFError) as error:
            self.close()
            raise DocumentFailure(FailureCode.CRASHED, _how_it_ended(child)) from error
        except TimeoutError as error:
            self.close()
            raise DocumentFailure(
                FailureCode.TIMEOUT, told("not read within {seconds} seconds", seconds=self._limits.seconds)
            ) from error

    def _ready_child(self) -> subprocess.Popen[bytes]:
        if self._child is not None and (
            self._child.poll() is not None or self._served >= self._limits.documents
        ):
            self.close()
        if self._child is None:
            self._child = self._start()
            self._served = 0
        return self._child

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-E", "-s", "-B", "-X", "utf8", "-m", "assistant.ingest.parsers.child"]
        limits = ["--memory-mib", str(self._limits.memory_mib), "--seconds", str(self._limits.seconds)]
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command + limits,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env=_environment(),
            start_new_session=True,
        )

    def _read(self, child: subprocess.Popen[bytes], size: int, deadline: float) -> bytes:
        assert child.stdout is not None
        received = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while len(received) < size:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise TimeoutError
                piece = os.read(child.stdout.fileno(), min(_READ_AT_ONCE, size - len(received)))
                if not piece:
                    raise EOFError
                received += piece
        return bytes(received)


def _environment() -> dict[str, str]:
    """Nothing that could hold a secret; one thread for libraries that would start many."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {"LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _how_it_ended(child: subprocess.Popen[bytes]) -> str:
    status = child.returncode
    if status is not None and status < 0:
        try:
            return told("the parser process died of {name}", name=signal.Signals(-status).name)
        except ValueError:
            return told("the parser process died of signal {name}", name=-status)
    return told("the parser process ended")
