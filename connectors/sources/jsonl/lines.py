"""One object a line, read in a stream: a file of many gigabytes never stands in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from assistant.common.os_reasons import os_reason
from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.beneath import open_regular
from connectors.sdk.errors import Retry, Stop
from connectors.sdk.exact_json import MalformedError, as_object, decode_json

MAX_LINE_BYTES = 32_000_000
_RETRY_SECONDS = 60.0


class JsonLines:
    """An open file of lines that must stay as it is while it is read."""

    def __init__(self, stream: BinaryIO, *, name: str, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._stream = stream
        self._name = name
        self._max_line_bytes = max_line_bytes
        self._state = self._stamp()

    def records(self) -> Iterator[tuple[int, JsonObject | MalformedError]]:
        """Every line that is not blank, from the first: its number and its object, or what is wrong.

        Raises:
            Retry: the file was written to meanwhile.
        """
        self._stream.seek(0)
        number = 0
        while raw := self._stream.readline(self._max_line_bytes + 1):
            number += 1
            if len(raw) > self._max_line_bytes:
                self._skip_rest(raw)
                yield (
                    number,
                    MalformedError(told("the line is longer than {most} bytes", most=self._max_line_bytes)),
                )
            elif raw.strip():
                yield number, self._object(raw, first=number == 1)
        self.confirm_unchanged()

    def confirm_unchanged(self) -> None:
        """Raise Retry if the file was written to since it was opened."""
        if self._stamp() != self._state:
            raise Retry(
                told(
                    "The file '{name}' was written to while it was read. Replace such files by renaming.",
                    name=self._name,
                ),
                after=_RETRY_SECONDS,
            )

    def _object(self, raw: bytes, *, first: bool) -> JsonObject | MalformedError:
        if not first and raw.startswith(b"\xef\xbb\xbf"):
            return MalformedError(told("a byte order mark stands in the middle of the file"))
        try:
            return as_object(decode_json(raw), told("the line"))
        except MalformedError as error:
            return error

    def _skip_rest(self, raw: bytes) -> None:
        while raw and not raw.endswith(b"\n"):
            raw = self._stream.readline(self._max_line_bytes)

    def _stamp(self) -> tuple[int, int]:
        info = os.fstat(self._stream.fileno())
        return info.st_size, info.st_mtime_ns


@contextmanager
def open_lines(path: Path, *, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[JsonLines]:
    """The lines of the regular file at `path`.

    Raises:
        Stop: it cannot be opened.
    """
    try:
        descriptor = open_regular(path)
    except OSError as error:
        reason = os_reason(error) or told("unknown error")
        raise Stop(
            told(
                "The file '{path}' cannot be read: {reason}. Check 'path' of this source.",
                path=path,
                reason=reason,
            )
        ) from error
    with os.fdopen(descriptor, "rb") as stream:
        yield JsonLines(stream, name=str(path), max_line_bytes=max_line_bytes)
