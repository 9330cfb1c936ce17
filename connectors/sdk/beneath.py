"""Opening a file without leaving the folder, and without waking a device.

A path is a promise that the file system may break between two calls: whoever may
write into a folder can swap a part of it for a link. So every step from the root
is opened by descriptor and refuses links.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from assistant.common.told import told

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO that nobody writes to would wait for ever.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def open_folder(root: Path, parts: Sequence[str]) -> int:
    """A descriptor of the folder `parts` below `root`, which may itself be a link; the caller closes it.

    Raises:
        OSError: not there, not a folder, a link on the way, or no right to open it.
    """
    here = os.open(root, _FOLDER)
    for part in parts:
        try:
            below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
        finally:
            os.close(here)
        here = below
    return here


def open_file(root: Path, parts: Sequence[str]) -> int:
    """A descriptor of the regular file `parts` below `root`; the caller closes it.

    Raises:
        OSError: as `open_folder`, or the file is a link or no regular file.
    """
    folder = open_folder(root, parts[:-1])
    try:
        return _regular(os.open(parts[-1], _FILE | os.O_NOFOLLOW, dir_fd=folder))
    finally:
        os.close(folder)


def open_regular(path: Path) -> int:
    """A descriptor of the regular file at `path`, links followed: for files that the configuration names."""
    return _regular(os.open(path, _FILE))


def _regular(descriptor: int) -> int:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, told("not a regular file"))
