"""What the operating system says when it refuses something, as a sentence that can be told again."""

from __future__ import annotations

import errno

from assistant.common.told import Told, told

_REASONS = {
    errno.EACCES: told("Permission denied"),
    errno.ECONNREFUSED: told("Connection refused"),
    errno.ECONNRESET: told("Connection reset by peer"),
    errno.EHOSTUNREACH: told("No route to host"),
    errno.EIO: told("Input/output error"),
    errno.EISDIR: told("Is a directory"),
    errno.ELOOP: told("Too many levels of symbolic links"),
    errno.ENAMETOOLONG: told("File name too long"),
    errno.ENETUNREACH: told("Network is unreachable"),
    errno.ENOENT: told("No such file or directory"),
    errno.ENOSPC: told("No space left on device"),
    errno.ENOTDIR: told("Not a directory"),
    errno.EPERM: told("Operation not permitted"),
    errno.EPIPE: told("Broken pipe"),
    errno.ESTALE: told("Stale file handle"),
    errno.ETIMEDOUT: told("Connection timed out"),
}


def os_reason(error: OSError) -> str:
    """The reason alone, without the file's name; empty where the error holds nothing.

    Libraries use numbers of their own in such errors, so a number counts only with its words.
    """
    spoken: object = error.strerror
    if isinstance(spoken, Told):
        return spoken
    known = _REASONS.get(error.errno or 0)
    if known is not None and spoken == str(known):
        return known
    if isinstance(error, TimeoutError) and str(error) in ("timed out", ""):
        return told("timed out")
    return error.strerror or str(error)
