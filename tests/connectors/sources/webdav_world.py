"""A folder on a real WebDAV server that tests can change."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from assistant.common.pace import Pace
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.config import validate
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.hostile_proxy import BehindProxy
from tests.connectors.servers.dav_server import PASSWORD, USER, DavServer
from tests.connectors.sources.tree_world import LOOPBACK, ServedFolder


class WebdavWorld(ServedFolder):
    """A folder of its own on the server that the module has started."""

    kind: ConnectorKind = connector_kind("webdav")
    server: ClassVar[DavServer]
    _made: ClassVar[list[Connector]] = []
    _roots: ClassVar[list[Path]] = []

    def __init__(self, folder: Path) -> None:
        super().__init__(self.server.root / folder.name)
        self._roots.append(self.root)

    @property
    def url(self) -> str:
        return f"{self.server.url}/{self.root.name}/"

    def config(self, **more: Json) -> dict[str, Json]:
        return {
            "url": self.url,
            "user": USER,
            "access_file": "access.json",
            "groups_file": "groups.json",
            **more,
        }

    @property
    def secrets(self) -> dict[str, str]:
        return {"password": PASSWORD}

    def connector(self, **more: Json) -> Connector:
        """A connector as the engine would build it; `more` changes settings."""
        return self.built(self.config(**more))

    @classmethod
    def built(
        cls,
        config: dict[str, Json],
        secrets: dict[str, str] | None = None,
        surroundings: Surroundings | None = None,
    ) -> Connector:
        """A connector of exactly this configuration, which waits for no other's server."""
        lent = surroundings or replace(LOOPBACK, pace=Pace())
        given = {"password": PASSWORD} if secrets is None else secrets
        checked, sealed = validate(cls.kind, config=config, secrets=given)
        made = cls.kind.build(checked, sealed, lent)
        cls._made.append(made)
        return made

    @classmethod
    def close_all(cls) -> None:
        """Close what the test has opened."""
        while cls._made:
            cls._made.pop().close()
        while cls._roots:
            shutil.rmtree(cls._roots.pop(), ignore_errors=True)


class WebdavBehindProxy(BehindProxy, WebdavWorld):
    """The same behind a proxy. The server's answers name paths only, so all leads through it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.put_proxy_before(self.server.url)

    @property
    def url(self) -> str:
        return f"{self.proxy.url}{urlsplit(super().url).path}"


class WsgidavBehindProxy(WebdavBehindProxy):
    """The same on wsgidav."""

    server: ClassVar[DavServer]
