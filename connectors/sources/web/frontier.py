"""Which pages are still to be visited? A queue on disk that can be wound back to any point.

Pages are visited in the order in which they were found, so that a crawl is the same each time.
Each row knows during which visit it was found: to wind back to visit N, what was found
after it is deleted. So one number is a checkpoint, however many pages are waiting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from connectors.sources.web.memory import open_database, remove_database

MOST_VARIANTS = 200  # of one path with different queries
_MOST_QUEUES = 3
_SCHEMA = """
create table if not exists queue (
  n integer primary key, url text unique not null, path text not null, depth integer not null,
  found_by integer not null, lastmod text not null,
  outcome text not null default '', target text not null default ''
);
create index if not exists variants on queue (path);
create table if not exists cuts (found_by integer not null, prefix text not null);
"""


class Outcome(StrEnum):
    """What a visit came to."""

    DOCUMENT = "document"
    STANDS_FOR = "stands_for"  # the page names another as the canonical one
    MOVED = "moved"
    NOTHING = "nothing"  # gone, forbidden, or no document
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A page to visit. `n`: its place in the queue, from 1."""

    n: int
    url: str
    depth: int
    lastmod: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a crawl goes."""

    depth: int
    pages: int


class Frontier:
    """The queue of one crawl, in a file of its own."""

    def __init__(self, folder: Path, *, crawl: str, limits: Limits) -> None:
        file = folder / f"crawl-{crawl}.db"
        _remove_old(folder, but=file)
        self._database = open_database(file, _SCHEMA)
        self._limits = limits
        self._at = 0

    def close(self) -> None:
        """Close the file. It stays: the engine may be behind, and come back to an earlier point."""
        self._database.close()

    @staticmethod
    def exists(folder: Path, *, crawl: str) -> bool:
        """Whether this machine has the queue of that crawl."""
        return (folder / f"crawl-{crawl}.db").is_file()

    def wind_back(self, at: int) -> bool:
        """Forget whatever came after visit `at`. False: the queue never came so far, and is empty now."""
        if self._database.execute("select 1 from queue where n = ?", (at,)).fetchone() is None:
            self._database.execute("delete from queue")
            self._database.execute("delete from cuts")
            return False
        self._database.execute("delete from queue where found_by > ?", (at,))
        self._database.execute("delete from cuts where found_by > ?", (at,))
        self._database.execute("update queue set outcome = '', target = '' where n > ?", (at,))
        self._at = at
        return True

    def add(self, found: Iterable[tuple[str, str]], *, depth: int) -> list[str]:
        """Append pages (address, lastmod) that are new; gives back the prefixes that were cut off."""
        cut: list[str] = []
        if depth > self._limits.depth:
            return cut
        self._database.execute("begin")
        try:
            for url, lastmod in found:
                prefix = self._append(url, lastmod, depth)
                if prefix is not None and self._is_new_cut(prefix):
                    cut.append(prefix)
        finally:
            self._database.execute("commit")
        return cut

    def note_cut(self, prefix: str) -> None:
        """Something that begins with `prefix` could not be looked at: the crawl is not whole."""
        self._database.execute("insert into cuts values (?, ?)", (self._at, prefix))

    def is_whole(self) -> bool:
        """Whether nothing was cut off so far."""
        return self._database.execute("select 1 from cuts").fetchone() is None

    def waiting(self) -> Iterator[Waiting]:
        """The pages in order, also those that are added meanwhile."""
        columns = "select n, url, depth, lastmod from queue where n = ?"
        while row := self._database.execute(columns, (self._at + 1,)).fetchone():
            self._at += 1
            yield Waiting(*row)

    def settle(self, url: str, outcome: Outcome, *, target: str = "") -> None:
        """Note what the visit came to."""
        self._database.execute(
            "update queue set outcome = ?, target = ? where url = ?", (outcome, target, url)
        )

    def outcome(self, url: str) -> tuple[Outcome | None, str]:
        """What the visit of a page came to, and for which page it stands; None: it was not visited."""
        row = self._database.execute("select outcome, target from queue where url = ?", (url,)).fetchone()
        return (Outcome(row[0]), row[1]) if row and row[0] else (None, "")

    def standing_for_others(self) -> list[tuple[str, str]]:
        """Pages that name another one as canonical, with its address, in order."""
        return self._database.execute(
            "select url, target from queue where outcome = ? order by n", (Outcome.STANDS_FOR,)
        ).fetchall()

    def _append(self, url: str, lastmod: str, depth: int) -> str | None:
        """None: in the queue now, or before; else the prefix that is cut off."""
        if self._database.execute("select 1 from queue where url = ?", (url,)).fetchone():
            return None
        path, mark, _ = url.partition("?")
        variants = "select count(*) from queue where path = ? and url <> path"
        if mark and self._count(variants, path) >= MOST_VARIANTS:
            return path + "?"
        number = self._count("select coalesce(max(n), 0) from queue")
        if number >= self._limits.pages:
            return ""
        self._database.execute(
            "insert into queue (n, url, path, depth, found_by, lastmod) values (?, ?, ?, ?, ?, ?)",
            (number + 1, url, path, depth, self._at, lastmod),
        )
        return None

    def _is_new_cut(self, prefix: str) -> bool:
        if self._count("select count(*) from cuts where prefix = ?", prefix):
            return False
        self.note_cut(prefix)
        return True

    def _count(self, statement: str, *values: str) -> int:
        return int(self._database.execute(statement, values).fetchone()[0])


def _remove_old(folder: Path, *, but: Path) -> None:
    """Queues that no interrupted run will ask for any more. A few stay: a preview may run beside a run."""
    others = [path for path in folder.glob("crawl-*.db") if path != but]
    for path in sorted(others, key=_last_written, reverse=True)[_MOST_QUEUES - 1 :]:
        remove_database(path)


def _last_written(path: Path) -> float:
    log = path.with_name(path.name + "-wal")
    return max(each.stat().st_mtime for each in (path, log) if each.exists())
