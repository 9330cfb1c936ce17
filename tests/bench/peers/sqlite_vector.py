"""sqlite-vec: a virtual table that is searched whole, with the filter in the same pass."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from tests.bench.index_peers import TOP, PeerAbsent, permitted_documents
from tests.bench.index_truth import Tokens
from tests.bench.index_world import DIMENSION, Permitted, Question, World

_ROWS = 20_000


def _sqlite() -> ModuleType:
    """An SQLite that loads extensions; not every Python's own one does.

    Raises:
        PeerAbsent: there is none.
    """
    if hasattr(sqlite3.Connection, "enable_load_extension"):
        return sqlite3
    try:
        return import_module("pysqlite3.dbapi2")
    except ModuleNotFoundError:
        raise PeerAbsent("this Python's SQLite loads no extensions, and pysqlite3 is not installed") from None


class SqliteVec:
    """The permitted documents lie in a table of the connection, which the search reads as an IN list."""

    def __init__(self, world: World, analysed: Tokens, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self._filter = ""
        self._sqlite = _sqlite()

    def build(self) -> None:
        """See `Engine.build`."""
        self._database = self._sqlite.connect(self._folder / "vectors.sqlite")
        self._database.enable_load_extension(True)
        import_module("sqlite_vec").load(self._database)
        self._database.execute("PRAGMA mmap_size = 8589934592")
        self._database.execute("PRAGMA cache_size = -262144")
        self._database.execute("PRAGMA temp_store = memory")
        self._database.execute("CREATE TEMP TABLE permitted (document INTEGER PRIMARY KEY)")
        self._database.execute(
            f"CREATE VIRTUAL TABLE chunks USING vec0("
            f"chunk INTEGER PRIMARY KEY, document INTEGER, vector FLOAT[{DIMENSION}])"
        )
        owners = self._world.owners
        for begin in range(0, len(owners), _ROWS):
            rows = np.array(self._world.vectors[begin : begin + _ROWS])
            some = owners[begin : begin + _ROWS].tolist()
            self._database.executemany(
                "INSERT INTO chunks (chunk, document, vector) VALUES (?, ?, ?)",
                (
                    (begin + i, document, row.tobytes())
                    for i, (document, row) in enumerate(zip(some, rows, strict=True))
                ),
            )
            self._database.commit()

    def permit(self, permitted: Permitted) -> None:
        """See `Engine.permit`."""
        self._database.execute("DELETE FROM permitted")
        self._database.executemany(
            "INSERT INTO permitted VALUES (?)", ((document,) for document in permitted_documents(permitted))
        )
        self._database.commit()
        self._filter = "" if permitted.everything else "AND document IN (SELECT document FROM permitted)"

    def search(self, question: Question) -> Sequence[int]:
        """See `Engine.search`. Vectors have unit length, so the nearest by distance are those by cosine."""
        rows = self._database.execute(
            f"SELECT chunk FROM chunks WHERE vector MATCH ? AND k = {TOP} {self._filter} ORDER BY distance",
            (question.vector.tobytes(),),
        )
        return [int(row[0]) for row in rows]
