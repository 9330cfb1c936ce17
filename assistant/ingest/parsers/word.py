"""Word documents: headings, paragraphs, lists and tables in order, text boxes and footnotes too.

Deleted and hidden text, headers, footers and the table of contents are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import docx
from docx.document import Document
from docx.opc.exceptions import PackageNotFoundError
from lxml import etree

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.ingest.parsers.blocks import BlockList, honest_title
from assistant.ingest.parsers.contract import Parsed

MAX_DEPTH = 20
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_SKIPPED = frozenset(
    (f"{_W}del", f"{_W}moveFrom", f"{_W}pPr", f"{_W}txbxContent", f"{_W}instrText", _FALLBACK)
)
_BREAKS = {f"{_W}tab": " ", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-", f"{_W}ptab": " "}
_HEADING_STYLE = re.compile(r"(?:heading|제목|개요)\s*([1-9])$", re.IGNORECASE)
_CONTENTS_STYLE = re.compile(r"(?:toc|목차)\s*\d*$|toc heading$|table of figures$", re.IGNORECASE)
_LIST_STYLE = re.compile(r"list\b|목록", re.IGNORECASE)
_FOOTNOTES = "/footnotes"
_MANY_LEVELS = 30
_BODY_LEVEL = 9  # the outline level of body text


def parse(path: Path) -> Parsed:
    """Parse a Word document.

    Raises:
        DocumentFailure: CORRUPT, NO_TEXT, or TOO_LARGE.
    """
    try:
        document = docx.Document(str(path))
    except (PackageNotFoundError, KeyError, ValueError, etree.XMLSyntaxError) as error:
        raise DocumentFailure(
            FailureCode.CORRUPT,
            told("the Word document's parts are damaged, or it was saved as Strict Open XML"),
        ) from error
    reader = _Reader(_Styles(document))
    reader.add_story(document.element.body, 0)
    for notes in _footnotes(document):
        reader.add_story(notes, 0)
    properties = document.core_properties
    created = properties.created
    title = honest_title(properties.title or "") or reader.title or reader.blocks.first_heading()
    attributes = {
        "author": properties.author or "",
        "subject": properties.subject or "",
        "keywords": properties.keywords or "",
        "created": created.date().isoformat() if created else "",
    }
    return reader.blocks.parsed(title=title, attributes=attributes)


class _Styles:
    """Names and outline levels of paragraph styles, read once."""

    def __init__(self, document: Document) -> None:
        self._names: dict[str, str] = {}
        self._based_on: dict[str, str] = {}
        self._levels: dict[str, int] = {}
        self._numbered: set[str] = set()
        for style in document.styles.element.iter(f"{_W}style"):
            key = style.get(f"{_W}styleId", "")
            self._names[key] = _value(style.find(f"{_W}name"))
            self._based_on[key] = _value(style.find(f"{_W}basedOn"))
            level = _value(style.find(f"{_W}pPr/{_W}outlineLvl"))
            if level.isdecimal():
                self._levels[key] = int(level)
            if style.find(f"{_W}pPr/{_W}numPr") is not None:
                self._numbered.add(key)

    def chain(self, key: str) -> Iterator[str]:
        """The style and those it is based on."""
        for _ in range(_MANY_LEVELS):
            if key not in self._names:
                return
            yield key
            key = self._based_on.get(key, "")

    def name(self, key: str) -> str:
        """The style's name as the file has it."""
        return self._names.get(key, "")

    def heading_level(self, key: str) -> int:
        """1 and up for heading styles and styles based on them, else 0."""
        for ancestor in self.chain(key):
            match = _HEADING_STYLE.match(self.name(ancestor))
            if match:
                return int(match[1])
            if ancestor in self._levels:
                return self._levels[ancestor] + 1 if self._levels[ancestor] < _BODY_LEVEL else 0
        return 0

    def is_list(self, key: str) -> bool:
        """Whether paragraphs of this style are list items."""
        return any(k in self._numbered or _LIST_STYLE.match(self.name(k)) for k in self.chain(key))


class _Reader:
    """Walks the body's XML and collects blocks."""

    def __init__(self, styles: _Styles) -> None:
        self._styles = styles
        self.blocks = BlockList()
        self.title = ""

    def add_story(self, container: etree._Element, depth: int) -> None:
        """Append the paragraphs and tables of a body, cell, text box or note."""
        if depth > MAX_DEPTH:
            return
        for child in container:
            if child.tag == f"{_W}p":
                self._add_paragraph(child, depth)
            elif child.tag == f"{_W}tbl":
                self._add_table(child, depth)
            elif child.tag == f"{_W}sdt":
                gallery = _value(child.find(f"{_W}sdtPr/{_W}docPartObj/{_W}docPartGallery"))
                content = child.find(f"{_W}sdtContent")
                if content is not None and gallery != "Table of Contents":
                    self.add_story(content, depth + 1)
            elif child.tag in {f"{_W}customXml", f"{_W}ins", f"{_W}moveTo", f"{_W}footnote", f"{_W}endnote"}:
                self.add_story(child, depth + 1)

    def _add_paragraph(self, paragraph: etree._Element, depth: int) -> None:
        properties = paragraph.find(f"{_W}pPr")
        style = _value(properties.find(f"{_W}pStyle")) if properties is not None else ""
        name = self._styles.name(style)
        text = _text(paragraph)
        if not _CONTENTS_STYLE.match(name):
            self._add_text(text, style, name, properties)
        for box in _text_boxes(paragraph):
            self.add_story(box, depth + 1)

    def _add_text(self, text: str, style: str, name: str, properties: etree._Element | None) -> None:
        own_level = _value(properties.find(f"{_W}outlineLvl")) if properties is not None else ""
        level = int(own_level) + 1 if own_level.isdecimal() and int(own_level) < _BODY_LEVEL else 0
        level = level or self._styles.heading_level(style)
        if name.lower() in {"title", "제목"}:
            self.title = self.title or " ".join(text.split())
            level = 1
        numbered = properties is not None and properties.find(f"{_W}numPr") is not None
        if level:
            self.blocks.heading(text, level=level)
        elif numbered or self._styles.is_list(style):
            self.blocks.item(text)
        else:
            self.blocks.paragraph(text)

    def _add_table(self, table: etree._Element, depth: int) -> None:
        rows = [list(_cells(row)) for row in _rows(table)]
        if len(rows) == 1 and len(rows[0]) == 1:
            self.add_story(rows[0][0], depth + 1)
            return
        self.blocks.table([_cell_text(cell) for cell in row] for row in rows)


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    for child in table:
        if child.tag == f"{_W}tr":
            yield child
        elif child.tag in {f"{_W}sdt", f"{_W}customXml", f"{_W}ins"}:
            yield from child.iter(f"{_W}tr")


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    for child in row:
        if child.tag == f"{_W}tc":
            yield child
        elif child.tag in {f"{_W}sdt", f"{_W}customXml"}:
            yield from child.iter(f"{_W}tc")


def _cell_text(cell: etree._Element) -> str:
    return "\n".join(text for paragraph in cell.iter(f"{_W}p") if (text := _text(paragraph).strip()))


def _text(paragraph: etree._Element) -> str:
    """The paragraph's words as a reader sees them: insertions taken, deletions and hidden runs not."""
    parts: list[str] = []
    pending = list(reversed(paragraph))
    while pending:
        element = pending.pop()
        if element.tag in _SKIPPED or (element.tag == f"{_W}r" and _is_hidden(element)):
            continue
        if element.tag in {f"{_W}t", _MATH_TEXT}:
            parts.append(element.text or "")
        elif element.tag in _BREAKS:
            parts.append(_BREAKS[element.tag])
        elif element.tag != f"{_W}p":
            pending.extend(reversed(element))
    return "".join(parts)


def _text_boxes(paragraph: etree._Element) -> Iterator[etree._Element]:
    for box in paragraph.iter(f"{_W}txbxContent"):
        ancestors = list(box.iterancestors())
        inner = ancestors[: ancestors.index(paragraph)]
        if not any(ancestor.tag in {_FALLBACK, f"{_W}txbxContent"} for ancestor in inner):
            yield box


def _is_hidden(run: etree._Element) -> bool:
    vanish = run.find(f"{_W}rPr/{_W}vanish")
    return vanish is not None and _value(vanish) not in {"0", "false", "off"}


def _footnotes(document: Document) -> Iterator[etree._Element]:
    for relation in document.part.rels.values():
        if relation.reltype.endswith(_FOOTNOTES) and not relation.is_external:
            yield etree.fromstring(
                relation.target_part.blob, etree.XMLParser(resolve_entities=False, no_network=True)
            )


def _value(element: etree._Element | None) -> str:
    return "" if element is None else element.get(f"{_W}val", "")
