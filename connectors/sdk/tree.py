"""A tree of files behind a protocol, walked in a fixed order: what servers of files share.

The order is that of the paths' characters, so that a path tells what lies before it: a walk can
begin after any path without asking for the folders that end before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from assistant.common.acl import Clause
from assistant.common.errors import FailureCode
from assistant.common.pace import Stopped
from assistant.common.told import said, told
from connectors.sdk.contract import Failure
from connectors.sdk.errors import Stop
from connectors.sdk.folder_names import Companions, folded, is_wanted, printable
from connectors.sdk.names import escaped_id, id_problem

Path = tuple[str, ...]  # the names from the root down, decoded; bytes that are not UTF-8 are surrogates


_SETTLED_S = 3.0  # a second, and what two clocks may be apart


@dataclass(frozen=True, slots=True)
class Node:
    """One entry of a folder.

    `version` changes with the content; `layer`: whom the server's own rights let read the file or
    enter the folder, None where they are not known; `trouble`: why nothing else is known of it;
    `is_other`: a link, pipe or device, which is no document and still has its name.
    """

    name: str
    is_folder: bool
    version: str = ""
    size: int | None = None
    modified: datetime | None = None
    media_type: str = ""
    layer: Clause | None = None
    trouble: str = ""
    is_other: bool = False


class FolderGone(Exception):
    """The folder is not there (any more)."""


class FolderUnread(Exception):
    """The folder's content is not known; says why. `hide`: who may read what lies there is in doubt too."""

    def __init__(self, reason: str, *, hide: bool = False) -> None:
        super().__init__(reason)
        self.hide = hide


class Tree(Protocol):
    """An open tree. `read` may be called by several threads while another one lists."""

    def root(self) -> Node:
        """The root itself.

        Raises:
            connectors.sdk.errors.Stop: it is not there, or no folder.
        """
        ...

    def children(self, folder: Path) -> Sequence[Node]:
        """Everything in one folder, in any order; no link is followed.

        Raises:
            FolderGone, FolderUnread: this folder only.
            connectors.sdk.errors.ConnectorError: the whole run.
        """
        ...

    def read(self, path: Path, *, limit: int) -> bytes:
        """A file's content.

        Raises:
            assistant.common.errors.DocumentFailure: this file only; also if it has more than `limit` bytes.
            connectors.sdk.errors.ConnectorError: the whole run.
        """
        ...

    def address(self, path: Path) -> str:
        """Where a browser opens the file, or empty."""
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be a document. `companion` is its companion's name, or empty.

    `layers` are those of every folder from the root down and its own.
    """

    parts: Path
    node: Node
    companion: str
    layers: tuple[Clause | None, ...]

    @property
    def external_id(self) -> str:
        """The path below the root."""
        return "/".join(self.parts)


def seconds_version(size: int | None, modified: int | None, *, now: float) -> str:
    """A version from the size and a time that is no finer than a second.

    Two writes within one second look the same. So as long as such a second may not be over, the
    version says so, and the first listing after it has the file read once more.
    """
    if modified is None:
        return f"{size or 0:x}"
    fresh = "-new" if now - modified < _SETTLED_S else ""
    return f"{size or 0:x}-{modified:x}{fresh}"


def _everywhere(_folder: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Walk:
    """How a tree is walked.

    `leave_out`: paths of files that are no documents, each as `folded` gives it; `enter`: whether a
    folder, given as its path with a `/` at the end, is asked for at all; `stopped`: whether to give up.
    """

    tree: Tree
    leave_out: frozenset[str] = frozenset()
    enter: Callable[[str], bool] = _everywhere
    stopped: Callable[[], bool] = lambda: False

    def files(self) -> Iterator[Found | Failure]:
        """Every document file, in order.

        Raises:
            Stop: the root is not there or cannot be listed.
            Stopped: the work was asked to end.
        """
        root = self.tree.root()
        pending: list[Found | Failure] = [Found((), root, "", (root.layer,))]
        while pending:
            if self.stopped():
                raise Stopped
            item = pending.pop()
            if isinstance(item, Failure) or not item.node.is_folder:
                yield item
            else:
                pending += self._below(item)

    def _below(self, folder: Found) -> list[Found | Failure]:
        """What lies in a folder, last first, so that the caller can pop it in order."""
        prefix = "".join(part + "/" for part in folder.parts)
        if not self.enter(prefix):
            return []
        try:
            nodes = self.tree.children(folder.parts)
        except FolderGone as error:
            if folder.parts:
                return []
            raise Stop(told("The root of the source is gone: {error}", error=error)) from error
        except FolderUnread as error:
            if not folder.parts:
                raise Stop(
                    told("The root of the source cannot be listed: {error} Nothing was deleted.", error=error)
                ) from error
            failure = Failure(prefix, FailureCode.UNLISTED, said(error), hide=error.hide, is_prefix=True)
            return [failure]
        names = {node.name for node in nodes}
        if len(names) != len(nodes):
            return [Failure(prefix, FailureCode.UNLISTED, told("A name stands in it twice."), is_prefix=True)]
        companions = Companions(names)
        documents = [node for node in nodes if is_wanted(node.name) and not node.is_other]
        wanted = [node for node in documents if folded(prefix + node.name) not in self.leave_out]
        wanted.sort(key=lambda node: node.name + "/" * node.is_folder, reverse=True)
        return [_judged(folder, node, companions) for node in wanted]


def _judged(folder: Found, node: Node, companions: Companions) -> Found | Failure:
    parts = (*folder.parts, node.name)
    if not node.name or "/" in node.name:
        detail = told("The server gives it a name that is no name.")
        return Failure(escaped_id("/".join(parts)), FailureCode.UNREADABLE, detail)
    if node.trouble:
        return Failure(printable(parts), FailureCode.UNREADABLE, node.trouble, is_prefix=True)
    problem = id_problem("/".join(parts))
    if problem:
        return Failure(
            printable(parts), FailureCode.UNREADABLE, told("The path {problem}. Rename it.", problem=problem)
        )
    layers = (*folder.layers, node.layer)
    if node.is_folder:
        return Found(parts, node, "", layers)
    return Found(parts, node, companions.of(node.name), layers)
