"""A real wiki as the conformance suite changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from assistant.common.network import Network, parse_networks
from assistant.common.pace import Pace
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.hostile_proxy import BehindProxy
from tests.connectors.servers.mediawiki import PASSWORD, ROBOT, MediaWiki

LOOPBACK = Surroundings(network=Network(parse_networks("127.0.0.0/8")))
KIND: ConnectorKind = connector_kind("mediawiki")


def settings_of(wiki: MediaWiki, **more: Json) -> dict[str, Json]:
    """The configuration of a source that reads this wiki."""
    return {"url": f"{wiki.url}/api.php", "user": ROBOT, **more}


def connector_of(wiki: MediaWiki, surroundings: Surroundings | None = None, **more: Json) -> Connector:
    """A connector as the engine would build it, after what waits has been carried out.

    It waits for no other's server.
    """
    wiki.flush()
    lent = surroundings or replace(LOOPBACK, pace=Pace())
    return KIND.build(settings_of(wiki, **more), {"password": PASSWORD}, lent)


class MediaWikiWorld(BehindProxy):
    """Each document whose readers the suite changes has a namespace of its own, and so has each folder.

    A wiki gives its pages numbers in the order in which they are made; the first belongs to its main page.
    """

    kind = KIND
    wiki: MediaWiki  # set by the module's fixture, which starts it once
    places: ClassVar[dict[str, int]] = {"": 3000, "a.txt": 3002, "b.txt": 3004, "open": 3006, "closed": 3008}

    def __init__(self, folder: Path) -> None:
        self.wiki.reset()
        self.wiki.namespaces({number: f"N{number}" for number in self.places.values()})
        self._numbers: dict[str, int] = {}
        self._homes: dict[str, int] = {}
        self._made = 1
        self._used = {self.places[""]}
        self._readers: dict[int, str] = {}
        self.put_proxy_before(self.wiki.url)
        self.proxy.settle = self.wiki.flush
        self.proxy.beginning = self.wiki.beginning

    def connector(self) -> Connector:
        """Through the proxy: only the addresses of pages lead past it, and nobody asks for those.

        Only namespaces that have been used are read, since each costs a request.
        """
        self._used |= {*self._homes.values(), *self._readers}
        lines = [
            f"{each} = {self._readers[each]}" if each in self._readers else str(each)
            for each in sorted(self._used)
        ]
        return connector_of(self.wiki, url=f"{self.proxy.url}/api.php", namespaces=lines)

    def put(self, name: str, text: str) -> str:
        folder, _, own = name.rpartition("/")
        if own not in self._numbers:
            self._made += 1
            self._numbers[own] = self._made
            self._homes[own] = self.places[folder or (own if own in self.places else "")]
        self.wiki.later("put", title=self._title(own), text=text)
        return str(self._numbers[own])

    def delete(self, name: str) -> None:
        self.wiki.later("delete", title=self._title(name))
        del self._numbers[name], self._homes[name]

    def move(self, name: str, folder: str) -> None:
        old, self._homes[name] = self._title(name), self.places[folder]
        self.wiki.later("move", title=old, to=self._title(name))

    def forget_changes(self) -> None:
        self.wiki.later("forget")

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        self._readers[self.places[name]] = ", ".join(allow)

    def break_acl(self, name: str) -> None:
        self._readers[self.places[name]] = "everybody at all"

    def set_group(self, name: str, members: Sequence[str]) -> None:
        for member in members:
            login = member.removeprefix("user:").partition("@")[0].title()
            self.wiki.later("user", name=login, groups=[name])

    def break_groups(self) -> None:
        self.vanish()

    def vanish(self) -> None:
        self.wiki.flush()
        self.wiki.configure(gone="http_response_code(404); exit('There is nothing here.');")

    def _title(self, name: str) -> str:
        return f"N{self._homes[name]}:{name}"
