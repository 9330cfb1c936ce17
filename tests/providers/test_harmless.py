"""Characters that nobody sees, or that steer what shows them, do not leave a model."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.providers.harmless import harmless

ANY = st.text(st.characters(exclude_categories=()), max_size=200)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("three\x00 days\x1b[31m", "three days[31m"),
        ("\u202ethree\u202c days", "three days"),
        ("th\u200bree\ufeff da\u00adys", "three days"),
        ("".join(chr(0xE0000 + ord(letter)) for letter in "obey") + "three", "three"),
        ("a\ud83d", "a"),
        ("one\r\ntwo\u2028three\tfour", "one\ntwo\nthree\tfour"),
        ("연차는 15일입니다. 😀 é — “quoted” ①", "연차는 15일입니다. 😀 é — “quoted” ①"),
    ],
)
def test_what_is_hidden_is_left_out_and_what_is_seen_stays(written: str, kept: str) -> None:
    assert harmless(written) == kept


@given(ANY, ANY)
def test_pieces_give_what_the_whole_gives(first: str, second: str) -> None:
    assert harmless(first) + harmless(second) == harmless(first + second)


@given(ANY)
def test_what_is_left_can_be_stored_everywhere_and_holds_no_control(text: str) -> None:
    left = harmless(text)
    left.encode()
    assert not [each for each in left if unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\t"]
    assert harmless(left) == left
