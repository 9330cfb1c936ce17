"""Which pages may have changed since a moment: by the recent changes, and the logs of moves and deletions.

The two are only asked which pages to look at; how a page is now, the page itself says. So it does
no harm that a change is reported twice, and the moments may overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from connectors.sdk.contract import FeedGap
from connectors.sdk.errors import Stop
from connectors.sources.mediawiki.api import Parameters, WikiApi, rows

OVERLAP = timedelta(minutes=2)  # a change is written down a little after the moment that it bears
_MOVING = frozenset({"move", "delete", "import", "merge", "contentmodel", "suppress", "pagelang"})


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the feed stands: of which wiki, and the time of its clock."""

    wiki: str
    time: datetime

    def as_json(self) -> JsonObject:
        """As the engine stores it."""
        return {"wiki": self.wiki, "time": self.time.isoformat()}


@dataclass(frozen=True, slots=True)
class Touched:
    """Pages to look at, by number and by title."""

    ids: frozenset[int]
    titles: frozenset[str]


def now(api: WikiApi) -> Moment:
    """Where the feed stands at this moment."""
    answer = api.query({"meta": "siteinfo", "siprop": "general", "curtimestamp": 1})
    query = answer.get("query")
    general = query.get("general") if isinstance(query, dict) else None
    wiki = general.get("wikiid") if isinstance(general, dict) else None
    if not isinstance(wiki, str):
        raise Stop(told("The wiki does not say which one it is. Nothing was deleted."))
    return Moment(wiki, _time(answer.get("curtimestamp")))


def since(api: WikiApi, cursor: JsonObject, current: Moment) -> Touched:
    """The pages that may have changed since the cursor.

    Raises:
        FeedGap: another wiki, a clock that went back, or the feed no longer reaches that far.
    """
    began = _cursor_time(cursor)
    if began is None or cursor.get("wiki") != current.wiki or began > current.time:
        raise FeedGap
    oldest = [
        _time(row.get("timestamp"))
        for row in rows(api.query({**_CHANGES, "rcdir": "newer", "rclimit": 1}), "recentchanges")
    ]
    if not oldest or oldest[0] > began:
        raise FeedGap  # what happened before the oldest entry may have been forgotten
    return _touched(api, began - OVERLAP)


def during(api: WikiApi, began: Moment) -> Touched:
    """The pages that may have changed while they were listed."""
    return _touched(api, began.time - OVERLAP)


_CHANGES: Parameters = {
    "list": "recentchanges",
    "rcprop": "ids|timestamp",
    "rctype": "edit|new|log",
}


def _touched(api: WikiApi, start: datetime) -> Touched:
    stamp = start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ids: set[int] = set()
    titles: set[str] = set()
    changes: Parameters = {**_CHANGES, "rcstart": stamp, "rcdir": "newer", "rclimit": "max"}
    for answer, _ in api.pages_of(changes):
        ids.update(_numbers(rows(answer, "recentchanges"), "pageid"))
    logs: Parameters = {
        "list": "logevents",
        "leprop": "ids|title|type|details",
        "lestart": stamp,
        "ledir": "newer",
        "lelimit": "max",
    }
    for answer, _ in api.pages_of(logs):
        found = [row for row in rows(answer, "logevents") if row.get("type") in _MOVING]
        ids.update(_numbers(found, "pageid"), _numbers(found, "logpage"))
        titles.update(title for row in found for title in _titles(row))
    return Touched(frozenset(ids), frozenset(titles))


def _numbers(found: list[JsonObject], name: str) -> Iterator[int]:
    for row in found:
        number = row.get(name)
        if isinstance(number, int) and number > 0:
            yield number


def _titles(row: JsonObject) -> Iterator[str]:
    parameters = row.get("params")
    target = parameters.get("target_title") if isinstance(parameters, dict) else None
    for title in (row.get("title"), target):
        if isinstance(title, str) and title and "|" not in title:
            yield title


def _cursor_time(cursor: JsonObject) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(cursor.get("time")))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _time(value: Json) -> datetime:
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError as error:
        raise Stop(told("The wiki's answer lacks a time. Nothing was deleted.")) from error
