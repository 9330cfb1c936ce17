"""Which files lie on the share, in the order of their paths' characters, without following a link."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from assistant.common.errors import FailureCode
from assistant.common.pace import Stopped
from assistant.common.told import told
from connectors.sdk.contract import Failure
from connectors.sdk.errors import Stop
from connectors.sdk.names import escaped_id, id_problem
from connectors.sources.smb.folder import DIRECTORY, REPARSE_POINT, SYSTEM, Listed
from connectors.sources.smb.refusals import ACCESS_DENIED, GONE, Refused, run_error

_SEPARATORS = frozenset("/\\")


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be a document. `parts`: its path from the root of the share."""

    parts: tuple[str, ...]
    listed: Listed

    @property
    def external_id(self) -> str:
        """The path from the root of the share with `/` between its steps, spelt as on the server."""
        return "/".join(self.parts)

    @property
    def path(self) -> str:
        """The path as the server takes it."""
        return "\\".join(self.parts)


@dataclass(frozen=True, slots=True)
class _Folder:
    parts: tuple[str, ...]
    around: tuple[int, ...]  # the file ids of the folders in which it lies, itself included

    @property
    def prefix(self) -> str:
        return "".join(part + "/" for part in self.parts)


@dataclass(frozen=True, slots=True)
class Walk:
    """How to walk. `root`: the folder to begin with; `listing` gives the entries of a path."""

    share: str
    root: tuple[str, ...]
    listing: Callable[[str], list[Listed]]
    stopped: Callable[[], bool]

    def files(self, *, after: str = "") -> Iterator[Found | Failure]:
        """Every file whose id comes after `after`, and what could not be listed.

        Raises:
            Stop: the root is gone.
            ConnectorError: the server does not answer as it should, or refuses the root.
        """
        pending: list[Found | Failure | _Folder] = list(self._entries_of_root())
        while pending:
            if self.stopped():
                raise Stopped
            item = pending.pop()
            if isinstance(item, _Folder):
                if item.prefix > after or after.startswith(item.prefix):
                    pending += self._entries(item)
            elif isinstance(item, Failure) or item.external_id > after:
                yield item

    def some(self, wanted: Collection[str]) -> Iterator[Found | Failure]:
        """Those of the wanted files that are there, and which of their folders could not be listed.

        Raises:
            Stop, ConnectorError: as `files`.
        """
        at_root = self._entries_of_root()
        for parts in sorted({tuple(each.split("/")[:-1]) for each in wanted}):
            if parts[: len(self.root)] != self.root:
                continue
            entries = at_root if parts == self.root else self._entries(_Folder(parts, ()))
            for item in reversed(entries):
                if isinstance(item, _Folder):
                    continue
                if item.external_id in wanted or (isinstance(item, Failure) and item.is_prefix):
                    yield item

    def _entries_of_root(self) -> list[Found | Failure | _Folder]:
        root = _Folder(self.root, ())
        try:
            return self._sorted(root, self.listing("\\".join(self.root)))
        except Refused as refused:
            if refused.status in GONE:
                name = "/".join(self.root)
                raise Stop(
                    told(
                        "There is no folder '{name}' on the share. Check 'folder'; nothing was deleted.",
                        name=name,
                    )
                ) from refused
            raise run_error(refused.status, self.share) from refused

    def _entries(self, folder: _Folder) -> list[Found | Failure | _Folder]:
        try:
            return self._sorted(folder, self.listing("\\".join(folder.parts)))
        except Refused as refused:
            if refused.status in GONE:
                return []
            if refused.status == ACCESS_DENIED:
                detail = told("The account may not list this folder: give it the right to.")
            else:
                detail = told("The server does not list this folder ({refused}).", refused=refused)
            return [Failure(folder.prefix, FailureCode.UNLISTED, detail, is_prefix=True)]

    def _sorted(self, folder: _Folder, listed: list[Listed]) -> list[Found | Failure | _Folder]:
        """What lies in one folder, last first, so that the caller can pop it in order."""
        items = []
        for entry in listed:
            item = _item(folder, entry)
            if item is not None:
                items.append((entry.name + "/" * isinstance(item, _Folder), item))
        return [item for _, item in sorted(items, key=lambda pair: pair[0], reverse=True)]


def _item(folder: _Folder, entry: Listed) -> Found | Failure | _Folder | None:
    """What the entry is; None: no document, for a reason that needs no words."""
    if entry.name.startswith((".", "~$")) or entry.attributes & (SYSTEM | REPARSE_POINT):
        return None
    parts = (*folder.parts, entry.name)
    problem = told("is empty or holds a separator") if not entry.name or _SEPARATORS & set(entry.name) else ""
    problem = problem or id_problem("/".join(parts))
    if problem:
        detail = told("The path {problem}. Rename it.", problem=problem)
        escaped = escaped_id("/".join(parts))
        return Failure(escaped, FailureCode.UNREADABLE, detail)
    if not entry.attributes & DIRECTORY:
        return Found(parts, entry)
    # A server that follows its own links shows a folder inside itself; its id tells.
    if entry.file_id and entry.file_id in folder.around:
        return None
    return _Folder(parts, (*folder.around, entry.file_id))


def folder_parts(text: str) -> tuple[str, ...]:
    """The steps of a configured folder, written with either separator."""
    return tuple(step for step in text.replace("\\", "/").split("/") if step)
