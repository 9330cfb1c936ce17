"""What a server sends as text/event-stream, event by event (WHATWG HTML, 9.2).

Only the data counts here: names, ids and retry times are for browsers that connect again.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

_LONGEST_EVENT = 1_000_000  # characters


class EndlessEvent(ValueError):
    """One event is longer than anybody sends."""


def event_data(blocks: Iterable[bytes]) -> Iterator[str]:
    """The data of each event that came whole; what the stream breaks off in the middle of is dropped.

    Raises:
        EndlessEvent: an event of more than a million characters.
    """
    data: list[str] = []
    size = 0
    for line in _lines(blocks):
        if not line:
            if data:
                yield "\n".join(data)
            data, size = [], 0
            continue
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
            size += len(value)
        if size > _LONGEST_EVENT:
            raise EndlessEvent("an event does not end")


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    """Lines that came whole, without their ends: CR, LF or both, which two blocks may part."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    rest, after_cr = "", False
    for block in blocks:
        text = decoder.decode(block)
        if after_cr and text:
            text = text.removeprefix("\n")
            after_cr = False
        after_cr = after_cr or text.endswith("\r")
        *lines, rest = (rest + text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        yield from lines
        if len(rest) > _LONGEST_EVENT:
            raise EndlessEvent("an event does not end")
