"""What a person gets to see of everything, as JSON that two worlds can be compared by."""

from __future__ import annotations

import json
from collections.abc import Sequence

from assistant.access.door import count_readable
from assistant.access.viewer import Viewer
from assistant.chat.finding import ask, search
from assistant.common.types import Json

HIT = ("rank", "external_id", "title", "page", "passage", "score", "also")


def found(viewer: Viewer, query: str, *, k: int = 10) -> str:
    """The hits of a search, ids of rows aside."""
    return json.dumps(
        [{key: hit[key] for key in HIT} for hit in search(query, viewer=viewer, k=k)], ensure_ascii=False
    )


def answered(viewer: Viewer, question: str) -> str:
    """An answer, its time aside."""
    said: dict[str, Json] = {key: value for key, value in ask(question, viewer=viewer).items() if key != "ms"}
    return json.dumps(said, ensure_ascii=False)


def everything_seen(viewer: Viewer, *, queries: Sequence[str], questions: Sequence[str]) -> dict[str, str]:
    """By what was asked, what came back."""
    seen = {f"search {query}": found(viewer, query) for query in queries}
    seen.update({f"ask {question}": answered(viewer, question) for question in questions})
    seen["count"] = str(count_readable(viewer))
    return seen
