"""Embedders behind an OpenAI-compatible server (`/v1/embeddings`): OpenAI, Azure, vLLM, Ollama and others.

All texts of all documents go to that server, and each question. What it answers is held against what was
asked: as many vectors, in their order, of one length, each of them a direction.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence

import numpy as np

from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import Outcome, Served, Vectors
from assistant.providers.refusals import not_understood
from assistant.providers.served_calls import ServedCalls, TextTooLong, in_order, is_number

BATCH_SIZE = 32  # texts a request: many servers take no more
_MOST_CHARACTERS = 48_000  # a request
_SHORTEST_CUT = 200  # characters: what does not fit in less is another fault
_KEPT = 0.7  # of a text that is too long for the model, its beginning
_LONGEST_NAME = 150
_LONGEST_VECTOR = 65_536


class ServedEmbedder:
    """A model on a server. Threads may share it.

    `name` is that of the model and the beginning of a SHA-256 over all that decides on its vectors as far as
    it is known here: address, model, dimensions, prompts, and the administrator's word for its version.
    A text that is longer than the model reads counts by its beginning, as in a model of this machine.
    """

    def __init__(self, *, served: Served) -> None:
        self._served = served
        self._calls = ServedCalls(served)
        self._dimension = served.dimensions
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The model's name, and a digest of where it is and how it is asked."""
        served, server = self._served, self._served.server
        told_apart = [
            server.url,
            server.model,
            served.dimensions,
            served.question_prompt,
            served.passage_prompt,
            served.version,
        ]
        digest = hashlib.sha256(json.dumps(told_apart).encode()).hexdigest()
        return f"{server.model.rstrip('/').rpartition('/')[2][-_LONGEST_NAME:]}@{digest[:12]}"

    @property
    def dimension(self) -> int:
        """The number of components; where the settings do not say, the server is asked once."""
        if not self._dimension:
            self.embed(["dimension"])
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text, in the order given: float32, shape (len, dimension).

        Raises:
            CallFailed: the server cannot be reached, refuses, or answers something else.
        """
        return self._embedded([self._served.passage_prompt + text for text in texts])

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """As `embed`, with the prompt for questions.

        Raises:
            CallFailed: as above.
        """
        return self._embedded([self._served.question_prompt + text for text in texts])

    def _embedded(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return np.concatenate([self._rows(batch) for batch in _batches(texts)])

    def _rows(self, texts: Sequence[str]) -> Vectors:
        try:
            return self._asked(texts)
        except TextTooLong:
            if len(texts) > 1:  # one of them, or all together
                half = len(texts) // 2
                return np.concatenate([self._rows(texts[:half]), self._rows(texts[half:])])
            kept = texts[0][: int(len(texts[0]) * _KEPT)]
            if len(kept) < _SHORTEST_CUT:
                raise
            return self._rows([kept])

    def _asked(self, texts: Sequence[str]) -> Vectors:
        body: dict[str, Json] = {"model": self._calls.name, "input": list(texts)}
        if self._served.dimensions:
            body["dimensions"] = self._served.dimensions

        def read(answer: JsonObject) -> Vectors:
            return self._read(answer, len(texts))

        return self._calls.asked("/embeddings", body, texts=texts, read=read)

    def _read(self, answer: JsonObject, number: int) -> Vectors:
        rows = [self._row(item) for item in in_order(answer.get("data"), number, self._calls.name)]
        with self._lock:
            wanted = self._dimension or len(rows[0])
            for row in rows:
                if len(row) != wanted:
                    raise self._other_length(len(row), wanted)
            self._dimension = wanted
        table = np.array(rows, dtype=np.float64)
        norms = np.linalg.norm(table, axis=1, keepdims=True)
        if not (np.isfinite(norms).all() and (norms > 0).all()):
            raise self._no_direction()
        vectors: Vectors = (table / norms).astype(np.float32)
        return vectors

    def _row(self, item: JsonObject) -> list[float]:
        row = item.get("embedding")
        if not isinstance(row, list) or not 0 < len(row) <= _LONGEST_VECTOR:
            raise not_understood(self._calls.name)
        found: list[float] = []
        for value in row:
            if not is_number(value):
                raise self._no_direction()
            assert isinstance(value, int | float)
            found.append(value)
        return found

    def _other_length(self, given: int, wanted: int) -> CallFailed:
        return CallFailed(
            told(
                "The server of '{model}' gives vectors of {given} components instead of {wanted}: check the "
                "model, and whether it can give so many.",
                model=self._calls.name,
                given=given,
                wanted=wanted,
            ),
            Outcome.BROKEN,
        )

    def _no_direction(self) -> CallFailed:
        return CallFailed(
            told(
                "The server of '{model}' gives a vector that is none: a component is no finite number, or "
                "all are zero. Check the model on its server.",
                model=self._calls.name,
            ),
            Outcome.BROKEN,
        )


def _batches(texts: Sequence[str]) -> list[list[str]]:
    """The texts in requests of bounded length, in their order."""
    batches: list[list[str]] = []
    room = 0
    for text in texts:
        if not batches or len(batches[-1]) >= BATCH_SIZE or len(text) > room:
            batches.append([])
            room = _MOST_CHARACTERS
        batches[-1].append(text)
        room -= len(text)
    return batches
