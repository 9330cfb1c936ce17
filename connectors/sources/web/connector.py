"""A web site: its pages and files, readable by the audience that the administrator names.

A site has no change feed, so every run visits every page; one that has not changed is not
sent again (ETag, Last-Modified). An interrupted run goes on from its checkpoint, as long as
its queue is still on this machine; otherwise it begins anew, which is slower and as right.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.common.types import JsonObject
from connectors.sdk.contract import (
    BytesContent,
    CheckItem,
    Complete,
    DocumentAcl,
    Event,
    Failure,
    PermissionEvent,
    PrincipalEvent,
    Tombstone,
    Upsert,
)
from connectors.sdk.errors import Retry
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings
from connectors.sources.web.crawl import Crawl, Means, refuse_lost_start
from connectors.sources.web.frontier import Frontier, Limits
from connectors.sources.web.kept import Kept
from connectors.sources.web.memory import Memory, Record
from connectors.sources.web.record import http_date, is_document, record_of
from connectors.sources.web.settings import WebSettings
from connectors.sources.web.site import Answered, Failed, Pauses, Site, Unchanged
from connectors.sources.web.sitemaps import read_sitemaps
from connectors.sources.web.trial import try_out

_TOKEN = re.compile(r"[0-9a-f]{16}-[0-9a-f]{16}")
_LATER_S = 300.0


class WebConnector(BaseSource):
    """One web source. Opens nothing until asked."""

    def __init__(self, settings: WebSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._pauses = Pauses(settings.manners.delay_ms / 1000)
        self._lock = threading.Lock()
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None
        self._kept: Kept | None = None
        self._fetching: Site | None = None

    def check(self) -> list[CheckItem]:
        """Try the sign-in, the start addresses, the sitemaps and one page."""
        with self._site() as site:
            return try_out(self._settings, site)

    def documents(
        self,
        *,
        cursor: JsonObject | None = None,  # noqa: ARG002 - see the module
        checkpoint: JsonObject | None = None,
    ) -> Iterator[Event]:
        """Every document, or those after the checkpoint."""
        self._kept_content().sweep()
        yield from self._crawled(checkpoint, keep=self._kept_content().keep)

    def permissions(self) -> Iterator[PermissionEvent]:
        """The audience for every document: those of the last whole crawl, or of a new one."""
        with _scratch_errors():
            known = self._remembered()
        if known is None:
            for event in self._crawled(None, keep=_keep_nothing):
                if isinstance(event, Upsert):
                    yield DocumentAcl(event.external_id, event.acl)
                elif isinstance(event, Failure | Complete):
                    yield event
            return
        with self._site() as site:
            for url in self._settings.start:
                refuse_lost_start(url, site.visit(url))
            if not self._settings.start:
                next(iter(read_sitemaps(self._settings.sitemaps, site.get_whole)), None)
        for url in known:
            yield DocumentAcl(url, self._settings.audience)
        yield Complete()

    def principals(self) -> Iterator[PrincipalEvent]:
        """A site has no groups."""
        yield Complete()

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        """Each page, asked for by itself."""
        with _scratch_errors(), self._site() as site, closing(Memory(self._folder(), crawl="")) as memory:
            for url in external_ids:
                yield self._seen_again(url, site, memory)

    def close(self) -> None:
        """Close the connections for content, and delete what was kept of it."""
        with self._lock:
            if self._fetching is not None:
                self._fetching.close()
            if self._kept is not None:
                self._kept.clear()
            if self._own_folder is not None:
                self._own_folder.cleanup()
            self._fetching = self._own_folder = None

    def _crawled(
        self, checkpoint: JsonObject | None, *, keep: Callable[[str, str, bytes], None]
    ) -> Iterator[Event]:
        folder = self._folder()
        token, at = self._begun(folder, checkpoint)
        limits = Limits(self._settings.depth, self._settings.pages)
        with (
            _scratch_errors(),
            self._site() as site,
            closing(Memory(folder, crawl=token)) as memory,
            closing(Frontier(folder, crawl=token, limits=limits)) as frontier,
        ):
            resumed = at > 0 and frontier.wind_back(at)
            means = Means(site, memory, frontier, keep, self._upsert)
            yield from Crawl(self._settings, means, token=token).events(resumed=resumed)

    def _begun(self, folder: Path, checkpoint: JsonObject | None) -> tuple[str, int]:
        """The crawl to go on with and where, or a new one and 0."""
        if checkpoint is not None:
            token, at = checkpoint.get("crawl"), checkpoint.get("at")
            same = isinstance(token, str) and token.startswith(self._settings.crawl_digest)
            known = same and _TOKEN.fullmatch(str(token)) and Frontier.exists(folder, crawl=str(token))
            if known and isinstance(at, int):
                return str(token), at
        return f"{self._settings.crawl_digest}-{secrets.token_hex(8)}", 0

    def _remembered(self) -> list[str] | None:
        """The documents of the last crawls, if one of them was whole; None: not known."""
        with closing(Memory(self._folder(), crawl="")) as memory:
            return list(memory.documents()) if memory.has_seen_everything() else None

    def _seen_again(self, url: str, site: Site, memory: Memory) -> Event:
        if self._settings.scope.address(url) != url:
            return Tombstone(url)
        known = memory.recall(url)
        visit = site.visit(url, validators=known.validators if known else None)
        record = known
        if isinstance(visit, Answered):
            record = record_of(url, visit.answer, visit.page, lastmod="")
        if isinstance(visit, Failed):
            return Failure(url, visit.code, visit.detail)
        if isinstance(visit, Answered | Unchanged) and record is not None and is_document(record):
            return self._upsert(url, record)
        return Tombstone(url)

    def _upsert(self, url: str, record: Record) -> Upsert:
        return Upsert(
            external_id=url,
            version=record.version,
            title="",
            name=record.name,
            url=url,
            media_type=record.media_type,
            modified=http_date(record.changed),
            attributes={},
            acl=self._settings.audience,
            size=record.size,
            fetch=partial(self._fetch, url, record.version),
        )

    def _fetch(self, url: str, version: str) -> BytesContent:
        """What the crawl kept, or the page as it is now."""
        kept = self._kept_content().take(url, version)
        if kept is not None:
            return BytesContent(kept)
        with self._lock:
            if self._fetching is None:
                self._fetching = self._site()
            site = self._fetching
        visit = site.visit(url)
        if isinstance(visit, Answered):
            return BytesContent(visit.answer.body)
        if isinstance(visit, Failed):
            raise DocumentFailure(visit.code, visit.detail)
        raise DocumentFailure(FailureCode.GONE, told("It was there when the site was listed."))

    def _site(self) -> Site:
        return Site(self._settings, self._surroundings, self._pauses)

    def _folder(self) -> Path:
        """Where this source may write; without a scratch folder, one that goes with the connector."""
        if self._surroundings.scratch is not None:
            return self._surroundings.scratch
        with self._lock:
            if self._own_folder is None:
                self._own_folder = tempfile.TemporaryDirectory(prefix="mundap-web-")
            return Path(self._own_folder.name)

    def _kept_content(self) -> Kept:
        folder = self._folder()
        with self._lock:
            if self._kept is None:
                self._kept = Kept(folder / "content")
            return self._kept


def _keep_nothing(_url: str, _version: str, _body: bytes) -> None:
    """A run over permissions reads no content."""


@contextmanager
def _scratch_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Retry(
            told("The folder for this source's notes cannot be used: {error}.", error=error), after=_LATER_S
        ) from error
