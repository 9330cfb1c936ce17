"""Reading a feed page by page: the first one, and older ones as far as they can hold news."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from assistant.common.errors import FailureCode
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Answer, Ask, TooLarge
from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from connectors.sdk.contract import Failure
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.web import conditional, network_errors
from connectors.sources.feed.document import FeedDocument, FeedEntry, read_feed

MAX_FEED_BYTES = 64_000_000
MOST_MARKS = 1_000
_LATER_S = 300.0
_NOT_MODIFIED, _SERVER_ERROR = 304, 500
_UNKNOWN_CALLER = 401
_GONE, _REFUSED = frozenset((404, 410)), frozenset((_UNKNOWN_CALLER, 403))


@dataclass(slots=True)
class Position:
    """Where a feed stood: its validators, and marks of the entries on its first page."""

    etag: str = ""
    modified: str = ""
    marks: frozenset[str] = frozenset()

    @classmethod
    def of(cls, value: Json) -> Position:
        """From a cursor; whatever is not understood is as if the feed had never been read."""
        found = value if isinstance(value, Mapping) else {}
        listed = found.get("marks")
        marks = listed if isinstance(listed, Sequence) and not isinstance(listed, str) else ()
        return cls(
            str(found.get("etag") or ""),
            str(found.get("modified") or ""),
            frozenset(map(str, marks)),
        )

    def as_json(self) -> JsonObject:
        """For the cursor."""
        return {"etag": self.etag, "modified": self.modified, "marks": sorted(self.marks)[:MOST_MARKS]}


@dataclass(slots=True)
class Reading:
    """One reading of one feed, from its address.

    Iterate over `pages` to its end; then `position` is where the feed stands, `whole` says
    that nothing failed, `sound` that all of it was well-formed, `all_pages` that no page is left, and
    `exhausted` that all was read that the feed hands over, whether that is all of it or not.
    """

    feed: str
    client: GuardedClient
    since: Position | None
    most_pages: int
    position: Position = field(default_factory=Position)
    whole: bool = True
    sound: bool = True
    all_pages: bool = False
    exhausted: bool = False

    def pages(self) -> Iterator[FeedDocument | Failure]:
        """The first page and older ones, until one that holds something known.

        Raises:
            Stop, Retry, Reconfigure: the feed itself cannot be read.
        """
        first = self._first()
        if first is None:
            self.position = self.since or Position()
            return
        yield first
        seen, here, page = {self.feed}, self.feed, first
        while page.further and len(seen) < self.most_pages:
            if not self._may_hold_news(page):
                return
            there = urljoin(here, page.further)
            if there in seen or _host(there) != _host(self.feed):
                break
            seen.add(there)
            following = self._older(there)
            yield following
            if isinstance(following, Failure):
                self.whole = False
                return
            here, page = there, following
            self.sound = self.sound and page.whole
        self.exhausted, self.all_pages = True, not page.further

    def _may_hold_news(self, page: FeedDocument) -> bool:
        return self.since is None or not any(mark(entry) in self.since.marks for entry in page.entries)

    def _first(self) -> FeedDocument | None:
        """The newest page; None: not changed since."""
        since = self.since or Position()
        headers = conditional(etag=since.etag, modified=since.modified)
        try:
            with network_errors():
                answer = self._get(self.feed, headers)
        except TooLarge as error:
            raise Reconfigure(
                told("The feed {feed} is too large: {error}", feed=self.feed, error=error)
            ) from error
        if answer.status == _NOT_MODIFIED and headers:
            return None
        page = self._understood(answer)
        marks = frozenset(mark(entry) for entry in page.entries[:MOST_MARKS])
        given = answer.headers if page.whole else {}  # a malformed feed is read again, whatever it says
        self.position = Position(given.get("etag", ""), given.get("last-modified", ""), marks)
        self.sound = page.whole
        return page

    def _understood(self, answer: Answer) -> FeedDocument:
        status = answer.status
        if status in _GONE:
            raise Stop(
                told(
                    "The feed {feed} answers {status}. Nothing was deleted. Correct or remove it.",
                    feed=self.feed,
                    status=status,
                )
            )
        if status in _REFUSED:
            raise Reconfigure(
                told(
                    "The feed {feed} answers {status}: check user name and password.",
                    feed=self.feed,
                    status=status,
                )
            )
        if status >= _SERVER_ERROR:
            raise Retry(
                told("The feed {feed} answers {status}.", feed=self.feed, status=status), after=_LATER_S
            )
        page = read_feed(answer, feed=self.feed) if answer.ok else None
        if page is None:
            raise Reconfigure(
                told(
                    "{feed} gives no Atom or RSS (it answers {status}): check the address.",
                    feed=self.feed,
                    status=status,
                )
            )
        if page.cut:
            raise Retry(told("The feed {feed} breaks off before its end.", feed=self.feed), after=_LATER_S)
        return page

    def _older(self, address: str) -> FeedDocument | Failure:
        detail = told("An older page of the feed gives no whole Atom or RSS.")
        try:
            with network_errors():
                answer = self._get(address, {})
        except (Retry, TooLarge) as error:
            return Failure("", FailureCode.UNLISTED, told("An older page of the feed: {error}", error=error))
        if answer.status == _UNKNOWN_CALLER:
            raise Reconfigure(
                told("An older page of {feed} answers 401: check user name and password.", feed=self.feed)
            )
        page = read_feed(answer, feed=self.feed) if answer.ok else None
        if page is None or page.cut:
            return Failure("", FailureCode.UNLISTED, detail)
        return page

    def _get(self, address: str, headers: Mapping[str, str]) -> Answer:
        return self.client.send(Ask("GET", address, headers=headers, max_bytes=MAX_FEED_BYTES))


def mark(entry: FeedEntry) -> str:
    """A short mark of an entry as it is now."""
    return hashlib.sha256(f"{entry.id}\n{entry.version}".encode()).hexdigest()[:12]


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""
