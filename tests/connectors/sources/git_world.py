"""A repository on a real server that tests can change."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.servers.git_server import TOKEN, USER, git_server

_numbers = count(1)
LOOPBACK = Network(parse_networks("127.0.0.0/8"))


class GitWorld:
    """One repository, readable by whom `audience` names. A connector is made after a commit."""

    kind: ConnectorKind = connector_kind("git")

    def __init__(self, folder: Path) -> None:
        self.server = git_server()
        self.slug = f"team/world{next(_numbers)}"
        self.repository = self.server.repository(self.slug)
        self.scratch = folder / "scratch"
        self.audience: list[Json] = ["user:ana@example.com"]

    @property
    def config(self) -> dict[str, Json]:
        """The settings of the world's source."""
        return {
            "repositories": [self.server.address(self.slug)],
            "user": USER,
            "ca_file": str(self.server.certified.authority),
            "audience": self.audience,
        }

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(network=LOOPBACK, scratch=self.scratch)

    def connector(self, **more: Json) -> Connector:
        """A connector as the engine would build it, after a commit; `more` adds settings."""
        if self.repository.files != self.repository.committed:
            self.repository.commit()
        return self.kind.build({**self.config, **more}, {"token": TOKEN}, self.surroundings)

    def id(self, name: str) -> str:
        """The external id of a file."""
        return f"localhost:{self.server.port}/{self.slug}:{name}"

    def put(self, name: str, text: str) -> str:
        self.repository.put(name, text)
        return self.id(name)

    def delete(self, name: str) -> None:
        self.repository.remove(name)

    def vanish(self) -> None:
        shutil.rmtree(self.repository.folder)

    # The audience is one for all files, and no group is known: see the tests that stand for these.

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None: ...

    def break_acl(self, name: str) -> None: ...

    def set_group(self, name: str, members: Sequence[str]) -> None: ...

    def break_groups(self) -> None: ...
