"""A tree of files on a WebDAV server, read with PROPFIND of depth 1 and GET and nothing else."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.http_messages import Answer, Ask, Origin, TooLarge
from assistant.common.told import said, told
from connectors.sdk.document_fields import web_address
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.tree import FolderGone, FolderUnread, Node, Path, seconds_version
from connectors.sdk.web import content_of, network_errors, web_client
from connectors.sources.webdav.multistatus import ASKED, Base, Entry, NotUnderstood, read_multistatus

_OK, _MULTI_STATUS = 200, 207
_UNAUTHORIZED, _FORBIDDEN, _SERVER_ERROR = 401, 403, 500
_GONE = frozenset({404, 410})
_RETRY_S = 60.0
_MAX_LISTING_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the server said of a folder and its children, and when, by its own clock."""

    itself: Entry
    children: tuple[Entry, ...]
    now: float


class WebdavTree:
    """The tree below an address. Asks for nothing when made."""

    def __init__(self, origin: Origin, surroundings: Surroundings) -> None:
        try:
            self._base = Base.of(origin.base_url)
        except NotUnderstood as error:
            raise Reconfigure(
                told("The address of the source cannot be used: {error}.", error=error)
            ) from error
        self._surroundings = surroundings
        self._client = web_client(surroundings, origin)

    def root(self) -> Node:
        """The folder at the configured address."""
        answer = self._ask((), depth="0")
        self._judge_root(answer)
        try:
            listed = self._understood((), answer)
        except NotUnderstood as error:
            raise Reconfigure(
                told("The listing of {where} is not used: {error}.", where=self._where(), error=error)
            ) from error
        if listed.itself.types is None or "collection" not in listed.itself.types:
            raise Reconfigure(told("{where} is no folder: check the address.", where=self._where()))
        return Node("", is_folder=True)

    def children(self, folder: Path) -> Sequence[Node]:
        """Folders and files in one folder."""
        try:
            answer = self._ask(folder, depth="1")
        except TooLarge as error:
            raise FolderUnread(said(error)) from error
        if answer.status in _GONE and not folder:
            raise FolderGone(told("the server answers {status}", status=answer.status))
        if answer.status != _MULTI_STATUS:
            # 404 too: its own folder has just named it. If it is gone, the next listing of that one says so.
            raise FolderUnread(told("The server answers {status}.", status=answer.status))
        try:
            listed = self._understood(folder, answer)
        except NotUnderstood as error:
            raise FolderUnread(told("The server's listing is not used: {error}.", error=error)) from error
        if listed.itself.status != _OK:
            raise FolderUnread(
                told("The server lists a part of it only ({status}).", status=listed.itself.status)
            )
        if listed.itself.types is None or "collection" not in listed.itself.types:
            raise FolderGone(told("it is no folder any more"))
        return [_node(entry, listed.now) for entry in listed.children]

    def read(self, path: Path, *, limit: int) -> bytes:
        """A file's bytes. A redirect is not followed: what lies elsewhere is not in this tree."""

        def ask(most: int) -> Answer:
            answer = self._client.send(Ask("GET", self._url(path), max_bytes=most, redirects=0))
            if not answer.ok and "location" in answer.headers:
                detail = told("The server leads elsewhere ({status}).", status=answer.status)
                raise DocumentFailure(FailureCode.REFUSED, detail)
            return self._admitted(answer)

        answer = content_of(replace(self._surroundings, max_content_bytes=limit), ask)
        if answer.status != _OK:
            raise DocumentFailure(
                FailureCode.REFUSED, told("The server answers {status}.", status=answer.status)
            )
        if "etag" not in answer.headers:
            self._confirm(path, len(answer.body))
        return answer.body

    def address(self, path: Path) -> str:
        """Where a browser opens the file."""
        return web_address(self._url(path))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _confirm(self, path: Path, length: int) -> None:
        """Ask how long a file is whose content came without an ETag.

        Nearly every server stamps its files; a page to sign in, which something before the server
        gives instead, bears no stamp and another length.

        Raises:
            DocumentFailure: what came is not the file.
        """
        answer = self._ask(path, depth="0", folder=False)
        try:
            stated = self._understood(path, answer).itself if answer.status == _MULTI_STATUS else None
        except NotUnderstood:
            stated = None
        if stated is None or (stated.length and stated.length != str(length)):
            raise DocumentFailure(FailureCode.UNREACHABLE, told("What the server answers is not the file."))

    def _url(self, path: Path, *, folder: bool = False) -> str:
        names = "/".join(quote(name, safe="", errors="surrogateescape") for name in path)
        return self._base.url.geturl() + names + ("/" if folder and names else "")

    def _where(self) -> str:
        return f"'{self._base.url.geturl()[:200]}'"

    def _ask(self, path: Path, *, depth: str, folder: bool = True) -> Answer:
        headers = {"Depth": depth, "Content-Type": "application/xml; charset=utf-8"}
        ask = Ask("PROPFIND", self._url(path, folder=folder), headers, ASKED, _MAX_LISTING_BYTES, redirects=0)
        with network_errors():
            return self._admitted(self._client.send(ask))

    def _admitted(self, answer: Answer) -> Answer:
        if answer.status == _UNAUTHORIZED:
            raise Reconfigure(
                told("{where} answers 401: check the user and the password.", where=self._where())
            )
        return answer

    def _judge_root(self, answer: Answer) -> None:
        where = self._where()
        if answer.status == _MULTI_STATUS:
            return
        if answer.status in _GONE:
            raise Stop(
                told(
                    "{where} is not there ({status}). Nothing was deleted; check the address.",
                    where=where,
                    status=answer.status,
                )
            )
        if answer.status >= _SERVER_ERROR and answer.status != 501:  # noqa: PLR2004 - it knows no PROPFIND
            raise Retry(told("{where} answers {status}.", where=where, status=answer.status), after=_RETRY_S)
        if answer.status == _FORBIDDEN:
            raise Reconfigure(told("{where} answers 403: the account may not list this folder.", where=where))
        if "location" in answer.headers:
            raise Reconfigure(
                told(
                    "{where} leads elsewhere ({status}): enter the address it leads to.",
                    where=where,
                    status=answer.status,
                )
            )
        raise Reconfigure(
            told(
                "{where} answers {status} instead of a WebDAV listing: check the address.",
                where=where,
                status=answer.status,
            )
        )

    def _understood(self, folder: Path, answer: Answer) -> _Listed:
        """The answer, if each of its entries belongs to the folder and none is there twice."""
        base = Base(self._base.url, self._base.parts + folder)
        entries = read_multistatus(answer.body, base)
        by_parts = {entry.parts: entry for entry in entries}
        if len(by_parts) != len(entries):
            raise NotUnderstood(told("it names an address twice"))
        itself = by_parts.pop((), None)
        if itself is None:
            raise NotUnderstood(told("it does not speak of the folder itself"))
        if any(len(parts) != 1 for parts in by_parts):
            raise NotUnderstood(told("it speaks of what lies deeper"))
        return _Listed(itself, tuple(by_parts.values()), _now(answer))


def _now(answer: Answer) -> float:
    said = _moment(answer.headers.get("date", ""))
    return time.time() if said is None else said.timestamp()


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _node(entry: Entry, now: float) -> Node:
    name = entry.parts[0]
    if entry.status != _OK or entry.types is None:
        trouble = (
            told("The server answers {status} for it.", status=entry.status)
            if entry.status != _OK
            else told("The server does not say what it is.")
        )
        return Node(name, is_folder=False, trouble=trouble)
    if "redirectref" in entry.types:
        return Node(name, is_folder=False, is_other=True)
    if "collection" in entry.types:
        return Node(name, is_folder=True)
    modified = _moment(entry.modified)
    length = entry.length
    return Node(
        name,
        is_folder=False,
        version=_version(entry, modified, now),
        size=int(length[:18]) if length.isascii() and length.isdigit() else None,
        modified=modified,
        media_type=_media_type(entry.media_type),
    )


def _version(entry: Entry, modified: datetime | None, now: float) -> str:
    """From time, size and ETag. Some servers make the ETag of the second, so a fresh one counts too."""
    stamp = None if modified is None else int(modified.timestamp())
    size = hashlib.sha256(f"{entry.length}\n{entry.etag}".encode("utf-8", "replace")).hexdigest()[:16]
    if stamp is None and not entry.etag:
        # Nothing tells whether it changed: it is read by every run.
        return f"{size}-{time.time_ns():x}"
    return f"{size}-{seconds_version(None, stamp, now=now)}"


def _media_type(text: str) -> str:
    """The type, unless it says no more than that these are bytes: then the name decides."""
    kind = text.partition(";")[0].strip().lower()
    plain = kind.isascii() and kind.isprintable() and "/" in kind
    return kind[:100] if plain and kind != "application/octet-stream" else ""
