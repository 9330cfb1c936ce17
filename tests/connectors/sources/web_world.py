"""A small site under Apache that the conformance suite can change."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from html import escape
from itertools import count
from pathlib import Path
from urllib.parse import quote, urlsplit

from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.hostile_proxy import hostile_proxy
from tests.connectors.servers.apache_site import PASSWORD, USER, apache

LOOPBACK = Network(parse_networks("127.0.0.0/8"))
_NUMBERS = count(1)


class WebWorld:
    """One folder of the server, with a page that links to every file in it and is no document itself."""

    kind: ConnectorKind = connector_kind("web")

    def __init__(self, folder: Path) -> None:
        server = apache()
        name = f"world-{next(_NUMBERS)}"
        self.root = server.root / name
        self.root.mkdir()
        self.root.chmod(0o755)
        self.url = f"{server.url}/{name}/"
        self.scratch = folder / "scratch"
        self._audience: list[Json] = []
        self._write_index()

    def connector(self, **more: Json) -> Connector:
        """A connector as the engine would build it; `more` adds settings."""
        config: dict[str, Json] = {"start": [self.url], "audience": self._audience, "delay_ms": 0, **more}
        return self.kind.build(config, {}, Surroundings(LOOPBACK, scratch=self.scratch))

    def put(self, name: str, text: str) -> str:
        (self.root / name).write_text(text, encoding="utf-8")
        (self.root / name).chmod(0o644)
        self._write_index()
        return self.url + quote(name)

    def delete(self, name: str) -> None:
        (self.root / name).unlink()
        self._write_index()

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        assert not deny, "an audience has no denies"
        self._audience = list(allow)

    def break_acl(self, name: str) -> None:
        self._audience = ["the whole company"]

    def set_group(self, name: str, members: Sequence[str]) -> None:
        raise NotImplementedError("a site has no groups")

    def break_groups(self) -> None:
        raise NotImplementedError("a site has no groups")

    def vanish(self) -> None:
        shutil.rmtree(self.root)

    def _write_index(self) -> None:
        names = sorted(path.name for path in self.root.glob("*.txt"))
        links = "".join(f'<li><a href="{quote(name)}">{escape(name)}</a></li>' for name in names)
        index = self.root / "index.html"
        index.write_text(f'<title>Files</title><meta name="robots" content="noindex"><ul>{links}</ul>')
        index.chmod(0o644)


class SpoiledWebWorld(WebWorld):
    """The same, read through a hostile proxy."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._stack = ExitStack()
        server = urlsplit(self.url)
        self.proxy = self._stack.enter_context(hostile_proxy(f"{server.scheme}://{server.netloc}"))
        self.url = self.proxy.url + server.path

    def connector(self, **more: Json) -> Connector:
        """It gives a password, which may be revoked."""
        config: dict[str, Json] = {"start": [self.url], "audience": self._audience, "delay_ms": 0, **more}
        config |= {"sign_in": "basic", "username": USER}
        return self.kind.build(config, {"password": PASSWORD}, Surroundings(LOOPBACK, scratch=self.scratch))

    def close(self) -> None:
        self._stack.close()
