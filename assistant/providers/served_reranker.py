"""Rerankers behind a server with `/rerank`, as Jina, Cohere, vLLM, llama.cpp and Infinity have it.

The question and up to 32 passages that the asker may read go to that server, with each question.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assistant.common.types import JsonObject
from assistant.providers.contract import Scores, Served
from assistant.providers.refusals import not_understood
from assistant.providers.served_calls import ServedCalls, in_order, is_number


class ServedReranker:
    """A model on a server. Threads may share it. All passages of a question go in one request."""

    def __init__(self, *, served: Served) -> None:
        self._calls = ServedCalls(served)

    @property
    def name(self) -> str:
        """The model's name on its server."""
        return self._calls.name

    def scores(self, question: str, texts: Sequence[str]) -> Scores:
        """How well each text answers, higher is better, in the order given: float64.

        Raises:
            CallFailed: the server cannot be reached, refuses, or answers something else.
        """
        if not texts:
            return np.empty(0, dtype=np.float64)
        body: JsonObject = {"model": self.name, "query": question, "documents": list(texts)}

        def read(answer: JsonObject) -> Scores:
            return self._read(answer, len(texts))

        return self._calls.asked("/rerank", body, texts=[question, *texts], read=read)

    def _read(self, answer: JsonObject, number: int) -> Scores:
        scores: list[float] = []
        for item in in_order(answer.get("results"), number, self.name):
            score = item.get("relevance_score")
            if not is_number(score):
                raise not_understood(self.name)
            assert isinstance(score, int | float)
            scores.append(score)
        return np.array(scores, dtype=np.float64)
