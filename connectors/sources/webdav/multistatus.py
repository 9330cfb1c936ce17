"""What a WebDAV server says of a folder: the answer to PROPFIND (RFC 4918, 13), read without trust.

The XML is read without entities, document types and network. Where an entry lies is judged by its
address alone: it must be the folder itself or a direct child, on the same server.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from lxml import etree

from assistant.common.told import told
from connectors.sdk.exact_json import shown

ASKED = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getetag/><getlastmodified/><getcontentlength/><getcontenttype/></prop></propfind>"
)
_DAV = "{DAV:}"
_STATUS = re.compile(r"HTTP/[\d.]+ (\d{3})")
_PORTS = {"http": 80, "https": 443}


class NotUnderstood(Exception):
    """The answer is none that can be relied on; says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One response. `status`: what it says of the whole resource, 200 if nothing; texts are empty if missing.

    `types` are the names of its resource types, None where it says none.
    """

    parts: tuple[str, ...]
    status: int
    types: frozenset[str] | None
    etag: str
    modified: str
    length: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Base:
    """An address of a folder, with a `/` at its end, and the names of its path."""

    url: SplitResult
    parts: tuple[str, ...]

    @classmethod
    def of(cls, url: str) -> Base:
        """The base for an address that was configured.

        Raises:
            NotUnderstood: it has more than a path, or no plain one.
        """
        if "?" in url or "#" in url:
            raise NotUnderstood(told("it has a ? or #"))
        split = urlsplit(url if url.endswith("/") else f"{url}/")
        return cls(split, _names(split.path))

    def parts_of(self, href: str) -> tuple[str, ...]:
        """The names below this folder that an address stands for; none for the folder itself.

        Raises:
            NotUnderstood: it leads to another server, out of the folder, or is ambiguous.
        """
        try:
            target = urlsplit(href.strip())
            elsewhere = bool(target.scheme or target.netloc) and _origin(target) != _origin(self.url)
        except ValueError as error:
            raise NotUnderstood(told("the address '{href}' is none", href=shown(href))) from error
        if elsewhere or target.query or target.fragment or not target.path.startswith("/"):
            raise NotUnderstood(told("the address '{href}' leads elsewhere", href=shown(href)))
        names = _names(target.path)
        if names[: len(self.parts)] != self.parts:
            raise NotUnderstood(
                told(
                    "the address '{href}' does not lie below the one that is configured: configure the "
                    "address that the server itself uses",
                    href=shown(href),
                )
            )
        return names[len(self.parts) :]


def read_multistatus(body: bytes, base: Base) -> list[Entry]:
    """The entries of an answer, in its order.

    Raises:
        NotUnderstood: no XML, no multistatus, or an address that does not belong there.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotUnderstood(told("the answer is no XML, or was cut off")) from error
    if root.getroottree().docinfo.doctype or root.tag != f"{_DAV}multistatus":
        raise NotUnderstood(told("the answer is no multistatus"))
    return [entry for response in root.findall(f"{_DAV}response") for entry in _entries(response, base)]


def _entries(response: etree._Element, base: Base) -> Sequence[Entry]:
    hrefs = [element.text or "" for element in response.findall(f"{_DAV}href")]
    status = _status(response)
    if not hrefs or (len(hrefs) > 1 and status is None):
        raise NotUnderstood(told("an entry has no address, or more than one"))
    found = {}
    for stated in response.findall(f"{_DAV}propstat"):
        if _status(stated) == 200:  # noqa: PLR2004 - the only status under which a property has its value
            found.update({str(prop.tag): prop for prop in stated.findall(f"{_DAV}prop/*")})
    kind = found.get(f"{_DAV}resourcetype")
    types = None if kind is None else frozenset(str(each.tag).removeprefix(_DAV) for each in kind)

    def text(name: str) -> str:
        element = found.get(_DAV + name)
        return "" if element is None else str(element.text or "").strip()

    return [
        Entry(
            base.parts_of(href),
            200 if status is None else status,
            types,
            text("getetag"),
            text("getlastmodified"),
            text("getcontentlength"),
            text("getcontenttype"),
        )
        for href in hrefs
    ]


def _status(element: etree._Element) -> int | None:
    stated = element.find(f"{_DAV}status")
    if stated is None:
        return None
    match = _STATUS.match((stated.text or "").strip())
    return int(match.group(1)) if match else 0


def _origin(url: SplitResult) -> tuple[str, str, int]:
    return url.scheme.lower(), (url.hostname or "").lower(), url.port or _PORTS.get(url.scheme.lower(), 0)


def _names(path: str) -> tuple[str, ...]:
    """The decoded names of a path. A `/` at the end adds none.

    Raises:
        NotUnderstood: an empty, `.` or `..` step, or a name with a `/` in it.
    """
    steps = path.removeprefix("/").removesuffix("/").split("/") if path.strip("/") else []
    names = tuple(unquote_to_bytes(step).decode("utf-8", "surrogateescape") for step in steps)
    if any(name in ("", ".", "..") or "/" in name for name in names):
        raise NotUnderstood(
            told("the address '{path}' has an empty, . or .. step or a name with a /", path=shown(path))
        )
    return names
