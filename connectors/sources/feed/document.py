"""What stands in one document of a feed? Bytes in, entries out; nothing is ever fetched from here."""

from __future__ import annotations

import calendar
import hashlib
import io
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

import feedparser
from lxml import etree
from lxml import html as lxml_html

from assistant.common.http_messages import Answer
from connectors.sdk.document_fields import one_line, web_address
from connectors.sdk.names import id_problem

_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)
_DELETED = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"  # RFC 6721
_FURTHER = ("next", "prev-archive")  # RFC 5005: older pages, older archives
_ROOT = re.compile(rb"<((?:[\w.-]+:)?(?:feed|rss|RDF))(?:\s[^>]*?)?(/?)>")
_NO_MARKUP = re.compile(rb"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)
_MOST_TAGS = 50

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry. `body` is a whole page of HTML, or plain text if `plain`; empty if it only has a link.

    `feed`: the configured address of the feed that it stands in.
    """

    id: str
    feed: str
    title: str
    link: str
    body: str
    plain: bool
    author: str
    tags: tuple[str, ...]
    updated: datetime | None

    @property
    def version(self) -> str:
        """Changes with whatever the entry says."""
        parts = [self.id, self.title, self.link, self.body, self.author, *self.tags, str(self.updated)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A feed, or one page of it.

    `whole`: it was well-formed to its end. `further`: where older entries stand. `deleted`: ids
    of entries that the feed says were deleted. `cut`: its end is missing, and perhaps that of its last entry.
    """

    entries: tuple[FeedEntry, ...]
    further: str
    deleted: tuple[str, ...]
    whole: bool
    cut: bool = False


def read_feed(answer: Answer, *, feed: str) -> FeedDocument | None:
    """The feed in an answer; None if it is none. `feed` is its configured address."""
    headers = {
        "content-type": answer.headers.get("content-type", "application/xml"),
        "content-location": answer.url,
    }
    # A text or bytes would be taken for an address if it looked like one; a stream never is.
    parsed = feedparser.parse(io.BytesIO(answer.body), response_headers=headers)
    if not parsed.get("version"):
        return None
    entries: dict[str, FeedEntry] = {}
    for fields in parsed.get("entries", []):
        entry = _entry(fields, feed)
        known = entries.get(entry.id)
        if known is None or _moment(entry) > _moment(known):
            entries[entry.id] = entry
    whole = not parsed.get("bozo") or isinstance(
        parsed.get("bozo_exception"), feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType
    )
    further = _further(parsed.get("feed", {}).get("links", []))
    deleted = tuple(_deleted(answer.body, feed))
    return FeedDocument(tuple(entries.values()), further, deleted, whole, cut=_is_cut(answer.body))


def entry_id(guid: str, *, feed: str) -> str:
    """The id of an entry: its own where that is unique in the world, else one below its feed's address."""
    found = guid if _URI.fullmatch(guid) else f"{feed}#{guid}"
    if not id_problem(found):
        return found
    digest = hashlib.sha256(guid.encode("utf-8", "surrogatepass")).hexdigest()
    shortened = f"{feed}#sha256-{digest}"
    return shortened if not id_problem(shortened) else f"sha256-{digest}"


def _moment(entry: FeedEntry) -> datetime:
    return entry.updated or datetime.min.replace(tzinfo=UTC)


def _entry(fields: Fields, feed: str) -> FeedEntry:
    title = one_line(_plain(_text(fields, "title")))
    link = web_address(_text(fields, "link"))
    body, plain = _body(fields, title)
    # The parser gives the time of publication for a missing time of change, with a warning.
    dated = "updated_parsed" if "updated_parsed" in fields else "published_parsed"
    updated = _time(fields, dated)
    guid = _text(fields, "id").strip() or link
    if not guid:
        guid = hashlib.sha256(f"{title}\n{updated}".encode()).hexdigest()[:32]
    tags = fields.get("tags")
    terms = [_text(tag, "term") for tag in tags if isinstance(tag, Mapping)] if isinstance(tags, list) else []
    return FeedEntry(
        id=entry_id(guid, feed=feed),
        feed=feed,
        title=title,
        link=link,
        body=body,
        plain=plain,
        author=one_line(_text(fields, "author")),
        tags=tuple(dict.fromkeys(one_line(term) for term in terms[:_MOST_TAGS] if term.strip())),
        updated=updated,
    )


def _body(fields: Fields, title: str) -> tuple[str, bool]:
    """The content, else the summary."""
    contents = fields.get("content")
    summary = fields.get("summary_detail")
    parts = contents if isinstance(contents, list) and contents else [summary]
    found = [part for part in parts if isinstance(part, Mapping) and _text(part, "value").strip()]
    if not found:
        return "", True
    if all(part.get("type") == "text/plain" for part in found):
        return "\n\n".join(_text(part, "value") for part in found), True
    markup = "".join(
        f"<p>{escape(_text(part, 'value'))}</p>" if part.get("type") == "text/plain" else _text(part, "value")
        for part in found
    )
    head = f'<head><meta charset="utf-8"><title>{escape(title)}</title></head>'
    return f"<!doctype html><html>{head}<body>{markup}</body></html>", False


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    text = value if isinstance(value, str) else ""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")


def _plain(title: str) -> str:
    """A title without markup."""
    if "<" not in title and "&" not in title:
        return title
    try:
        return str(lxml_html.fromstring(f"<p>{title}</p>").text_content())
    except (etree.ParserError, etree.XMLSyntaxError, AssertionError):
        return title


def _time(fields: Fields, name: str) -> datetime | None:
    value = fields.get(name)
    if not isinstance(value, time.struct_time):
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _further(links: object) -> str:
    for link in links if isinstance(links, list) else []:
        if isinstance(link, Mapping) and link.get("rel") in _FURTHER:
            return _text(link, "href")
    return ""


def _is_cut(body: bytes) -> bool:
    """Whether the outermost element has no end. What is only written badly has one.

    Tags in comments and quoted texts are none, also not in one that the cut has left open.
    """
    markup = _NO_MARKUP.sub(b"", body)
    root = _ROOT.search(markup)
    return root is not None and not root[2] and b"</" + root[1] not in markup[root.end() :]


def _deleted(body: bytes, feed: str) -> Iterator[str]:
    """Entries that the feed declares deleted."""
    if b"deleted-entry" not in body:
        return
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, recover=False)
    try:
        root = etree.fromstring(body, parser=parser)
    except (etree.XMLSyntaxError, ValueError):
        return
    for element in root.iter(_DELETED):
        if element.get("ref"):
            yield entry_id(element.get("ref", "").strip(), feed=feed)
