"""A folder of documents, with rights from an access file and companions, or from the disk too.

A folder has no change feed, so every run lists it whole: listing costs no more than
one stat a file, and only a whole listing may let the engine delete. What costs time,
reading the content, the engine skips where the version is the one it knows; that is
also how a resumed run skips what the interrupted one has done.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from assistant.common.acl import Acl
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.os_reasons import os_reason
from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.access_file import AccessRules, no_access_file, read_access_file
from connectors.sdk.beneath import open_file
from connectors.sdk.companion import MAX_COMPANION_BYTES, NO_COMPANION, SUFFIX, Companion, parse_companion
from connectors.sdk.contract import (
    CheckItem,
    Checkpoint,
    Complete,
    DocumentAcl,
    Event,
    Failure,
    FileContent,
    PermissionEvent,
    PrincipalEvent,
    Upsert,
)
from connectors.sdk.exact_json import MalformedError, decode_json
from connectors.sdk.posix_acl import narrowed
from connectors.sdk.source import BaseSource
from connectors.sources.filesystem.disk_rights import DiskRights
from connectors.sources.filesystem.groups_file import read_groups
from connectors.sources.filesystem.trial import Decides, try_out
from connectors.sources.filesystem.walk import Found, LeftOut, walk

CHECKPOINT_EVERY = 100
_CLOCK_TICK_NS = 20_000_000  # coarser than the step in which kernels stamp changes


@dataclass(frozen=True, slots=True)
class _Readable:
    """A document file whose permissions are known; `acl` None: but for the disk's word."""

    found: Found
    companion: Companion
    acl: Acl | None


class FilesystemConnector(BaseSource):
    """One folder. Opens nothing until asked.

    `rights`: the rights of the disk count; whoever sees a file needs those and, where the access
    file or a companion speaks of it, theirs.
    """

    def __init__(
        self,
        *,
        root: Path,
        access_file: Path | None = None,
        groups_file: Path | None = None,
        everyone: bool = False,
        rights: DiskRights | None = None,
    ) -> None:
        self._root = root
        self._access_file = access_file
        self._groups_file = groups_file
        self._everyone = everyone or rights is not None
        self._rights = rights

    def check(self) -> list[CheckItem]:
        """Try the folder, one file, the access file and the groups file."""
        return try_out(
            root=self._root,
            files=self._found,
            rules=self._rules(),
            decides=self._decides(),
            groups=None if self._groups_file is None else list(self.principals()),
        )

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,  # noqa: ARG002 - see the module
        checkpoint: JsonObject | None = None,  # noqa: ARG002
    ) -> Iterator[Event]:
        """Every document, whatever the checkpoint."""
        rules = self._rules()
        yield from rules.failures()
        reported = 0
        for item in self._readable(rules):
            if isinstance(item, Failure):
                yield item
                continue
            yield self._upsert(item)
            reported += 1
            if reported % CHECKPOINT_EVERY == 0:
                yield Checkpoint({"after": item.found.external_id})
        yield Complete()

    def permissions(self) -> Iterator[PermissionEvent]:
        """The ACL of every document; reads the access file and the companions, no document."""
        rules = self._rules()
        yield from rules.failures()
        for item in self._readable(rules):
            yield item if isinstance(item, Failure) else DocumentAcl(item.found.external_id, item.acl)
        yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """The groups of the groups file: all of them, or none and the reason."""
        if self._groups_file is None:
            yield Complete()
            return
        try:
            groups = read_groups(self._groups_file)
        except MalformedError as error:
            detail = told(
                "The groups file '{name}' {error}. Mend it and sync again.",
                name=self._groups_file.name,
                error=error,
            )
            yield Failure("", FailureCode.BAD_PERMISSIONS, detail, hide=True, is_prefix=True)
            return
        yield from groups
        yield Complete()

    def _rules(self) -> AccessRules:
        if self._access_file is None:
            return no_access_file(everyone=self._everyone)
        return read_access_file(self._access_file, everyone=self._everyone)

    def _decides(self) -> Decides:
        if self._rights is not None:
            return "disk"
        return "audience" if self._access_file is None else "access file"

    def _left_out(self) -> LeftOut:
        """The files that say who may see what, which nobody may read as documents.

        Known by what they are, so that no other name shows them, and by where they lie, for a file that
        is put into their place while the folder is read.
        """
        identities, paths = set(), set()
        root = _real(self._root)
        for path in filter(None, (self._access_file, self._groups_file)):
            # The last step as it is named, and where it leads if it is a link.
            for place in (_real(path.parent) / path.name, _real(path)):
                if place.is_relative_to(root):
                    paths.add(place.relative_to(root).parts)
            with suppress(OSError):
                info = path.stat()
                identities.add((info.st_dev, info.st_ino))
        return LeftOut(frozenset(identities), frozenset(paths))

    def _readable(self, rules: AccessRules) -> Iterator[_Readable | Failure]:
        for found in self._found():
            if isinstance(found, Failure):
                yield found
                continue
            try:
                companion = self._companion(found)
            except MalformedError as error:
                detail = told(
                    "Its companion '{companion}' {error}. Mend or remove it.",
                    companion=found.companion,
                    error=error,
                )
                yield Failure(found.external_id, FailureCode.BAD_PERMISSIONS, detail, hide=True)
                continue
            stated = rules.acl_of(found.external_id, companion.clause)
            acl = stated if self._rights is None else narrowed(stated, found.layers)
            yield _Readable(found, companion, acl)

    def _found(self) -> Iterator[Found | Failure]:
        return walk(self._root, leave_out=self._left_out(), rights=self._rights)

    def _companion(self, found: Found) -> Companion:
        if not found.companion:
            return NO_COMPANION
        if found.companion != found.parts[-1] + SUFFIX:
            raise MalformedError(told("is not spelt exactly like its file"))
        try:
            with os.fdopen(open_file(self._root, (*found.parts[:-1], found.companion)), "rb") as stream:
                data = stream.read(MAX_COMPANION_BYTES + 1)
        except OSError as error:
            raise MalformedError(told("cannot be read: {reason}", reason=os_reason(error))) from error
        if len(data) > MAX_COMPANION_BYTES:
            raise MalformedError(told("is larger than {most} bytes", most=MAX_COMPANION_BYTES))
        try:
            return parse_companion(decode_json(data))
        except MalformedError as error:
            raise MalformedError(told("is not understood: {error}", error=error)) from error

    def _upsert(self, item: _Readable) -> Upsert:
        found, companion = item.found, item.companion
        return Upsert(
            external_id=found.external_id,
            version=_version(found.info, companion, with_status=self._rights is None),
            title=companion.title,
            name=found.parts[-1],
            url=companion.url,
            media_type=companion.media_type,
            modified=companion.modified or _changed_at(found.info),
            attributes=companion.attributes,
            acl=item.acl,
            size=found.info.st_size,
            fetch=partial(self._fetch, found),
        )

    def _fetch(self, found: Found) -> FileContent:
        """The file, if it is still a plain file inside the root, and readable."""
        try:
            descriptor = open_file(self._root, found.parts)
        except OSError as error:
            raise DocumentFailure(FailureCode.UNREADABLE, os_reason(error)) from error
        try:
            info = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        # Two writes within one tick of the kernel's clock bear the same stamps. After the tick
        # has passed, whatever is written next is seen as a change by the next listing.
        age = time.time_ns() - info.st_ctime_ns
        if 0 <= age < _CLOCK_TICK_NS:
            time.sleep((_CLOCK_TICK_NS - age) / 1e9)
        return FileContent(self._root.joinpath(*found.parts))


def _real(path: Path) -> Path:
    """Where the path leads, as far as it does: `Path.resolve` raises where links lead in a circle."""
    return Path(os.path.realpath(path))


def _version(info: os.stat_result, companion: Companion, *, with_status: bool) -> str:
    """`with_status`: with the time of the last change of status, which shows an edit that sets its time back.

    A change of rights moves it too, so where rights count it would have every file read again.
    """
    status = f"-{info.st_ctime_ns:x}" if with_status else ""
    stamps = f"{info.st_size:x}-{info.st_mtime_ns:x}{status}-{info.st_ino:x}"
    return f"{stamps}-{companion.fingerprint}" if companion.fingerprint else stamps


def _changed_at(info: os.stat_result) -> datetime | None:
    try:
        return datetime.fromtimestamp(info.st_mtime, UTC)
    except (ValueError, OverflowError, OSError):
        return None
