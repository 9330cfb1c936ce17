"""Documents from a bucket, with rights from an access file and from companions in it.

A store has no change feed that asks no further set-up, so every run lists the bucket: a
thousand keys a request. What costs time, reading, the engine skips where the version
is the one it knows. A resumed run lists on from the last key that was reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from assistant.common.acl import Acl
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.pace import Stopped
from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.access_file import AccessRules
from connectors.sdk.companion import Companion
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
from connectors.sdk.exact_json import MalformedError, shown
from connectors.sdk.names import escaped_id, id_problem
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings
from connectors.sources.s3.bucket import Bucket, Place, Stored
from connectors.sources.s3.companions import Companions, Reader, companions_in, is_companion, reading
from connectors.sources.s3.rules import Permissions, acl_of, hiding, read_groups, read_rules
from connectors.sources.s3.trial import Sample, try_out

CHECKPOINT_EVERY = 100


@dataclass(frozen=True, slots=True)
class _Document:
    """An object whose permissions are known."""

    stored: Stored
    companion: Companion
    acl: Acl


class S3Connector(BaseSource):
    """One bucket, or what lies under one prefix of it. Opens nothing until asked."""

    def __init__(
        self, place: Place, permissions: Permissions, surroundings: Surroundings, *, prefix: str = ""
    ) -> None:
        self._place = place
        self._permissions = permissions
        self._surroundings = surroundings
        self._prefix = prefix
        self._bucket = Bucket(place, surroundings)

    def close(self) -> None:
        """Close every connection."""
        self._bucket.close()

    def check(self) -> list[CheckItem]:
        """Try the listing, one object, the access file and the groups file."""
        return try_out(
            Sample(
                objects=self._sample,
                read=partial(self._bucket.read, limit=self._surroundings.max_content_bytes),
                rules=self._rules,
                groups=self._groups if self._permissions.groups_file else None,
            ),
            has_access_file=bool(self._permissions.access_file),
        )

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,  # noqa: ARG002 - see the module
        checkpoint: JsonObject | None = None,
    ) -> Iterator[Event]:
        """Every document after the key of the checkpoint."""
        reported = 0
        for item in self._all(after=_key_of(checkpoint)):
            if isinstance(item, Failure):
                yield item
                continue
            yield self._upsert(item)
            reported += 1
            if reported % CHECKPOINT_EVERY == 0:
                yield Checkpoint({"after": item.stored.key})
        yield Complete()

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        """These documents: only the folders in which they lie are listed."""
        rules = self._rules()
        yield from hiding(rules)
        folders: dict[str, set[str]] = {}
        for key in external_ids:
            folders.setdefault(key[: key.rfind("/") + 1], set()).add(key)
        for folder, wanted in sorted(folders.items()):
            listing = list(self._bucket.objects(prefix=folder, flat=True))
            companions = companions_in(listing)
            found = [each for each in listing if each.key in wanted and each.key.startswith(self._prefix)]
            reported = set()
            with reading(self._bucket, None, companions) as reader:
                for item in self._judged(found, rules, companions, reader):
                    reported.add(item.external_id if isinstance(item, Failure) else item.stored.key)
                    yield item if isinstance(item, Failure) else self._upsert(item)
            yield from map(Tombstone, sorted(wanted - reported))

    def permissions(self) -> Iterator[PermissionEvent]:
        """The list of every document; reads the access file and changed companions, no document."""
        for item in self._all():
            yield item if isinstance(item, Failure) else DocumentAcl(item.stored.key, item.acl)
        yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """The groups of the groups file: all of them, or none and the reason."""
        if self._permissions.groups_file:
            try:
                groups = read_groups(self._bucket, self._permissions.groups_file)
            except MalformedError as error:
                key = shown(self._permissions.groups_file)
                detail = told(
                    "The groups file '{name}' {error}. Mend it and sync again.", name=key, error=error
                )
                yield Failure("", FailureCode.BAD_PERMISSIONS, detail, hide=True, is_prefix=True)
                return
            yield from groups
        yield Complete()

    def _rules(self) -> AccessRules:
        return read_rules(self._bucket, self._place.bucket, self._permissions)

    def _groups(self) -> Iterator[PrincipalEvent]:
        return self.principals()

    def _sample(self) -> tuple[list[Stored], bool]:
        """The documents of the first page, and whether there are more."""
        seen: list[Stored] = []
        for number, stored in enumerate(self._bucket.objects(prefix=self._prefix), start=1):
            if self._is_document(stored.key):
                seen.append(stored)
            if number == 1000:  # noqa: PLR2004 - one page
                return seen, True
        return seen, False

    def _all(self, *, after: str = "") -> Iterator[_Document | Failure]:
        rules = self._rules()
        yield from hiding(rules)
        companions = companions_in(self._listing())
        with reading(self._bucket, self._surroundings.scratch, companions) as reader:
            yield from self._judged(self._listing(after=after), rules, companions, reader)

    def _listing(self, *, after: str = "") -> Iterator[Stored]:
        for stored in self._bucket.objects(prefix=self._prefix, after=after):
            if self._surroundings.stopped():
                raise Stopped
            yield stored

    def _judged(
        self,
        listing: Iterator[Stored] | list[Stored],
        rules: AccessRules,
        companions: Companions,
        reader: Reader,
    ) -> Iterator[_Document | Failure]:
        for stored in listing:
            if not self._is_document(stored.key):
                continue
            failure = _problem(stored.key)
            if failure is not None:
                yield failure
                continue
            try:
                companion = reader.read(companions.of(stored.key))
            except MalformedError as error:
                detail = told("Its companion {error}. Mend or remove it.", error=error)
                yield Failure(stored.key, FailureCode.BAD_PERMISSIONS, detail, hide=True)
                continue
            except DocumentFailure as error:
                # Without its title and attributes it would be another document, so it stays as it was. A
                # refused list is stale, not broken: the last confirmed one counts until the age limit.
                yield Failure(
                    stored.key,
                    error.code,
                    told("Its companion is not handed over: {detail}", detail=error.detail),
                )
                continue
            opens = self._permissions.companions_open
            yield _Document(stored, companion, acl_of(rules, stored.key, companion, companions_open=opens))

    def _is_document(self, key: str) -> bool:
        """No marker of a folder, nothing hidden, no lock of an editor, and nothing that grants."""
        if key.endswith("/") or is_companion(key):
            return False
        if key in (self._permissions.access_file, self._permissions.groups_file):
            return False
        steps = key.split("/")
        return not any(step.startswith((".", "~$")) and step not in (".", "..") for step in steps)

    def _upsert(self, item: _Document) -> Upsert:
        stored, companion = item.stored, item.companion
        return Upsert(
            external_id=stored.key,
            version=f"{stored.stamp}-{companion.fingerprint}" if companion.fingerprint else stored.stamp,
            title=companion.title,
            name=stored.key.rpartition("/")[2],
            url=companion.url,
            media_type=companion.media_type,
            modified=companion.modified or stored.modified,
            attributes=companion.attributes,
            acl=item.acl,
            size=stored.size,
            fetch=partial(self._fetch, stored),
        )

    def _fetch(self, stored: Stored) -> BytesContent:
        limit = self._surroundings.max_content_bytes
        if stored.size > limit:
            raise DocumentFailure(
                FailureCode.TOO_LARGE, told("The object is larger than {limit} bytes.", limit=limit)
            )
        if stored.archived:
            raise DocumentFailure(FailureCode.REFUSED, told("The object is archived: restore it first."))
        return BytesContent(self._bucket.read(stored.key, limit=limit))


def _problem(key: str) -> Failure | None:
    """Why no document can stand for this key; None: one can."""
    problem = id_problem(key)
    if problem:
        detail = told("The key {problem}. Rename the object.", problem=problem)
        return Failure(escaped_id(key), FailureCode.UNREADABLE, detail)
    if {".", ".."} & set(key.split("/")):
        detail = told("The key has a step '.' or '..': no address leads there. Rename the object.")
        return Failure(key, FailureCode.UNREADABLE, detail)
    if key.startswith("/"):
        detail = told("No prefix of an access file can name a key that begins with '/'. Rename the object.")
        return Failure(key, FailureCode.BAD_PERMISSIONS, detail, hide=True)
    return None


def _key_of(checkpoint: JsonObject | None) -> str:
    return cast("str", checkpoint["after"]) if checkpoint else ""
