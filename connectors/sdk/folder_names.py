"""Which names of a folder stand for documents, and which companion belongs to which."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from connectors.sdk.companion import SUFFIX
from connectors.sdk.names import escaped_id, id_problem


def is_wanted(name: str) -> bool:
    """Not hidden, not an editor's lock file; companions describe documents and are none."""
    return not name.startswith((".", "~$")) and not name.casefold().endswith(SUFFIX)


def printable(parts: Sequence[str]) -> str:
    """The path as an id, or a stand-in for one that cannot be an id."""
    path = "/".join(parts)
    return escaped_id(path) if id_problem(path) else path


class Companions:
    """Which companion belongs to which file of one folder, given all names in it."""

    def __init__(self, names: Iterable[str]) -> None:
        everything = set(names)
        self._names = {name for name in everything if name.casefold().endswith(SUFFIX)}
        owned = {name + SUFFIX for name in everything}
        # A companion whose case or Unicode form differs from its file's would silently not
        # narrow it. It is taken for the file's own and, not being exactly it, hides the file.
        self._nearly = {folded(name): name for name in self._names - owned}

    def of(self, name: str) -> str:
        """The companion's name, which may differ in case from what it should be; empty: none."""
        exact = name + SUFFIX
        return exact if exact in self._names else self._nearly.get(folded(exact), "")


def folded(name: str) -> str:
    """What careless servers take for the same name or path: without case, in one Unicode form."""
    return unicodedata.normalize("NFC", name).casefold()
