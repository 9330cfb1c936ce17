"""Reading one document's content: fetch, recognise what is unchanged, parse in the sandbox, cut.

Runs in threads beside the one that owns the database, so nothing here touches it.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.os_reasons import os_reason
from assistant.common.told import told
from assistant.ingest.parsers.contract import Parsed
from assistant.ingest.parsers.text import parse_text
from assistant.ingest.sandbox import Limits, ParserProcess
from assistant.ingest.storing import prepare
from assistant.sync.committing import Outcome
from assistant.sync.spool import Spool
from connectors.sdk.contract import BytesContent, Content, FileContent, TextContent, Upsert

PIPELINE = "1"  # raise it when parsing or chunking changes, so that a full run reads everything anew
_BLOCK = 1 << 20


class ContentReader:
    """Reads documents for several threads: at most so many fetches at once, and as many parser processes.

    `max_bytes`: of a document that is not refused. Content that came over the network is
    kept in `spool` until it is committed.
    """

    def __init__(self, *, limits: Limits, spool: Spool, fetches_at_once: int, max_bytes: int) -> None:
        self._spool = spool
        self._max_bytes = max_bytes
        self._fetching = threading.Semaphore(fetches_at_once)
        self._all = [ParserProcess(limits) for _ in range(PARSERS)]
        self._free: queue.SimpleQueue[ParserProcess] = queue.SimpleQueue()
        for parser in self._all:
            self._free.put(parser)

    def read(self, outcome: Outcome, known_digest: str) -> Outcome:
        """The outcome with its text, with the mark that nothing changed, or with the reason of its failure.

        `known_digest` is that of the content which the database holds; empty: none.

        Raises:
            ConnectorError: the whole source cannot be read.
            Stopped: the run was asked to stop.
        """
        upsert = outcome.upsert
        try:
            if upsert.size is not None and upsert.size > self._max_bytes:
                raise DocumentFailure(FailureCode.TOO_LARGE, told("{size} bytes", size=upsert.size))
            content = self._spool.kept(upsert)
            while True:
                if content is None:
                    outcome = replace(outcome, fetched=True)
                    with self._fetching:
                        content = self._spool.keep(upsert, upsert.fetch())
                try:
                    return self._understood(outcome, content, known_digest)
                except (OSError, DocumentFailure):
                    if not self._spool.has_lost(content):
                        raise
                    content = None
        except DocumentFailure as failure:
            return replace(outcome, failure=failure.code, detail=failure.detail)
        except OSError as error:
            return replace(outcome, failure=FailureCode.UNREADABLE, detail=os_reason(error))

    def _understood(self, outcome: Outcome, content: Content, known_digest: str) -> Outcome:
        upsert = outcome.upsert
        digest = _digest(upsert, content)
        if digest == known_digest:
            return replace(outcome, content_digest=digest)
        parsed = self._parse(upsert, content)
        title = upsert.title or parsed.title or upsert.name
        return replace(outcome, prepared=prepare(parsed, title=title), content_digest=digest)

    def forget(self, upserts: Iterable[Upsert]) -> None:
        """What was kept of these is committed."""
        self._spool.forget(upserts)

    def interrupt(self) -> None:
        """End whatever the parsers are at; the documents they were reading fail."""
        for parser in self._all:
            parser.kill()

    def close(self) -> None:
        """End the parser processes. No thread may be reading any more."""
        for parser in self._all:
            parser.close()

    def _parse(self, upsert: Upsert, content: Content) -> Parsed:
        match content:
            case TextContent(text):
                return parse_text(text)
            case FileContent(path):
                return self._with_parser(
                    lambda parser: parser.parse(
                        path, name=upsert.name or path.name, media_type=upsert.media_type
                    )
                )
            case BytesContent():
                raise AssertionError("the spool has made a file of it")

    def _with_parser(self, use: Callable[[ParserProcess], Parsed]) -> Parsed:
        parser = self._free.get()
        try:
            return use(parser)
        finally:
            self._free.put(parser)


PARSERS = 2  # processes; parsing and embedding share the machine's cores


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
            _add_file(digest, path)
    return digest.hexdigest()


def _add_file(digest: hashlib._Hash, path: Path) -> None:
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
