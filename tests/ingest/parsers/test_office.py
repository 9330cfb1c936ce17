"""Word, PowerPoint and Excel: structure, places, and values as a person reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from docx import Document

from assistant.ingest.parsers.contract import Block, BlockKind, Parsed, PlaceKind
from assistant.ingest.parsers.registry import parse_file
from assistant.ingest.parsers.workbook import number_text
from tests.ingest.parsers.made_files import slides_file, with_member, word_file, workbook_file


def read(path: Path) -> Parsed:
    return parse_file(path, name=path.name)


def test_a_word_document_gives_headings_lists_and_tables_in_order(tmp_path: Path) -> None:
    parsed = read(word_file(tmp_path / "규정.docx"))

    assert parsed.title == "출장비 규정"
    assert parsed.attributes["author"] == "김하늘"
    assert parsed.blocks == (
        Block(BlockKind.HEADING, "출장비", 1),
        Block(BlockKind.PARAGRAPH, "국내 출장의 하루 식비는 25,000원까지 지급합니다."),
        Block(BlockKind.HEADING, "Documents needed", 2),
        Block(BlockKind.ITEM, "A signed approval"),
        Block(BlockKind.ITEM, "Receipts of at least 10,000 won"),
        Block(BlockKind.TABLE, "지역\t숙박비\n서울\t120,000원"),
    )


def test_the_first_heading_is_the_title_where_the_properties_name_none(tmp_path: Path) -> None:
    document = Document()
    document.core_properties.title = "Word Document"
    document.add_heading("Leave policy", level=1)
    document.save(str(tmp_path / "a.docx"))

    assert read(tmp_path / "a.docx").title == "Leave policy"


def test_deleted_and_hidden_words_of_a_word_document_are_not_read(tmp_path: Path) -> None:
    source = word_file(tmp_path / "a.docx")
    w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = (
        f"<w:document {w}><w:body><w:p><w:r><w:t>Kept </w:t></w:r>"
        "<w:ins><w:r><w:t>inserted</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>deleted</w:delText><w:t>gone</w:t></w:r></w:del>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>invisible</w:t></w:r></w:p></w:body></w:document>"
    )
    parsed = read(with_member(source, tmp_path / "b.docx", "word/document.xml", body.encode()))

    assert parsed.text == "Kept inserted"


def test_slides_are_places_with_titles_lists_tables_and_notes(tmp_path: Path) -> None:
    parsed = read(slides_file(tmp_path / "a.pptx"))

    assert parsed.place_kind is PlaceKind.SLIDE
    assert parsed.title == "3분기 실적"
    assert parsed.blocks == (
        Block(BlockKind.HEADING, "3분기 실적", 2, "1"),
        Block(BlockKind.ITEM, "매출 12% 증가", 0, "1"),
        Block(BlockKind.ITEM, "비용 3% 감소", 0, "1"),
        Block(BlockKind.PARAGRAPH, "이사회에서는 비용 절감을 먼저 말합니다.", 0, "1"),
        Block(BlockKind.HEADING, "Regions", 2, "2"),
        Block(BlockKind.TABLE, "Region\tShare\nBusan\t31%", 0, "2"),
    )


def test_sheets_are_places_and_values_read_as_shown(tmp_path: Path) -> None:
    parsed = read(workbook_file(tmp_path / "a.xlsx"))

    assert parsed.place_kind is PlaceKind.SHEET
    assert parsed.blocks == (
        Block(BlockKind.HEADING, "예산", 2, "예산"),
        Block(BlockKind.PARAGRAPH, "2026년 부서별 예산", 0, "예산"),
        Block(
            BlockKind.TABLE,
            "부서\t금액\t증감\t승인일\t회의\n"
            "개발\t₩1,234,500\t12.5%\t2026-03-02\t2026-03-02 14:30\n"
            "영업\t3\t-5.0%\t\t09:00",
            0,
            "예산",
        ),
        Block(BlockKind.HEADING, "Contacts", 2, "Contacts"),
        Block(BlockKind.TABLE, "Name\tPhone\nLee\t02-123-4567", 0, "Contacts"),
    )


@pytest.mark.parametrize(
    ("value", "pattern", "shown"),
    [
        (1234567, "#,##0", "1,234,567"),
        (1234.5, "#,##0.00", "1,234.50"),
        (0.2, "0%", "20%"),
        (-1500, "[$₩-412]#,##0", "-₩1,500"),
        (12000, '#,##0"원"', "12,000원"),
        (3.0, "General", "3"),
        (0.1 + 0.2, "General", "0.3"),
        (1e20, "General", "1e+20"),
    ],
)
def test_numbers_follow_their_cell_format(value: float, pattern: str, shown: str) -> None:
    assert number_text(value, pattern) == shown


def test_a_sheet_with_one_value_in_its_last_row_is_read_without_walking_a_million_rows(
    tmp_path: Path,
) -> None:
    from openpyxl import Workbook  # noqa: PLC0415

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"] = "near"
    sheet["XFD1048576"] = "far"
    book.save(tmp_path / "a.xlsx")

    assert read(tmp_path / "a.xlsx").text == "near"
