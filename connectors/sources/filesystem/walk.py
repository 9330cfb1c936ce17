"""Which files lie below the root, in a fixed order, without following a link or opening a file.

The order is that of the paths' characters. Folders are opened by descriptor, step by
step from the root, so that a folder swapped for a link in mid-crawl leads nowhere.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.common.errors import FailureCode
from assistant.common.os_reasons import os_reason
from assistant.common.told import told
from connectors.sdk.beneath import open_folder
from connectors.sdk.contract import Failure
from connectors.sdk.errors import Stop
from connectors.sdk.exact_json import MalformedError
from connectors.sdk.folder_names import Companions, is_wanted, printable
from connectors.sdk.names import id_problem
from connectors.sources.filesystem.disk_rights import DiskRights, Layer

_GONE = (FileNotFoundError, NotADirectoryError)


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file that may be a document.

    `companion` is its companion's name, or empty; `layers`, where rights were asked for, those of
    every folder from the root down and of the file.
    """

    parts: tuple[str, ...]
    info: os.stat_result
    companion: str
    layers: tuple[Layer, ...] = ()

    @property
    def external_id(self) -> str:
        """The path below the root with `/` between its steps, spelt exactly as on the disk."""
        return "/".join(self.parts)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files that are no documents: by (device, inode), whatever they are called, and by their paths
    below the root, whichever file lies there when it is listed."""

    identities: frozenset[tuple[int, int]] = frozenset()
    paths: frozenset[tuple[str, ...]] = frozenset()


@dataclass(frozen=True, slots=True)
class _Entry:
    parts: tuple[str, ...]
    is_folder: bool
    info: os.stat_result | None = None
    companion: str = ""
    failure: Failure | None = None
    layers: tuple[Layer, ...] = ()  # of a folder: those of the folders above it


@dataclass(frozen=True, slots=True)
class _Tree:
    root: Path
    leave_out: LeftOut
    rights: DiskRights | None


def walk(root: Path, *, leave_out: LeftOut, rights: DiskRights | None = None) -> Iterator[Found | Failure]:
    """Every document file below `root`, without those to leave out.

    With `rights` each file comes with who may reach and read it.

    Raises:
        Stop: the root is not there, is no folder or cannot be listed, now or at the end.
    """
    before = _identity(root)
    tree = _Tree(root, leave_out, rights)
    pending = [_Entry((), is_folder=True)]
    while pending:
        entry = pending.pop()
        if entry.failure is not None:
            yield entry.failure
        elif entry.info is not None:
            yield Found(entry.parts, entry.info, entry.companion, entry.layers)
        else:
            below = _listed(tree, entry)
            if isinstance(below, Failure):
                yield below
            else:
                pending += below
    if _identity(root) != before:
        raise Stop(
            told(
                "The folder '{root}' was replaced while it was read. Nothing was deleted; sync again.",
                root=root,
            )
        )


def _identity(root: Path) -> tuple[int, int]:
    try:
        info = root.stat()
    except OSError as error:
        raise Stop(_root_trouble(root, error)) from error
    if not stat.S_ISDIR(info.st_mode):
        raise Stop(told("'{root}' is not a folder. Check 'root' of this source.", root=root))
    return info.st_dev, info.st_ino


def _root_trouble(root: Path, error: OSError) -> str:
    reason = os_reason(error) or told("unknown error")
    return told(
        "The folder '{root}' cannot be read: {reason}. Check that it is mounted and readable for the worker.",
        root=root,
        reason=reason,
    )


def _listed(tree: _Tree, folder: _Entry) -> list[_Entry] | Failure:
    """What lies in one folder, last first, so that the caller can pop it in order."""
    prefix = "".join(part + "/" for part in folder.parts)
    try:
        return _entries(tree, folder)
    except MalformedError as error:
        detail = told("The folder {error}.", error=error)
        return Failure(prefix, FailureCode.BAD_PERMISSIONS, detail, hide=True, is_prefix=True)
    except OSError as error:
        if not folder.parts:
            raise Stop(_root_trouble(tree.root, error)) from error
        if isinstance(error, _GONE):
            return []
        # A folder that was closed to the worker was perhaps closed to its readers by the same stroke.
        hide = tree.rights is not None and isinstance(error, PermissionError)
        return Failure(prefix, FailureCode.UNLISTED, os_reason(error), hide=hide, is_prefix=True)


def _entries(tree: _Tree, folder: _Entry) -> list[_Entry]:
    descriptor = open_folder(tree.root, folder.parts)
    try:
        layers = folder.layers
        if tree.rights is not None:
            layers = (*layers, tree.rights.to_enter(descriptor))
        with os.scandir(descriptor) as scan:
            listed = sorted(scan, key=lambda each: each.name)
        companions = Companions(each.name for each in listed)
        found = [_entry(folder.parts, each, companions) for each in listed if is_wanted(each.name)]
        kept = [each for each in found if each is not None and not _is_left_out(each, tree.leave_out)]
        guarded = [_guarded(tree, each, layers, descriptor) for each in kept]
    finally:
        os.close(descriptor)
    return sorted(guarded, key=lambda each: each.parts[-1] + "/" * each.is_folder, reverse=True)


def _guarded(tree: _Tree, entry: _Entry, layers: tuple[Layer, ...], folder: int) -> _Entry:
    """The entry with the rights that it needs: a file's own too, a folder's come when it is opened."""
    if tree.rights is None or entry.failure is not None:
        return entry
    if entry.info is None:
        return replace(entry, layers=layers)
    try:
        own = tree.rights.to_read(folder, entry.parts[-1], entry.info)
    except MalformedError as error:
        detail = told("The file {error}.", error=error)
        failure = Failure(printable(entry.parts), FailureCode.BAD_PERMISSIONS, detail, hide=True)
        return replace(entry, failure=failure)
    return replace(entry, layers=(*layers, own))


def _is_left_out(entry: _Entry, leave_out: LeftOut) -> bool:
    if entry.info is None:
        return False
    return entry.parts in leave_out.paths or (entry.info.st_dev, entry.info.st_ino) in leave_out.identities


def _entry(folder: tuple[str, ...], entry: os.DirEntry[str], companions: Companions) -> _Entry | None:
    parts = (*folder, entry.name)
    try:
        # Seen without being followed, a link is neither a folder nor a regular file, and is dropped below.
        is_folder = entry.is_dir(follow_symlinks=False)
        info = None if is_folder else entry.stat(follow_symlinks=False)
    except _GONE:
        return None
    except OSError as error:
        # It may be a folder, so what is known below that name is exempt from deletion too.
        detail = os_reason(error)
        failure = Failure(printable(parts), FailureCode.UNREADABLE, detail, is_prefix=True)
        return _Entry(parts, is_folder=False, failure=failure)
    if info is not None and not stat.S_ISREG(info.st_mode):
        return None
    problem = id_problem("/".join(parts))
    if problem:
        failure = Failure(
            printable(parts), FailureCode.UNREADABLE, told("The path {problem}. Rename it.", problem=problem)
        )
        return _Entry(parts, is_folder=False, failure=failure)
    return _Entry(parts, is_folder, info, "" if is_folder else companions.of(entry.name))
