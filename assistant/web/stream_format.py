"""How do a turn's events look as server-sent events?

    id: 3
    event: token
    data: {"text": "...", "citations": [1]}

A comment goes out when nothing else did for a while, so that proxies keep the line open.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from assistant.chat.events import NumberedEvent, to_payload
from assistant.common.errors import NotFound

PING_S = 15.0
PING = b": ping\n\n"
MAX_DIGITS = 9


def frame(numbered: NumberedEvent) -> bytes:
    """One event. JSON escapes line breaks, so no text can end the frame or begin another."""
    data = json.dumps(to_payload(numbered.event), ensure_ascii=False)
    return f"id: {numbered.seq}\nevent: {numbered.kind}\ndata: {data}\n\n".encode(errors="replace")


def last_seen(header: str, query: str) -> int:
    """The number after which the reader wants to go on: `Last-Event-ID` first, then `?after=`, else 0."""
    for value in (header, query):
        if value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
            return int(value)
    return 0


class Frames:
    """The events of one turn as bytes, for one reader.

    Call `begin` once, so that a turn of somebody else can still be answered with
    a 404; then read `frames`.
    """

    def __init__(self, events: AsyncIterator[NumberedEvent], *, ping_s: float = PING_S) -> None:
        self._events = events
        self._ping_s = ping_s
        self._next: asyncio.Task[NumberedEvent | None] | None = None

    async def begin(self) -> None:
        """Wait for the first event, at most one ping long.

        Raises:
            NotFound: there is no such turn for this reader.
        """
        first = self._coming()
        await asyncio.wait({first}, timeout=self._ping_s)
        if first.done() and isinstance(error := first.exception(), NotFound):
            raise error

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """Frames and pings until the last event, or until the turn is not the reader's any more."""
        try:
            while True:
                coming = self._coming()
                await asyncio.wait({coming}, timeout=self._ping_s)
                if not coming.done():
                    yield PING
                    continue
                self._next = None
                numbered = coming.result()
                if numbered is None:
                    return
                yield frame(numbered)
        except NotFound:
            return
        finally:
            await self._close()

    def _coming(self) -> asyncio.Task[NumberedEvent | None]:
        if self._next is None:
            self._next = asyncio.create_task(_next_of(self._events))
        return self._next

    async def _close(self) -> None:
        """The reader has gone: let the turn's own generator clean up."""
        if self._next is not None:
            self._next.cancel()
            with suppress(asyncio.CancelledError, NotFound):
                await self._next
        if isinstance(self._events, AsyncGenerator):
            await self._events.aclose()


async def _next_of(events: AsyncIterator[NumberedEvent]) -> NumberedEvent | None:
    return await anext(events, None)
