"""JSON from which permissions are read: one meaning, and no text that takes for ever."""

from __future__ import annotations

import time

import pytest

from connectors.sdk.exact_json import MalformedError, parse_json


def test_a_key_that_stands_twice_is_named_wherever_it_stands() -> None:
    with pytest.raises(MalformedError, match="the key 'b' stands twice"):
        parse_json('[{"a": 1, "b": {"b": 2}, "c": 3, "b": 4}]')


def test_a_key_that_stands_twice_is_found_at_once_among_many() -> None:
    keys = ", ".join(f'"{number}": 0' for number in range(60_000))
    started = time.monotonic()
    with pytest.raises(MalformedError, match="the key 'last' stands twice"):
        parse_json(f'{{{keys}, "last": 1, "last": 2}}')
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", '"\\ud800"', '{"\\udc00": 1}', "[" * 100_000, "9" * 5_000]
)
def test_what_readers_disagree_about_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_json(text)


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse_json('"\\ud83d\\ude00"') == "\U0001f600"
