"""Markdown: headings, paragraphs, lists, tables and code from tokens; YAML front matter as attributes."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from lxml import etree
from lxml import html as lxml_html
from markdown_it import MarkdownIt
from markdown_it.token import Token

from assistant.ingest.parsers.blocks import BlockList, clean, honest_title
from assistant.ingest.parsers.contract import Parsed
from assistant.ingest.parsers.decoding import read_text

MAX_FRONT_MATTER = 20_000
MAX_LINE = 200_000  # characters; longer lines are no Markdown and make its inline rules slow
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_HEADING_ANCHOR = re.compile(r"\s*\{/?\*?[^{}]*\*?/?\}\s*$")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_NUMBERED_LINE = re.compile(r"\r(?=\s*(?:\d{1,3}[.)]|[가나다라마바사아자차카타파하][.)]|[①-⑳])\s)")
_BREAKING_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TITLE_KEYS = ("title", "제목", "name")


def parse(path: Path) -> Parsed:
    """Parse a Markdown file."""
    text = clean(read_text(path))
    front, body = _front_matter(text)
    blocks = BlockList()
    if max((len(line) for line in body.split("\n")), default=0) > MAX_LINE:
        blocks.paragraph(body)
    else:
        _TokenReader(blocks).read(MarkdownIt("commonmark", {"maxNesting": 50}).enable("table").parse(body))
    title = next((front[key] for key in _TITLE_KEYS if front.get(key)), "")
    attributes = {key: value for key, value in front.items() if key not in _TITLE_KEYS}
    return blocks.parsed(title=honest_title(title) or blocks.first_heading(), attributes=attributes)


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    match = _FRONT_MATTER.match(text[: MAX_FRONT_MATTER + 10])
    if match is None or ("&" in match[1] and re.search(r"(?m)[:\-]\s+&\w", match[1])):
        return {}, text
    try:
        values: object = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError):
        return {}, text[match.end() :]
    if not isinstance(values, dict):
        return {}, text
    return {str(key): _shown(value) for key, value in values.items()}, text[match.end() :]


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(part) for part in value)
    return "" if value is None or isinstance(value, dict) else str(value)


class _TokenReader:
    """Turns Markdown's flat tokens into blocks."""

    def __init__(self, blocks: BlockList) -> None:
        self._blocks = blocks
        self._heading = 0
        self._items = 0  # list items around the current token
        self._rows: list[list[str]] | None = None

    def read(self, tokens: list[Token]) -> None:
        """Append the blocks of all tokens."""
        for token in tokens:
            if token.type in {"fence", "code_block"}:
                self._blocks.code(token.content)
            elif token.type == "html_block":
                _add_html(self._blocks, token.content)
            elif token.type == "inline":
                self._add_text(_inline(token))
            else:
                self._note_structure(token)

    def _note_structure(self, token: Token) -> None:
        if token.type in {"heading_open", "heading_close"}:
            self._heading = int(token.tag[1]) if token.nesting > 0 else 0
        elif token.type in {"list_item_open", "list_item_close"}:
            self._items += token.nesting
        elif token.type == "table_open":
            self._rows = []
        elif token.type == "tr_open" and self._rows is not None:
            self._rows.append([])
        elif token.type == "table_close" and self._rows is not None:
            self._blocks.table(self._rows)
            self._rows = None

    def _add_text(self, text: str) -> None:
        if self._rows:
            self._rows[-1].append(text)
        elif self._heading:
            self._blocks.heading(_HEADING_ANCHOR.sub("", text) or text, level=self._heading)
        elif self._items:
            self._blocks.item(text)
        else:
            self._blocks.paragraph(text)


def _inline(token: Token) -> str:
    """The words of inline markup: link texts and image descriptions, never addresses."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in {"text", "code_inline"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append("\n" if child.type == "hardbreak" else "\r")
        elif child.type == "image":
            parts.append(child.content)
        elif child.type == "html_inline" and _BREAKING_TAG.fullmatch(child.content):
            parts.append("\n")
    # A source line that begins with its own number stays a line; other breaks are only wrapping.
    return _NUMBERED_LINE.sub("\n", "".join(parts)).replace("\r", " ")


def _add_html(blocks: BlockList, markup: str) -> None:
    markup = _COMMENT.sub("", markup).strip()
    if not markup:
        return
    try:
        element = lxml_html.fragment_fromstring(markup, create_parent="div")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return
    for dropped in element.xpath(".//script | .//style | .//*[@hidden]"):
        dropped.drop_tree()
    for line in element.text_content().split("\n\n"):
        blocks.paragraph(line)
