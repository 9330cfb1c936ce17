"""What the file system itself says about who may read a file or enter a folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.common.acl import Clause, PrincipalRef
from assistant.common.told import told
from connectors.sdk.exact_json import MalformedError
from connectors.sdk.posix_acl import READ, SEARCH, XATTR, Naming, PosixAcl, clause, from_mode, parse_xattr

# Lists that rule instead of the mode, which then only looks like the truth.
_OTHER_LISTS = ("system.nfs4_acl", "system.richacl", "system.cifs_acl")
_NO_LIST = (errno.ENODATA, errno.EOPNOTSUPP)

Layer = Clause | None  # one condition; None: it could not be read


@dataclass(frozen=True, slots=True)
class DiskRights:
    """Reads rights. `naming`: whose the numbers are; `others`: who the rest are."""

    naming: Naming
    others: Sequence[PrincipalRef] = ()

    def to_enter(self, folder: int) -> Layer:
        """Who may go through the folder with this descriptor.

        Raises:
            MalformedError: its access list is of a kind that is not understood.
        """
        return self._layer(folder, os.fstat(folder), SEARCH)

    def to_read(self, folder: int, name: str, info: os.stat_result) -> Layer:
        """Who may read the file `name` in that folder.

        Raises:
            MalformedError: as `to_enter`.
        """
        # The way through /proc leads to the folder that is open, whatever lies in its place by now.
        return self._layer(f"/proc/self/fd/{folder}/{name}", info, READ)

    def _layer(self, place: int | str, info: os.stat_result, want: int) -> Layer:
        try:
            rights = _rights(place, info)
        except OSError:
            return None
        return clause(rights, want, naming=self.naming, others=self.others)


def _rights(place: int | str, info: os.stat_result) -> PosixAcl:
    for name in _OTHER_LISTS:
        if _attribute(place, name) is not None:
            raise MalformedError(told("has an access list of the kind {name}, which is not read", name=name))
    data = _attribute(place, XATTR)
    if data is None:
        return from_mode(info.st_mode, owner=info.st_uid, group=info.st_gid)
    return parse_xattr(data, owner=info.st_uid, group=info.st_gid)


def _attribute(place: int | str, name: str) -> bytes | None:
    """The attribute, or None where the file or its file system has none.

    Raises:
        OSError: it may have one, which cannot be read.
    """
    try:
        if isinstance(place, int):
            return os.getxattr(place, name)
        return os.getxattr(place, name, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_LIST:
            return None
        raise
