"""Which files lie below the root, in a fixed order, without following a link or opening a file.

The order is that of the paths' characters. Folders are opened by descriptor, step by
step from the root, so that a folder swapped for a link in mid-crawl leads nowhere.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.common.errors import FailureCode
from connectors.sdk.beneath import open_folder
from connectors.sdk.companion import SUFFIX
from connectors.sdk.contract import Failure
from connectors.sdk.errors import Stop
from connectors.sdk.names import escaped_id, id_problem

_GONE = (FileNotFoundError, NotADirectoryError)


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file that may be a document. `companion` is its companion's name, or empty."""

    parts: tuple[str, ...]
    info: os.stat_result
    companion: str

    @property
    def external_id(self) -> str:
        """The path below the root with `/` between its steps, spelt exactly as on the disk."""
        return "/".join(self.parts)


@dataclass(frozen=True, slots=True)
class _Entry:
    parts: tuple[str, ...]
    is_folder: bool
    info: os.stat_result | None = None
    companion: str = ""
    failure: Failure | None = None


def walk(root: Path, *, leave_out: frozenset[tuple[int, int]]) -> Iterator[Found | Failure]:
    """Every document file below `root`; `leave_out` holds (device, inode) of files that are none.

    Raises:
        Stop: the root is not there, is no folder or cannot be listed, now or at the end.
    """
    before = _identity(root)
    try:
        pending = _entries(root, (), leave_out)
    except OSError as error:
        raise Stop(_root_trouble(root, error)) from error
    while pending:
        entry = pending.pop()
        if entry.failure is not None:
            yield entry.failure
        elif entry.is_folder:
            try:
                pending += _entries(root, entry.parts, leave_out)
            except _GONE:
                continue
            except OSError as error:
                prefix = "/".join(entry.parts) + "/"
                yield Failure(prefix, FailureCode.UNLISTED, error.strerror or "", is_prefix=True)
        elif entry.info is not None:
            yield Found(entry.parts, entry.info, entry.companion)
    if _identity(root) != before:
        raise Stop(f"The folder '{root}' was replaced while it was read. Nothing was deleted; sync again.")


def _identity(root: Path) -> tuple[int, int]:
    try:
        info = root.stat()
    except OSError as error:
        raise Stop(_root_trouble(root, error)) from error
    if not stat.S_ISDIR(info.st_mode):
        raise Stop(f"'{root}' is not a folder. Check 'root' of this source.")
    return info.st_dev, info.st_ino


def _root_trouble(root: Path, error: OSError) -> str:
    reason = error.strerror or "unknown error"
    return (
        f"The folder '{root}' cannot be read: {reason}. Check that it is mounted and readable for the worker."
    )


def _entries(root: Path, folder: tuple[str, ...], leave_out: frozenset[tuple[int, int]]) -> list[_Entry]:
    """What lies in one folder, last first, so that the caller can pop it in order."""
    descriptor = open_folder(root, folder)
    try:
        with os.scandir(descriptor) as scan:
            listed = sorted(scan, key=lambda each: each.name)
        companions = _Companions(each.name for each in listed)
        found = [_entry(folder, each, companions) for each in listed if _is_wanted(each.name)]
    finally:
        os.close(descriptor)
    kept = [each for each in found if each is not None and not _is_left_out(each, leave_out)]
    return sorted(kept, key=lambda each: each.parts[-1] + "/" * each.is_folder, reverse=True)


def _is_left_out(entry: _Entry, leave_out: frozenset[tuple[int, int]]) -> bool:
    return entry.info is not None and (entry.info.st_dev, entry.info.st_ino) in leave_out


def _is_wanted(name: str) -> bool:
    """Not hidden, not an editor's lock file; companions describe documents and are none."""
    return not name.startswith((".", "~$")) and not name.casefold().endswith(SUFFIX)


class _Companions:
    """Which companion belongs to which file of one folder."""

    def __init__(self, names: Iterator[str]) -> None:
        everything = set(names)
        self._names = {name for name in everything if name.casefold().endswith(SUFFIX)}
        owned = {name + SUFFIX for name in everything}
        # A companion whose case or Unicode form differs from its file's would silently not
        # narrow it. It is taken for the file's own and, not being exactly it, hides the file.
        self._nearly = {_folded(name): name for name in self._names - owned}

    def of(self, name: str) -> str:
        """The companion's name, which may differ in case from what it should be; empty: none."""
        exact = name + SUFFIX
        return exact if exact in self._names else self._nearly.get(_folded(exact), "")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _entry(folder: tuple[str, ...], entry: os.DirEntry[str], companions: _Companions) -> _Entry | None:
    parts = (*folder, entry.name)
    try:
        # Seen without being followed, a link is neither a folder nor a regular file, and is dropped below.
        is_folder = entry.is_dir(follow_symlinks=False)
        info = None if is_folder else entry.stat(follow_symlinks=False)
    except _GONE:
        return None
    except OSError as error:
        # It may be a folder, so what is known below that name is exempt from deletion too.
        detail = error.strerror or ""
        failure = Failure(_printable(parts), FailureCode.UNREADABLE, detail, is_prefix=True)
        return _Entry(parts, is_folder=False, failure=failure)
    if info is not None and not stat.S_ISREG(info.st_mode):
        return None
    problem = id_problem("/".join(parts))
    if problem:
        failure = Failure(_printable(parts), FailureCode.UNREADABLE, f"The path {problem}. Rename it.")
        return _Entry(parts, is_folder=False, failure=failure)
    return _Entry(parts, is_folder, info, "" if is_folder else companions.of(entry.name))


def _printable(parts: tuple[str, ...]) -> str:
    path = "/".join(parts)
    return escaped_id(path) if id_problem(path) else path
