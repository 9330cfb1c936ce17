"""Chunks: exact slices, nothing lost, nothing twice, cut where a reader would cut."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.ingest.chunking import LIMIT, TARGET, chunk, weight
from assistant.ingest.parsers.contract import Block, BlockKind, Parsed, PlaceKind

ENGLISH = "The warehouse opens at eight and closes at six on every working day of the year. "
KOREAN = "물류 창고는 평일 오전 여덟 시에 열고 오후 여섯 시에 닫으며 주말에는 열지 않습니다. "


def paragraph(text: str, place: str = "") -> Block:
    return Block(BlockKind.PARAGRAPH, text.strip(), 0, place)


def heading(text: str, level: int, place: str = "") -> Block:
    return Block(BlockKind.HEADING, text, level, place)


def document(*blocks: Block, place_kind: PlaceKind = PlaceKind.NONE) -> Parsed:
    return Parsed("", blocks, place_kind)


_words = (
    st.text(st.sampled_from("abc 가나다.\n漢,x!요"), min_size=1, max_size=400).map(str.strip).filter(bool)
)
_long = st.builds(lambda text, times: (text * times).strip(), _words, st.integers(1, 60)).filter(bool)
_blocks = st.builds(
    lambda kind, text, level, place: Block(kind, text, level if kind is BlockKind.HEADING else 0, str(place)),
    st.sampled_from(BlockKind),
    st.one_of(_words, _words, _long),
    st.integers(1, 6),
    st.integers(1, 3),
)
_documents = st.builds(
    lambda blocks, kind: Parsed("", tuple(blocks), kind),
    st.lists(_blocks, max_size=12),
    st.sampled_from(PlaceKind),
)


@settings(max_examples=150, deadline=None)
@given(_documents, st.sampled_from([(TARGET, LIMIT), (100, 160), (40, 64)]))
def test_chunks_are_exact_ordered_slices_that_cover_every_character_once(
    parsed: Parsed, sizes: tuple[int, int]
) -> None:
    chunks = chunk(parsed, target=sizes[0], limit=sizes[1])
    text = parsed.text
    covered = 0
    for ordinal, one in enumerate(chunks):
        assert one.ordinal == ordinal
        assert one.text == text[one.start : one.end]
        assert one.text.strip()
        assert not text[covered : one.start].strip()
        assert one.start >= covered
        assert weight(one.text) <= sizes[1]
        covered = one.end
    assert not text[covered:].strip()


@settings(max_examples=60, deadline=None)
@given(_documents)
def test_sheets_and_slides_are_never_mixed(parsed: Parsed) -> None:
    if parsed.place_kind not in {PlaceKind.SHEET, PlaceKind.SLIDE}:
        parsed = Parsed("", parsed.blocks, PlaceKind.SHEET)
    starts = []
    at = 0
    for block in parsed.blocks:
        starts.append((at, block.place))
        at += len(block.text) + 2
    for one in chunk(parsed):
        places = {place for start, place in starts if one.start <= start < one.end}
        assert len(places | {one.place}) == 1


def test_a_short_document_stays_one_chunk_even_with_headings() -> None:
    chunks = chunk(
        document(heading("Leave", 1), paragraph("15 days."), heading("Sick leave", 2), paragraph("60 days."))
    )

    assert len(chunks) == 1
    assert chunks[0].headings == "Leave"


def test_a_plain_paragraph_under_the_limit_stays_whole() -> None:
    text = (ENGLISH * 18).strip()

    assert TARGET < weight(text) < LIMIT
    assert [one.text for one in chunk(document(paragraph(text)))] == [text]


def test_a_long_paragraph_is_cut_at_sentence_ends_in_english_and_korean() -> None:
    for sentence, low, high in ((ENGLISH, 700, 1_300), (KOREAN, 380, 800)):
        chunks = chunk(document(paragraph(sentence * 80)))

        assert len(chunks) > 3
        assert all(
            one.text.endswith(sentence.strip()) and one.text.startswith(sentence[:5]) for one in chunks
        )
        assert all(low <= len(one.text) <= high for one in chunks)


def test_sections_begin_chunks_and_carry_their_heading_path() -> None:
    body = ENGLISH * 9
    chunks = chunk(
        document(
            heading("Handbook", 1),
            heading("Leave", 2),
            paragraph(body),
            heading("Travel", 2),
            paragraph(body),
        )
    )

    assert [one.headings for one in chunks] == ["Handbook › Leave", "Handbook › Travel"]
    assert chunks[1].text.startswith("Travel\n\n")


def test_small_sections_share_a_chunk_but_not_with_the_chapter_after_them() -> None:
    small, large = paragraph(ENGLISH), paragraph(ENGLISH * 8)
    chunks = chunk(
        document(
            heading("A", 1),
            heading("A1", 2),
            small,
            heading("A2", 2),
            small,
            heading("B", 1),
            large,
            heading("C", 1),
            large,
        )
    )

    assert [one.text.split("\n")[0] for one in chunks] == ["A", "B", "C"]


def test_no_heading_and_no_announcing_line_is_left_at_the_end_of_a_chunk() -> None:
    blocks = [heading("Rules", 1)]
    for number in range(12):
        blocks += [heading(f"Rule {number}", 5), paragraph("You must do this:"), paragraph(ENGLISH * 4)]
    chunks = chunk(document(*blocks))

    assert len(chunks) > 2
    assert all(one.text.endswith("of the year.") for one in chunks)


def test_a_split_table_repeats_its_header_as_context_only() -> None:
    rows = ["이름\t부서\t전화"] + [f"직원{number}\t영업 {number}팀\t02-{number:04d}" for number in range(200)]
    chunks = chunk(document(Block(BlockKind.TABLE, "\n".join(rows))))

    assert len(chunks) > 3
    assert chunks[0].context == ""
    assert {one.context for one in chunks[1:]} == {"이름 부서 전화"}
    assert all(one.text.split("\n")[-1].count("\t") == 2 for one in chunks)


def test_a_list_cut_in_two_keeps_the_line_that_introduces_it_as_context() -> None:
    items = [Block(BlockKind.ITEM, f"{number}. {ENGLISH}".strip()) for number in range(40)]
    chunks = chunk(document(paragraph("Opening hours of our buildings:"), *items))

    assert len(chunks) > 2
    assert {one.context for one in chunks[1:]} == {"Opening hours of our buildings:"}


def test_a_chunk_names_the_place_of_its_first_block() -> None:
    chunks = chunk(
        document(*(paragraph(ENGLISH * 9, str(page)) for page in (1, 2, 3)), place_kind=PlaceKind.PAGE)
    )

    assert [one.place for one in chunks] == ["1", "2", "3"]


def test_an_empty_document_has_no_chunks() -> None:
    assert chunk(document()) == ()
