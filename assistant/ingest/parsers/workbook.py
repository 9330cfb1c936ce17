"""Excel workbooks: each sheet's tables, with values as a person reads them in the cells."""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import openpyxl
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.cell.read_only import EmptyCell, ReadOnlyCell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.ingest.parsers.blocks import BlockList, honest_title, one_line
from assistant.ingest.parsers.contract import Parsed, PlaceKind

MAX_ROWS = 50_000  # of one sheet, rows without a value not counted
MAX_EMPTY_ROWS = 10_000  # in a row; what follows so large a gap is left out
MAX_COLUMNS = 512
_DEFAULT_SHEET = re.compile(r"(?:sheet|시트)\s*\d*", re.IGNORECASE)
_DECIMALS = re.compile(r"[0#]\.(0+)")
_LITERAL = re.compile(r'\[\$([^\-\]]*)[^\]]*\]|"([^"]*)"|\\(.)')
_EXACT = 1e15  # Excel keeps fifteen digits
_SIGNS = "$€£¥₩"

ExcelCell = Cell | MergedCell | ReadOnlyCell | EmptyCell


def parse(path: Path) -> Parsed:
    """Parse a workbook: cached values of formulas, visible sheets, the first 50,000 rows of each.

    Raises:
        DocumentFailure: CORRUPT, NO_TEXT, or TOO_LARGE.
    """
    with path.open("rb") as file:  # openpyxl judges paths by their extension, which may be missing here
        return _read(file)


def _read(file: BinaryIO) -> Parsed:
    opened = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    try:
        workbook = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, KeyError, ValueError, TypeError, zipfile.BadZipFile, SyntaxError) as error:
        raise DocumentFailure(
            FailureCode.CORRUPT, told("the workbook's parts are damaged or missing")
        ) from error
    blocks = BlockList()
    sheets = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
    cut = [name for sheet in sheets if (name := _add_sheet(blocks, sheet, named=len(sheets) > 1))]
    properties = workbook.properties
    attributes = {
        "author": properties.creator if properties.creator not in {None, "openpyxl"} else "",
        "subject": properties.subject or "",
        "created": _created(properties.created, opened),
        "cut_sheets": ", ".join(cut),
    }
    title = honest_title(properties.title or "")
    return blocks.parsed(title=title, place_kind=PlaceKind.SHEET, attributes=attributes)


def _created(moment: datetime.datetime | None, opened: datetime.datetime) -> str:
    """The day of creation; openpyxl answers "now" where the file says nothing."""
    if moment is None or moment.replace(tzinfo=None) >= opened.replace(microsecond=0):
        return ""
    return moment.date().isoformat()


def _add_sheet(blocks: BlockList, sheet: ReadOnlyWorksheet, *, named: bool) -> str:
    """Append a sheet's blocks; gives its name if it was too long to take whole."""
    place = one_line(sheet.title)
    heading_due = named or not _DEFAULT_SHEET.fullmatch(place)
    region: list[list[str]] = []
    taken = empty = 0
    cut = False
    sheet.reset_dimensions()
    # The stubs type this method on the other sheet class.
    rows: Iterator[tuple[ExcelCell, ...]] = sheet.iter_rows()  # type: ignore[misc]
    for cells in rows:
        row = [_shown(cell) for cell in cells[:MAX_COLUMNS]]
        if any(row):
            if heading_due:
                blocks.heading(place, level=2, place=place)
                heading_due = False
            region.append(row)
            taken, empty = taken + 1, 0
        else:
            _add_region(blocks, region, place)
            region, empty = [], empty + 1
        cut = taken >= MAX_ROWS
        if cut or empty > MAX_EMPTY_ROWS:
            break
    _add_region(blocks, region, place)
    return place if cut else ""


def _add_region(blocks: BlockList, region: list[list[str]], place: str) -> None:
    """A block of rows without a gap: captions first, then the table with its header row."""
    start = 0
    while start < len(region) and sum(1 for value in region[start] if value) == 1:
        blocks.paragraph(next(value for value in region[start] if value), place=place)
        start += 1
    if start < len(region):
        blocks.table(region[start:], place=place)


def _shown(cell: ExcelCell) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime.datetime):
        at_midnight = value.time() == datetime.time()
        return value.date().isoformat() if at_midnight else value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M")
    if isinstance(value, datetime.timedelta):
        minutes = int(value.total_seconds() // 60)
        return f"{minutes // 60}:{minutes % 60:02d}"
    if isinstance(value, int | float):
        return number_text(value, cell.number_format or "")
    return str(value)


def number_text(value: float, pattern: str) -> str:
    """A number as its cell format shows it: percent, thousands, decimals and currency signs."""
    positive = pattern.partition(";")[0]
    literals = ["".join(found) for found in _LITERAL.findall(positive)]
    bare = _LITERAL.sub("", positive)
    decimals = _DECIMALS.search(bare)
    places = len(decimals[1]) if decimals else 0
    if "%" in bare:
        return f"{value * 100:.{places}f}%"
    if "E" in bare.upper() or not re.search(r"[0#]", bare):
        text = _plain(value)
    elif "," in bare:
        text = f"{value:,.{places}f}"
    elif decimals:
        text = f"{value:.{places}f}"
    else:
        text = _plain(value)
    sign = next((s for s in _SIGNS if s in bare or any(s in literal for literal in literals)), "")
    unit = next(
        (
            literal.strip()
            for literal in reversed(literals)
            if literal.strip() and positive.endswith(f'"{literal}"')
        ),
        "",
    )
    return f"{'-' if sign and text.startswith('-') else ''}{sign}{text.lstrip('-') if sign else text}{unit}"


def _plain(value: float) -> str:
    if isinstance(value, int) or (value.is_integer() and abs(value) < _EXACT):
        return str(int(value))
    return f"{value:.10g}"
