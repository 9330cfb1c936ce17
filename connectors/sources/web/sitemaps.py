"""Which pages do the sitemaps name (sitemaps.org), through indexes and packed files?"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lxml import etree

from assistant.common.errors import FailureCode, MundapError
from assistant.common.http_messages import Answer, TooLarge
from assistant.common.told import said, told
from connectors.sdk.contract import Failure
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sources.web.addresses import canonical, is_trap, origin

MAX_SITEMAP_BYTES = 52_428_800  # as the protocol says, unpacked
MOST_SITEMAPS = 1_000
_GONE = frozenset((404, 410))
_SERVER_ERROR = 500
_LATER_S = 300.0


@dataclass(frozen=True, slots=True)
class Named:
    """A page that a sitemap names. `lastmod` as it is written there, or empty."""

    address: str
    lastmod: str


class _MalformedError(MundapError):
    """This is no sitemap."""


def read_sitemaps(addresses: tuple[str, ...], ask: Callable[[str, int], Answer]) -> Iterator[Named | Failure]:
    """Every page that the sitemaps and those that they name name; a Failure for each that cannot be read.

    Raises:
        Stop, Retry, Reconfigure: a sitemap of the settings itself cannot be read.
    """
    pending, seen = list(reversed(addresses)), set(addresses)
    read = 0
    while pending:
        address = pending.pop()
        read += 1
        if read > MOST_SITEMAPS:
            yield _unread(
                address, told("More than {most} sitemaps: the rest is not read.", most=MOST_SITEMAPS)
            )
            return
        try:
            pages, further = _read(address, ask)
        except (_MalformedError, TooLarge, Stop, Retry) as error:
            if address in addresses:
                raise _as_settings_error(address, error) from error
            yield _unread(address, said(error))
            continue
        yield from pages
        fresh = [each for each in further if each not in seen and origin(each) == origin(address)]
        seen.update(fresh)
        pending.extend(reversed(fresh))


def _unread(address: str, detail: str) -> Failure:
    return Failure(
        "" if is_trap(address) else address, FailureCode.UNLISTED, told("A sitemap: {detail}", detail=detail)
    )


def _as_settings_error(address: str, error: MundapError) -> MundapError:
    if isinstance(error, (Stop, Retry)):
        return error
    return Reconfigure(
        told(
            "{address} cannot be read as a sitemap: {error} Correct or remove it.",
            address=address,
            error=error,
        )
    )


def _read(address: str, ask: Callable[[str, int], Answer]) -> tuple[list[Named], list[str]]:
    answer = ask(address, MAX_SITEMAP_BYTES)
    if answer.status in _GONE:
        raise Stop(
            told(
                "The sitemap {address} answers {status}. Nothing was deleted; correct or remove it.",
                address=address,
                status=answer.status,
            )
        )
    if answer.status >= _SERVER_ERROR:
        raise Retry(
            told("The sitemap {address} answers {status}.", address=address, status=answer.status),
            after=_LATER_S,
        )
    if not answer.ok:
        raise _MalformedError(told("the site answers {status}.", status=answer.status))
    body = _unpacked(answer.body)
    if not body.strip():
        raise _MalformedError(told("it is empty."))
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _lines(body), []
    return _tags(body, address)


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            unpacked = packed.read(MAX_SITEMAP_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _MalformedError(told("the packed file is damaged.")) from error
    if len(unpacked) > MAX_SITEMAP_BYTES:
        raise _MalformedError(told("unpacked it is larger than {most} bytes.", most=f"{MAX_SITEMAP_BYTES:,}"))
    return unpacked


def _lines(body: bytes) -> list[Named]:
    """A sitemap of plain text: one address a line."""
    lines = [line.strip() for line in body.decode("utf-8-sig", "replace").splitlines()]
    found = [Named(line, "") for line in lines if line]
    if any(not canonical(each.address) for each in found):
        raise _MalformedError(told("it is neither XML nor a list of addresses."))
    return found


def _tags(body: bytes, address: str) -> tuple[list[Named], list[str]]:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    try:
        root = etree.fromstring(body, parser=parser)
    except etree.XMLSyntaxError as error:
        raise _MalformedError(told("it is no whole XML.")) from error
    pages, further = [], []
    for element in root.iterchildren():
        fields = {
            etree.QName(child).localname: (child.text or "").strip()
            for child in element.iterchildren(tag=etree.Element)
        }
        where = canonical(fields.get("loc", ""), base=address)
        if not where:
            continue
        if etree.QName(root).localname == "sitemapindex":
            further.append(where)
        else:
            pages.append(Named(where, fields.get("lastmod", "")))
    if etree.QName(root).localname not in ("sitemapindex", "urlset"):
        raise _MalformedError(told("it is XML, but no sitemap."))
    return pages, further
