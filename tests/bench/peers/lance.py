"""LanceDB without a vector index, so that it is exact, with a filter applied before the search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path

from tests.bench.index_peers import TOP
from tests.bench.index_truth import Tokens
from tests.bench.index_world import DIMENSION, Permitted, Question, World

_ROWS = 50_000


class Lance:
    """Bitmap and tree indexes on the filtered columns, which speeds the filter up; inner products."""

    def __init__(self, world: World, analysed: Tokens, folder: Path) -> None:
        self._world = world
        self._lance, self._arrow = import_module("lancedb"), import_module("pyarrow")
        self._database = self._lance.connect(str(folder))
        self._filter: str | None = None

    def build(self) -> None:
        """See `Engine.build`."""
        arrow = self._arrow
        schema = arrow.schema(
            [
                ("chunk", arrow.int64()),
                ("document", arrow.int32()),
                ("acl", arrow.int32()),
                ("vector", arrow.list_(arrow.float32(), DIMENSION)),
            ]
        )
        self._table = self._database.create_table("chunks", schema=schema)
        for batch in self._batches():
            self._table.add(batch)
        self._table.create_scalar_index("acl", index_type="BITMAP")
        self._table.create_scalar_index("document", index_type="BTREE")
        # Merged into few files, and what was before the merge removed.
        self._table.optimize(cleanup_older_than=timedelta())

    def permit(self, permitted: Permitted) -> None:
        """See `Engine.permit`."""
        parts = [
            f"{column} IN ({', '.join(map(str, ids.tolist()))})"
            for column, ids in (("acl", permitted.lists), ("document", permitted.singles))
            if len(ids)
        ]
        self._filter = None if permitted.everything else " OR ".join(parts)

    def search(self, question: Question) -> Sequence[int]:
        """See `Engine.search`."""
        query = (
            self._table.search(question.vector).distance_type("dot").limit(TOP).select(["chunk", "_distance"])
        )
        if self._filter is not None:
            query = query.where(self._filter, prefilter=True)
        return [int(chunk) for chunk in query.to_arrow()["chunk"].to_pylist()]

    def _batches(self) -> Iterator[object]:
        arrow, owners = self._arrow, self._world.owners
        for begin in range(0, len(owners), _ROWS):
            some = owners[begin : begin + _ROWS]
            rows = self._world.vectors[begin : begin + _ROWS].reshape(-1)
            yield arrow.table(
                {
                    "chunk": arrow.array(range(begin, begin + len(some)), arrow.int64()),
                    "document": arrow.array(some),
                    "acl": arrow.array(self._world.lists[some]),
                    "vector": arrow.FixedSizeListArray.from_arrays(arrow.array(rows), DIMENSION),
                }
            )
