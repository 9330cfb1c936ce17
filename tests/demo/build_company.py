"""Writes the demo company's binary documents from the text sources beside this file.

Every file under `sources` whose name ends in `.pdf.md`, `.docx.md`, `.pptx.md`,
`.xlsx.md`, `.pdf.locked.md`, `.pdf.scan.txt` or `.csv.txt` becomes the document of the
same path and shorter name. The same sources, fonts and libraries give the same bytes:
no clock, no random number without a seed.

Usage: python -m tests.demo.build_company [TARGET]
"""

from __future__ import annotations

import io
import logging
import random
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import docx
import openpyxl
import pptx
from docx.document import Document as WordDocument
from docx.oxml.ns import qn
from docx.shared import Pt
from fpdf import FPDF
from fpdf.enums import EncryptionMethod
from fpdf.fonts import FontFace
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from PIL import Image, ImageDraw, ImageFont
from pptx.presentation import Presentation as SlideDeck
from pptx.slide import Slide
from pptx.util import Emu
from pptx.util import Pt as SlidePt

SOURCES = Path(__file__).resolve().parent / "sources"
COMPANY = Path(__file__).resolve().parents[2] / "assistant" / "demo" / "company"
FONTS = Path("/usr/share/fonts/truetype/nanum")
FACES = {
    "gothic": ("NanumGothic.ttf", "NanumGothicBold.ttf"),
    "myeongjo": ("NanumMyeongjo.ttf", "NanumMyeongjoBold.ttf"),
}
LOCKED_PDF_PASSWORD = "the demo never types this"
logging.getLogger("fontTools.subset").setLevel(logging.ERROR)  # it warns of every table that it drops
ZIP_DATE = (2026, 1, 1, 0, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_NUMBER = re.compile(r"-?\d{1,3}(,\d{3})*|-?\d+(\.\d+)?")


class Kind(StrEnum):
    """What one piece of a source is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    BULLET = "bullet"
    NUMBERED = "numbered"
    TABLE = "table"
    NOTE = "note"  # speaker's notes of a slide
    BREAK = "break"  # next slide


@dataclass(frozen=True, slots=True)
class Piece:
    """One block of a source; `rows` only for tables, header first."""

    kind: Kind
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed source: its head (title, author, date, ...) and its body."""

    head: dict[str, str]
    pieces: tuple[Piece, ...]

    @property
    def moment(self) -> datetime:
        """The document's date, 09:00 UTC, for the file's properties."""
        return datetime.fromisoformat(self.head["date"]).replace(hour=9, tzinfo=UTC)


def parse_source(text: str) -> Source:
    """Read the small Markdown of the sources: one line is one block, a table is its run of lines."""
    _, head_text, body = text.split("---\n", 2)
    head = {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in head_text.splitlines())
    }
    return Source(head, tuple(_pieces(body.splitlines())))


def _pieces(lines: list[str]) -> Iterator[Piece]:
    rows: list[tuple[str, ...]] = []
    for line in [*lines, ""]:
        if line.startswith("|"):
            cells = tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
            if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                rows.append(cells)
            continue
        if rows:
            yield Piece(Kind.TABLE, rows=tuple(rows))
            rows = []
        if line.strip():
            yield _piece(line.strip())


def _piece(line: str) -> Piece:
    if line == "---":
        return Piece(Kind.BREAK)
    if match := re.fullmatch(r"(#+) (.*)", line):
        return Piece(Kind.HEADING, match[2], level=len(match[1]))
    if match := re.fullmatch(r"(?:- |\d+\. )(.*)", line):
        return Piece(Kind.BULLET if line.startswith("- ") else Kind.NUMBERED, match[1])
    if line.startswith("notes: "):
        return Piece(Kind.NOTE, line.removeprefix("notes: "))
    return Piece(Kind.PARAGRAPH, line)


# -- PDF ---------------------------------------------------------------------------------------


class _Page(FPDF):
    """A4 with the firm's name and the page number at the foot."""

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font("body", size=8)
        self.set_text_color(120)
        self.cell(0, 6, f"Ondam Systems  ·  {self.page_no()}", align="C")
        self.set_text_color(0)


def _font(name: str) -> Path:
    path = FONTS / name
    if not path.is_file():
        raise SystemExit(f"The font {path} is missing. Install the Debian package fonts-nanum and try again.")
    return path


def write_pdf(source: Source, *, password: str = "") -> bytes:
    """A text PDF with embedded subsets of a Korean font."""
    regular, bold = FACES[source.head["font"]]
    page = _Page(format="A4")
    page.set_creation_date(source.moment)
    page.set_title(source.head["title"])
    page.set_author(source.head["author"])
    page.add_font("body", fname=_font(regular))
    page.add_font("body", style="B", fname=_font(bold))
    page.set_margins(22, 20, 22)
    page.set_auto_page_break(True, margin=20)
    if password:
        page.set_encryption(password, user_password=password, encryption_method=EncryptionMethod.RC4)
    page.add_page()
    number = 0
    for piece in source.pieces:
        number = number + 1 if piece.kind is Kind.NUMBERED else 0
        _draw(page, piece, number)
    return bytes(page.output())


def _draw(page: FPDF, piece: Piece, number: int) -> None:
    if piece.kind is Kind.TABLE:
        page.set_font("body", size=9.5)
        head = FontFace(emphasis="BOLD", fill_color=(226, 234, 240))
        with page.table(list(piece.rows), line_height=6, headings_style=head, text_align="LEFT"):
            pass
        page.ln(3)
        return
    if piece.kind is Kind.HEADING:
        size = {1: 17.0, 2: 12.5}.get(piece.level, 11.0)
        page.ln(0 if piece.level == 1 else 3)
        page.set_font("body", style="B", size=size)
        page.multi_cell(0, size * 0.55, piece.text, align="L", new_x="LMARGIN", new_y="NEXT")
        page.ln(2)
        return
    mark = {Kind.BULLET: "•  ", Kind.NUMBERED: f"{number}.  "}.get(piece.kind, "")
    page.set_font("body", size=10.5)
    page.multi_cell(0, 6.2, mark + piece.text, align="L", new_x="LMARGIN", new_y="NEXT")
    page.ln(0.5 if mark else 2)


def write_scan(text: str) -> bytes:
    """A PDF that is only the picture of a page, a little askew and speckled."""
    chance = random.Random(2019)
    sheet = Image.new("L", (910, 1287), 244)
    pen = ImageDraw.Draw(sheet)
    for row, line in enumerate(text.splitlines()):
        size = 40 if row == 0 else 27
        pen.text(
            (120, 110 + row * 50),
            line,
            font=ImageFont.truetype(str(_font(FACES["myeongjo"][0])), size),
            fill=45,
        )
    for _ in range(900):
        pen.point((chance.randrange(910), chance.randrange(1287)), fill=chance.randrange(60, 200))
    picture = io.BytesIO()
    sheet.rotate(0.8, fillcolor=236, resample=Image.Resampling.BICUBIC).save(picture, "JPEG", quality=58)
    page = FPDF(format="A4")
    page.set_creation_date(datetime(2019, 7, 1, 9, tzinfo=UTC))
    page.add_page()
    page.image(picture, x=0, y=0, w=210, h=297)
    return bytes(page.output())


# -- Office formats ----------------------------------------------------------------------------


def write_docx(source: Source) -> bytes:
    """A Word document with real headings, lists and tables."""
    document = docx.Document()
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "NanumGothic", Pt(10.5)
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), "NanumGothic")
    _set_properties(document, source)
    for piece in source.pieces:
        if piece.kind is Kind.HEADING:
            document.add_heading(piece.text, level=piece.level - 1)
        elif piece.kind is Kind.TABLE:
            table = document.add_table(rows=0, cols=len(piece.rows[0]), style="Table Grid")
            for index, row in enumerate(piece.rows):
                for cell, value in zip(table.add_row().cells, row, strict=True):
                    cell.paragraphs[0].add_run(value).bold = index == 0
            document.add_paragraph()
        else:
            style = {Kind.BULLET: "List Bullet", Kind.NUMBERED: "List Number"}.get(piece.kind, "Normal")
            document.add_paragraph(piece.text, style=style)
    return _saved(document.save)


def write_pptx(source: Source) -> bytes:
    """A deck: the first slide is the title, every other one a heading with bullets, a table or both."""
    deck = pptx.Presentation()
    _set_properties(deck, source)
    for index, pieces in enumerate(_slides(source.pieces)):
        lines = [piece.text for piece in pieces if piece.kind in (Kind.PARAGRAPH, Kind.BULLET)]
        tables = [piece for piece in pieces if piece.kind is Kind.TABLE]
        slide = deck.slides.add_slide(deck.slide_layouts[0 if index == 0 else 5 if tables else 1])
        slide.shapes.title.text = next(piece.text for piece in pieces if piece.kind is Kind.HEADING)
        top = Emu(1_500_000)
        for table in tables:
            top = _add_table(slide, table, top)
        if tables and lines:
            box = slide.shapes.add_textbox(Emu(460_000), top, Emu(8_200_000), Emu(900_000))
            box.text_frame.word_wrap = True
            box.text_frame.text = "\n".join(lines)
        elif lines:
            slide.placeholders[1].text_frame.text = "\n".join(lines)
        for piece in pieces:
            if piece.kind is Kind.NOTE:
                slide.notes_slide.notes_text_frame.text = piece.text
    return _saved(deck.save)


def _slides(pieces: tuple[Piece, ...]) -> list[list[Piece]]:
    slides: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece.kind is Kind.BREAK:
            slides.append([])
        else:
            slides[-1].append(piece)
    return slides


def _add_table(slide: Slide, piece: Piece, top: Emu) -> Emu:
    height = 400_000 * len(piece.rows)
    size = (len(piece.rows), len(piece.rows[0]))
    grid = slide.shapes.add_table(*size, Emu(460_000), top, Emu(8_200_000), Emu(height)).table
    for row, values in enumerate(piece.rows):
        for column, value in enumerate(values):
            cell = grid.cell(row, column)
            cell.text = value
            cell.text_frame.paragraphs[0].font.size = SlidePt(14)
    return Emu(top + height + 200_000)


def write_xlsx(source: Source) -> bytes:
    """A workbook: every heading of level 2 is a sheet, its table the cells."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    book.properties.title, book.properties.creator = source.head["title"], source.head["author"]
    book.properties.created = source.moment.replace(tzinfo=None)
    for piece in source.pieces:
        if piece.kind is Kind.HEADING:
            book.create_sheet(piece.text)
            continue
        sheet = book.worksheets[-1]
        for row in piece.rows:
            sheet.append([_value(cell) for cell in row])
        for column, _ in enumerate(piece.rows[0], start=1):
            sheet.cell(1, column).font = Font(bold=True)
            width = max(len(row[column - 1]) for row in piece.rows)
            sheet.column_dimensions[get_column_letter(column)].width = min(48, 4 + width * 1.6)
        for cells in sheet.iter_rows():
            for cell in cells:
                if (
                    isinstance(cell.value, int)
                    and abs(cell.value) >= 1000
                    and _is_grouped(piece, cell.row, cell.column)
                ):
                    cell.number_format = "#,##0"
        sheet.freeze_panes = "A2"
    return _saved(book.save, moment=source.moment)


def _is_grouped(piece: Piece, row: int, column: int) -> bool:
    return "," in piece.rows[row - 1][column - 1]


def _value(cell: str) -> str | int | float:
    if not _NUMBER.fullmatch(cell):
        return cell
    plain = cell.replace(",", "")
    return float(plain) if "." in plain else int(plain)


def _set_properties(document: WordDocument | SlideDeck, source: Source) -> None:
    properties = document.core_properties
    properties.title, properties.author = source.head["title"], source.head["author"]
    properties.subject = source.head.get("subject", "")
    properties.last_modified_by, properties.comments, properties.revision = source.head["author"], "", 1
    properties.created = properties.modified = source.moment.replace(tzinfo=None)


def _saved(save: Callable[[io.BytesIO], None], *, moment: datetime | None = None) -> bytes:
    """The saved package with every date of the zip, and of a workbook's last change, pinned."""
    raw, pinned = io.BytesIO(), io.BytesIO()
    save(raw)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(pinned, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if moment and name == "docProps/core.xml":
                stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                data = _MODIFIED.sub(rb"\g<1>" + stamp + rb"\g<2>", data)
            entry = zipfile.ZipInfo(name, ZIP_DATE)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            new.writestr(entry, data)
    return pinned.getvalue()


# -- All of it ---------------------------------------------------------------------------------

WRITERS: dict[str, Callable[[str], bytes]] = {
    ".pdf.locked.md": lambda text: write_pdf(parse_source(text), password=LOCKED_PDF_PASSWORD),
    ".pdf.scan.txt": write_scan,
    ".pdf.md": lambda text: write_pdf(parse_source(text)),
    ".docx.md": lambda text: write_docx(parse_source(text)),
    ".pptx.md": lambda text: write_pptx(parse_source(text)),
    ".xlsx.md": lambda text: write_xlsx(parse_source(text)),
    ".csv.txt": lambda text: text.replace("\n", "\r\n").encode("cp949"),  # as Korean Excel saves it
}


def planned() -> dict[str, tuple[Path, str]]:
    """Path below the company's root -> (source file, suffix of the source that names its writer)."""
    found: dict[str, tuple[Path, str]] = {}
    for path in sorted(SOURCES.rglob("*")):
        for suffix in WRITERS:
            if path.name.endswith(suffix):
                kind = "." + suffix.split(".")[1]
                name = path.relative_to(SOURCES).as_posix().removesuffix(suffix) + kind
                found.setdefault(name, (path, suffix))
    return found


def build(target: Path, *, only: str = "") -> list[str]:
    """Write the planned documents below `target` (only those ending in `only`, if given)."""
    written = []
    for name, (path, suffix) in planned().items():
        if not name.endswith(only):
            continue
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(WRITERS[suffix](path.read_text(encoding="utf-8")))
        written.append(name)
    return written


if __name__ == "__main__":
    for document in build(Path(sys.argv[1]) if len(sys.argv) > 1 else COMPANY):
        print(document)
