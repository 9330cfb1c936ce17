"""Asking the drive: each answer becomes a value, or an error that says what the engine does next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, urlencode

from assistant.common.acl import Clause, parse_acl
from assistant.common.errors import UsageError
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Answer, Origin
from assistant.common.types import Json, JsonObject
from connectors.sdk.contract import BytesContent, FeedGap
from connectors.sdk.errors import Retry
from connectors.sdk.exact_json import MalformedError, as_list, as_object, as_text, decode_json
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import accepted, content_of, needed, network_errors, web_client

_AGAIN_S = 60.0
_NOT_THERE, _TOO_LONG_AGO = 404, 410
T = TypeVar("T")


class ListUnreadable(Exception):
    """The list of one item cannot be read now: nothing is known of who may see it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder as the drive describes it."""

    id: str
    name: str
    parent: str
    is_folder: bool
    revision: int
    size: int | None
    has_list: bool


class DriveApi:
    """The drive's service. Opens nothing until asked."""

    def __init__(self, surroundings: Surroundings, *, url: str, token: str) -> None:
        self._surroundings = surroundings
        self._url = url
        self._client: GuardedClient = web_client(
            surroundings, Origin(url, {"Authorization": f"Bearer {token}"})
        )

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def cursor(self) -> str:
        """Where the feed of changes stands now."""
        return self._json("/about", "its own description", lambda body: as_text(body["cursor"], "cursor"))

    def pages(self, what: str, *, after: str = "", **more: str) -> Iterator[list[Entry]]:
        """Pages of "files" or "folders" by id, which no change in between can shift."""
        while True:
            query = urlencode({"after": after, **more})
            page, goes_on = self._json(f"/{what}?{query}", f"the list of {what}", _read_page)
            yield page
            if not goes_on:
                return
            after = page[-1].id

    def changed(self, since: str) -> Iterator[tuple[list[str], str]]:
        """Pages of ids that changed, each with the cursor after it.

        Raises:
            FeedGap: `since` is too long ago.
        """
        goes_on = True
        while goes_on:
            path = f"/changes?{urlencode({'since': since})}"
            with network_errors():
                answer = self._client.get(self._url + path)
            if answer.status == _TOO_LONG_AGO:
                raise FeedGap("The drive no longer knows what changed since the last run.")
            ids, since, goes_on = _understood(accepted(answer, "the list of changes"), _read_changes)
            yield ids, since

    def item(self, external_id: str) -> Entry | None:
        """One item; None: the drive says that it is gone."""
        with network_errors():
            answer = self._client.get(f"{self._url}/items/{quote(external_id, safe='')}")
        if answer.status == _NOT_THERE:
            return None
        return _understood(accepted(answer, "an item"), _read_entry)

    def own_list(self, external_id: str) -> Clause | None:
        """The item's own list; None: it has none any more.

        Raises:
            ListUnreadable: the drive does not hand it over.
            MalformedError: the list is none that we know.
        """
        with network_errors():
            answer = self._client.get(f"{self._url}/items/{quote(external_id, safe='')}/list")
        if answer.status in (403, 404):
            raise ListUnreadable(f"The drive answers {answer.status}")
        body = accepted(answer, "who may read an item")
        entries = _understood(body, lambda read: (read["entries"],))[0]
        if entries is None:
            return None
        try:
            return parse_acl({"entries": entries}).clauses[0]
        except UsageError as error:
            raise MalformedError(str(error)) from error

    def groups(self) -> Iterator[tuple[str, Json]]:
        """Every group with its members as the drive writes them."""
        after, goes_on = "", True
        while goes_on:
            found, goes_on = self._json(f"/groups?{urlencode({'after': after})}", "the groups", _read_groups)
            yield from found
            after = found[-1][0] if found else after

    def content(self, external_id: str) -> BytesContent:
        """What the file holds."""
        url = f"{self._url}/items/{quote(external_id, safe='')}/content"
        return BytesContent(
            content_of(self._surroundings, lambda most: self._client.get(url, max_bytes=most)).body
        )

    def _json(self, path: str, what: str, read: Callable[[JsonObject], T]) -> T:
        return _understood(needed(lambda: self._client.get(self._url + path), what), read)


def _understood(answer: Answer, read: Callable[[JsonObject], T]) -> T:
    """What `read` makes of a JSON answer. One that is not as described says nothing about the drive."""
    try:
        return read(as_object(decode_json(answer.body), "the answer"))
    except (MalformedError, KeyError, TypeError) as error:
        raise Retry("The drive gives an answer that is not understood.", after=_AGAIN_S) from error


def _read_page(body: JsonObject) -> tuple[list[Entry], bool]:
    page = [_read_entry(as_object(each, "an item")) for each in as_list(body["items"], "items")]
    return page, _flag(body, "more") and bool(page)


def _read_entry(value: Mapping[str, Json]) -> Entry:
    revision, size = value["revision"], value["size"]
    if not isinstance(revision, int) or not (size is None or isinstance(size, int)):
        raise MalformedError("a number is none")
    return Entry(
        id=as_text(value["id"], "id"),
        name=as_text(value["name"], "name"),
        parent=as_text(value["parent"], "parent"),
        is_folder=_flag(value, "folder"),
        revision=revision,
        size=size,
        has_list=_flag(value, "has_list"),
    )


def _read_changes(body: JsonObject) -> tuple[list[str], str, bool]:
    ids = [as_text(each, "an id") for each in as_list(body["changes"], "changes")]
    return ids, as_text(body["cursor"], "cursor"), _flag(body, "more")


def _read_groups(body: JsonObject) -> tuple[list[tuple[str, Json]], bool]:
    groups = [as_object(each, "a group") for each in as_list(body["items"], "items")]
    return [(as_text(each["id"], "id"), each["members"]) for each in groups], _flag(body, "more")


def _flag(value: Mapping[str, Json], name: str) -> bool:
    flag = value[name]
    if not isinstance(flag, bool):
        raise MalformedError(f"{name} is neither true nor false")
    return flag
