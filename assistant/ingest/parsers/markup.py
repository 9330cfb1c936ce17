"""XML as text: the words between the tags, one element that holds text a paragraph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.told import told
from assistant.ingest.parsers.blocks import BlockList
from assistant.ingest.parsers.contract import Parsed
from assistant.ingest.parsers.decoding import read_bytes

_TITLE_DEPTH = 3


def parse(path: Path) -> Parsed:
    """Parse an XML file; entities are never expanded, nothing outside the file is read."""
    root = read_tree(read_bytes(path))
    blocks = BlockList()
    for text in _paragraphs(root):
        blocks.paragraph(text)
    return blocks.parsed(title=_title(root))


def read_tree(data: bytes) -> etree._Element:
    """The root element.

    Raises:
        DocumentFailure: CORRUPT where it is not well-formed or declares entities.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentFailure(FailureCode.CORRUPT, told("the XML is not well-formed")) from error
    if root is None:
        raise DocumentFailure(FailureCode.CORRUPT, told("the XML has no root element"))
    return root


def _paragraphs(root: etree._Element) -> Iterator[str]:
    """Text of every element with words of its own; inner markup stays inside its sentence."""
    pending = [root]
    while pending:
        element = pending.pop()
        if not isinstance(element.tag, str):
            continue
        if (element.text and element.text.strip()) or any(
            child.tail and child.tail.strip() for child in element
        ):
            yield "".join(element.xpath(".//text()"))
        else:
            pending.extend(reversed(element))


def _title(root: etree._Element) -> str:
    level = [root]
    for _ in range(_TITLE_DEPTH):
        for element in level:
            if isinstance(element.tag, str) and etree.QName(element).localname.lower() == "title":
                return " ".join("".join(element.xpath(".//text()")).split())
        level = [child for element in level for child in element]
    return ""
