"""A folder on Samba's share, with a people file beside it.

The connector signs in as an account that each access list names.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.servers.samba import PASSWORD, Samba, samba
from tests.connectors.servers.smb_client import ALLOW, DENY, READ, TO_ALL_BELOW, SmbClient, Written

LOOPBACK = Network(parse_networks("127.0.0.0/8"))
SECRETS = {"password": PASSWORD}
SERVICE = "mundap"
_numbers = itertools.count(1)
_made: list[Connector] = []


def close_connectors() -> None:
    """Close whatever connectors the worlds have made so far."""
    while _made:
        _made.pop().close()


@functools.cache
def administrator() -> SmbClient:
    """Whoever fills the share: what they do is not checked by any list."""
    return SmbClient(samba().port, "admin")


class SmbWorld:
    """A folder of its own on the session's server."""

    kind: ConnectorKind = connector_kind("smb")

    def __init__(self, folder: Path) -> None:
        self.server: Samba = samba()
        self.client = administrator()
        self.folder = f"world-{next(_numbers)}"
        self.people_file = folder / "people.json"
        self._texts: dict[str, str] = {}
        self._groups: dict[str, Json] = {}
        self._names: dict[str, str] = {
            **{name: f"user:{name}@example.com" for name in ("ann", "bob", "cho", "sam", "ana", "carol")},
            **{name: f"group:{name}" for name in ("staff", "hr", "board")},
        }
        self.client.make_folder(self.folder)
        self.client.protect(self.folder, [self.service(flags=TO_ALL_BELOW)])
        self._write()

    @property
    def config(self) -> dict[str, Json]:
        """The settings of a source that reads this folder."""
        return {
            "server": "127.0.0.1",
            "port": self.server.port,
            "share": "docs",
            "folder": self.folder,
            "user": SERVICE,
            "people_file": str(self.people_file),
            "share_permissions": "everyone",
        }

    def connector(self, **more: Json) -> Connector:
        """A connector as the engine would build it; `more` changes settings, None takes one away."""
        return self.connector_in(Surroundings(network=LOOPBACK), SECRETS, **more)

    def connector_in(
        self, surroundings: Surroundings, secrets: Mapping[str, str] = SECRETS, **more: Json
    ) -> Connector:
        """The same in other surroundings."""
        config = {key: value for key, value in {**self.config, **more}.items() if value is not None}
        made = self.kind.build(config, secrets, surroundings)
        _made.append(made)
        return made

    def service(self, *, flags: int = 0) -> Written:
        """The entry that lets the connector read."""
        return Written(ALLOW, self.server.sids[SERVICE], READ, flags)

    def sid(self, principal: str) -> str:
        """The SID of `user:NAME@example.com` or `group:NAME`."""
        return self.server.sids[principal.partition(":")[2].partition("@")[0]]

    def entry(self, kind: int, principal: str, *, mask: int = READ, flags: int = 0) -> Written:
        """An entry for somebody of this world."""
        return Written(kind, self.sid(principal), mask, flags)

    def put(self, name: str, text: str) -> str:
        if self._texts.get(name) != text:
            self.client.write(f"{self.folder}/{name}", text)
            self._texts[name] = text
        return f"{self.folder}/{name}"

    def make_folder(self, name: str, entries: Sequence[Written] | None = None) -> None:
        """A folder, with these entries after the one of the connector."""
        self.client.make_folder(f"{self.folder}/{name}")
        if entries is not None:
            self.protect(name, [self.service(flags=TO_ALL_BELOW), *entries])

    def protect(self, name: str, entries: Sequence[Written] | None, *, owner: str = "") -> None:
        """Exactly this list."""
        self.client.protect(f"{self.folder}/{name}", entries, owner=owner)

    def delete(self, name: str) -> None:
        self._texts.pop(name, None)
        self.client.remove(f"{self.folder}/{name}")

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        entries = [self.entry(DENY, each) for each in deny] + [self.entry(ALLOW, each) for each in allow]
        self.protect(name, [self.service(), *entries])

    def break_acl(self, name: str) -> None:
        self.protect(name, [self.entry(ALLOW, "user:ana@example.com")])

    def set_group(self, name: str, members: Sequence[str]) -> None:
        self._groups[name] = {"group": name, "members": list(members)}
        self._write()

    def name_sid(self, sid_of: str, principal: str) -> None:
        """The people file says who stands behind the SID of somebody."""
        self._names[sid_of] = principal
        self._write()

    def break_groups(self) -> None:
        self._groups["staff"] = {"group": "staff", "members": ["the whole staff"]}
        self._write()

    def vanish(self) -> None:
        for name in list(self._texts):
            self.delete(name)
        self.client.remove(self.folder)

    def _write(self) -> None:
        sids = [{"sid": self.server.sids[name], "is": who} for name, who in self._names.items()]
        self.people_file.write_text(json.dumps([*sids, *self._groups.values()]), encoding="utf-8")
