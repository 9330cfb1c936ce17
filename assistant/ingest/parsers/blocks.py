"""Every block passes through here: only clean text gets out, and only so much of it.

Clean means NFC, no control characters but tab and newline, no lone surrogates,
and none of the invisible signs that make text read otherwise than it shows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.ingest.parsers.contract import Block, BlockKind, Parsed, PlaceKind

MAX_CHARACTERS = 20_000_000
MAX_BLOCKS = 1_000_000
MAX_TITLE = 300
MAX_ATTRIBUTE = 1_000
HEADING_LEVELS = 6

_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Controls, soft hyphens, zero-width and bidirectional controls, surrogates, non-characters, tag characters.
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff"
    "\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_SPACES = re.compile("[\xa0\u2000-\u200a\u202f\u205f]")
_SPACE_RUNS = re.compile(r"[ \t]+")
_LINE_EDGES = re.compile(r"[ \t]*\n[ \t]*")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
_ANY_SPACE = re.compile(r"\s+")
# Symbol-font bullets that word processors write as private-use characters.
_PRIVATE_BULLETS = re.compile("[\uf0a7\uf0b7\uf0d8\uf0fc\uf06c\uf06e\uf076]")
_LONGEST_OUTLINE_LINE = 60
_CHAPTER = re.compile(r"제\s?\d{1,4}\s?([편장관절조])(?:의\s?\d{1,3})?(?=[\s(]|$)(?!.*[.?!:].)(?!.*\)\s*\S)")
_MADE_BY_PROGRAMS = re.compile(
    r"(untitled|제목\s*없음|powerpoint (presentation|프레젠테이션)|powerpoint-präsentation|slide 1|슬라이드 1"
    r"|(word )?document\d*|문서\s*\d*|book\d*|sheet\d*|presentation\d*|microsoft word - .*"
    r"|.*\.(docx?|pptx?|xlsx?|hwpx?|indd|qxd|pdf))",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    """The text in NFC without anything that must not be stored; line breaks become newlines."""
    if text.isascii() and text.isprintable():
        return text
    text = _BREAKS.sub("\n", text)
    text = _SPACES.sub(" ", text)
    text = FORBIDDEN.sub("", text)
    return unicodedata.normalize("NFC", _PRIVATE_BULLETS.sub("•", text))


def is_clean(text: str) -> bool:
    """Whether `clean` would leave the text as it is, as far as safety goes."""
    return FORBIDDEN.search(text) is None and unicodedata.is_normalized("NFC", text)


def one_line(text: str) -> str:
    """Clean text with every run of white space as one space."""
    return _ANY_SPACE.sub(" ", clean(text)).strip()


def prose(text: str) -> str:
    """Clean text with single spaces, line breaks kept, blank lines removed."""
    return _BLANK_LINES.sub("\n", _LINE_EDGES.sub("\n", _SPACE_RUNS.sub(" ", clean(text)))).strip()


def honest_title(title: str) -> str:
    """A title from file properties, or nothing where a program made it up."""
    title = one_line(title)[:MAX_TITLE].strip()
    return "" if _MADE_BY_PROGRAMS.fullmatch(title) else title


def outline_level(text: str) -> int:
    """The heading level of a Korean chapter or article line that stands alone, or 0."""
    if len(text) > _LONGEST_OUTLINE_LINE or "\n" in text or text.endswith((".", ",", "다", "음")):
        return 0
    match = _CHAPTER.match(text)
    if match is None:
        return 0
    return 1 if match[1] in "편" else 2 if match[1] in "장관" else 3


class BlockList:
    """Collects a document's blocks in reading order, within the limits.

    Raises:
        DocumentFailure: TOO_LARGE, as soon as a limit is passed.
    """

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._characters = 0

    def __len__(self) -> int:
        return len(self._blocks)

    def heading(self, text: str, *, level: int, place: str = "") -> None:
        """A heading on one line; levels beyond 6 count as 6."""
        self._add(BlockKind.HEADING, one_line(text), min(max(level, 1), HEADING_LEVELS), place)

    def paragraph(self, text: str, *, place: str = "") -> None:
        """A paragraph; its line breaks stay, its other white space becomes single spaces."""
        text = prose(text)
        level = outline_level(text)
        self._add(BlockKind.HEADING if level else BlockKind.PARAGRAPH, text, level, place)

    def item(self, text: str, *, place: str = "") -> None:
        """One list item."""
        self._add(BlockKind.ITEM, prose(text), 0, place)

    def code(self, text: str, *, place: str = "") -> None:
        """Text whose spaces and line breaks mean something."""
        self._add(BlockKind.CODE, clean(text).strip("\n").rstrip(), 0, place)

    def table(self, rows: Iterable[Sequence[str]], *, place: str = "") -> None:
        """Rows of cells, the first one the header. Empty rows and columns are left out.

        A table of one column is a box drawn around text and becomes paragraphs.
        """
        cells = [[one_line(cell) for cell in row] for row in rows]
        cells = [row for row in cells if any(row)]
        width = max((len(row) for row in cells), default=0)
        used = [column for column in range(width) if any(column < len(row) and row[column] for row in cells)]
        if len(used) == 1:
            for row in cells:
                self.paragraph(" ".join(row), place=place)
            return
        lines = ("\t".join(row[column] if column < len(row) else "" for column in used) for row in cells)
        self._add(BlockKind.TABLE, "\n".join(lines).rstrip("\t\n"), 0, place)

    def first_heading(self) -> str:
        """The first heading if little stands before it, else nothing."""
        early = (block.text for block in self._blocks[:3] if block.kind is BlockKind.HEADING)
        return next(early, "")[:MAX_TITLE]

    def parsed(
        self,
        *,
        title: str = "",
        place_kind: PlaceKind = PlaceKind.NONE,
        attributes: Mapping[str, str] | None = None,
    ) -> Parsed:
        """The document.

        Raises:
            DocumentFailure: NO_TEXT where there is not one letter or digit.
        """
        if not any(character.isalnum() for block in self._blocks for character in block.text):
            if place_kind is PlaceKind.PAGE:
                detail = told("the file holds no text; if it is a scan, run text recognition on it first")
            else:
                detail = told("the file holds no text")
            raise DocumentFailure(FailureCode.NO_TEXT, detail)
        shown = {key: one_line(value)[:MAX_ATTRIBUTE] for key, value in (attributes or {}).items()}
        return Parsed(
            title=one_line(title)[:MAX_TITLE].strip(),
            blocks=tuple(self._blocks),
            place_kind=place_kind,
            attributes={key: value for key, value in shown.items() if value},
        )

    def _add(self, kind: BlockKind, text: str, level: int, place: str) -> None:
        if not text:
            return
        self._characters += len(text) + 2
        if self._characters > MAX_CHARACTERS or len(self._blocks) >= MAX_BLOCKS:
            raise DocumentFailure(
                FailureCode.TOO_LARGE, told("more than {most} characters of text", most=f"{MAX_CHARACTERS:,}")
            )
        self._blocks.append(Block(kind, text, level, one_line(place)))
