"""The parser process: reads requests on its input, answers on its output, may do nothing else.

Started by `assistant.ingest.sandbox`. Limits of memory, processor time, files and
processes are set before the first document; sockets, new processes and writing
are refused by an audit hook, which Python offers no way to take off again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import sys
from pathlib import Path
from typing import BinaryIO

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import parts, told
from assistant.common.types import JsonObject
from assistant.ingest.parsers.registry import parse_file
from assistant.ingest.parsers.wire import LENGTH, decode, encode, parsed_to_json


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
_MAX_FILES = 64
_REFUSED_PREFIXES = (
    "socket.",
    "subprocess.",
    "shutil.",
    "os.exec",
    "os.spawn",
    "os.posix_spawn",
    "pty.",
    "tempfile.",
)
_REFUSED = _words("""
    os.system os.fork os.forkpty os.startfile os.remove os.rename os.rmdir os.mkdir os.link
    os.symlink os.truncate os.chmod os.chown os.kill os.killpg os.utime os.setxattr
    os.removexattr pickle.find_class webbrowser.open urllib.Request http.client.connect
    ftplib.connect smtplib.connect syslog.openlog
""")
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> None:
    """Serve documents until the input ends."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--memory-mib", type=int, required=True)
    arguments.add_argument("--seconds", type=int, required=True)
    options = arguments.parse_args()
    _die_with_parent()
    requests, replies = _take_pipes()
    limit(options.memory_mib)
    sys.addaudithook(refuse)
    while head := requests.read(LENGTH.size):
        message = decode(requests.read(LENGTH.unpack(head)[0]))
        _allow_processor_time(options.seconds)
        reply = answer(str(message["path"]), str(message["name"]), str(message["media_type"]))
        replies.write(encode(reply))
        replies.flush()


def answer(path: str, name: str, media_type: str) -> JsonObject:
    """The reply for one document."""
    try:
        return {"parsed": parsed_to_json(parse_file(Path(path), name=name, media_type=media_type))}
    except DocumentFailure as failure:
        return {"failure": failure.code.value, "detail": str(failure.detail), "parts": parts(failure.detail)}
    except MemoryError:
        detail = told("out of memory")
        return {"failure": FailureCode.CRASHED.value, "detail": str(detail), "parts": parts(detail)}


def limit(memory_mib: int) -> None:
    """Set what this process may use, where the system knows the limit."""
    memory = memory_mib * 1024 * 1024
    wanted = [
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _MAX_FILES),
        (resource.RLIMIT_NPROC, 0),
    ]
    for kind, value in wanted:
        hard = resource.getrlimit(kind)[1]
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS refuses some of them
            resource.setrlimit(kind, (ceiling, ceiling))


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    """The audit hook.

    Raises:
        PermissionError: for network, processes, and anything that changes a file.
    """
    if event == "open":
        mode, flags = arguments[1], arguments[2]
        writes = isinstance(mode, str) and any(letter in mode for letter in "wax+")
        if writes or (isinstance(flags, int) and flags & _WRITE_FLAGS):
            raise PermissionError("a parser may not write files")
    elif event in _REFUSED or event.startswith(_REFUSED_PREFIXES):
        raise PermissionError(f"a parser may not use {event}")


def _allow_processor_time(seconds: int) -> None:
    """Processor seconds for the next document: a second line behind the parent's clock."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(used.ru_utime + used.ru_stime) + seconds + 2
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(
            resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
        )


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes under numbers of their own, so that a library's print cannot break a frame."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 0)
    os.dup2(silence, 1)
    os.close(silence)
    return requests, replies


def _die_with_parent() -> None:
    """Linux kills this process when the thread that started it ends; elsewhere the input's end must do."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, _SIGKILL)


if __name__ == "__main__":
    main()
