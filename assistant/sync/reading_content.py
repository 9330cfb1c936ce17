"""Reading one document's content: fetch, recognise what is unchanged, parse in the sandbox, cut."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.ingest.parsers.contract import Parsed
from assistant.ingest.parsers.text import parse_text
from assistant.ingest.sandbox import ParserProcess
from assistant.ingest.storing import prepare
from assistant.sync.committing import Outcome
from connectors.sdk.contract import BytesContent, Content, FileContent, TextContent, Upsert

PIPELINE = "1"  # raise it when parsing or chunking changes, so that a full run reads everything anew
_BLOCK = 1 << 20


def read_content(outcome: Outcome, *, known_digest: str, parser: ParserProcess) -> Outcome:
    """The outcome with its text, with the mark that nothing changed, or with the reason of its failure.

    `known_digest` is that of the content which the database holds; empty: none.
    """
    upsert = outcome.upsert
    try:
        if upsert.size is not None and upsert.size > settings.MUNDAP_MAX_FILE_BYTES:
            raise DocumentFailure(FailureCode.TOO_LARGE, f"{upsert.size} bytes")
        content = upsert.fetch()
        digest = _digest(upsert, content)
        if digest == known_digest:
            return replace(outcome, content_digest=digest)
        parsed = _parse(upsert, content, parser)
        title = upsert.title or parsed.title or upsert.name
        return replace(outcome, prepared=prepare(parsed, title=title), content_digest=digest)
    except DocumentFailure as failure:
        return replace(outcome, failure=failure.code, detail=failure.detail)
    except OSError as error:
        return replace(outcome, failure=FailureCode.UNREADABLE, detail=error.strerror or str(error))


def _parse(upsert: Upsert, content: Content, parser: ParserProcess) -> Parsed:
    match content:
        case TextContent(text):
            return parse_text(text)
        case FileContent(path):
            return parser.parse(path, name=upsert.name or path.name, media_type=upsert.media_type)
        case BytesContent(data):
            with tempfile.NamedTemporaryFile(suffix=Path(upsert.name).suffix) as file:
                file.write(data)
                file.flush()
                return parser.parse(Path(file.name), name=upsert.name, media_type=upsert.media_type)


def _digest(upsert: Upsert, content: Content) -> str:
    """Of everything that parsing depends on: the bytes, and the names that choose parser and title."""
    digest = hashlib.sha256("\0".join((PIPELINE, upsert.title, upsert.name, upsert.media_type)).encode())
    digest.update(b"\0")
    match content:
        case TextContent(text):
            digest.update(text.encode("utf-8", "surrogatepass"))
        case BytesContent(data):
            digest.update(data)
        case FileContent(path):
            with path.open("rb") as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
    return digest.hexdigest()
