"""A MediaWiki: its pages through api.php, readable by whom the administrator names.

A page is known by its number, which it keeps when it is moved. Listing goes by title, so a page
that is moved meanwhile could slip through: what changed while the wiki was listed is looked at again
before the listing calls itself complete. An interrupted listing goes on behind its last checkpoint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.pace import Stopped
from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from connectors.sdk.contract import (
    BytesContent,
    CaughtUp,
    CheckItem,
    Checkpoint,
    Complete,
    DocumentAcl,
    Event,
    Failure,
    FeedGap,
    PermissionEvent,
    PrincipalEvent,
    Tombstone,
    Upsert,
)
from connectors.sdk.document_fields import one_line, web_address
from connectors.sdk.errors import Reconfigure, Stop
from connectors.sdk.source import BaseSource
from connectors.sdk.surroundings import Surroundings
from connectors.sources.mediawiki import feed
from connectors.sources.mediawiki.accounts import principals_of
from connectors.sources.mediawiki.api import Parameters, WikiApi, rows
from connectors.sources.mediawiki.audiences import Audiences
from connectors.sources.mediawiki.trial import try_out
from connectors.sources.mediawiki.wikitext import as_markdown

_AT_ONCE = 50  # what every wiki allows to be asked for in one question
_LISTED = 100
_ABOUT: Parameters = {"prop": "info|revisions", "inprop": "url", "rvprop": "ids|timestamp|size"}
_WIKITEXT = "wikitext"
_BY_ID, _BY_TITLE = "pageids", "titles"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a listing goes on: at this namespace, with what its answer said to continue from."""

    namespace: int
    going_on: JsonObject


class MediaWikiConnector(BaseSource):
    """One wiki. Opens nothing until asked."""

    def __init__(self, api: WikiApi, surroundings: Surroundings, audiences: Audiences) -> None:
        self._api = api
        self._surroundings = surroundings
        self._audiences = audiences
        self._names: dict[int, str] | None = None

    def check(self) -> list[CheckItem]:
        """Try each right: sign-in, list, read content, read permissions, read groups."""
        return try_out(
            sign_in=self._api.sign_in,
            some=lambda: list(islice((e for e in self._listed(None) if isinstance(e, Upsert)), _LISTED)),
            namespaces=self._namespaces,
            audiences=self._audiences,
            principals=self.principals,
        )

    def documents(
        self, *, cursor: JsonObject | None = None, checkpoint: JsonObject | None = None
    ) -> Iterator[Event]:
        """All pages, or what changed since the cursor."""
        if cursor is not None:
            yield from self._changed(cursor, checkpoint)
            return
        began, place = self._begin(checkpoint)
        seen: set[str] = set()
        for event in self._listed(place):
            if isinstance(event, Checkpoint):
                yield Checkpoint({**began.as_json(), **event.state})
            elif not isinstance(event, Upsert) or event.external_id not in seen:
                seen.update([event.external_id] if isinstance(event, Upsert) else [])
                yield event
        for late in self._look_at(feed.during(self._api, began), ("", "")):
            if not isinstance(late, (Tombstone, Checkpoint)) and not (
                isinstance(late, Upsert) and late.external_id in seen
            ):
                yield late
        yield Complete(self._cursor(began))

    def _changed(self, cursor: JsonObject, checkpoint: JsonObject | None) -> Iterator[Event]:
        """What the feed names. What changes again behind a checkpoint, the next run's part of it names."""
        if cursor.get("settings") != self._audiences.fingerprint:
            raise FeedGap  # the feed knows nothing of who may read what, so all pages are listed anew
        current = feed.now(self._api)
        touched = feed.since(self._api, cursor, current)
        began, looked = _resumed(current, checkpoint), ("", "")
        if checkpoint is not None and began is not current:
            looked = str(checkpoint.get("by")), str(checkpoint.get("looked"))
        for event in self._look_at(touched, looked):
            yield Checkpoint({**began.as_json(), **event.state}) if isinstance(event, Checkpoint) else event
        yield CaughtUp(self._cursor(began))

    def again(self, external_ids: Sequence[str]) -> Iterator[Event]:
        """These pages as they are now."""
        for batch in _batches([each for each in external_ids if each.isdigit()]):
            yield from self._looked_up({_BY_ID: "|".join(batch)})
        yield from (Tombstone(each) for each in external_ids if not each.isdigit())

    def permissions(self) -> Iterator[PermissionEvent]:
        """Who may read each page, by its namespace."""
        for event in self.documents():
            if isinstance(event, Upsert):
                yield DocumentAcl(event.external_id, event.acl)
            elif isinstance(event, (Failure, Complete)):
                yield event

    def principals(self) -> Iterator[PrincipalEvent]:
        """The wiki's accounts and groups."""
        yield from principals_of(self._api)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _cursor(self, moment: feed.Moment) -> JsonObject:
        return {**moment.as_json(), "settings": self._audiences.fingerprint}

    def _begin(self, checkpoint: JsonObject | None) -> tuple[feed.Moment, _Place | None]:
        """When the listing began, and where it goes on; from its start if the wiki is another one now."""
        current = feed.now(self._api)
        began = _resumed(current, checkpoint)
        if checkpoint is None or began is current:
            return current, None
        going_on, namespace = checkpoint.get("continue"), checkpoint.get("namespace")
        if not isinstance(going_on, dict) or not isinstance(namespace, int):
            return current, None
        return began, _Place(namespace, going_on)

    def _namespaces(self) -> dict[int, str]:
        """The namespaces that are read, with their names: those with a line, or all that hold content."""
        if self._names is None:
            answer = self._api.query({"meta": "siteinfo", "siprop": "namespaces"})
            query = answer.get("query")
            listed = query.get("namespaces") if isinstance(query, dict) else None
            if not listed or not isinstance(listed, dict):
                raise Stop(told("The wiki does not say which namespaces it has. Nothing was deleted."))
            known = {row["id"]: row for row in listed.values() if isinstance(row, dict) and "id" in row}
            wanted = self._audiences.lines or {key: None for key, row in known.items() if row.get("content")}
            missing = sorted(set(wanted) - set(known))
            if missing:
                raise Reconfigure(
                    told(
                        "The wiki has no namespace {missing}: take it out, or write its number.",
                        missing=missing[0],
                    )
                )
            self._names = {key: str(known[key].get("name", "")) for key in sorted(wanted)}
        return self._names

    def _listed(self, place: _Place | None) -> Iterator[Event]:
        """The pages of every namespace by title; a Checkpoint behind each part says where the next begins."""
        for namespace in self._namespaces():
            if place is not None and namespace < place.namespace:
                continue
            start = place.going_on if place is not None and namespace == place.namespace else {}
            question: Parameters = {
                **_ABOUT,
                "generator": "allpages",
                "gapnamespace": namespace,
                "gapfilterredir": "nonredirects",
                "gaplimit": _LISTED,
                **{name: str(value) for name, value in start.items()},
            }
            for answer, following in self._api.pages_of(question):
                if self._surroundings.stopped():
                    raise Stopped
                for row in sorted(rows(answer, "pages"), key=lambda each: str(each.get("title"))):
                    yield self._event(row)
                if following is not None:
                    yield Checkpoint({"namespace": namespace, "continue": following})

    def _look_at(self, touched: feed.Touched, looked: tuple[str, str]) -> Iterator[Event]:
        """Pages as they are now, those behind `looked`, with a Checkpoint behind each part.

        Each is reported once, whether it was named by number or by title.
        """
        by, last = looked
        numbers = [] if by == _BY_TITLE else [n for n in sorted(touched.ids) if by != _BY_ID or n > int(last)]
        titles = [title for title in sorted(touched.titles) if by != _BY_TITLE or title > last]
        questions = [
            *((_BY_ID, batch) for batch in _batches(map(str, numbers))),
            *((_BY_TITLE, batch) for batch in _batches(titles)),
        ]
        reported: set[str] = set()
        for kind, batch in questions:
            for event in self._looked_up({kind: "|".join(batch)}):
                name = event.external_id if isinstance(event, (Upsert, Tombstone)) else ""
                if not name or name not in reported:
                    reported.add(name)
                    yield event
            yield Checkpoint({"by": kind, "looked": batch[-1]})

    def _looked_up(self, question: Parameters) -> Iterator[Event]:
        if self._surroundings.stopped():
            raise Stopped
        for answer, _ in self._api.pages_of({**_ABOUT, **question}):
            for row in rows(answer, "pages"):
                number = row.get("pageid")
                gone = row.get("missing") or row.get("redirect") or row.get("ns") not in self._namespaces()
                if isinstance(number, int) and number > 0 and gone:
                    yield Tombstone(str(number))
                elif not gone:
                    yield self._event(row)

    def _event(self, row: JsonObject) -> Event:
        number, namespace, title = row.get("pageid"), row.get("ns"), row.get("title")
        revision, revisions = row.get("lastrevid"), row.get("revisions")
        if not isinstance(number, int) or not isinstance(namespace, int) or not isinstance(title, str):
            return Failure(
                "", FailureCode.BAD_RECORD, told("An entry of the listing has no number."), is_prefix=True
            )
        latest = revisions[0] if isinstance(revisions, list) and revisions else {}
        if not isinstance(revision, int) or not isinstance(latest, dict):
            return Failure(
                str(number), FailureCode.BAD_RECORD, told("The listing lacks its latest revision.")
            )
        length, url = row.get("length"), web_address(str(row.get("fullurl", "")))
        name = self._namespaces().get(namespace, "")
        return Upsert(
            external_id=str(number),
            version=f"{revision}-{hashlib.sha256(f'{title} {url} {name}'.encode()).hexdigest()[:16]}",
            title=one_line(title),
            name=one_line(title),
            url=url,
            media_type="text/markdown" if row.get("contentmodel") == _WIKITEXT else "text/plain",
            modified=_moment(latest.get("timestamp")),
            attributes={"namespace": name},
            acl=self._audiences.of(namespace),
            size=length if isinstance(length, int) else None,
            fetch=partial(self._fetch, str(number)),
        )

    def _fetch(self, number: str) -> BytesContent:
        """The page's own wikitext as Markdown, or the text of another kind of page as it is."""
        row = self._api.content(number)
        revisions = row.get("revisions")
        if row.get("missing"):
            raise DocumentFailure(FailureCode.GONE)
        try:
            slots = revisions[0]["slots"]["main"] if isinstance(revisions, list) else {}
        except (LookupError, TypeError):
            slots = {}
        text = slots.get("content") if isinstance(slots, dict) else None
        if not isinstance(text, str):
            raise DocumentFailure(FailureCode.REFUSED, told("The wiki does not hand its text over."))
        data = text.encode("utf-8", "replace")
        if len(data) > self._surroundings.max_content_bytes:
            raise DocumentFailure(FailureCode.TOO_LARGE, told("{size} bytes", size=len(data)))
        is_wikitext = slots.get("contentmodel") == _WIKITEXT
        return BytesContent(as_markdown(text).encode("utf-8", "replace") if is_wikitext else data)


def _resumed(current: feed.Moment, checkpoint: JsonObject | None) -> feed.Moment:
    """When the run of the checkpoint began; `current` itself if there is none, or the wiki is another one."""
    if checkpoint is None or checkpoint.get("wiki") != current.wiki:
        return current
    try:
        began = datetime.fromisoformat(str(checkpoint.get("time")))
    except ValueError:
        return current
    return feed.Moment(current.wiki, began) if began.tzinfo is not None else current


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    waiting = iter(names)
    while batch := list(islice(waiting, _AT_ONCE)):
        yield batch


def _moment(value: Json) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        return None
