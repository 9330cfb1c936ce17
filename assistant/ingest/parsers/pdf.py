"""PDF documents: lines of characters with their boxes from PDFium, paragraphs by `pdf_layout`."""

from __future__ import annotations

import ctypes
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pypdfium2 as pdfium
from pypdfium2 import raw

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.ingest.parsers.blocks import BlockList, honest_title
from assistant.ingest.parsers.contract import Parsed, PlaceKind
from assistant.ingest.parsers.pdf_joining import HYPHEN
from assistant.ingest.parsers.pdf_layout import Glyph, Line, add_pages, line_of

MAX_PAGES = 20_000
_ENCRYPTED = {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}
_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?")
HYPHENS = frozenset("\x02\ufffe")
_BREAKS = HYPHENS | {"\r", "\n"}
_LAST_CODE_POINT = 0x10FFFF
_BOLD_NAME = re.compile(rb"bold|heavy|black|demi|extrab", re.IGNORECASE)
_BOLD_WEIGHT = 600


def parse(path: Path) -> Parsed:
    """Parse a PDF document; one that opens with the empty password is read.

    Raises:
        DocumentFailure: ENCRYPTED, CORRUPT, NO_TEXT for a scan, or TOO_LARGE.
    """
    document = _open(path)
    try:
        return _read(document)
    finally:
        document.close()


def _open(path: Path) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if error.err_code not in _ENCRYPTED:
            raise DocumentFailure(FailureCode.CORRUPT, told("the PDF cannot be opened")) from error
    return pdfium.PdfDocument(_without_encryption(path))


def _without_encryption(path: Path) -> bytes:
    """The document decrypted, where the empty password is its owner's: PDFium tries it only as a user's.

    Raises:
        DocumentFailure: ENCRYPTED, where a password is needed or the scheme is unknown.
    """
    from pypdf import PasswordType, PdfReader, PdfWriter  # noqa: PLC0415
    from pypdf.errors import DependencyError, PyPdfError  # noqa: PLC0415

    needs_password = DocumentFailure(FailureCode.ENCRYPTED, told("the document opens only with its password"))
    plain = io.BytesIO()
    try:
        reader = PdfReader(path)
        if reader.decrypt("") is PasswordType.NOT_DECRYPTED:
            raise needs_password
        PdfWriter(clone_from=reader).write(plain)
    except (PyPdfError, DependencyError, ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise needs_password from error
    return plain.getvalue()


def _read(document: pdfium.PdfDocument) -> Parsed:
    if len(document) > MAX_PAGES:
        raise DocumentFailure(FailureCode.TOO_LARGE, told("more than {most} pages", most=f"{MAX_PAGES:,}"))
    pages, broken = [], 0
    for index in range(len(document)):
        try:
            pages.append(_page_lines(document, index))
        except pdfium.PdfiumError:
            pages.append([])
            broken += 1
    if not pages or broken == len(pages):
        raise DocumentFailure(FailureCode.CORRUPT, told("no page can be opened"))
    blocks = BlockList()
    add_pages(blocks, pages)
    metadata = document.get_metadata_dict()
    title = honest_title(str(metadata.get("Title", "")))
    attributes = {
        "author": str(metadata.get("Author", "")),
        "subject": str(metadata.get("Subject", "")),
        "created": _date(str(metadata.get("CreationDate", ""))),
        "pages": str(len(pages)),
        "unreadable_pages": str(broken) if broken else "",
    }
    return blocks.parsed(
        title=title or blocks.first_heading(), place_kind=PlaceKind.PAGE, attributes=attributes
    )


def _page_lines(document: pdfium.PdfDocument, index: int) -> list[Line]:
    page = document[index]
    try:
        textpage = page.get_textpage()
        height = page.get_height()
        try:
            lines = (
                line_of(glyphs, bold=bold, page_height=height) for glyphs, bold in _glyph_lines(textpage)
            )
            return [line for line in lines if line is not None]
        finally:
            textpage.close()
    finally:
        page.close()


def _glyph_lines(textpage: pdfium.PdfTextPage) -> Iterator[tuple[list[Glyph], bool]]:
    """Characters of each line as PDFium orders them, and whether its font is bold.

    PDFium writes a hyphen at a line's end as U+FFFE or U+0002 and no line break.
    """
    handle = textpage.raw
    box = raw.FS_RECTF()
    line: list[Glyph] = []
    start = 0
    for index in range(textpage.count_chars()):
        code = raw.FPDFText_GetUnicode(handle, index)
        character = chr(code) if code <= _LAST_CODE_POINT else ""
        if character in _BREAKS:
            if character in HYPHENS:
                line.append(Glyph(HYPHEN, 0.0, 0.0, 0.0, 0.0))
            if line:
                yield line, _is_bold(handle, start)
            line, start = [], index + 1
        elif character:
            raw.FPDFText_GetLooseCharBox(handle, index, box)
            line.append(Glyph(character, box.left, box.right, box.bottom, box.top))
    if line:
        yield line, _is_bold(handle, start)


def _is_bold(handle: object, index: int) -> bool:
    if raw.FPDFText_GetFontWeight(handle, index) >= _BOLD_WEIGHT:
        return True
    name = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    raw.FPDFText_GetFontInfo(handle, index, name, len(name), ctypes.byref(flags))
    return _BOLD_NAME.search(name.value) is not None


def _date(text: str) -> str:
    match = _DATE.match(text)
    return "-".join(part for part in match.groups() if part) if match else ""
