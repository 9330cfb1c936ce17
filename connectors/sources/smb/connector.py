"""Files of one share, each with its own access list as the server holds it.

A share has a change feed only while somebody listens, so every run lists it: one answer
for many names, and one question a file for its access list, many of them under way at once.
The list is always read from the file itself and never computed from its folder. A resumed run
lists again, but asks for no list that comes before its checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import cast

from assistant.common.acl import EVERYONE, Acl, Clause
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import said, told
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    BytesContent,
    CheckItem,
    Checkpoint,
    Complete,
    DocumentAcl,
    Event,
    Failure,
    PermissionEvent,
    PrincipalEvent,
    Tombstone,
    Upsert,
)
from connectors.sdk.errors import ConnectorError
from connectors.sdk.exact_json import MalformedError
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings
from connectors.sources.smb.descriptor import BadDescriptor, parse_descriptor
from connectors.sources.smb.folder import ENCRYPTED, OFFLINE, RECALL
from connectors.sources.smb.people import People, read_people
from connectors.sources.smb.reading_rights import Names, clause_of
from connectors.sources.smb.refusals import ACCESS_DENIED, GONE, SHARING_VIOLATION, Refused
from connectors.sources.smb.share import Place, Share
from connectors.sources.smb.share_permissions import NotTold, share_descriptor
from connectors.sources.smb.walk import Found, Walk

CHECKPOINT_EVERY = 100
_LISTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Choices:
    """What the administrator chose.

    `everyone`: Everyone and Authenticated Users of the server are whoever can sign in here.
    `share_open`: the share's own permissions are known to let everybody read.
    """

    people_file: Path | None = None
    everyone: bool = False
    share_open: bool = False
    root: tuple[str, ...] = field(default=())


class _InDoubt(Exception):
    """What decides about every document cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """Who stands behind SIDs, and whom the share itself lets in; None: everybody."""

    names: Names
    share: Clause | None


class SmbConnector(BaseSource):
    """One share, or one folder of it. Opens nothing until asked."""

    def __init__(self, place: Place, choices: Choices, surroundings: Surroundings) -> None:
        self._place = place
        self._choices = choices
        self._surroundings = surroundings
        # Content is fetched from another thread than the listing's, so each has its own connection.
        self._listing = Share(place, surroundings)
        self._contents = Share(place, surroundings)

    def close(self) -> None:
        """Close both connections."""
        self._listing.close()
        self._contents.close()

    def check(self) -> list[CheckItem]:
        """Try the sign-in and the listing, one file, its access list, the share's, and the people file."""
        try:
            found = next((item for item in self._walk().files() if isinstance(item, Found)), None)
        except ConnectorError as error:
            return [CheckItem("list", ok=False, detail=said(error))]
        items = [
            CheckItem("sign-in", ok=True, detail=told("Signed in at '{server}'.", server=self._place.server))
        ]
        if found is None:
            return [*items, CheckItem("list", ok=False, detail=told("There are no files."))]
        items.append(
            CheckItem(
                "list",
                ok=True,
                detail=told("The first file is '{name}'.", name=found.external_id),
            )
        )
        items.append(self._try_content(found))
        items.append(self._try_permissions(found))
        items.append(self._try_people())
        return items

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,  # noqa: ARG002 - see the module
        checkpoint: JsonObject | None = None,
    ) -> Iterator[Event]:
        """Every file after the path of the checkpoint."""
        reported = 0
        after = cast("str", checkpoint["after"]) if checkpoint else ""
        for item in self._judged(self._walk().files(after=after)):
            if isinstance(item, Failure):
                yield item
                continue
            found, acl = item
            yield self._upsert(found, acl)
            reported += 1
            if reported % CHECKPOINT_EVERY == 0:
                yield Checkpoint({"after": found.external_id})
        yield Complete()

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        """These files: only the folders in which they lie are listed."""
        missing, unlisted = set(external_ids), []
        for item in self._judged(self._walk().some(set(external_ids))):
            if isinstance(item, Failure):
                missing.discard(item.external_id)
                unlisted += [item.external_id] if item.is_prefix else []
                yield item
            else:
                missing.discard(item[0].external_id)
                yield self._upsert(*item)
        yield from (Tombstone(each) for each in sorted(missing) if not each.startswith(tuple(unlisted)))

    def permissions(self) -> Iterator[PermissionEvent]:
        """The access list of every file, without its content."""
        for item in self._judged(self._walk().files()):
            yield item if isinstance(item, Failure) else DocumentAcl(item[0].external_id, item[1])
        yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """The groups of the people file: all of them, or none and the reason."""
        try:
            people = self._people()
        except _InDoubt as doubt:
            yield _hidden(doubt)
            return
        yield from people.groups
        yield Complete()

    def _walk(self) -> Walk:
        return Walk(
            self._place.share, self._choices.root, self._listing.list_folder, self._surroundings.stopped
        )

    def _judged(self, files: Iterator[Found | Failure]) -> Iterator[tuple[Found, Acl | None] | Failure]:
        """Each file with its list. The connection is closed at the end, and when nobody wants more."""
        try:
            yield from self._judged_files(files)
        finally:
            self._listing.close()

    def _judged_files(self, files: Iterator[Found | Failure]) -> Iterator[tuple[Found, Acl | None] | Failure]:
        try:
            rules = self._rules()
        except _InDoubt as doubt:
            yield _hidden(doubt)
            for item in files:
                yield item if isinstance(item, Failure) else (item, Acl(()))
            return
        while together := list(islice(files, _LISTS_AT_ONCE)):
            paths = [item.path for item in together if isinstance(item, Found)]
            descriptors = iter(self._listing.descriptors(paths))
            for item in together:
                if isinstance(item, Failure):
                    yield item
                else:
                    yield from _with_list(item, next(descriptors), rules)

    def _people(self) -> People:
        if self._choices.people_file is None:
            return People()
        try:
            return read_people(self._choices.people_file)
        except MalformedError as error:
            name = self._choices.people_file.name
            raise _InDoubt(
                told("The people file '{name}' {error}. Mend it and sync again.", name=name, error=error)
            ) from error

    def _rules(self) -> _Rules:
        names = Names(self._people().by_sid, EVERYONE if self._choices.everyone else None)
        if self._choices.share_open:
            return _Rules(names, None)
        try:
            data = share_descriptor(self._listing, self._place.server, self._place.share)
            return _Rules(names, clause_of(parse_descriptor(data), names))
        except (Refused, NotTold, BadDescriptor) as error:
            raise _InDoubt(
                told(
                    "The permissions of the share itself cannot be read ({error}). Make the account an "
                    "administrator of the server, or say with 'share_permissions' that they let "
                    "everybody read.",
                    error=error,
                )
            ) from error

    def _upsert(self, found: Found, acl: Acl | None) -> Upsert:
        listed = found.listed
        return Upsert(
            external_id=found.external_id,
            version=f"{listed.file_id:x}-{listed.size:x}-{listed.written:x}-{listed.created:x}",
            title="",
            name=found.parts[-1],
            url="",
            media_type="",
            modified=listed.modified,
            attributes={},
            acl=acl,
            size=listed.size,
            fetch=partial(self._fetch, found),
        )

    def _fetch(self, found: Found) -> BytesContent:
        limit = self._surroundings.max_content_bytes
        if found.listed.size > limit:
            raise DocumentFailure(
                FailureCode.TOO_LARGE, told("The file is larger than {limit} bytes.", limit=limit)
            )
        if found.listed.attributes & (OFFLINE | RECALL):
            raise DocumentFailure(
                FailureCode.REFUSED, told("The file is on tape or in the cloud: bring it back.")
            )
        if found.listed.attributes & ENCRYPTED:
            raise DocumentFailure(
                FailureCode.ENCRYPTED, told("The file is encrypted by the server's file system.")
            )
        try:
            return BytesContent(self._contents.read(found.path, limit=limit))
        except Refused as refused:
            raise _document_failure(refused) from refused

    def _try_content(self, found: Found) -> CheckItem:
        try:
            self._fetch(found)
        except (DocumentFailure, ConnectorError) as error:
            return CheckItem(
                "read content",
                ok=False,
                detail=told("'{name}': {error}", name=found.external_id, error=error),
            )
        return CheckItem(
            "read content",
            ok=True,
            detail=told("'{name}' can be read.", name=found.external_id),
        )

    def _try_permissions(self, found: Found) -> CheckItem:
        step = "read permissions"
        try:
            rules = self._rules()
            (descriptor,) = self._listing.descriptors([found.path])
            if isinstance(descriptor, Refused):
                raise descriptor
            _acl_of(descriptor, rules)
        except Refused as refused:
            detail = told(
                "The account may not read the access list of '{name}' ({refused}).",
                name=found.external_id,
                refused=refused,
            )
            return CheckItem(step, ok=False, detail=detail)
        except (_InDoubt, BadDescriptor, ConnectorError) as error:
            return CheckItem(step, ok=False, detail=said(error))
        return CheckItem(
            step,
            ok=True,
            detail=told("Those of '{name}' and of the share can be read.", name=found.external_id),
        )

    def _try_people(self) -> CheckItem:
        step = "read groups"
        try:
            people = self._people()
        except _InDoubt as doubt:
            return CheckItem(step, ok=False, detail=said(doubt))
        if self._choices.people_file is None:
            return CheckItem(
                step, ok=True, detail=told("No people file: SIDs are looked up in the directory.")
            )
        detail = told("{count} SIDs and {groups} groups", count=len(people.by_sid), groups=len(people.groups))
        return CheckItem(step, ok=True, detail=detail)


def _with_list(
    found: Found, descriptor: bytes | Refused, rules: _Rules
) -> Iterator[tuple[Found, Acl | None] | Failure]:
    if isinstance(descriptor, Refused):
        if descriptor.status not in GONE:
            yield found, None  # not told: what was confirmed before stays, until it is too old
        return
    try:
        acl = _acl_of(descriptor, rules)
    except BadDescriptor as error:
        yield Failure(found.external_id, FailureCode.BAD_PERMISSIONS, said(error), hide=True)
        acl = Acl(())
    yield found, acl


def _acl_of(descriptor: bytes, rules: _Rules) -> Acl:
    clause = clause_of(parse_descriptor(descriptor), rules.names)
    return Acl((clause,) if rules.share is None else (rules.share, clause))


def _hidden(doubt: _InDoubt) -> Failure:
    return Failure("", FailureCode.BAD_PERMISSIONS, said(doubt), hide=True, is_prefix=True)


def _document_failure(refused: Refused) -> DocumentFailure:
    if refused.status in GONE:
        return DocumentFailure(FailureCode.GONE, told("The file is no longer there."))
    if refused.status == ACCESS_DENIED:
        return DocumentFailure(FailureCode.REFUSED, told("The account may not read this file."))
    if refused.status == SHARING_VIOLATION:
        return DocumentFailure(FailureCode.REFUSED, told("The file is locked by somebody who works on it."))
    return DocumentFailure(FailureCode.UNREADABLE, told("The server answers {refused}.", refused=refused))
