"""Small real files, made with the libraries that people's programs are built on."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from docx import Document
from fpdf import FPDF
from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches

KOREAN_FONT = Path("/usr/share/fonts/truetype/nanum/NanumGothic.ttf")


def word_file(path: Path) -> Path:
    """A heading, a paragraph, a list, a table, a header that repeats, and a title."""
    document = Document()
    document.core_properties.title = "출장비 규정"
    document.core_properties.author = "김하늘"
    document.sections[0].header.paragraphs[0].text = "대외비 머리글"
    document.add_heading("출장비", level=1)
    document.add_paragraph("국내 출장의 하루 식비는 25,000원까지 지급합니다.")
    document.add_heading("Documents needed", level=2)
    document.add_paragraph("A signed approval", style="List Bullet")
    document.add_paragraph("Receipts of at least 10,000 won", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row, values in zip(table.rows, [("지역", "숙박비"), ("서울", "120,000원")], strict=True):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value
    document.save(str(path))
    return path


def slides_file(path: Path) -> Path:
    """Two slides: a list with notes, and a table."""
    deck = Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "3분기 실적"
    first.placeholders[1].text_frame.text = "매출 12% 증가"
    first.placeholders[1].text_frame.add_paragraph().text = "비용 3% 감소"
    first.notes_slide.notes_text_frame.text = "이사회에서는 비용 절감을 먼저 말합니다."
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "Regions"
    table = second.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row, values in enumerate([("Region", "Share"), ("Busan", "31%")]):
        for column, value in enumerate(values):
            table.cell(row, column).text = value
    deck.save(str(path))
    return path


def workbook_file(path: Path) -> Path:
    """Two visible sheets and a hidden one, with dates, formats and a caption."""
    from datetime import date, datetime, time  # noqa: PLC0415

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "예산"
    sheet.append(["2026년 부서별 예산"])
    sheet.append(["부서", "금액", "증감", "승인일", "회의"])
    sheet.append(["개발", 1234500, 0.125, date(2026, 3, 2), datetime(2026, 3, 2, 14, 30)])  # noqa: DTZ001
    sheet.append(["영업", 3.0, -0.05, None, time(9, 0)])
    sheet["B3"].number_format = '"₩"#,##0'
    sheet["C3"].number_format = sheet["C4"].number_format = "0.0%"
    other = book.create_sheet("Contacts")
    other.append(["Name", "Phone"])
    other.append(["Lee", "02-123-4567"])
    book.create_sheet("Codes").append(["hidden words"])
    book["Codes"].sheet_state = "hidden"
    book.save(path)
    return path


def pdf_file(
    path: Path, *paragraphs: str, font: Path | None = None, heading: str = "", pages: int = 1
) -> Path:
    """Pages with running heads and feet around the same paragraphs, wrapped by the PDF library."""
    document = FPDF()
    document.set_title("Travel policy")
    if font is not None:
        document.add_font("Body", fname=str(font))
    family = "Body" if font is not None else "Helvetica"
    for number in range(1, pages + 1):
        document.add_page()
        document.set_font(family, size=9)
        document.text(80, 10, "Confidential draft")
        document.text(100, 290, str(number))
        document.set_y(40)
        if heading:
            document.set_font(family, size=18)
            document.multi_cell(0, 10, heading, new_x="LMARGIN", new_y="NEXT")
        document.set_font(family, size=11)
        for paragraph in paragraphs:
            document.multi_cell(0, 6, paragraph, new_x="LMARGIN", new_y="NEXT")
            document.ln(6)
    document.output(str(path))
    return path


def encrypted_pdf(path: Path, *, user: str, owner: str) -> Path:
    """The same text behind a password."""
    from pypdf import PdfReader, PdfWriter  # noqa: PLC0415

    plain = pdf_file(path.with_suffix(".plain"), "The vault opens at nine.")
    writer = PdfWriter(clone_from=PdfReader(plain))
    writer.encrypt(user_password=user, owner_password=owner, algorithm="AES-256")
    writer.write(path)
    return path


def encrypted_office(path: Path) -> Path:
    """The look of a password-protected Office file: an OLE container with an encrypted package."""
    name = "EncryptedPackage".encode("utf-16-le")
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1016) + name + bytes(1024))
    return path


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    """A zip archive with these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def with_member(source: Path, target: Path, name: str, data: bytes) -> Path:
    """A copy of a zip archive with one member replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, data if member == name else old.read(member))
    target.write_bytes(buffer.getvalue())
    return target
