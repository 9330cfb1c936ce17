"""The content of blobs, by one git process that stays open for a copy."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from connectors.sources.git.program import Damaged, end_group, git_command


class Blobs:
    """Reads blobs of one copy. May be used by several threads; the caller closes it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def size(self, blob: str) -> int:
        """The number of bytes.

        Raises:
            Damaged: it is not in the copy.
        """
        with self._lock:
            return self._asked("info", blob)

    def read(self, blob: str, *, most: int) -> bytes:
        """The bytes.

        Raises:
            DocumentFailure: more than `most` bytes. Damaged: it is not in the copy.
        """
        with self._lock:
            size = self._asked("info", blob)
            if size > most:
                raise DocumentFailure(
                    FailureCode.TOO_LARGE, told("{size} bytes; the limit is {most}", size=size, most=most)
                )
            self._asked("contents", blob)
            stream = self._opened().stdout
            assert stream is not None
            data = stream.read(size + 1)
            if len(data) != size + 1:
                self._end()
                raise Damaged(told("git ended in the middle of a file"))
            return data[:-1]

    def _asked(self, verb: str, blob: str) -> int:
        process = self._opened()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{verb} {blob}\n".encode("ascii"))
            process.stdin.flush()
            answered = process.stdout.readline().split()
        except OSError as error:
            self._end()
            raise Damaged(told("git ended")) from error
        if len(answered) != 3 or answered[1] != b"blob":  # noqa: PLR2004 - name, type and size
            self._end()
            raise Damaged(told("{blob} is not there", blob=blob))
        return int(answered[2])

    def _opened(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - the program is git, its arguments are ours
                git_command(self._folder, "cat-file", "--batch-command"), env=self._environment,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            end_group(self._process)
            self._process = None
