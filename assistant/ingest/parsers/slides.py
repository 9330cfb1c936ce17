"""PowerPoint presentations: each slide's title as a heading, then its text, tables, charts and notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pptx
from lxml import etree
from pptx.chart.chart import Chart
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PackageNotFoundError
from pptx.shapes.autoshape import Shape
from pptx.shapes.base import BaseShape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.slide import Slide
from pptx.table import Table
from pptx.text.text import TextFrame

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.ingest.parsers.blocks import BlockList, honest_title, one_line
from assistant.ingest.parsers.contract import Parsed, PlaceKind

MAX_DEPTH = 20
_TITLES = {PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE, PP_PLACEHOLDER.VERTICAL_TITLE}
_FURNITURE = {PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER}
_LISTS = {
    PP_PLACEHOLDER.BODY,
    PP_PLACEHOLDER.OBJECT,
    PP_PLACEHOLDER.VERTICAL_BODY,
    PP_PLACEHOLDER.VERTICAL_OBJECT,
}
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_BULLETS = (f"{_DRAWING}buChar", f"{_DRAWING}buAutoNum", f"{_DRAWING}buBlip")


def parse(path: Path) -> Parsed:
    """Parse a presentation. A shape that cannot be read is left out; the rest stays.

    Raises:
        DocumentFailure: CORRUPT, NO_TEXT, or TOO_LARGE.
    """
    try:
        presentation = pptx.Presentation(str(path))
    except (PackageNotFoundError, KeyError, ValueError, etree.XMLSyntaxError) as error:
        raise DocumentFailure(
            FailureCode.CORRUPT, told("the presentation's parts are damaged or missing")
        ) from error
    blocks = BlockList()
    first_title = ""
    for number, slide in enumerate(presentation.slides, start=1):
        title = _add_slide(blocks, slide, str(number))
        first_title = first_title or (title if number == 1 else "")
    properties = presentation.core_properties
    attributes = {
        "author": properties.author or "",
        "subject": properties.subject or "",
        "created": properties.created.date().isoformat() if properties.created else "",
        "slides": str(len(presentation.slides)),
    }
    title = honest_title(properties.title or "") or first_title or blocks.first_heading()
    return blocks.parsed(title=title, place_kind=PlaceKind.SLIDE, attributes=attributes)


def _add_slide(blocks: BlockList, slide: Slide, place: str) -> str:
    shapes = [shape for shape in _leaves(slide.shapes, 0) if _role(shape) not in _FURNITURE]
    titles = [shape for shape in shapes if isinstance(shape, Shape) and _role(shape) in _TITLES]
    title = one_line(" ".join(_paragraph_text(p._p) for shape in titles for p in shape.text_frame.paragraphs))
    blocks.heading(title, level=2, place=place)
    for shape in sorted((shape for shape in shapes if shape not in titles), key=_position):
        _add_shape(blocks, shape, place)
    if slide.has_notes_slide:
        notes = slide.notes_slide.notes_text_frame
        if notes is not None:
            _add_text(blocks, notes, place, listed=False)
    return title


def _leaves(shapes: Iterable[BaseShape], depth: int) -> Iterator[BaseShape]:
    for shape in shapes:
        inner = getattr(shape, "shapes", None)
        if inner is not None and depth < MAX_DEPTH:
            yield from _leaves(inner, depth + 1)
        else:
            yield shape


def _role(shape: BaseShape) -> PP_PLACEHOLDER | None:
    try:
        return shape.placeholder_format.type if shape.is_placeholder else None
    except (KeyError, ValueError, AttributeError):
        return None


def _position(shape: BaseShape) -> tuple[int, int]:
    try:
        return (int(shape.top or 0), int(shape.left or 0))
    except (KeyError, ValueError, AttributeError):
        return (0, 0)


def _add_shape(blocks: BlockList, shape: BaseShape, place: str) -> None:
    try:
        if isinstance(shape, GraphicFrame) and shape.has_table:
            _add_table(blocks, shape.table, place)
        elif isinstance(shape, GraphicFrame) and shape.has_chart:
            blocks.table(_chart_rows(shape.chart), place=place)
        elif isinstance(shape, Shape):
            _add_text(blocks, shape.text_frame, place, listed=_role(shape) in _LISTS)
    except (KeyError, ValueError, AttributeError, IndexError, TypeError):
        return  # one malformed shape must not cost the whole presentation


def _add_text(blocks: BlockList, frame: TextFrame, place: str, *, listed: bool) -> None:
    paragraphs = [(p, text) for p in frame.paragraphs if (text := _paragraph_text(p._p)).strip()]
    for paragraph, text in paragraphs:
        bullet = any(paragraph._p.find(f"{_DRAWING}pPr/{name}") is not None for name in _BULLETS)
        if bullet or (listed and len(paragraphs) > 1):
            blocks.item(text, place=place)
        else:
            blocks.paragraph(text, place=place)


def _add_table(blocks: BlockList, table: Table, place: str) -> None:
    rows = [
        [" ".join(_paragraph_text(p._p) for p in cell.text_frame.paragraphs) for cell in row.cells]
        for row in table.rows
    ]
    blocks.table(rows, place=place)


def _paragraph_text(paragraph: etree._Element) -> str:
    elements = paragraph.iter(f"{_DRAWING}t", f"{_DRAWING}br", f"{_DRAWING}tab")
    return "".join((element.text or "") if element.tag == f"{_DRAWING}t" else "\n" for element in elements)


def _chart_rows(chart: Chart) -> list[list[str]]:
    """Categories down, series across, as the table behind the chart."""
    plots = list(chart.plots)
    if not plots:
        return []
    categories = [str(category) for category in plots[0].categories]
    series = [one for plot in plots for one in plot.series]
    rows = [["", *(str(one.name) for one in series)]]
    for index, category in enumerate(categories):
        values = [list(one.values)[index : index + 1] for one in series]
        rows.append(
            [category, *(f"{value[0]:g}" if value and value[0] is not None else "" for value in values)]
        )
    return rows
