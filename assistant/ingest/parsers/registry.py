"""Which parser reads which file. A new format is one module, its line here and those in `common.formats`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.formats import EXTENSIONS, MEDIA_TYPES, extension_of
from assistant.common.told import told
from assistant.ingest.parsers.contract import Parsed, Parser
from assistant.ingest.parsers.decoding import is_text
from assistant.ingest.parsers.detection import (
    OFFICE_FOLDERS,
    kind_of,
    office_format,
    read_head,
    require_office,
    require_pdf,
    require_text,
)

_HERE = "assistant.ingest.parsers"

PARSERS: Mapping[str, str] = MappingProxyType(
    {
        "pdf": f"{_HERE}.pdf.parse",
        "docx": f"{_HERE}.word.parse",
        "pptx": f"{_HERE}.slides.parse",
        "xlsx": f"{_HERE}.workbook.parse",
        "csv": f"{_HERE}.delimited.parse",
        "html": f"{_HERE}.webpage.parse",
        "md": f"{_HERE}.markdown.parse",
        "txt": f"{_HERE}.text.parse",
        "json": f"{_HERE}.records.parse",
        "jsonl": f"{_HERE}.records.parse_lines",
        "yaml": f"{_HERE}.text.parse",
        "xml": f"{_HERE}.markup.parse",
        "eml": f"{_HERE}.mail.parse",
    }
)

# Known kinds that no parser reads: the reason says what to do instead of guessing.
_REFUSED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("doc", "rtf", "odt"), told("save it as .docx or .pdf")),
        **dict.fromkeys(("ppt", "odp"), told("save it as .pptx or .pdf")),
        **dict.fromkeys(("xls", "xlsb", "ods"), told("save it as .xlsx or .csv")),
        **dict.fromkeys(("hwp", "hwpx"), told("save it as .docx or .pdf")),
        **dict.fromkeys(("msg",), told("save it as .eml")),
        **dict.fromkeys(("p7s", "p7m", "svg"), told("it holds no document text")),
    }
)


def parse_file(path: Path, *, name: str, media_type: str = "") -> Parsed:
    """Read the file at `path` that its source calls `name`.

    Raises:
        DocumentFailure: with a code that says what is wrong with the file.
    """
    head = read_head(path)
    format_name = format_of(path, head, name=name, media_type=media_type)
    _check_content(path, head, format_name)
    try:
        return load(format_name)(path)
    except (DocumentFailure, MemoryError):
        raise
    except RecursionError as error:
        raise DocumentFailure(FailureCode.CORRUPT, told("nested too deeply")) from error
    except Exception as error:  # whatever a library makes of a hostile file is the file's fault
        raise DocumentFailure(
            FailureCode.CORRUPT,
            told("the {name} reader stopped with {error}", name=format_name, error=_name_of(error)),
        ) from error


def format_of(path: Path, head: bytes, *, name: str, media_type: str = "") -> str:
    """The format by extension, else by media type, else by content.

    Raises:
        DocumentFailure: UNSUPPORTED.
    """
    extension = extension_of(name)
    if extension in EXTENSIONS:
        return EXTENSIONS[extension]
    if extension in _REFUSED:
        raise DocumentFailure(
            FailureCode.UNSUPPORTED,
            told(
                ".{extension} files are not read: {advice}", extension=extension, advice=_REFUSED[extension]
            ),
        )
    declared = media_type.partition(";")[0].strip().lower()
    if declared in MEDIA_TYPES and (declared != "text/plain" or not extension):
        return MEDIA_TYPES[declared]
    found = _format_by_content(path, head)
    if not found:
        what = kind_of(head) or told("content of an unknown kind")
        raise DocumentFailure(
            FailureCode.UNSUPPORTED,
            told("no parser reads .{extension} files ({what})", extension=extension or "?", what=what),
        )
    return found


def load(format_name: str) -> Parser:
    """The parser of a format; its module and libraries are imported now."""
    module, _, function = PARSERS[format_name].rpartition(".")
    parser: Parser = getattr(importlib.import_module(module), function)
    return parser


def _format_by_content(path: Path, head: bytes) -> str:
    kind = kind_of(head)
    if kind == "a PDF document":
        return "pdf"
    if kind == "an HTML page":
        return "html"
    if kind == "a zip archive":
        return office_format(path)
    return "txt" if not kind and b"\x00" not in head and is_text(head) else ""


def _check_content(path: Path, head: bytes, format_name: str) -> None:
    if format_name == "pdf":
        require_pdf(head)
    elif format_name in OFFICE_FOLDERS:
        require_office(path, head, format_name)
    else:
        require_text(head)


def _name_of(error: Exception) -> str:
    return type(error).__name__
