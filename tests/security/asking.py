"""What a person gets to see of everything, as JSON that two worlds can be compared by."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from asgiref.sync import async_to_sync

from assistant.access.door import count_readable
from assistant.access.viewer import Viewer
from assistant.chat.events import TurnEvent
from assistant.chat.finding import ask, search
from assistant.chat.runner import run_turn
from assistant.chat.services import follow_turn, start_turn
from assistant.common.types import Json

_NUMBERS = re.compile(r"(document_id=|ms=|synced_at=)[^,)]*")
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


def told(viewer: Viewer, question: str) -> str:
    """The events of a new turn as a stream tells them, ids of rows and times aside."""

    async def followed() -> list[TurnEvent]:
        return [one.event async for one in follow_turn(viewer=viewer, turn_id=turn.pk, after=0)]

    turn = start_turn(viewer=viewer, question=question, conversation_id=None)
    assert run_turn(turn.pk)
    return "\n".join(_NUMBERS.sub("", repr(event)) for event in async_to_sync(followed)())


def everything_seen(viewer: Viewer, *, queries: Sequence[str], questions: Sequence[str]) -> dict[str, str]:
    """By what was asked, what came back."""
    seen = {f"search {query}": found(viewer, query) for query in queries}
    seen.update({f"ask {question}": answered(viewer, question) for question in questions})
    seen["count"] = str(count_readable(viewer))
    return seen
