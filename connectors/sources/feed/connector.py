"""Atom and RSS feeds: each entry is a document, for the audience that the administrator names.

A feed shows its latest entries only, so an entry that is not there any more was not deleted,
and no run ever says Complete. Every run ends with CaughtUp: what it did not report stays as it
is. A document is taken away only where the feed declares it deleted, or where the
administrator set for how many days an entry stays after it has left the feed.

Reading a feed costs a few requests, so an interrupted run reads it anew; the entries that were
carried in before bear the same versions and are not taken again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from assistant.common.acl import Acl
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Ask, Origin
from assistant.common.pace import Stopped
from assistant.common.told import said, told
from assistant.common.types import JsonObject
from assistant.common.web_target import parse_target
from connectors.sdk.contract import (
    BytesContent,
    CaughtUp,
    CheckItem,
    Checkpoint,
    Complete,
    Content,
    DocumentAcl,
    Event,
    Failure,
    PermissionEvent,
    PrincipalEvent,
    TextContent,
    Tombstone,
    Upsert,
)
from connectors.sdk.errors import Reconfigure, Retry
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import content_of, web_client
from connectors.sources.feed.document import FeedEntry
from connectors.sources.feed.known import KnownEntries
from connectors.sources.feed.reading import Position, Reading
from connectors.sources.feed.trial import try_out

CHECKPOINT_EVERY = 100
_DAY_S = 86_400
_SAID_AGAIN_DAYS = 30


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Which feeds, and how. `keep_days` None: entries stay for good; `pages`: read the linked pages."""

    feeds: tuple[str, ...]
    audience: Acl
    pages: bool = False
    keep_days: int | None = None
    most_pages: int = 100
    auth: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def digest(self) -> str:
        """Changes with what is said of every entry; with another one, unchanged feeds are read as well."""
        return hashlib.sha256(repr((self.audience, self.pages)).encode()).hexdigest()[:16]


class FeedConnector(BaseSource):
    """One source of feeds. Opens nothing until asked. `today` gives the day since 1970."""

    def __init__(
        self,
        settings: FeedSettings,
        surroundings: Surroundings,
        *,
        today: Callable[[], int] = lambda: int(time.time() // _DAY_S),
    ) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._today = today

    def check(self) -> list[CheckItem]:
        """Try each feed, and the linked page of one entry where such pages are read."""
        with self._client() as client:
            return try_out(
                [Reading(feed, client, None, 1) for feed in self._settings.feeds],
                content=self._content if self._settings.pages else None,
                audience=self._settings.audience,
            )

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,
        checkpoint: JsonObject | None = None,  # noqa: ARG002 - see the module
    ) -> Iterator[Event]:
        """What the feeds hold now that is new since the cursor, or all that they hold."""
        known = KnownEntries.remembered(cursor=cursor, scratch=self._surroundings.scratch)
        today = self._today()
        known.keep_feeds(self._settings.feeds, day=today)
        position: dict[str, JsonObject] = {}
        deleted: dict[str, None] = {}
        reported: set[str] = set()
        whole = to_the_end = True
        with self._client() as client:
            for number, feed in enumerate(self._settings.feeds):
                reading = self._reading(feed, client, cursor)
                # What an earlier feed holds is that one's: a later one neither rewrites nor deletes it.
                is_others = partial(known.stands_in, feeds=self._settings.feeds[:number], day=today)
                present = yield from self._pages(reading, reported, deleted, is_others)
                position[feed] = reading.position.as_json()
                all_of_it = reading.whole and reading.sound and reading.all_pages
                known.saw(feed, present, whole=all_of_it, day=today)
                if reading.exhausted and not all_of_it:
                    known.doubt(feed, present, day=today)
                whole, to_the_end = whole and reading.whole, to_the_end and all_of_it
        yield from map(Tombstone, (each for each in deleted if each not in reported))
        known.forget(deleted.keys() - reported)
        # The scratch folder may be older than the feeds: what it misses may stand on a page unread.
        if cursor is not None or to_the_end:
            yield from self._outdated(known)
        if self._surroundings.scratch is not None:
            known.save(self._surroundings.scratch)
        if whole:
            kept = known.as_json() if self._settings.keep_days is not None else {}
            yield CaughtUp({"feeds": position, "known": kept, "settings": self._settings.digest})

    def permissions(self) -> Iterator[PermissionEvent]:
        """The audience for every entry that was ever read.

        Where the folder with their ids is lost, only what the feeds hold now is named, and the
        reading does not call itself complete.
        """
        known = KnownEntries.remembered(cursor=None, scratch=self._surroundings.scratch)
        named, whole = set(known.ids()), len(known) > 0
        for event in self.documents():
            if isinstance(event, Upsert):
                named.add(event.external_id)
            elif isinstance(event, Failure):
                whole = False
                yield event
        for external_id in sorted(named):
            yield DocumentAcl(external_id, self._settings.audience)
        if whole:
            yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """Feeds have no groups."""
        yield Complete()

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        """These entries as they stand in the feeds; one that has left them can be read no more."""
        wanted = dict.fromkeys(external_ids)
        for event in self.documents():
            if isinstance(event, Upsert | Tombstone) and event.external_id in wanted:
                del wanted[event.external_id]
                yield event
            elif isinstance(event, Failure):
                yield event
        for external_id in wanted:
            detail = told("The entry has left its feed. What was read before stays.")
            yield Failure(external_id, FailureCode.GONE, detail)

    def _reading(self, feed: str, client: GuardedClient, cursor: JsonObject | None) -> Reading:
        since = None
        if cursor is not None and cursor.get("settings") == self._settings.digest:
            feeds = cursor.get("feeds")
            found = feeds.get(feed) if isinstance(feeds, Mapping) else None
            since = Position.of(found) if found is not None else None
        return Reading(feed, client, since, self._settings.most_pages)

    def _pages(
        self,
        reading: Reading,
        reported: set[str],
        deleted: dict[str, None],
        is_others: Callable[[str], bool],
    ) -> Generator[Event, None, set[str]]:
        """Everything in one feed; gives back the ids of its entries, and adds what it says of others."""
        present: set[str] = set()
        for page in reading.pages():
            if isinstance(page, Failure):
                yield page
                continue
            deleted.update(dict.fromkeys(each for each in page.deleted if not is_others(each)))
            present.update(entry.id for entry in page.entries)
            yield from self._upserts([entry for entry in page.entries if not is_others(entry.id)], reported)
        return present

    def _upserts(self, entries: Sequence[FeedEntry], reported: set[str]) -> Iterator[Event]:
        for entry in entries:
            if self._surroundings.stopped():
                raise Stopped
            if entry.id in reported:
                continue  # also in another feed, or moved to an older page while we read
            reported.add(entry.id)
            yield self._upsert(entry)
            if len(reported) % CHECKPOINT_EVERY == 0:
                yield Checkpoint({"reported": len(reported)})

    def _outdated(self, known: KnownEntries) -> Iterator[Event]:
        """What was missing for too long. It is said for some days, for a run may not reach its end."""
        if self._settings.keep_days is not None:
            limit = self._today() - self._settings.keep_days
            yield from map(Tombstone, known.missing_since(limit))
            known.forget(known.missing_since(limit - _SAID_AGAIN_DAYS))

    def _upsert(self, entry: FeedEntry) -> Upsert:
        attributes = {"author": entry.author, "tags": list(entry.tags)}
        by_page = self._settings.pages and entry.link
        return Upsert(
            external_id=entry.id,
            version=f"page-{entry.version}" if by_page else entry.version,
            title=entry.title,
            name="",
            url=entry.link,
            media_type="" if by_page else "text/plain" if entry.plain else "text/html",
            modified=entry.updated,
            attributes={name: value for name, value in attributes.items() if value},
            acl=self._settings.audience,
            size=None if by_page else len(entry.body.encode()),
            fetch=partial(self._content, entry),
        )

    def _content(self, entry: FeedEntry) -> Content:
        """The linked page where that was asked for, else what the entry says."""
        if self._settings.pages and entry.link:
            return self._page(entry)
        if len(entry.body.encode()) > self._surroundings.max_content_bytes:
            raise DocumentFailure(FailureCode.TOO_LARGE, told("The entry is larger than the limit."))
        if entry.plain:
            return TextContent(entry.body or entry.title)
        return BytesContent(entry.body.encode())

    def _page(self, entry: FeedEntry) -> Content:
        """The page as it is now. It may lie anywhere, so its trouble is not that of the source.

        Whoever writes another feed must not have pages read for them that only the password opens.
        """
        first = self._settings.feeds[0]
        own = parse_target(entry.feed).origin == parse_target(first).origin
        try:
            with self._client() if own else web_client(self._surroundings, Origin()) as client:
                answer = content_of(
                    self._surroundings, lambda limit: client.send(Ask("GET", entry.link, max_bytes=limit))
                )
        except Retry as error:
            raise DocumentFailure(FailureCode.UNREACHABLE, said(error)) from error
        except Reconfigure as error:
            raise DocumentFailure(FailureCode.REFUSED, said(error)) from error
        return BytesContent(answer.body)

    def _client(self) -> GuardedClient:
        origin = Origin(self._settings.feeds[0], auth=self._settings.auth)
        return web_client(self._surroundings, origin)
