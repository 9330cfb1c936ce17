"""Marks cover exactly the quoted characters, and nothing of the text is lost or doubled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.documents.reading import TextBlock
from assistant.web.highlighting import (
    PLAIN,
    QUOTED,
    READ,
    Drawing,
    draw,
    part_from,
    pieces,
    window_around,
)


def blocks_of(*parts: tuple[str, str, str]) -> tuple[TextBlock, ...]:
    """Blocks from (kind, text, place), joined by a blank line."""
    blocks: list[TextBlock] = []
    at = 0
    for kind, text, place in parts:
        blocks.append(TextBlock(kind=kind, text=text, start=at, end=at + len(text), level=0, place=place))
        at += len(text) + 2
    return tuple(blocks)


def marked_text(drawing: Drawing, mark: str) -> list[str]:
    """All pieces with this mark, in order."""
    found: list[str] = []
    for group in drawing.groups:
        for block in group.blocks:
            cells = [cell for row in (block.header, *block.rows) for cell in row]
            found += [piece.text for cell in (block.pieces, *cells) for piece in cell if piece.mark == mark]
    return found


def test_a_quote_inside_a_passage_is_marked_strongly_and_the_rest_lightly() -> None:
    drawn = pieces("Leave is 15 days. Ask early.", 100, passage=(100, 128), quotes=[(100, 117)])
    assert [(piece.text, piece.mark) for piece in drawn] == [
        ("Leave is 15 days.", QUOTED),
        (" Ask early.", READ),
    ]


def test_a_quote_over_two_blocks_marks_both() -> None:
    blocks = blocks_of(("paragraph", "one two", ""), ("paragraph", "three four", ""))
    drawing = draw(blocks, quotes=[(4, 14)], window=(0, 100))
    assert marked_text(drawing, QUOTED) == ["two", "three"]


def test_a_quoted_table_row_marks_its_cells() -> None:
    text = "City\tLimit\nSeoul\t150,000\nElsewhere\t110,000"
    start = text.index("Seoul")
    drawing = draw(
        blocks_of(("table", text, "")), quotes=[(start, start + len("Seoul\t150,000"))], window=(0, 99)
    )
    assert marked_text(drawing, QUOTED) == ["Seoul", "150,000"]
    block = drawing.groups[0].blocks[0]
    assert len(block.header) == 2
    assert len(block.rows) == 2


def test_the_place_is_named_only_where_it_changes() -> None:
    blocks = blocks_of(("paragraph", "a", "1"), ("paragraph", "b", "1"), ("paragraph", "c", "2"))
    assert [group.place for group in draw(blocks, window=(0, 100)).groups] == ["1", "", "2"]


def test_neighbouring_items_make_one_list_until_the_page_turns() -> None:
    blocks = blocks_of(("item", "a", "1"), ("item", "b", "1"), ("item", "c", "2"), ("paragraph", "d", "2"))
    assert [(group.kind, len(group.blocks)) for group in draw(blocks, window=(0, 100)).groups] == [
        ("item", 2),
        ("item", 1),
        ("paragraph", 1),
    ]


def test_a_window_leaves_out_what_lies_far_away_and_says_so() -> None:
    blocks = blocks_of(*(("paragraph", f"paragraph number {n:03d}", "") for n in range(200)))
    passage = (blocks[100].start, blocks[100].end)
    window = window_around(passage, length=200, text_end=blocks[-1].end)
    drawing = draw(blocks, passage=passage, window=window)
    assert drawing.before
    assert drawing.after
    assert marked_text(drawing, READ) == ["paragraph number 100"]
    assert len(drawing.groups) < 20


def test_a_long_table_is_cut_by_rows_and_keeps_its_header() -> None:
    text = "name\tprice\n" + "\n".join(f"item {n}\t{n}" for n in range(5_000))
    blocks = blocks_of(("table", text, ""))
    at = text.index("item 2500\t")
    window = window_around((at, at + 9), length=400, text_end=len(text))
    block = draw(blocks, passage=(at, at + 9), window=window).groups[0].blocks[0]
    assert block.header[0][0].text == "name"
    assert 10 < len(block.rows) < 60


def test_a_short_document_is_shown_whole() -> None:
    assert window_around((10, 20), length=1_000, text_end=300) == (0, 300)


def test_a_part_outside_of_the_text_is_moved_into_it() -> None:
    assert part_from(10_000, length=50, text_end=300) == (299, 300)
    assert part_from(0, length=50, text_end=0) == (0, 0)


def test_a_document_without_blocks_draws_nothing() -> None:
    drawing = draw((), window=(0, 0))
    assert drawing.groups == ()
    assert not drawing.before
    assert not drawing.after


spans = st.tuples(st.integers(0, 80), st.integers(0, 80)).map(lambda pair: (min(pair), max(pair)))


@given(st.text(max_size=60), st.integers(0, 20), st.none() | spans, st.lists(spans, max_size=4))
def test_pieces_joined_are_the_text_and_each_character_has_its_mark(
    text: str, start: int, passage: tuple[int, int] | None, quotes: list[tuple[int, int]]
) -> None:
    drawn = pieces(text, start, passage=passage, quotes=quotes)
    assert "".join(piece.text for piece in drawn) == text
    marks = [piece.mark for piece in drawn for _ in piece.text]
    for offset, mark in enumerate(marks, start=start):
        if any(low <= offset < high for low, high in quotes):
            assert mark == QUOTED
        elif passage and passage[0] <= offset < passage[1]:
            assert mark == READ
        else:
            assert mark == PLAIN
