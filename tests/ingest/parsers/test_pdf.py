"""PDF: paragraphs, Korean line wraps, pages, headings, running heads, passwords."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.ingest.parsers.contract import BlockKind, Parsed, PlaceKind
from assistant.ingest.parsers.pdf_joining import Joiner, Part
from assistant.ingest.parsers.registry import parse_file
from tests.ingest.parsers.made_files import KOREAN_FONT, encrypted_pdf, pdf_file

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "files"
KOREAN = (
    "이 규정은 회사의 임직원이 업무를 위하여 출장하는 경우에 필요한 경비의 지급 기준과 "
    "절차를 정함을 목적으로 합니다. 출장자는 출장을 마친 날부터 칠 일 이내에 영수증을 갖추어 "
    "정산을 신청하여야 하며 기한을 넘기면 부서장의 확인이 필요합니다."
)
ENGLISH = (
    "Employees who travel on behalf of the company are reimbursed for reasonable expenses, provided that the "
    "journey was approved beforehand and that receipts are handed in within seven days after the return."
)


def read(path: Path) -> Parsed:
    return parse_file(path, name=path.name)


def test_a_wrapped_english_paragraph_becomes_one_paragraph_without_line_breaks(tmp_path: Path) -> None:
    parsed = read(pdf_file(tmp_path / "a.pdf", ENGLISH, "A second paragraph stands apart."))

    assert [block.text for block in parsed.blocks[-2:]] == [ENGLISH, "A second paragraph stands apart."]
    assert parsed.title == "Travel policy"
    assert parsed.place_kind is PlaceKind.PAGE


@pytest.mark.skipif(not KOREAN_FONT.is_file(), reason=f"needs the Korean font {KOREAN_FONT}")
def test_a_wrapped_korean_paragraph_keeps_its_words_whole(tmp_path: Path) -> None:
    parsed = read(pdf_file(tmp_path / "a.pdf", KOREAN, font=KOREAN_FONT, heading="제1조(목적)"))

    assert [block.text for block in parsed.blocks[-2:]] == ["제1조(목적)", KOREAN]
    assert parsed.blocks[-2].kind is BlockKind.HEADING


def test_pages_are_places_and_running_heads_and_page_numbers_are_left_out(tmp_path: Path) -> None:
    parsed = read(pdf_file(tmp_path / "a.pdf", ENGLISH, heading="Travel", pages=4))

    assert [block.place for block in parsed.blocks if block.text == ENGLISH] == ["1", "2", "3", "4"]
    assert "Confidential draft" not in parsed.text
    assert {block.text for block in parsed.blocks} == {"Travel", ENGLISH}
    assert all(block.level == 1 for block in parsed.blocks if block.text == "Travel")


def test_list_items_of_a_pdf_stay_apart(tmp_path: Path) -> None:
    parsed = read(pdf_file(tmp_path / "a.pdf", "1. Ask your manager.\n2. Book the train.\n3. Keep receipts."))

    items = [block.text for block in parsed.blocks if block.kind is BlockKind.ITEM]
    assert items == ["1. Ask your manager.", "2. Book the train.", "3. Keep receipts."]


def test_a_pdf_behind_a_user_password_is_encrypted(tmp_path: Path) -> None:
    with pytest.raises(DocumentFailure) as caught:
        read(encrypted_pdf(tmp_path / "a.pdf", user="secret", owner="other"))

    assert caught.value.code is FailureCode.ENCRYPTED


def test_a_pdf_that_opens_with_the_empty_password_is_read(tmp_path: Path) -> None:
    parsed = read(encrypted_pdf(tmp_path / "a.pdf", user="", owner="other"))

    assert "The vault opens at nine." in parsed.text


@pytest.mark.shared_data
def test_a_pdf_whose_owner_password_is_empty_is_read() -> None:
    path = SHARED / "parser-samples/pypdf-resources/resources/encryption/r6-user-password.pdf"
    if not path.is_file():
        pytest.skip(f"shared data is missing: {path.name}")

    assert "pdf encryption test" in read(path).text


def test_a_pdf_of_drawings_has_no_text(tmp_path: Path) -> None:
    with pytest.raises(DocumentFailure) as caught:
        read(_blank_pdf(tmp_path / "a.pdf"))

    assert caught.value.code is FailureCode.NO_TEXT


def _blank_pdf(path: Path) -> Path:
    from fpdf import FPDF  # noqa: PLC0415

    document = FPDF()
    document.add_page()
    document.rect(10, 10, 50, 50)
    document.output(str(path))
    return path


def part(text: str, *, spaced: bool = False, full: bool = True, hyphenated: bool = False) -> Part:
    return Part(text, spaced, full, hyphenated)


def test_a_hyphen_that_splits_a_word_vanishes_and_one_that_joins_two_stays() -> None:
    hyphenating = Joiner(["the submissions were late again"])
    hyphenating.learn([part("the submis", hyphenated=True), part("sions came")])
    seldom = Joiner(["one line"])
    seldom.learn([part("text") for _ in range(100)])

    assert (
        hyphenating.join([part("the submis", hyphenated=True), part("sions came")]) == "the submissions came"
    )
    assert seldom.join([part("a cutting", hyphenated=True), part("edge tool")]) == "a cutting-edge tool"


def test_written_spaces_at_line_ends_tell_whether_a_korean_word_was_cut() -> None:
    joiner = Joiner([])
    joiner.learn([part("나라", spaced=True) for _ in range(6)])

    assert joiner.join([part("국내 확"), part("진자는 늘었다")]) == "국내 확진자는 늘었다"
    assert joiner.join([part("늘었다", spaced=True), part("이와 관련하여")]) == "늘었다 이와 관련하여"


def test_without_written_spaces_korean_words_stay_apart_unless_a_particle_stands_alone() -> None:
    joiner = Joiner(["보험금을 지급하는 회사는 계약자에게 알립니다"])

    assert joiner.join([part("회사는"), part("보험금을 준다")]) == "회사는 보험금을 준다"
    assert joiner.join([part("약정한 보험금"), part("을 지급합니다")]) == "약정한 보험금을 지급합니다"


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "parser-samples/docling/tests/data/pdf/sources/normal_4pages.pdf",
            "국내 확진자는 9,661명, 사망자는 158명으로 나타났다.",
        ),
        (
            "parser-samples/autorag/legacy/tests/resources/parse_data/korean_text/korean_texts_two_page.pdf",
            "달리 정의되지 않는 한 다음과 같습니다.",
        ),
        ("northwind-hr/employee_handbook.pdf", "We specialize in creating cutting-edge systems"),
    ],
)
def test_real_documents_read_without_stray_breaks(name: str, sentence: str) -> None:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"shared data is missing: {name}")

    assert sentence in read(path).text
