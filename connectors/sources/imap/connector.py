"""Mailboxes on an IMAP server, each for its owner alone.

Every run lists all messages by number, size and flags, 500 a request: that costs little
beside reading them, and only a whole listing sees what was deleted. A message never
changes under its id, so its content is read once. A resumed run goes on behind the
message at which the interrupted one stood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

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
from connectors.sdk.errors import Reconfigure
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings
from connectors.sources.imap.connection import Access, Refused, SignInRefused
from connectors.sources.imap.folders import Folder
from connectors.sources.imap.held import HeldSession
from connectors.sources.imap.mailboxes import Mailbox, sound
from connectors.sources.imap.message_ids import Place, mailbox_prefix, place_of
from connectors.sources.imap.session import Session
from connectors.sources.imap.trial import try_out
from connectors.sources.imap.walk import Found, Walk

CHECKPOINT_EVERY = 100


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """The server, the mailboxes on it, and the names of folders that are not read."""

    access: Access
    boxes: tuple[Mailbox, ...]
    leave_out: tuple[str, ...]


class ImapConnector(BaseSource):
    """The mailboxes of one server. Opens nothing until asked."""

    def __init__(self, settings: ImapSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings
        # Content is read while the listing goes on, so it needs a connection of its own.
        self._reading = self._held()

    def check(self) -> list[CheckItem]:
        """Sign in to every mailbox, list folders, and read one message."""
        held = self._held()
        try:
            return try_out(self._settings.boxes, self._walk(held))
        finally:
            held.close()

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,  # noqa: ARG002 - see the module
        checkpoint: JsonObject | None = None,
    ) -> Iterator[Event]:
        """Every message of every mailbox, or those behind the checkpoint."""
        reported = 0
        for item in self._listed(_place(checkpoint)):
            if isinstance(item, Failure):
                yield item
                continue
            yield self._upsert(item)
            reported += 1
            if reported % CHECKPOINT_EVERY == 0:
                yield Checkpoint(_state(item.place))
        yield Complete()

    def permissions(self) -> Iterator[PermissionEvent]:
        """The owner of every message."""
        for item in self._listed(None):
            yield item if isinstance(item, Failure) else DocumentAcl(item.external_id, item.box.acl)
        yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """None: mailboxes have owners, and groups come from a directory."""
        yield Complete()

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        """These messages, each looked up by its number."""
        places = sorted(
            ((place, external_id) for external_id in external_ids if (place := place_of(external_id))),
            key=lambda each: (each[0].login, each[0].folder, each[0].uidvalidity, each[0].uid),
        )
        known = {external_id for _, external_id in places}
        yield from (Tombstone(each) for each in external_ids if each not in known)
        boxes = {box.login: box for box in self._settings.boxes}
        held = self._held()
        try:
            for login, group in groupby(places, key=lambda each: each[0].login):
                yield from self._again_in(self._walk(held), boxes.get(login), dict(_by_id(group)))
        finally:
            held.close()

    def close(self) -> None:
        """Hang up."""
        self._reading.close()

    def _again_in(self, walk: Walk, box: Mailbox | None, wanted: dict[str, Place]) -> Iterator[Event]:
        if box is None:
            yield from map(Tombstone, wanted)
            return
        if box.problem:
            yield _hidden(box)
            return
        try:
            folders = {folder.name: folder for folder in walk.folders(box)}
            for (name, uidvalidity), group in groupby(
                wanted.items(), key=lambda each: (each[1].folder, each[1].uidvalidity)
            ):
                ids = dict(group)
                yield from self._again_in_folder(walk, box, folders.get(name), uidvalidity, ids)
        except SignInRefused as error:
            yield _shut(box, error)

    def _again_in_folder(
        self, walk: Walk, box: Mailbox, folder: Folder | None, uidvalidity: int, ids: dict[str, Place]
    ) -> Iterator[Event]:
        found: dict[str, Found] = {}
        if folder is not None:
            uids = [place.uid for place in ids.values()]
            try:
                found = {each.external_id: each for each in walk.picked(box, folder, uidvalidity, uids)}
            except SignInRefused:
                raise
            except Refused as error:
                yield from (Failure(each, FailureCode.UNLISTED, said(error)) for each in ids)
                return
        yield from (self._upsert(found[each]) if each in found else Tombstone(each) for each in ids)

    def _listed(self, after: Place | None) -> Iterator[Found | Failure]:
        """Every message, and what stands in the way. Fails as a whole only if no mailbox lets Mundap in."""
        boxes = self._settings.boxes
        yield from (_hidden(box) for box in boxes if box.problem)
        refused: list[SignInRefused] = []
        held = self._held()
        try:
            for box in sound(boxes):
                if after is not None and box.login < after.login:
                    continue
                try:
                    yield from self._walk(held).mailbox(
                        box, after=after if after and after.login == box.login else None
                    )
                except SignInRefused as error:
                    refused.append(error)
                    yield _shut(box, error)
        finally:
            held.close()
        if refused and len(refused) == len(sound(boxes)):
            raise Reconfigure(said(refused[0]))

    def _walk(self, held: HeldSession) -> Walk:
        return Walk(held, self._surroundings, self._settings.leave_out)

    def _held(self) -> HeldSession:
        return HeldSession(self._signed_in)

    def _signed_in(self, login: str) -> Session:
        return Session(self._settings.access, login, self._surroundings)

    def _upsert(self, found: Found) -> Upsert:
        message = found.message
        received = message.received.isoformat() if message.received else ""
        return Upsert(
            external_id=found.external_id,
            version=f"{message.size}-{received}",  # under one id a message never changes (RFC 3501, 2.3.1.1)
            title="",
            name=f"{message.uid}.eml",
            url="",
            media_type="message/rfc822",
            modified=message.received,
            attributes={"mailbox": found.box.login, "folder": found.folder.name},
            acl=found.box.acl,
            size=message.size,
            fetch=partial(self._fetch, found),
        )

    def _fetch(self, found: Found) -> BytesContent:
        most = self._surroundings.max_content_bytes
        if found.message.size > most:
            raise DocumentFailure(FailureCode.TOO_LARGE, told("{size} bytes", size=found.message.size))
        place = found.place
        try:
            data = self._reading.ask(
                place.login, lambda session: session.content(found.folder, place.uidvalidity, place.uid)
            )
        except Refused as error:
            raise DocumentFailure(FailureCode.REFUSED, said(error)) from error
        if data is None:
            raise DocumentFailure(FailureCode.GONE, told("the message is not in its folder any more"))
        if len(data) > most:
            raise DocumentFailure(FailureCode.TOO_LARGE, told("more than {most} bytes", most=most))
        return BytesContent(data)


def _by_id(group: Iterator[tuple[Place, str]]) -> Iterator[tuple[str, Place]]:
    return ((external_id, place) for place, external_id in group)


def _hidden(box: Mailbox) -> Failure:
    prefix, detail = mailbox_prefix(box.login), told("{problem} Mend its line.", problem=box.problem)
    return Failure(prefix, FailureCode.BAD_PERMISSIONS, detail, hide=True, is_prefix=True)


def _shut(box: Mailbox, error: SignInRefused) -> Failure:
    return Failure(mailbox_prefix(box.login), FailureCode.UNLISTED, said(error), is_prefix=True)


def _state(place: Place) -> JsonObject:
    return {
        "mailbox": place.login,
        "folder": place.folder,
        "uidvalidity": place.uidvalidity,
        "uid": place.uid,
    }


def _place(checkpoint: JsonObject | None) -> Place | None:
    if checkpoint is None:
        return None
    return Place(
        str(checkpoint["mailbox"]),
        str(checkpoint["folder"]),
        int(str(checkpoint["uidvalidity"])),
        int(str(checkpoint["uid"])),
    )
