"""HTML pages: the text a reader sees, in order. Scripts, styles, hidden parts and navigation are left out."""

from __future__ import annotations

import re
from pathlib import Path

from lxml import etree
from lxml import html as lxml_html

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.ingest.parsers.blocks import BlockList, honest_title
from assistant.ingest.parsers.contract import Parsed
from assistant.ingest.parsers.decoding import decode, read_bytes


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAX_DEPTH = 200
_DECLARED = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_\-]+)""", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_DROPPED = _words("""
    script style noscript template svg math head iframe object embed canvas audio video map nav
    button select input textarea datalist dialog frameset applet
""")
_DROPPED_ROLES = frozenset(("navigation", "banner", "contentinfo", "search", "menu", "dialog"))
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:[a-z%;\s]|$)", re.IGNORECASE
)
_BLOCKS = _words("""
    address article aside blockquote body center dd details div dl dt fieldset figcaption figure
    footer form header hr html legend li main ol p pre section summary table ul caption tr td th
    tbody thead tfoot h1 h2 h3 h4 h5 h6 menu
""")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ITEMS = frozenset(("li", "dt", "dd"))
_FURNITURE = frozenset(("header", "footer", "aside"))
_CELLS = frozenset(("td", "th"))
_ROWS_OF_LAYOUT = 1


def parse(path: Path) -> Parsed:
    """Parse an HTML page.

    Raises:
        DocumentFailure: NO_TEXT, MISLABELLED for binary content, or TOO_LARGE.
    """
    data = read_bytes(path)
    declared = _DECLARED.search(data[:2_048])
    return parse_markup(decode(data, declared[1].decode("ascii") if declared else ""))


def parse_markup(markup: str) -> Parsed:
    """Parse HTML that is text already."""
    blocks = BlockList()
    root = _tree(markup)
    title, attributes = "", {}
    if root is not None:
        title = honest_title(root.findtext(".//head/title") or root.findtext(".//title") or "")
        attributes = {"author": _meta(root, "author"), "description": _meta(root, "description")}
        _Walker(blocks, in_main=_main(root) is not None).walk(_start(root))
        if not len(blocks):
            _Walker(blocks, in_main=True).walk(root)
    return blocks.parsed(title=title or blocks.first_heading(), attributes=attributes)


def _tree(markup: str) -> etree._Element | None:
    data = _XML_DECLARATION.sub("", markup.replace("\x00", "")).encode("utf-8", "replace")
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        return lxml_html.document_fromstring(data, parser=parser)
    except etree.ParserError:
        return None
    except (etree.XMLSyntaxError, AssertionError) as error:
        raise DocumentFailure(FailureCode.CORRUPT, told("the HTML cannot be read")) from error


def _main(root: etree._Element) -> etree._Element | None:
    """The main part, where it holds most of the page's words."""
    found = root.xpath("(//main | //*[@role='main'] | //article)[1]")
    if not found:
        return None
    words = len("".join(found[0].itertext()).split())
    body = root.find(".//body")
    whole = len("".join((root if body is None else body).itertext()).split())
    return found[0] if words * 3 >= whole else None


def _start(root: etree._Element) -> etree._Element:
    main = _main(root)
    if main is not None:
        return main
    body = root.find("body")
    return root if body is None else body


def _meta(root: etree._Element, name: str) -> str:
    found = root.xpath(
        "//meta[translate(@name,'ABCDEFGHIJKLMNOPQRSTUVWXYZ','abcdefghijklmnopqrstuvwxyz')=$name]", name=name
    )
    return found[0].get("content", "") if found else ""


class _Walker:
    """Gathers inline text until a block element ends it."""

    def __init__(self, blocks: BlockList, *, in_main: bool) -> None:
        self._blocks = blocks
        self._in_main = in_main
        self._inline: list[str] = []
        self._kinds: list[str] = []

    def walk(self, element: etree._Element, depth: int = 0) -> None:
        """Append the element's blocks in reading order."""
        tag = element.tag
        if not isinstance(tag, str) or self._is_dropped(element):
            return
        if depth > MAX_DEPTH:
            self._inline.append(_visible_text(element))
        elif tag in _HEADINGS:
            self._flush()
            self._blocks.heading(_visible_text(element), level=_HEADINGS[tag])
        elif tag == "pre":
            self._flush()
            self._blocks.code(_visible_text(element, keep_lines=True))
        elif tag == "table" and _is_data_table(element):
            self._flush()
            for caption in element.findall("caption"):
                self._blocks.paragraph(_visible_text(caption))
            self._blocks.table(_rows(element))
        elif tag == "br":
            self._inline.append("\n")
        elif tag == "img":
            self._inline.append(_spaced(element.get("alt", "")))
        else:
            self._descend(element, depth)

    def _descend(self, element: etree._Element, depth: int) -> None:
        is_block = element.tag in _BLOCKS
        if is_block:
            self._flush()
            self._kinds.append("li" if element.tag in _ITEMS else "p")
        self._inline.append(_collapsed(element.text))
        for child in element:
            self.walk(child, depth + 1)
            self._inline.append(_collapsed(child.tail))
        if is_block:
            self._flush()
            self._kinds.pop()

    def _flush(self) -> None:
        text = "".join(self._inline)
        self._inline = []
        if "li" in self._kinds:
            self._blocks.item(text)
        else:
            self._blocks.paragraph(text)

    def _is_dropped(self, element: etree._Element) -> bool:
        if element.tag in _DROPPED or is_hidden(element):
            return True
        if element.get("role", "") in _DROPPED_ROLES:
            return True
        return element.tag in _FURNITURE and not self._in_main and element.getparent().tag == "body"


def is_hidden(element: etree._Element) -> bool:
    """Whether the page's author hides the element from readers."""
    return (
        element.get("hidden") is not None
        or element.get("aria-hidden", "").lower() == "true"
        or _HIDING.search(element.get("style", "")) is not None
    )


def _is_data_table(table: etree._Element) -> bool:
    """Tables that hold tables, headings or single cells only lay the page out."""
    if (
        table.find(".//table") is not None
        or table.find(".//h1") is not None
        or table.find(".//h2") is not None
    ):
        return False
    return any(sum(1 for cell in row if cell.tag in _CELLS) > _ROWS_OF_LAYOUT for row in table.iter("tr"))


def _rows(table: etree._Element) -> list[list[str]]:
    return [
        [_visible_text(cell) for cell in row if cell.tag in _CELLS and not is_hidden(cell)]
        for row in table.iter("tr")
        if not is_hidden(row)
    ]


def _visible_text(element: etree._Element, *, keep_lines: bool = False) -> str:
    parts: list[str] = []
    pending: list[etree._Element | str] = [element]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            parts.append(node if keep_lines else _collapsed(node))
            continue
        if not isinstance(node.tag, str) or node.tag in _DROPPED or is_hidden(node):
            continue
        if node.tag == "br" or (node.tag in _BLOCKS and node is not element):
            parts.append("\n")
        elif node.tag == "img":
            parts.append(_spaced(node.get("alt", "")))
        for child in reversed(node):
            pending.append(child.tail or "")
            pending.append(child)
        pending.append(node.text or "")
    return "".join(parts)


def _collapsed(text: str | None) -> str:
    return re.sub(r"[ \t\r\n\f]+", " ", text) if text else ""


def _spaced(text: str) -> str:
    return f" {text} " if text.strip() else ""
