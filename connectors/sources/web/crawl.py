"""Visiting every page of a site once, in a fixed order, and saying what became of each.

Only a crawl in which nothing was cut off and no page failed that could have led to others
ends with Complete. A document to which nothing leads any more, but which is there, is left out
only by the second such crawl that misses it: half a page looks like a whole one. Where a crawl
is not whole, what earlier crawls saw and this one did not is asked for by itself, and only what
the site says is gone is reported as gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from posixpath import splitext

from assistant.common.errors import FailureCode
from assistant.common.told import told
from connectors.sdk.contract import Checkpoint, Complete, Event, Failure, Tombstone, Upsert
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sources.web.addresses import last_step
from connectors.sources.web.frontier import MOST_VARIANTS, Frontier, Outcome, Waiting
from connectors.sources.web.memory import Memory, Record
from connectors.sources.web.record import is_document, record_of
from connectors.sources.web.settings import WebSettings
from connectors.sources.web.site import Answered, Failed, Gone, LeftOut, Moved, Site, Unchanged, Visit
from connectors.sources.web.sitemaps import Named, read_sitemaps

CHECKPOINT_EVERY = 100  # visits
_LATER_S = 300.0
_LEAVES = frozenset((".pdf", ".docx", ".pptx", ".xlsx", ".csv", ".txt", ".md", ".json", ".xml", ".eml"))
_ODD_304 = Failed(
    FailureCode.UNREACHABLE, told("The site says that the page is as before, but it was not asked.")
)


@dataclass(frozen=True, slots=True)
class Means:
    """What a crawl works with. `keep` gets (url, version, body) of pages that changed."""

    site: Site
    memory: Memory
    frontier: Frontier
    keep: Callable[[str, str, bytes], None]
    upsert: Callable[[str, Record], Upsert]


class Crawl:
    """One crawl, named by `token` in its checkpoints."""

    def __init__(self, settings: WebSettings, means: Means, *, token: str) -> None:
        self._settings = settings
        self._means = means
        self._token = token

    def events(self, *, resumed: bool) -> Iterator[Event]:
        """Every document, what failed, and at the end whether that was all."""
        frontier, memory = self._means.frontier, self._means.memory
        if not resumed:
            yield from self._seed()
        for place in frontier.waiting():
            yield from self._take(place)
            if place.n % CHECKPOINT_EVERY == 0:
                yield Checkpoint({"crawl": self._token, "at": place.n})
        yield from self._copies_without_original()
        if frontier.is_whole():
            yield from self._missed_once()
            memory.end_whole()
            yield Complete()
        else:
            yield from self._gone_meanwhile()

    def _seed(self) -> Iterator[Event]:
        """The start addresses, then what the sitemaps name."""
        yield from self._add(self._settings.start, depth=0)
        for each in read_sitemaps(self._settings.sitemaps, self._means.site.get_whole):
            match each:
                case Named(address, lastmod):
                    found = self._settings.scope.address(address)
                    yield from self._add([found] if found else [], depth=0, lastmod=lastmod)
                case Failure():
                    self._means.frontier.note_cut(each.external_id)
                    yield each

    def _take(self, place: Waiting) -> Iterator[Event]:
        known = self._means.memory.recall(place.url)
        visit = self._visit(place, known)
        if place.url in self._settings.start:
            refuse_lost_start(place.url, visit)
        match visit:
            case Unchanged() if known is not None:
                yield from self._report(place, replace(known, lastmod=place.lastmod))
            case Answered(answer, page):
                record = record_of(place.url, answer, page, lastmod=place.lastmod)
                if known is None or known.version != record.version:
                    self._means.keep(place.url, record.version, answer.body)
                yield from self._report(place, record)
            case Moved(to):
                self._settle(place.url, Outcome.MOVED, target=to)
                yield from self._add([to], depth=place.depth)
            case Gone() | LeftOut():
                self._settle(place.url, Outcome.NOTHING)
            case Failed() | Unchanged():
                failed = visit if isinstance(visit, Failed) else _ODD_304
                yield from self._fail(place, failed, known)

    def _visit(self, place: Waiting, known: Record | None) -> Visit:
        trusted = self._settings.trust_lastmod and known is not None
        if trusted and known is not None and place.lastmod and known.lastmod == place.lastmod:
            return Unchanged()
        return self._means.site.visit(place.url, validators=known.validators if known else None)

    def _settle(self, url: str, outcome: Outcome, *, target: str = "") -> None:
        self._means.frontier.settle(url, outcome, target=target)
        self._means.memory.forget(url)

    def _report(self, place: Waiting, record: Record) -> Iterator[Event]:
        """A page that is there: its links, and the page itself if it is a document."""
        frontier, memory, scope = self._means.frontier, self._means.memory, self._settings.scope
        links = filter(None, (scope.address(link) for link in record.links))
        yield from self._add(links, depth=place.depth + 1)
        listed = self._is_listed(place.url, record)
        memory.note(place.url, record, listed=listed)
        if listed:
            frontier.settle(place.url, Outcome.DOCUMENT)
            yield self._means.upsert(place.url, record)
        elif not is_document(record):
            frontier.settle(place.url, Outcome.NOTHING)
        else:
            original = self._original(record)
            frontier.settle(place.url, Outcome.STANDS_FOR, target=original)
            yield from self._add([original], depth=place.depth)

    def _fail(self, place: Waiting, failed: Failed, known: Record | None) -> Iterator[Event]:
        """A page that may still be there. What it led to when it was last seen is visited anyway."""
        self._means.frontier.settle(place.url, Outcome.FAILED)
        yield Failure(place.url, failed.code, failed.detail)
        if known is not None:
            links = filter(None, (self._settings.scope.address(link) for link in known.links))
            yield from self._add(links, depth=place.depth + 1)
        if not _is_leaf(place.url, known):
            self._means.frontier.note_cut(place.url)

    def _add(self, urls: Iterable[str], *, depth: int, lastmod: str = "") -> Iterator[Event]:
        for prefix in self._means.frontier.add(((url, lastmod) for url in urls), depth=depth):
            detail = (
                told(
                    "More than {most} addresses differ in their query only; the others are not read.",
                    most=MOST_VARIANTS,
                )
                if prefix
                else told(
                    "The source has more than {pages} pages; the others are not read. Raise the limit or "
                    "narrow the source.",
                    pages=f"{self._settings.pages:,}",
                )
            )
            yield Failure(prefix, FailureCode.UNLISTED, detail, is_prefix=True)

    def _copies_without_original(self) -> Iterator[Event]:
        """Pages whose canonical one is no document are documents themselves."""
        frontier, memory = self._means.frontier, self._means.memory
        for url, target in frontier.standing_for_others():
            end = self._end_of(target, seen={url})
            record = memory.recall(url)
            if end is Outcome.DOCUMENT or record is None:
                continue
            if end is Outcome.FAILED:
                detail = told("The page that it names as its canonical one does not answer.")
                yield Failure(url, FailureCode.UNREACHABLE, detail)
                continue
            memory.note(url, record, listed=True)
            frontier.settle(url, Outcome.DOCUMENT)
            yield self._means.upsert(url, record)

    def _end_of(self, url: str, *, seen: set[str]) -> Outcome | None:
        """What the page came to for which this one stands in the end."""
        outcome, target = self._means.frontier.outcome(url)
        while outcome in (Outcome.MOVED, Outcome.STANDS_FOR) and url not in seen:
            seen.add(url)
            url = target
            outcome, target = self._means.frontier.outcome(url)
        return outcome

    def _missed_once(self) -> Iterator[Event]:
        """Documents that are there although nothing leads to them, if no earlier crawl missed them."""
        memory = self._means.memory
        for url in memory.unseen():
            visited = self._means.frontier.outcome(url)[0] is not None
            known = memory.recall(url)
            if known is None or visited or self._settings.scope.address(url) != url or memory.was_missed(url):
                continue
            visit = self._means.site.visit(url, validators=known.validators)
            record = known
            if isinstance(visit, Answered):
                record = record_of(url, visit.answer, visit.page, lastmod="")
                if record.version != known.version:
                    self._means.keep(url, record.version, visit.answer.body)
            if isinstance(visit, Failed):
                memory.note(url, known, listed=True, missed=True)
                yield Failure(url, visit.code, visit.detail)
            elif isinstance(visit, Answered | Unchanged) and self._is_listed(url, record):
                memory.note(url, record, listed=True, missed=True)
                yield self._means.upsert(url, record)

    def _is_listed(self, url: str, record: Record) -> bool:
        return is_document(record) and self._original(record) in ("", url)

    def _original(self, record: Record) -> str:
        """The page of the source for which this one stands, or empty."""
        return "" if self._settings.ignore_canonical else self._settings.scope.address(record.canonical)

    def _gone_meanwhile(self) -> Iterator[Event]:
        """Of the documents that were not reached, those that the site says are gone."""
        memory, scope = self._means.memory, self._settings.scope
        for url in memory.unseen():
            if self._means.frontier.outcome(url)[0] is not None:
                continue
            belongs = scope.address(url) == url
            visit = self._means.site.visit(url) if belongs else LeftOut()
            if isinstance(visit, Gone | LeftOut):
                memory.forget(url)
                yield Tombstone(url)


def refuse_lost_start(url: str, visit: Visit) -> None:
    """A start address stands for everything behind it.

    Raises:
        Stop: it is gone.
        Reconfigure: it may not be read.
        Retry: it does not answer now.
    """
    match visit:
        case Gone(detail):
            raise Stop(
                told(
                    "The start address {url} is gone: {detail} Nothing was deleted. Correct or remove it.",
                    url=url,
                    detail=detail,
                )
            )
        case LeftOut():
            raise Reconfigure(
                told(
                    "robots.txt of the site forbids the start address {url}: ask its owner, or start "
                    "elsewhere.",
                    url=url,
                )
            )
        case Failed(FailureCode.REFUSED | FailureCode.TOO_LARGE, detail):
            raise Reconfigure(
                told(
                    "The start address {url} cannot be read: {detail} Check address and sign-in.",
                    url=url,
                    detail=detail,
                )
            )
        case Failed(_, detail):
            raise Retry(
                told("The start address {url} cannot be read now: {detail}", url=url, detail=detail),
                after=_LATER_S,
            )
        case _:
            pass


def _is_leaf(url: str, known: Record | None) -> bool:
    """Whether a page that failed surely leads to no other one."""
    if known is not None and known.media_type:
        return known.media_type != "text/html"
    return splitext(last_step(url))[1].lower() in _LEAVES
