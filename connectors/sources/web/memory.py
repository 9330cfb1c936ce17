"""What the last crawls saw of each page, so that an unchanged one is not sent again.

It lies in the scratch folder and may be gone, old or another machine's at any time: it saves
requests and never decides that something was deleted.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from connectors.sdk.web import conditional

_SCHEMA = """
create table if not exists pages (
  url text primary key, crawl text not null, listed integer not null, record text not null,
  missed_by text not null
) without rowid;
create table if not exists ends (crawl text primary key);
"""
MEMORY_FILE = "pages-2.db"  # another shape of records gets another number, and its predecessor is removed


@dataclass(frozen=True, slots=True)
class Record:
    """A page as it was. `modified` and `etag` validate it; empty where they cannot be trusted to."""

    version: str
    media_type: str = ""
    name: str = ""
    size: int = 0
    etag: str = ""
    modified: str = ""
    changed: str = ""  # Last-Modified as the site wrote it, to show
    lastmod: str = ""  # of the sitemap
    links: tuple[str, ...] = ()
    canonical: str = ""
    indexed: bool = True

    @property
    def validators(self) -> dict[str, str]:
        """The headers of a conditional request."""
        return conditional(etag=self.etag, modified=self.modified)


_FIELDS = tuple(field.name for field in fields(Record))


def open_database(path: Path, schema: str) -> sqlite3.Connection:
    """A database that survives a killed process; one that is damaged is begun anew.

    Raises:
        sqlite3.Error, OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _opened(path, schema)
    except sqlite3.DatabaseError:
        remove_database(path)
        return _opened(path, schema)


def remove_database(path: Path) -> None:
    """Delete the file and what SQLite keeps beside it."""
    for each in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        each.unlink(missing_ok=True)


def _opened(path: Path, schema: str) -> sqlite3.Connection:
    # A generator may be closed by another thread than the one that read it.
    database = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        database.execute("pragma journal_mode=wal")
        database.execute("pragma synchronous=off")
        database.executescript(schema)
    except sqlite3.Error:
        database.close()
        raise
    return database


class Memory:
    """The pages by address. `crawl` names the crawl that reads and writes now."""

    def __init__(self, folder: Path, *, crawl: str) -> None:
        self._database = open_database(folder / MEMORY_FILE, _SCHEMA)
        for older in folder.glob("pages-*.db"):
            if older.name != MEMORY_FILE:
                with suppress(OSError):
                    remove_database(older)
        self._crawl = crawl

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def recall(self, url: str) -> Record | None:
        """What is known of the page; None: nothing."""
        row = self._database.execute("select record from pages where url = ?", (url,)).fetchone()
        if row is None:
            return None
        values = json.loads(row[0])
        return Record(**{**values, "links": tuple(values["links"])})

    def note(self, url: str, record: Record, *, listed: bool, missed: bool = False) -> None:
        """Remember the page as this crawl saw it. `missed`: although nothing led to it."""
        text = json.dumps({name: getattr(record, name) for name in _FIELDS}, ensure_ascii=False)
        missed_by = self._crawl if missed else ""
        row = (url, self._crawl, int(listed), text.encode("utf-8", "replace").decode("utf-8"), missed_by)
        self._database.execute("insert or replace into pages values (?, ?, ?, ?, ?)", row)

    def forget(self, url: str) -> None:
        """The page is not there, or not a document."""
        self._database.execute("delete from pages where url = ?", (url,))

    def unseen(self) -> list[str]:
        """Documents of earlier crawls that this one has not come to, also before it was interrupted."""
        rows = self._database.execute(
            "select url from pages where listed and (crawl <> ? or missed_by = ?) order by url",
            (self._crawl, self._crawl),
        )
        return [url for (url,) in rows]

    def was_missed(self, url: str) -> bool:
        """Whether an earlier crawl has already missed the page."""
        row = self._database.execute("select missed_by from pages where url = ?", (url,)).fetchone()
        return row is not None and row[0] not in ("", self._crawl)

    def end_whole(self) -> None:
        """This crawl saw everything: what it did not see is forgotten."""
        self._database.execute("delete from pages where crawl <> ?", (self._crawl,))
        self._database.execute("delete from ends")
        self._database.execute("insert into ends values (?)", (self._crawl,))

    def has_seen_everything(self) -> bool:
        """Whether some crawl on this machine reached its end."""
        return self._database.execute("select 1 from ends").fetchone() is not None

    def documents(self) -> Iterator[str]:
        """The addresses of all documents that are remembered."""
        rows = self._database.execute("select url from pages where listed order by url").fetchall()
        return (url for (url,) in rows)
