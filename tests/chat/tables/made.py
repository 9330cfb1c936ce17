"""Tables for tests, as a document holds them."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.chat.tables.answering import Figure, Refused, figure_of
from assistant.chat.tables.asking import asked_of
from assistant.chat.tables.grid import Table, tables_of
from assistant.chat.tables.results import Refusal
from assistant.documents.reading import TextBlock
from assistant.ingest.parsers.blocks import BlockList

Rows = Sequence[Sequence[str]]


def blocks_of(*parts: str | Rows, place: str = "") -> tuple[TextBlock, ...]:
    """Headings ("# ..."), paragraphs and tables, one after the other, through the parsers' own block list."""
    listed = BlockList()
    for part in parts:
        if not isinstance(part, str):
            listed.table(part, place=place)
        elif part.startswith("# "):
            listed.heading(part[2:], level=1, place=place)
        else:
            listed.paragraph(part, place=place)
    found: list[TextBlock] = []
    at = 0
    for block in listed.parsed().blocks:
        end = at + len(block.text)
        found.append(TextBlock(block.kind.value, block.text, at, end, block.level, block.place))
        at = end + 2
    return tuple(found)


def tables(*parts: str | Rows, title: str = "") -> list[Table]:
    """The tables of a document of these parts."""
    return list(tables_of(blocks_of(*parts), title))


def figure(question: str, *parts: str | Rows, title: str = "") -> Figure | Refused | None:
    """What the question gets from a document of these parts; None where it asks for no figure."""
    asked = asked_of(question)
    return None if asked is None else figure_of(asked, tables(*parts, title=title))


def short(question: str, *parts: str | Rows, title: str = "") -> str | Refusal | None:
    """The figure itself as it is told."""
    found = figure(question, *parts, title=title)
    if not isinstance(found, Figure):
        return None if found is None else found.why
    assert found.short is not None
    return found.sentence[slice(*found.short)]
