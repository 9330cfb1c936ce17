"""What a source said is kept in a form that every database holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.sync.detail import storable


def test_control_and_direction_characters_are_written_out_and_lines_joined() -> None:
    assert storable("line 3:\n'a\x00b\u202e' 문서") == "line 3: 'a\\u0000b\\u202e' 문서"


@given(st.text(st.characters(), max_size=3_000))
def test_a_detail_is_one_printable_line_of_bounded_length(text: str) -> None:
    kept = storable(text)
    assert kept.isprintable()
    assert len(kept) <= 2_000
