"""How a line of the logs looks: its moment in UTC, and one line for one message, whatever was put into it."""

from __future__ import annotations

import logging
import re
import textwrap
from datetime import UTC, datetime
from types import TracebackType

# What ends a line somewhere, moves a cursor or turns the direction of reading.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class LogLine(logging.Formatter):
    """What comes from outside begins no line that looks like one of ours; further lines are indented."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002 - logging's
        """ISO 8601, to the millisecond, with the letter of UTC."""
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        """The line, with control characters written out."""
        record.message = _CONTROLS.sub(_written, record.message)
        return super().formatMessage(record)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's
        """The traceback, indented."""
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's
        """The stack, indented."""
        return _indented(super().formatStack(stack_info))


def _written(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _indented(text: str) -> str:
    # `splitlines` knows every end of a line, not only the one that we write.
    return textwrap.indent("\n".join(text.splitlines()), "    ", lambda _line: True)
