"""Which words of the API a server takes: they differ by vendor and by model, and only the server knows.

A server that refuses a field is asked again without it, and that is remembered for its address and
model as long as the process lives. What a refusal says is read for this and shown to nobody.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from typing import Final

from assistant.common.errors import MundapError
from assistant.common.types import Json
from assistant.providers.contract import ChatServer

_REFUSED = frozenset({400, 422})
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context|context (?:length|window|size)|(?:prompt|input) is too long"
)
_FILTERED = re.compile(r"content_filter|responsible_?ai|content management policy")
OLD_LIMIT: Final = "max_tokens"
NEW_LIMIT: Final = "max_completion_tokens"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a request to one model says beside the messages."""

    limit: str = OLD_LIMIT
    temperature: bool = True  # steer it towards its likeliest words
    counts: bool = True  # ask for the numbers of tokens

    def fields(self, most_tokens: int) -> dict[str, Json]:
        """The fields of the request."""
        found: dict[str, Json] = {self.limit: most_tokens}
        if self.temperature:
            found["temperature"] = 0
        if self.counts:
            found["stream_options"] = {"include_usage": True}
        return found


class OtherDialect(MundapError):
    """The server understands the request if it is put in these words. Caught before anybody sees it."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__("another dialect")
        self.dialect = dialect


def other_dialect(dialect: Dialect, status: int, refusal: str) -> Dialect | None:
    """What to say instead, where the refusal names a field that was said; None: that is not why."""
    if status not in _REFUSED:
        return None
    if dialect.counts and _names(refusal, "stream_options"):
        return replace(dialect, counts=False)
    if dialect.limit == OLD_LIMIT and _names(refusal, NEW_LIMIT):
        return replace(dialect, limit=NEW_LIMIT)
    if dialect.temperature and _names(refusal, "temperature"):
        return replace(dialect, temperature=False)
    return None


def is_too_long(status: int, refusal: str) -> bool:
    """Whether the messages have more tokens than the model reads."""
    return status == 413 or (status in _REFUSED and bool(_TOO_LONG.search(refusal.lower())))  # noqa: PLR2004


def is_filtered(status: int, refusal: str) -> bool:
    """Whether the server's own rules keep the question from the model."""
    return status in _REFUSED and bool(_FILTERED.search(refusal.lower()))


def known_dialect(server: ChatServer) -> Dialect:
    """How this model was spoken to last."""
    with _lock:
        return _known.get((server.url, server.model), Dialect())


def remember(server: ChatServer, dialect: Dialect) -> None:
    """It understood this one."""
    with _lock:
        _known[server.url, server.model] = dialect


def forget() -> None:
    """Know nothing of any model, as in a new process."""
    with _lock:
        _known.clear()


_known: dict[tuple[str, str], Dialect] = {}
_lock = threading.Lock()


def _names(refusal: str, field: str) -> bool:
    return re.search(rf"\b{field}\b", refusal) is not None
