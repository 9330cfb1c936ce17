"""From an answer to what is remembered and reported of a page."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from assistant.common.formats import EXTENSIONS, MEDIA_TYPES, declared_format, extension_of
from assistant.common.http_messages import Answer
from connectors.sdk.document_fields import one_line
from connectors.sources.web.addresses import last_step
from connectors.sources.web.memory import Record
from connectors.sources.web.page import Page, is_html, media_type

MAX_NAME_LENGTH = 200
# A page that changes twice within a second may bear one stamp for both (RFC 9110, 8.8.2.2).
_SETTLED_S = 60.0
_VAGUE = frozenset(("text/plain", "application/octet-stream", ""))


def record_of(url: str, answer: Answer, page: Page, *, lastmod: str) -> Record:
    """What is remembered of a page that was just read."""
    kind = "text/html" if is_html(answer) else media_type(answer)
    name = _name(url, answer, kind)
    settled = _is_settled(answer)
    digest = hashlib.sha256("\n".join((page.fingerprint, kind, name)).encode("utf-8", "replace"))
    return Record(
        version=digest.hexdigest()[:40],
        media_type=kind,
        name=name,
        size=len(answer.body),
        etag=answer.headers.get("etag", "") if settled else "",
        modified=answer.headers.get("last-modified", "") if settled else "",
        changed=answer.headers.get("last-modified", ""),
        lastmod=lastmod,
        links=page.links,
        canonical=page.canonical,
        indexed=page.indexed,
    )


def is_document(record: Record) -> bool:
    """Whether a page may be read: wanted by the site, and in a format that some parser knows."""
    return record.indexed and bool(declared_format(name=record.name, media_type=record.media_type))


def http_date(text: str) -> datetime | None:
    """A time from a header, in UTC; None where it is none."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _is_settled(answer: Answer) -> bool:
    """Whether a change after this answer would surely show in its validators."""
    changed = http_date(answer.headers.get("last-modified", ""))
    if changed is None:
        return True
    sent = http_date(answer.headers.get("date", "")) or datetime.now(UTC)
    return (sent - changed).total_seconds() >= _SETTLED_S


def _name(url: str, answer: Answer, kind: str) -> str:
    """A file name whose extension does not contradict the type that the site declares."""
    offered = _offered_name(answer.headers.get("content-disposition", ""))
    name = one_line(re.sub(r"[/\\]", "_", offered or unquote(last_step(url))))[-MAX_NAME_LENGTH:]
    declared = MEDIA_TYPES.get(kind, "")
    by_name = EXTENSIONS.get(extension_of(name), "")
    if name and declared and by_name != declared and kind not in _VAGUE and by_name:
        return f"{name}.{declared}"
    return name


def _offered_name(header: str) -> str:
    """The file name of Content-Disposition, in either of its forms."""
    if "filename" not in header:
        return ""
    message = Message()
    message["Content-Disposition"] = re.sub(r"[\r\n]", " ", header)
    return message.get_filename("") or ""
