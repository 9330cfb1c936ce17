"""A small Atom feed under Apache that the conformance suite can change."""

from __future__ import annotations

from html import escape
from itertools import count
from pathlib import Path
from urllib.parse import quote

from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.hostile_proxy import BehindProxy
from tests.connectors.servers.apache_site import apache
from tests.connectors.sources.audience_world import AudienceWorld
from tests.connectors.sources.web_world import LOOPBACK

_NUMBERS = count(1)


def atom(*entries: str, more: str = "") -> str:
    """An Atom feed."""
    head = '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
    return f"{head}<id>urn:feed</id><title>News</title>{more}{''.join(entries)}</feed>"


def entry(
    name: str, text: str, *, updated: str = "2026-01-01T00:00:00Z", link: str = "", kind: str = "text"
) -> str:
    """One entry, whose id is made from its name."""
    href = f'<link href="{escape(link)}"/>' if link else ""
    return (
        f"<entry><id>{entry_id(name)}</id><title>{escape(name)}</title><updated>{updated}</updated>{href}"
        f'<content type="{kind}">{escape(text)}</content></entry>'
    )


def entry_id(name: str) -> str:
    """The id of the entry with this name."""
    return f"tag:example.com,2026:{quote(name)}"


class FeedWorld(AudienceWorld):
    """One feed that holds every entry."""

    kind: ConnectorKind = connector_kind("feed")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        server = apache()
        name = f"feed-{next(_NUMBERS)}.xml"
        self.file = server.root / name
        self.url = f"{server.url}/{name}"
        self._texts: dict[str, str] = {}
        self._write()

    def connector(self, **more: Json) -> Connector:
        """A connector as the engine would build it; `more` adds settings."""
        config: dict[str, Json] = {"addresses": [self.url], "audience": self._audience, **more}
        return self.kind.build(config, {}, Surroundings(LOOPBACK, scratch=self.scratch))

    def put(self, name: str, text: str) -> str:
        self._texts[name] = text
        self._write()
        return entry_id(name)

    def delete(self, name: str) -> None:
        """The entry leaves the feed."""
        del self._texts[name]
        self._write()

    def vanish(self) -> None:
        self.file.unlink()

    def _write(self) -> None:
        self.file.write_text(
            atom(*(entry(name, text) for name, text in self._texts.items())), encoding="utf-8"
        )
        self.file.chmod(0o644)


class SpoiledFeedWorld(BehindProxy, FeedWorld):
    """The same in pages of two entries, what changed last before the others, read through a hostile proxy."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = self.put_proxy_before(self.url)

    def put(self, name: str, text: str) -> str:
        if self._texts.get(name) != text:
            self._texts.pop(name, None)
        return super().put(name, text)

    def _write(self) -> None:
        entries = [entry(name, text) for name, text in reversed(self._texts.items())]
        for at in range(0, len(entries) or 1, 2):
            there = f'<link rel="next" href="{self._page(at + 2).name}"/>' if entries[at + 2 :] else ""
            self._page(at).write_text(atom(*entries[at : at + 2], more=there), encoding="utf-8")
            self._page(at).chmod(0o644)

    def _page(self, at: int) -> Path:
        return self.file.with_stem(f"{self.file.stem}-{at}") if at else self.file
