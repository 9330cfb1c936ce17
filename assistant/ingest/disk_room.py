"""Is there room on the disk for what somebody sends? Asked before anything is written, in this one place.

A full disk stops more than uploads: the database, the index and the audit log are on it. So files and pushed
documents are refused while it still has some room. Questions are answered as before.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from assistant.common.errors import MundapError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskNearlyFull(MundapError):
    """What somebody sends cannot be taken for want of room. The sentence is for programs and logs."""

    def __init__(self) -> None:
        super().__init__(
            "The disk of this server is nearly full, so nothing is taken. Tell your administrator, and try "
            "again later."
        )


def is_nearly_full(incoming: int = 0) -> bool:
    """Whether a disk of uploads has less room than `MUNDAP_LEAST_FREE`, or would with so many bytes."""
    least_bytes, least_percent = settings.MUNDAP_LEAST_FREE
    for folder in {Path(settings.MUNDAP_HOME), Path(tempfile.gettempdir())}:
        usage = shutil.disk_usage(_that_exists(folder))
        free = usage.free - incoming
        if least_bytes and free < least_bytes:
            return True
        if least_percent and free * 100 < usage.total * least_percent:
            return True
    return False


def require_disk_room(incoming: int = 0) -> None:
    """Raises:
    DiskNearlyFull: see `is_nearly_full`.
    """
    if is_nearly_full(incoming):
        raise DiskNearlyFull


@contextmanager
def told_when_full() -> Iterator[None]:
    """What the file system says while something is written, as the same error.

    Raises:
        DiskNearlyFull: there was no room, or the quota was used up.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskNearlyFull from error
        raise


def _that_exists(folder: Path) -> Path:
    """The folder, or the next one above it: it is made with the first file."""
    return next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
