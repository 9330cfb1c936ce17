"""Plain text: paragraphs at blank lines. Also for sources whose content is text already."""

from __future__ import annotations

import re
from pathlib import Path

from assistant.ingest.parsers.blocks import BlockList, clean
from assistant.ingest.parsers.contract import Parsed
from assistant.ingest.parsers.decoding import read_text

_PARAGRAPH_BREAK = re.compile(r"\n[ \t]*\n\s*")
_LINE_END_SPACE = re.compile(r"[ \t]+$", re.MULTILINE)


def parse(path: Path) -> Parsed:
    """Parse a plain text file in any common encoding."""
    return parse_text(read_text(path))


def parse_text(text: str) -> Parsed:
    """Paragraphs of a text.

    Raises:
        DocumentFailure: NO_TEXT, or TOO_LARGE.
    """
    blocks = BlockList()
    add_paragraphs(blocks, text)
    return blocks.parsed()


def add_paragraphs(blocks: BlockList, text: str) -> None:
    """Append the paragraphs of a text, parted by blank lines."""
    for paragraph in _PARAGRAPH_BREAK.split(_LINE_END_SPACE.sub("", clean(text))):
        blocks.paragraph(paragraph)
