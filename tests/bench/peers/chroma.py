"""Chroma: a graph of neighbours with a filter. It is not exact, so its recall stands beside its time."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np

from tests.bench.index_peers import THREADS, TOP
from tests.bench.index_truth import Tokens
from tests.bench.index_world import Permitted, Question, World

_ROWS = 5_000
_SEARCH_WIDTH = 100  # Chroma's default


class Chroma:
    """A collection on the disk with the list and the document of each chunk as metadata."""

    def __init__(self, world: World, analysed: Tokens, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self._where: dict[str, object] | None = None

    def build(self) -> None:
        """See `Engine.build`."""
        settings = import_module("chromadb.config").Settings(anonymized_telemetry=False)
        client = import_module("chromadb").PersistentClient(path=str(self._folder), settings=settings)
        hnsw = {"space": "ip", "ef_search": _SEARCH_WIDTH, "num_threads": THREADS}
        self._chunks = client.create_collection(
            "chunks", configuration={"hnsw": hnsw}, embedding_function=None
        )
        owners = self._world.owners
        for begin in range(0, len(owners), _ROWS):
            some = owners[begin : begin + _ROWS]
            lists = self._world.lists[some].tolist()
            self._chunks.add(
                ids=[str(begin + i) for i in range(len(some))],
                embeddings=np.array(self._world.vectors[begin : begin + _ROWS]),
                metadatas=[
                    {"acl": acl, "document": document}
                    for acl, document in zip(lists, some.tolist(), strict=True)
                ],
            )

    def permit(self, permitted: Permitted) -> None:
        """See `Engine.permit`."""
        parts: list[dict[str, object]] = [
            {column: {"$in": ids.tolist()}}
            for column, ids in (("acl", permitted.lists), ("document", permitted.singles))
            if len(ids)
        ]
        self._where = None if permitted.everything else parts[0] if len(parts) == 1 else {"$or": parts}

    def search(self, question: Question) -> Sequence[int]:
        """See `Engine.search`."""
        found = self._chunks.query(
            query_embeddings=[question.vector], n_results=TOP, where=self._where, include=[]
        )
        return [int(chunk) for chunk in found["ids"][0]]
