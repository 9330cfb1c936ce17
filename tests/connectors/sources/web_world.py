"""A small site under Apache that the conformance suite can change."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from html import escape
from itertools import count
from pathlib import Path
from urllib.parse import quote

from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.hostile_proxy import BehindProxy
from tests.connectors.servers.apache_site import PASSWORD, USER, apache
from tests.connectors.sources.audience_world import AudienceWorld

LOOPBACK = Network(parse_networks("127.0.0.0/8"))
_NUMBERS = count(1)


class WebWorld(AudienceWorld):
    """One folder of the server, with a page that links to every file in it and is no document itself."""

    kind: ConnectorKind = connector_kind("web")
    secrets: Mapping[str, str] = {}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        server = apache()
        name = f"world-{next(_NUMBERS)}"
        self.root = server.root / name
        self.root.mkdir()
        self.root.chmod(0o755)
        self.url = f"{server.url}/{name}/"
        self._write_index()

    def connector(self, **more: Json) -> Connector:
        """A connector as the engine would build it; `more` adds settings."""
        config: dict[str, Json] = {"start": [self.url], "audience": self._audience, "delay_ms": 0, **more}
        return self.kind.build(config, self.secrets, Surroundings(LOOPBACK, scratch=self.scratch))

    def put(self, name: str, text: str) -> str:
        (self.root / name).write_text(text, encoding="utf-8")
        (self.root / name).chmod(0o644)
        self._write_index()
        return self.url + quote(name)

    def delete(self, name: str) -> None:
        (self.root / name).unlink()
        self._write_index()

    def vanish(self) -> None:
        shutil.rmtree(self.root)

    def _write_index(self) -> None:
        names = sorted(path.name for path in self.root.glob("*.txt"))
        links = "".join(f'<li><a href="{quote(name)}">{escape(name)}</a></li>' for name in names)
        index = self.root / "index.html"
        index.write_text(f'<title>Files</title><meta name="robots" content="noindex"><ul>{links}</ul>')
        index.chmod(0o644)


class SpoiledWebWorld(BehindProxy, WebWorld):
    """The same, read through a hostile proxy."""

    secrets: Mapping[str, str] = {"password": PASSWORD}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = self.put_proxy_before(self.url)

    def connector(self, **more: Json) -> Connector:
        """It gives a password, which may be revoked."""
        return super().connector(sign_in="basic", username=USER, **more)
