"""sqlite-vec in its two ways: a virtual table that is searched whole, a plain table with a distance function.

The permitted ids lie in a table of the connection. Passed as row ids they filter the
virtual table two to three times faster than a metadata column does at half of the
chunks permitted, and no slower elsewhere.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from tests.bench.index_peers import TOP, PeerAbsent
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


class _Vectors:
    """A database with one row a chunk. Vectors have unit length, so the nearest are those by cosine."""

    schema: str
    insert: str
    filtered: str
    unfiltered: str

    def __init__(self, world: World, analysed: Tokens, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self._statement = self.unfiltered
        self._sqlite = _sqlite()

    def build(self) -> None:
        """See `Engine.build`."""
        self._database = self._sqlite.connect(self._folder / "vectors.sqlite")
        self._database.enable_load_extension(True)
        import_module("sqlite_vec").load(self._database)
        for setting in ("mmap_size = 8589934592", "cache_size = -262144", "temp_store = memory"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("CREATE TEMP TABLE permitted (id INTEGER PRIMARY KEY)")
        self._database.execute(self.schema)
        for begin in range(0, self._world.recipe.chunks, _ROWS):
            self._database.executemany(self.insert, self._rows(begin))
            self._database.commit()

    def permit(self, permitted: Permitted) -> None:
        """See `Engine.permit`."""
        ids = self.permitted_ids(permitted)
        self._database.execute("DELETE FROM permitted")
        self._database.executemany("INSERT INTO permitted VALUES (?)", ((int(one),) for one in ids))
        self._database.commit()
        self._statement = self.unfiltered if permitted.everything else self.filtered

    def search(self, question: Question) -> Sequence[int]:
        """See `Engine.search`."""
        rows = self._database.execute(self._statement, {"vector": question.vector.tobytes()})
        return [int(row[0]) for row in rows]

    def permitted_ids(self, permitted: Permitted) -> Iterable[int]:
        """What the filter names: documents."""
        documents: list[int] = np.flatnonzero(permitted.versions).tolist()
        return documents

    def _rows(self, begin: int) -> Iterator[dict[str, int | bytes]]:
        documents = self._world.owners[begin : begin + _ROWS].tolist()
        rows = np.array(self._world.vectors[begin : begin + _ROWS])
        for chunk, (document, row) in enumerate(zip(documents, rows, strict=True), begin):
            yield {"document": document, "chunk": chunk, "vector": row.tobytes()}


class VirtualTable(_Vectors):
    """`vec0`: made for searching everything."""

    schema = f"CREATE VIRTUAL TABLE chunks USING vec0(chunk INTEGER PRIMARY KEY, vector FLOAT[{DIMENSION}])"
    insert = "INSERT INTO chunks (chunk, vector) VALUES (:chunk, :vector)"
    unfiltered = f"SELECT chunk FROM chunks WHERE vector MATCH :vector AND k = {TOP} ORDER BY distance"
    filtered = (
        f"SELECT chunk FROM chunks WHERE vector MATCH :vector AND k = {TOP} "
        "AND chunk IN (SELECT id FROM permitted) ORDER BY distance"
    )

    def permitted_ids(self, permitted: Permitted) -> Iterable[int]:
        """What the filter names: chunks."""
        chunks: list[int] = np.flatnonzero(self._world.may_read(permitted)).tolist()
        return chunks


class PlainTable(_Vectors):
    """Rows in the order of their documents: made for reading few of them."""

    schema = (
        "CREATE TABLE chunks (document INTEGER, chunk INTEGER, vector BLOB, "
        "PRIMARY KEY (document, chunk)) WITHOUT ROWID"
    )
    insert = "INSERT INTO chunks (document, chunk, vector) VALUES (:document, :chunk, :vector)"
    unfiltered = f"SELECT chunk FROM chunks ORDER BY vec_distance_l2(vector, :vector) LIMIT {TOP}"
    filtered = (
        "SELECT chunks.chunk FROM permitted CROSS JOIN chunks ON chunks.document = permitted.id "
        f"ORDER BY vec_distance_l2(vector, :vector) LIMIT {TOP}"
    )
