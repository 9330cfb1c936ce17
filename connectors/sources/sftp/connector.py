"""A tree of files on an SFTP server. No link is followed, neither to a file nor to a folder."""

from __future__ import annotations

import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from assistant.common.acl import Clause, PrincipalRef
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import said, told
from connectors.sdk.errors import Stop
from connectors.sdk.posix_acl import READ, SEARCH, Naming, PosixAcl, clause, from_mode
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.tree import FolderGone, FolderUnread, Node, Path, seconds_version
from connectors.sources.sftp.session import Session, SignIn
from connectors.sources.sftp.wire import (
    NO_SUCH_FILE,
    PERMISSION_DENIED,
    Attributes,
    Irregular,
    Refused,
    Sftp,
    TooLong,
)


@dataclass(frozen=True, slots=True)
class ModeRights:
    """How modes are read. `plain`: the administrator's word that no access lists stand behind them.

    With a list, the group's digit shows the mask and the last digit says nothing of those whom the
    list refuses; only the owner's digit is true in any case, so it alone counts without that word.
    """

    naming: Naming
    others: Sequence[PrincipalRef]
    plain: bool

    def layer(self, attributes: Attributes, *, want: int) -> Clause | None:
        """Whom the mode gives `want`; None: the server does not say."""
        mode, owner, group = attributes.mode, attributes.owner, attributes.group
        if mode is None or owner is None or group is None:
            return None
        rights = from_mode(mode, owner=owner, group=group)
        if not self.plain:
            rights = PosixAcl(owner, group, rights.owner_bits, 0, 0)
        return clause(rights, want, naming=self.naming, others=self.others)


class SftpTree:
    """The tree below a folder of the server. Connects when made."""

    def __init__(
        self, sign_in: SignIn, folder: str, rights: ModeRights | None, surroundings: Surroundings
    ) -> None:
        self._rights = rights
        self._surroundings = surroundings
        self._session = Session(sign_in, surroundings)
        self._folder = folder
        self._top: bytes | None = None  # the real path of the folder, without a / at its end

    def root(self) -> Node:
        """The configured folder, which may be reached through links."""
        with self._session.sftp() as sftp:
            try:
                top = sftp.real_path(self._turn(self._folder.encode()))
                attributes = sftp.status_of(self._turn(top))
            except Refused as error:
                raise Stop(
                    told(
                        "The folder '{folder}' cannot be read: {error}. Check the folder of this source.",
                        folder=self._folder,
                        error=error,
                    )
                ) from error
        if not stat.S_ISDIR(attributes.mode or 0):
            raise Stop(told("'{folder}' is no folder. Check the folder of this source.", folder=self._folder))
        self._top = top.rstrip(b"/")
        return Node("", is_folder=True, layer=self._layer(attributes, SEARCH))

    def children(self, folder: Path) -> Sequence[Node]:
        """Everything in the folder; of links, pipes and devices the name alone."""
        path = self._path(folder)
        with self._session.sftp() as sftp:
            try:
                entries = sftp.listed(self._turn(path))
                straight = self._is_straight(sftp, path)
            except Refused as error:
                if error.status == NO_SUCH_FILE:
                    raise FolderGone(said(error)) from error
                closed = error.status == PERMISSION_DENIED and self._rights is not None
                raise FolderUnread(
                    told("The server does not list it: {error}.", error=error), hide=closed
                ) from error
        if not straight:
            raise FolderUnread(told("It has been replaced by a link, which is not followed."))
        now = time.time()
        return [self._node(name, attributes, now) for name, attributes in entries]

    def read(self, path: Path, *, limit: int) -> bytes:
        """A file's bytes."""
        place = self._path(path)
        with self._session.sftp() as sftp:
            try:
                data = sftp.content(self._turn(place), limit=limit)
                straight = self._is_straight(sftp, place)
            except Refused as error:
                codes = {NO_SUCH_FILE: FailureCode.GONE, PERMISSION_DENIED: FailureCode.REFUSED}
                raise DocumentFailure(codes.get(error.status, FailureCode.UNREADABLE), said(error)) from error
            except TooLong as error:
                raise DocumentFailure(
                    FailureCode.TOO_LARGE, told("It has more than {limit} bytes.", limit=limit)
                ) from error
            except Irregular as error:
                raise DocumentFailure(FailureCode.UNREADABLE, told("It is no plain file.")) from error
        if not straight:
            raise DocumentFailure(FailureCode.UNREADABLE, told("A link leads to it, which is not followed."))
        return data

    def address(self, _path: Path) -> str:
        """Browsers do not open SFTP addresses."""
        return ""

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def _path(self, parts: Path) -> bytes:
        if self._top is None:
            self.root()
        assert self._top is not None
        return b"/".join([self._top, *(part.encode("utf-8", "surrogateescape") for part in parts)]) or b"/"

    def _turn(self, path: bytes) -> bytes:
        self._surroundings.pace.turn(stopped=self._surroundings.stopped)
        return path

    def _is_straight(self, sftp: Sftp, path: bytes) -> bool:
        """Whether no link has come to lie on the way, as the server resolves the path now."""
        return sftp.real_path(path) == path

    def _layer(self, attributes: Attributes, want: int) -> Clause | None:
        return None if self._rights is None else self._rights.layer(attributes, want=want)

    def _node(self, raw: bytes, attributes: Attributes, now: float) -> Node:
        name = raw.decode("utf-8", "surrogateescape")
        mode = attributes.mode
        if mode is None:
            return Node(name, is_folder=False, trouble=told("The server does not say what it is."))
        if stat.S_ISDIR(mode):
            return Node(name, is_folder=True, layer=self._layer(attributes, SEARCH))
        if not stat.S_ISREG(mode):
            return Node(name, is_folder=False, is_other=True)
        modified = attributes.modified
        return Node(
            name,
            is_folder=False,
            version=seconds_version(attributes.size, modified, now=now),
            size=attributes.size,
            modified=None if modified is None else datetime.fromtimestamp(modified, UTC),
            layer=self._layer(attributes, READ),
        )
