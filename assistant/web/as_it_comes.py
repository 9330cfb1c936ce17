"""What is sent in pieces leaves as the pieces are made.

Under ASGI Django collects all pieces of an ordinary iterator before it sends the first: a large export would
lie in memory whole, and nobody would see it begin. Static files go the same way.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import cast

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from assistant.web.both_ways import BothWays

PART_BYTES = 64 * 1024
PART_S = 0.25  # pieces that are slow to make are not held back longer


class AsItComesMiddleware(BothWays):
    """The outermost: whatever stands within it may answer with an iterator."""

    def finished(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Under ASGI, let a thread make the pieces, a part at a time."""
        # Not `is_async`: within a middleware that knows threads alone, Django runs this one in a thread, too.
        asgi = isinstance(request, ASGIRequest)
        if asgi and isinstance(response, StreamingHttpResponse) and not response.is_async:
            response.streaming_content = _in_parts(cast(Iterator[bytes], response.streaming_content))
        return response


async def _in_parts(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (part := await sync_to_async(_part)(pieces)) is not None:
        if part:
            yield part


def _part(pieces: Iterator[bytes]) -> bytes | None:
    """The next pieces as one; None: there is none."""
    held: list[bytes] = []
    size, until = 0, time.monotonic() + PART_S
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PART_BYTES or time.monotonic() >= until:
            break
    return b"".join(held) if held else None
