"""The bytes of files that wait to be read, on this machine's disk and readable by its owner only.

They are there before the row that asks for them is, and go when the file was read, cannot be read, or was
removed. What a killed process leaves without a row is swept away.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from assistant.chat.models import ChatFile, FileState

_ABANDONED_S = 3600  # without a row for so long


class TooManyBytes(Exception):
    """More came than was allowed; nothing is kept."""


def place_of(kept_as: str) -> Path:
    """Where the bytes of this name lie."""
    return _folder() / kept_as


def keep(pieces: Iterable[bytes], *, most: int) -> tuple[str, int]:
    """Write the pieces to the disk; returns their name and how many bytes they are.

    Raises:
        TooManyBytes: more than `most`.
    """
    _folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    kept_as, size = uuid4().hex, 0
    place = place_of(kept_as)
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            for piece in pieces:
                size += len(piece)
                if size > most:
                    raise TooManyBytes
                stream.write(piece)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        drop(kept_as)
        raise
    return kept_as, size


def drop(kept_as: str) -> None:
    """Forget the bytes."""
    with suppress(FileNotFoundError):
        place_of(kept_as).unlink()


def sweep() -> None:
    """Drop what nobody waits for any more."""
    if not _folder().is_dir():
        return
    waited_for = set(ChatFile.objects.filter(state=FileState.READING).values_list("kept_as", flat=True))
    for place in _folder().iterdir():
        with suppress(FileNotFoundError):
            if place.name not in waited_for and time.time() - place.stat().st_mtime > _ABANDONED_S:
                place.unlink()


def _folder() -> Path:
    folder: Path = settings.MUNDAP_FILES_DIR
    return folder
