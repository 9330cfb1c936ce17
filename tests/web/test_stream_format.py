"""The stream keeps its format whatever the text, pings while it waits, and cleans up when the reader goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.chat.events import Done, NumberedEvent, Status, Token
from assistant.common.errors import NotFound
from assistant.web.stream_format import PING, Frames, frame, last_seen


@given(st.text(max_size=200), st.lists(st.integers(1, 9), max_size=3))
def test_no_text_can_end_its_frame_or_begin_another(text: str, citations: list[int]) -> None:
    drawn = frame(NumberedEvent(7, Token(text, tuple(citations)))).decode("utf-8", errors="surrogatepass")
    assert drawn.endswith("\n\n")
    lines = drawn[:-2].split("\n")
    assert lines[:2] == ["id: 7", "event: token"]
    assert len(lines) == 3
    assert "\r" not in drawn
    assert json.loads(lines[2].removeprefix("data: ")) == {
        "text": text,
        "citations": citations,
        "quoted": False,
    }


@pytest.mark.parametrize(
    ("header", "query", "expected"),
    [("5", "2", 5), ("", "2", 2), ("", "", 0), ("-1", "", 0), ("x", "3", 3), ("9" * 30, "", 0), ("٣", "", 0)],
)
def test_the_reader_goes_on_where_it_left_off(header: str, query: str, expected: int) -> None:
    assert last_seen(header, query) == expected


async def _events(*, wait_s: float = 0.0, closed: list[bool] | None = None) -> AsyncIterator[NumberedEvent]:
    try:
        yield NumberedEvent(1, Status("searching"))
        await asyncio.sleep(wait_s)
        yield NumberedEvent(2, Done(ms=3))
    finally:
        if closed is not None:
            closed.append(True)


async def test_all_events_come_in_order() -> None:
    stream = Frames(_events())
    await stream.begin()
    frames = [data async for data in stream.frames()]
    assert [data.split(b"\n")[1] for data in frames] == [b"event: status", b"event: done"]


async def test_a_silent_turn_pings() -> None:
    stream = Frames(_events(wait_s=0.1), ping_s=0.02)
    frames = [data async for data in stream.frames()]
    assert PING in frames
    assert frames[-1].startswith(b"id: 2")


async def test_a_reader_who_leaves_ends_the_turns_generator() -> None:
    closed: list[bool] = []
    frames = Frames(_events(wait_s=30, closed=closed), ping_s=0.01).frames()
    assert (await anext(frames)).startswith(b"id: 1")
    assert await anext(frames) == PING
    await frames.aclose()
    assert closed == [True]


async def _refused(*, theirs: bool = False) -> AsyncIterator[NumberedEvent]:
    if not theirs:
        raise NotFound("There is no such question.")
    yield NumberedEvent(1, Status("never"))


async def _cut() -> AsyncIterator[NumberedEvent]:
    yield NumberedEvent(1, Status("searching"))
    raise NotFound("There is no such question.")


async def test_somebody_elses_turn_is_refused_before_the_stream_begins() -> None:
    with pytest.raises(NotFound):
        await Frames(_refused()).begin()


async def test_a_turn_that_goes_away_ends_the_stream_quietly() -> None:
    stream = Frames(_cut())
    await stream.begin()
    assert len([data async for data in stream.frames()]) == 1
