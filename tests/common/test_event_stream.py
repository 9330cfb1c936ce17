"""Events of a stream, however its bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.event_stream import EndlessEvent, event_data

STREAM = (
    "\ufeffdata: 하나\n\n: note\r\n\r\nevent: x\rdata:two\rdata: lines\r\r"
    "id: 7\n\ndata: three\r\n\r\ndata: cut off"
)


@given(st.lists(st.integers(0, 200), max_size=12))
def test_events_are_the_same_however_the_bytes_are_cut(cuts: list[int]) -> None:
    raw = STREAM.encode()
    places = sorted({0, len(raw), *(cut for cut in cuts if cut <= len(raw))})
    blocks = [raw[a:b] for a, b in pairwise(places)]
    assert list(event_data(blocks)) == ["하나", "two\nlines", "three"]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_arbitrary_bytes_are_no_error(blocks: list[bytes]) -> None:
    assert all(isinstance(data, str) for data in event_data(blocks))


@pytest.mark.parametrize("endless", [b"data: x\n" * 300_000, b"x" * 1_100_000])
def test_an_event_that_does_not_end_is_given_up(endless: bytes) -> None:
    with pytest.raises(EndlessEvent):
        list(event_data([endless, endless, endless, endless]))
