"""Which companion belongs to which object, and what it says.

A companion sorts after its object, with others in between, so the companions are found
by a listing of their own before the documents are reported. What they say is kept
in the scratch folder by the stamp of the listing: an unchanged one is not read again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from assistant.common.told import told
from connectors.sdk.companion import MAX_COMPANION_BYTES, NO_COMPANION, SUFFIX, Companion, parse_companion
from connectors.sdk.exact_json import MalformedError, decode_json
from connectors.sdk.folder_names import folded
from connectors.sources.s3.bucket import Bucket, Stored

_WRITTEN_AT_ONCE = 200


@dataclass(slots=True)
class Companions:
    """The companions of a listing: by their own key, and those without an object by the folded one."""

    exact: dict[str, Stored] = field(default_factory=dict)
    nearly: dict[str, str] = field(default_factory=dict)

    def of(self, key: str) -> Stored | None:
        """The companion of the object `key`, if it has one.

        Raises:
            MalformedError: there is one whose spelling differs in case or Unicode form. Taken for
                nobody's, it would silently not narrow the object.
        """
        found = self.exact.get(key + SUFFIX)
        if found is None and (other := self.nearly.get(folded(key + SUFFIX))):
            raise MalformedError(told("'{other}' is not spelt exactly like its object", other=other))
        return found


def is_companion(key: str) -> bool:
    """Companions describe documents and are none."""
    return key.casefold().endswith(SUFFIX)


def companions_in(listing: Iterable[Stored]) -> Companions:
    """The companions among the objects of a listing."""
    found = Companions()
    around: list[str] = []  # keys with which the present one starts: its object is among them
    for stored in listing:
        key = stored.key
        while around and not key.startswith(around[-1]):
            around.pop()
        if is_companion(key):
            found.exact[key] = stored
            if key.removesuffix(SUFFIX) not in around:
                found.nearly[folded(key)] = key
        around.append(key)
    return found


class Reader:
    """Reads companions from the bucket, or from what was kept of them."""

    def __init__(self, bucket: Bucket, kept: _Kept) -> None:
        self._bucket = bucket
        self._kept = kept

    def read(self, stored: Stored | None) -> Companion:
        """What the companion says.

        Raises:
            MalformedError: it cannot be read or is not understood.
            DocumentFailure: the store does not hand it over.
            ConnectorError: the store does not answer as it should.
        """
        if stored is None:
            return NO_COMPANION
        data = self._kept.find(stored)
        if data is None:
            data = self._bucket.read_setting(stored.key, limit=MAX_COMPANION_BYTES)
            self._kept.keep(stored, data)
        try:
            return parse_companion(decode_json(data))
        except MalformedError as error:
            raise MalformedError(told("is not understood: {error}", error=error)) from error


@contextmanager
def reading(bucket: Bucket, scratch: Path | None, companions: Companions) -> Iterator[Reader]:
    """A reader for one listing. Without a place, or with a damaged one, every companion is read."""
    if scratch is None or not companions.exact:
        yield Reader(bucket, _Kept(None))
        return
    file = scratch / "companions.sqlite3"
    try:
        database = _opened(file)
    except (OSError, sqlite3.Error):
        with suppress(OSError):
            file.unlink()
        yield Reader(bucket, _Kept(None))
        return
    with closing(database):
        kept = _Kept(database)
        try:
            yield Reader(bucket, kept)
        finally:
            kept.write(companions.exact)


def _opened(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(file, check_same_thread=False)
    try:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("CREATE TABLE IF NOT EXISTS companion (key TEXT PRIMARY KEY, stamp TEXT, data BLOB)")
    except sqlite3.Error:
        database.close()
        raise
    return database


class _Kept:
    """Companions as they were read, by key and stamp. Any trouble with the place means: not kept."""

    def __init__(self, database: sqlite3.Connection | None) -> None:
        self._database = database
        self._unwritten = 0

    def find(self, stored: Stored) -> bytes | None:
        if self._database is None:
            return None
        with suppress(sqlite3.Error):
            query = "SELECT data FROM companion WHERE key = ? AND stamp = ?"
            row = self._database.execute(query, (stored.key, stored.stamp)).fetchone()
            return bytes(row[0]) if row else None
        return None

    def keep(self, stored: Stored, data: bytes) -> None:
        if self._database is None:
            return
        with suppress(sqlite3.Error):
            row = (stored.key, stored.stamp, data)
            self._database.execute("INSERT OR REPLACE INTO companion VALUES (?, ?, ?)", row)
            self._unwritten += 1
            if self._unwritten % _WRITTEN_AT_ONCE == 0:
                self._database.commit()

    def write(self, wanted: Iterable[str]) -> None:
        """Store what is not stored, and forget companions that are gone."""
        if self._database is None:
            return
        still = set(wanted)
        with suppress(sqlite3.Error):
            keys = [key for (key,) in self._database.execute("SELECT key FROM companion") if key not in still]
            self._database.executemany("DELETE FROM companion WHERE key = ?", [(key,) for key in keys])
            self._database.commit()
