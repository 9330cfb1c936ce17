"""How lines of the log are written: without secrets, and without what in an address opens something."""

from __future__ import annotations

import copy
import logging
import re
import sys
import threading
import traceback
from types import TracebackType

from assistant.common.known_secrets import without_secrets
from assistant.config.log_lines import LogLine

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,}")


class PlainFormatter(LogLine):
    """The formatter of the settings. Tracebacks go the same way."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        return without_secrets(super().format(_by_route(record)))


def install_hooks() -> None:
    """What ends a program or a thread unexpectedly is written as carefully as what is logged."""
    sys.excepthook = _write
    threading.excepthook = _of_thread


def _by_route(record: logging.LogRecord) -> logging.LogRecord:
    """Django writes the path of a request that failed: links, tickets and handles are parts of paths."""
    request = getattr(record, "request", None)
    path = getattr(request, "path", None)
    if not isinstance(path, str) or not isinstance(record.args, tuple):
        return record
    match = getattr(request, "resolver_match", None)
    shown = f"/{match.route}" if match is not None else _TOKEN.sub("…", path)
    written = {path, path.encode("unicode_escape").decode("ascii")}
    record = copy.copy(record)
    record.args = tuple(
        shown if isinstance(one, str) and one in written else one for one in record.args or ()
    )
    return record


def _write(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    sys.stderr.write(without_secrets("".join(traceback.format_exception(kind, error, trace))))
    sys.stderr.flush()


def _of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        name = args.thread.name if args.thread is not None else "?"
        sys.stderr.write(f"ERROR in thread {name}\n")
        _write(args.exc_type, args.exc_value, args.exc_traceback)
