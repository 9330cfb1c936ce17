"""A folder on a real OpenSSH server that tests can change."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.config import validate
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.servers.sshd import SshServer
from tests.connectors.sources.tree_world import LOOPBACK, ServedFolder


class SftpWorld(ServedFolder):
    """A folder of its own on the server that the module has started."""

    kind: ConnectorKind = connector_kind("sftp")
    server: ClassVar[SshServer]
    _made: ClassVar[list[Connector]] = []
    _roots: ClassVar[list[Path]] = []

    def __init__(self, folder: Path) -> None:
        super().__init__(self.server.root / folder.name)
        self._roots.append(self.root)

    def config(self, **more: Json) -> dict[str, Json]:
        return {
            "host": "127.0.0.1",
            "port": self.server.port,
            "user": self.server.user,
            "folder": str(self.root),
            "host_keys": [self.server.fingerprint],
            "access_file": "access.json",
            "groups_file": "groups.json",
            **more,
        }

    @property
    def secrets(self) -> dict[str, str]:
        return {"private_key": self.server.private_key}

    def connector(self, **more: Json) -> Connector:
        """A connector as the engine would build it; `more` changes settings."""
        return self.built(self.config(**more))

    def built(
        self,
        config: dict[str, Json],
        secrets: dict[str, str] | None = None,
        surroundings: Surroundings = LOOPBACK,
    ) -> Connector:
        """A connector of exactly this configuration."""
        checked, sealed = validate(
            self.kind, config=config, secrets=self.secrets if secrets is None else secrets
        )
        made = self.kind.build(checked, sealed, surroundings)
        self._made.append(made)
        return made

    @classmethod
    def close_all(cls) -> None:
        """Close what the test has opened."""
        while cls._made:
            cls._made.pop().close()
        while cls._roots:
            shutil.rmtree(cls._roots.pop(), ignore_errors=True)
