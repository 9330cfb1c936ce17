"""From the text of a form field to a small tree of plain elements, or to a refusal.

Two parsers read the same bytes. Expat counts and stops at the first thing that has no place in a SAML
message; only what it let through reaches libxml2, and both must have read the same elements, attributes and
texts: what two parsers understand differently is how signatures were evaded elsewhere (CVE-2025-25291,
CVE-2025-25292).
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import Any, Final
from xml.parsers import expat

from lxml import etree

from assistant.identity.saml.reasons import Reason, Rejected

MOST_BYTES: Final = 512 * 1024
_MOST_ELEMENTS: Final = 8_000  # a person with 2,500 groups needs about 2,600
_MOST_ATTRIBUTES: Final = 24  # of one element, declarations of namespaces apart
_MOST_NAMESPACES: Final = 500  # declarations in all
_MOST_LEVELS: Final = 24
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+")
_BASE64_LINES: Final = re.compile(r"[A-Za-z0-9+/=]+(?:\r?\n[A-Za-z0-9+/=]+)*(?:\r?\n)?")

Element = Any  # an lxml element; lxml has no types
# ("start", name, attributes sorted by name), ("text", text) and ("end",), in the order of the document
Event = tuple[object, ...]


def decoded(encoded: str, *, most: int = MOST_BYTES) -> bytes:
    """The bytes behind strict Base64 (RFC 4648, whole lines allowed), at most `most` of them.

    Raises:
        Rejected: it is no Base64, has stray characters or bits, or is too long.
    """
    if len(encoded) > most // 3 * 4 + most // 32:
        raise Rejected(Reason.TOO_LARGE)
    if not _BASE64_LINES.fullmatch(encoded):
        raise Rejected(Reason.ENCODING)
    text = encoded.replace("\r", "").replace("\n", "")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Rejected(Reason.ENCODING) from None
    if len(data) > most:
        raise Rejected(Reason.TOO_LARGE)
    if base64.b64encode(data).decode() != text:  # bits that are thrown away could carry a second message
        raise Rejected(Reason.ENCODING)
    return data


def inflated(data: bytes, *, most: int = MOST_BYTES) -> bytes:
    """The bytes of a raw DEFLATE stream that is whole, ends where the data end, and gives at most `most`.

    Raises:
        Rejected: it does not.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        whole = stream.decompress(data, most + 1)
    except zlib.error:
        raise Rejected(Reason.ENCODING) from None
    if len(whole) > most:
        raise Rejected(Reason.TOO_LARGE)
    if not stream.eof or stream.unused_data or stream.unconsumed_tail:
        raise Rejected(Reason.ENCODING)
    return whole


def parsed(data: bytes, *, most: int = MOST_BYTES) -> Element:
    """The root of a document of elements, attributes and text, and nothing else.

    Raises:
        Rejected: too much of anything, a construct that is not allowed, or no well-formed UTF-8 document.
    """
    if len(data) > most:
        raise Rejected(Reason.TOO_LARGE)
    if b"\0" in data or data.startswith(b"\xef\xbb\xbf"):
        raise Rejected(Reason.ENCODING)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise Rejected(Reason.ENCODING) from None
    events = _Scan().read(data)
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, collect_ids=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Rejected(Reason.ENCODING) from None
    if root.getroottree().docinfo.doctype or _events(root) != events:
        raise Rejected(Reason.FORBIDDEN_XML)
    return root


class _Scan:
    """One pass of expat that keeps what it saw, and ends at the first thing that is not allowed."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._text: list[str] = []
        self._level = self._elements = self._namespaces = 0
        # The encoding is set from outside: what the document says of itself is only compared.
        parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        for construct in (
            "StartDoctypeDeclHandler",
            "ProcessingInstructionHandler",
            "CommentHandler",
            "StartCdataSectionHandler",
            "EntityDeclHandler",
            "SkippedEntityHandler",
            "ExternalEntityRefHandler",
        ):
            setattr(parser, construct, self._forbidden)
        self._parser = parser

    def read(self, data: bytes) -> list[Event]:
        """What the document consists of."""
        try:
            self._parser.Parse(data, True)  # noqa: FBT003 - expat's own interface
        except expat.ExpatError:
            raise Rejected(Reason.ENCODING) from None
        return self._events

    def _forbidden(self, *_: object) -> None:
        raise Rejected(Reason.FORBIDDEN_XML)

    def _declaration(self, version: str, encoding: str | None, _: int) -> None:
        if version != "1.0" or (encoding or "utf-8").lower() != "utf-8":
            raise Rejected(Reason.ENCODING)

    def _namespace(self, _: str | None, uri: str | None) -> None:
        self._namespaces += 1
        if self._namespaces > _MOST_NAMESPACES:
            raise Rejected(Reason.TOO_LARGE)
        # Canonicalization has no answer for a relative namespace; some libraries then sign and verify
        # nothing.
        if not uri or not _ABSOLUTE.fullmatch(uri):
            raise Rejected(Reason.FORBIDDEN_XML)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._flush()
        self._level += 1
        self._elements += 1
        if (
            self._level > _MOST_LEVELS
            or self._elements > _MOST_ELEMENTS
            or len(attributes) > _MOST_ATTRIBUTES
        ):
            raise Rejected(Reason.TOO_LARGE)
        self._events.append(
            ("start", _clark(name), sorted((_clark(key), value) for key, value in attributes.items()))
        )

    def _end(self, _: str) -> None:
        self._flush()
        self._level -= 1
        self._events.append(("end",))

    def _flush(self) -> None:
        if self._text:
            self._events.append(("text", "".join(self._text)))
            self._text.clear()


def _clark(name: str) -> str:
    """`uri local` of expat as `{uri}local` of lxml."""
    uri, space, local = name.rpartition(" ")
    return f"{{{uri}}}{local}" if space else local


def _events(element: Element) -> list[Event]:
    """What libxml2 read, in the words of `_Scan`. Levels are bounded by then."""
    if not isinstance(element.tag, str):  # a comment, an instruction or an entity
        raise Rejected(Reason.FORBIDDEN_XML)
    events: list[Event] = [("start", element.tag, sorted(element.attrib.items()))]
    if element.text:
        events.append(("text", element.text))
    for child in element:
        events.extend(_events(child))
        if child.tail:
            events.append(("text", child.tail))
    events.append(("end",))
    return events
