"""A connector over the network, to learn from: a drive with folders, inherited lists and a change feed.

The cursor is taken before the listing, so that what changes meanwhile is seen by the next
run. Pages go on after an id, so that nothing is lost or doubled when they shift. The feed
names a folder that was moved or shared, not what lies in it: that is listed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from assistant.common.errors import FailureCode, UsageError
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    CaughtUp,
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
from connectors.sdk.group_record import parse_group
from connectors.sdk.source import BaseSource
from tests.connectors.sample_drive.api import DriveApi, Entry
from tests.connectors.sample_drive.inheritance import Inheritance

KNOWN = 100_000  # ids of one run that are remembered, so that the feed names none twice


class DriveConnector(BaseSource):
    """One drive. Opens nothing until asked."""

    def __init__(self, api: DriveApi) -> None:
        self._api = api

    def close(self) -> None:
        """Close every connection."""
        self._api.close()

    def check(self) -> list[CheckItem]:
        """Try each right once."""
        try:
            self._api.cursor()
        except ConnectorError as error:
            return [CheckItem("sign-in", ok=False, detail=str(error))]
        items = [CheckItem("sign-in", ok=True, detail="The drive takes the token.")]
        for step, attempt in (("list", self.documents), ("read groups", self.principals)):
            try:
                next(iter(attempt()), None)
            except ConnectorError as error:
                items.append(CheckItem(step, ok=False, detail=str(error)))
            else:
                items.append(CheckItem(step, ok=True, detail="The drive answers."))
        return items

    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        """Every file, or what the feed names since `cursor`; goes on where `checkpoint` says."""
        begun = str(checkpoint["begun"]) if checkpoint else self._api.cursor()
        at = str(checkpoint["at"]) if checkpoint else ""
        if cursor is None:
            yield from self._all(begun, at)
        else:
            yield from self._changed(begun, at or str(cursor["at"]))

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        """These documents, each asked for by its id."""
        inheritance = Inheritance(self._api)
        for external_id in external_ids:
            yield from self._item(external_id, inheritance)

    def permissions(self) -> Iterator[PermissionEvent]:
        """The same lists without content."""
        for event in self.documents():
            if isinstance(event, Upsert):
                yield DocumentAcl(event.external_id, event.acl)
            elif isinstance(event, Failure):
                yield event
            elif isinstance(event, Complete):
                yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """Every group; one that is not understood hides itself and leaves the run incomplete."""
        whole = True
        for name, members in self._api.groups():
            try:
                yield parse_group({"group": name, "members": members})
            except (MalformedError, UsageError) as error:
                whole = False
                yield Failure(name, FailureCode.BAD_PERMISSIONS, str(error), hide=True)
        if whole:
            yield Complete()

    def _all(self, begun: str, after: str) -> Iterator[Event]:
        inheritance = Inheritance(self._api)
        for page in self._api.pages("files", after=after):
            yield from (self._event(each, inheritance) for each in page)
            if page:
                yield Checkpoint({"begun": begun, "at": page[-1].id})
        yield Complete({"at": begun})

    def _changed(self, begun: str, since: str) -> Iterator[Event]:
        seen: set[str] = set()
        inheritance: Inheritance | None = None
        for ids, at in self._api.changed(since):
            inheritance = inheritance or Inheritance(self._api)
            yield from self._fresh(ids, inheritance, seen)
            yield Checkpoint({"begun": begun, "at": at})
            if len(seen) > KNOWN:
                seen.clear()
        yield CaughtUp({"at": begun})

    def _fresh(self, ids: Iterable[str], inheritance: Inheritance, seen: set[str]) -> Iterator[Event]:
        """What the run has not reported yet; what changes after that, the next run's feed names."""
        for external_id in dict.fromkeys(ids):
            if external_id in seen:
                continue
            seen.add(external_id)
            for event in self._item(external_id, inheritance):
                if isinstance(event, Upsert) and event.external_id != external_id:
                    if event.external_id in seen:
                        continue
                    seen.add(event.external_id)
                yield event

    def _item(self, external_id: str, inheritance: Inheritance) -> Iterator[Event]:
        entry = self._api.item(external_id)
        if entry is None:
            yield Tombstone(external_id)
        elif not entry.is_folder:
            yield self._event(entry, inheritance)
        else:
            for page in self._api.pages("files", under=external_id):
                yield from (self._event(each, inheritance) for each in page)

    def _event(self, entry: Entry, inheritance: Inheritance) -> Upsert | Failure:
        try:
            acl = inheritance.acl_of(entry)
        except MalformedError as error:
            return Failure(entry.id, FailureCode.BAD_PERMISSIONS, str(error), hide=True)
        return Upsert(
            external_id=entry.id,
            version=str(entry.revision),
            title=entry.name,
            name=entry.name,
            url="",
            media_type="",
            modified=None,
            attributes={},
            acl=acl,
            size=entry.size,
            fetch=partial(self._api.content, entry.id),
        )
