"""What a parser is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

BLOCK_SEPARATOR = "\n\n"


class BlockKind(StrEnum):
    """What a block is, so that chunking and the source view can treat it rightly."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"  # one list item
    TABLE = "table"  # one row a line, cells parted by tabs; the first row is the header
    CODE = "code"


class PlaceKind(StrEnum):
    """What `Block.place` counts."""

    NONE = ""
    PAGE = "page"
    SLIDE = "slide"
    SHEET = "sheet"  # place is the sheet's name


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a document in reading order. `text` is plain text, never markup, never empty.

    `level` is 1 to 6 for headings, else 0. `place` is the page or slide number as
    text, the sheet's name, or empty.
    """

    kind: BlockKind
    text: str
    level: int = 0
    place: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document's text. Its canonical text is the blocks joined by a blank line.

    Offsets of chunks and citations count characters of that text.
    """

    title: str  # from the document itself; empty if it names none
    blocks: tuple[Block, ...]
    place_kind: PlaceKind = PlaceKind.NONE
    attributes: dict[str, str] = field(default_factory=dict)  # author, created, subject, from, ...

    @property
    def text(self) -> str:
        """The canonical text."""
        return BLOCK_SEPARATOR.join(block.text for block in self.blocks)


class Parser(Protocol):
    """A module-level function that reads one file."""

    def __call__(self, path: Path) -> Parsed:
        """Parse the file at `path`.

        Raises:
            DocumentFailure: with a code that says what is wrong with the file.
        """
        ...
