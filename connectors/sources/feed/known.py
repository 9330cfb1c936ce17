"""Which entries were ever read, and since when are they missing from their feeds?

It travels in the cursor and lies in the scratch folder, because a full run gets no cursor.
Where both are lost, entries stay that should have left after some days; none is deleted early.

A feed that is never read whole, since it is malformed for good or leads on to another host, proves no
entry gone. What even its readings from the newest to the oldest page miss is in doubt: it is not deleted,
and after some days another feed may speak for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from assistant.common.types import Json, JsonObject

MOST_KNOWN = 20_000  # the cursor is a row of the database
_FILE = "entries-1.json"
_PRESENT = 0
_DOUBTED_DAYS = 7  # longer than a feed is malformed by mistake


class KnownEntries:
    """By feed, each entry with the day (since 1970) on which it was first missing; 0: it stands there.

    A day below 0: the one since which it is in doubt, with the sign turned.
    """

    def __init__(self, missing: Mapping[str, Mapping[str, int]]) -> None:
        self._missing = {feed: dict(entries) for feed, entries in missing.items()}

    @classmethod
    def remembered(cls, *, cursor: JsonObject | None, scratch: Path | None) -> KnownEntries:
        """What the cursor says, else the scratch folder."""
        told = _parsed((cursor or {}).get("known"))
        return cls(told or (_parsed(_read(scratch)) if scratch else {}))

    def __len__(self) -> int:
        return len(self.ids())

    def ids(self) -> list[str]:
        """All ids in order."""
        return sorted({key for entries in self._missing.values() for key in entries})

    def stands_in(self, key: str, feeds: Collection[str], *, day: int) -> bool:
        """Whether one of these feeds holds the entry today, as far as it is known."""
        marks = [self._missing.get(feed, {}).get(key, day) for feed in feeds]
        return any(first == _PRESENT or (first < 0 and day + first < _DOUBTED_DAYS) for first in marks)

    def saw(self, feed: str, present: Collection[str], *, whole: bool, day: int) -> None:
        """These stand in the feed today. `whole`: and no others, so what is missing has left it."""
        entries = self._missing.setdefault(feed, {})
        if whole:
            for key in entries.keys() - present:
                entries[key] = entries[key] if entries[key] > _PRESENT else day
        entries.update(dict.fromkeys(present, _PRESENT))

    def doubt(self, feed: str, present: Collection[str], *, day: int) -> None:
        """Only these stand in what the feed hands over today, which is not all of it."""
        entries = self._missing.get(feed, {})
        for key in entries.keys() - present:
            entries[key] = entries[key] or -day

    def keep_feeds(self, feeds: Collection[str], *, day: int) -> None:
        """Feeds that are not read any more have lost all their entries."""
        for feed in self._missing.keys() - feeds:
            self.saw(feed, (), whole=True, day=day)

    def forget(self, ids: Collection[str]) -> None:
        """These are gone for good."""
        for entries in self._missing.values():
            for key in entries.keys() & set(ids):
                del entries[key]

    def missing_since(self, day: int) -> list[str]:
        """Entries that stand in no feed, and did not after this day either; in order."""
        latest: dict[str, int] = {}
        for entries in self._missing.values():
            for key, first in entries.items():
                known = latest.get(key, first)
                latest[key] = _PRESENT if min(known, first) <= _PRESENT else max(known, first)
        return sorted(key for key, first in latest.items() if first != _PRESENT and first <= day)

    def as_json(self) -> JsonObject:
        """For the cursor: at most 20,000, those that stand in a feed first, then the latest missing."""
        rows = [
            (first, feed, key) for feed, entries in self._missing.items() for key, first in entries.items()
        ]
        rows.sort(key=lambda row: (row[0] != _PRESENT, -row[0], row[1], row[2]))
        kept: dict[str, dict[str, int]] = {}
        for first, feed, key in rows[:MOST_KNOWN]:
            kept.setdefault(feed, {})[key] = first
        return kept

    def save(self, scratch: Path) -> None:
        """Write it into the scratch folder, which may be lost at any time."""
        scratch.mkdir(parents=True, exist_ok=True)
        fresh = scratch / f"{_FILE}.{os.getpid()}.new"
        fresh.write_text(json.dumps(self._missing), encoding="utf-8")
        fresh.replace(scratch / _FILE)


def _read(scratch: Path) -> Json:
    try:
        found: Json = json.loads((scratch / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _parsed(value: Json) -> dict[str, dict[str, int]]:
    feeds = value if isinstance(value, Mapping) else {}
    return {
        feed: {key: first for key, first in entries.items() if isinstance(first, int)}
        for feed, entries in feeds.items()
        if isinstance(entries, Mapping)
    }
