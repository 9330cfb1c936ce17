"""The drive's web service: pages, a feed of changes, and a token that may be revoked.

GET /about                                 who asks, and where the log of changes stands
GET /folders?after=ID                      every folder, by id
GET /files?after=ID&under=FOLDER           every file below a folder, by id
GET /changes?since=CURSOR                  ids of what changed; 410 when it is too long ago
GET /items/ID, /items/ID/list, /items/ID/content
GET /groups?after=ID
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

from assistant.common.types import Json
from tests.common.scripted_server import Script, Seen, reply
from tests.connectors.sample_drive.drive import ROOT, Drive, Forgotten, NotThere


@dataclass(slots=True)
class DriveService:
    """Answers for one drive."""

    drive: Drive
    token: str
    gone: bool = False

    @property
    def page_size(self) -> int:
        """Small enough that every listing has many pages."""
        return max(2, len(self.drive.items) // 25)

    def __call__(self, handler: BaseHTTPRequestHandler, seen: Seen) -> None:
        """Answer one request."""
        self._script(seen)(handler, seen)

    def _script(self, seen: Seen) -> Script:
        if seen.headers.get("authorization") != f"Bearer {self.token}":
            return reply(401)
        if self.gone:
            return reply(404)
        parts = urlsplit(seen.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            body = self._body(tuple(map(unquote, parts.path.strip("/").split("/"))), asked)
        except NotThere:
            return reply(404)
        except Forgotten:
            return reply(410)
        except PermissionError:
            return reply(403)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return reply(200, data, content_type="application/json")

    def _body(self, path: tuple[str, ...], asked: dict[str, str]) -> Json | bytes:
        match path:
            case ("about",):
                return {"root": ROOT, "cursor": self.drive.now()}
            case ("folders" | "files",):
                return self._page(asked, folders=path[0] == "folders")
            case ("changes",):
                ids, cursor = self.drive.changes(asked["since"], self.page_size)
                return {"changes": ids, "cursor": cursor, "more": len(ids) == self.page_size}
            case ("groups",):
                return self._groups(asked.get("after", ""))
            case ("items", name, *rest):
                return self._item(name, rest)
        raise NotThere(path)

    def _page(self, asked: dict[str, str], *, folders: bool) -> Json:
        under = asked.get("under", ROOT)
        found = self.drive.page(
            folders=folders, under=under, after=asked.get("after", ""), limit=self.page_size
        )
        return {"items": [each.shown() for each in found], "more": len(found) == self.page_size}

    def _groups(self, after: str) -> Json:
        names = sorted(name for name in self.drive.groups if name > after)[: self.page_size]
        found: list[Json] = [{"id": name, "members": self.drive.groups[name]} for name in names]
        return {"items": found, "more": len(found) == self.page_size}

    def _item(self, name: str, rest: list[str]) -> Json | bytes:
        if name not in self.drive.items:
            raise NotThere(name)
        item = self.drive.items[name]
        if rest == ["list"]:
            if item.list_is_secret:
                raise PermissionError(name)
            return {"entries": item.entries}
        if rest == ["content"]:
            return (item.text or "").encode()
        return item.shown()
