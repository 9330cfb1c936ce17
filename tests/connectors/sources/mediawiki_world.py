"""A real wiki as the conformance suite changes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.servers.mediawiki import PASSWORD, ROBOT, MediaWiki

LOOPBACK = Surroundings(network=Network(parse_networks("127.0.0.0/8")))
KIND: ConnectorKind = connector_kind("mediawiki")


def settings_of(wiki: MediaWiki, **more: Json) -> dict[str, Json]:
    """The configuration of a source that reads this wiki."""
    return {"url": f"{wiki.url}/api.php", "user": ROBOT, **more}


def connector_of(wiki: MediaWiki, surroundings: Surroundings | None = None, **more: Json) -> Connector:
    """A connector as the engine would build it, after what waits has been carried out.

    Unless surroundings are given it has some of its own: one that was told to wait holds up no other.
    """
    wiki.flush()
    return KIND.build(
        settings_of(wiki, **more), {"password": PASSWORD}, surroundings or Surroundings(LOOPBACK.network)
    )


class MediaWikiWorld:
    """Each document whose readers the suite changes has a namespace of its own; the others share one.

    A wiki gives its pages numbers in the order in which they are made; the first belongs to its main page.
    """

    kind = KIND
    wiki: MediaWiki  # set by the module's fixture, which starts it once
    places: ClassVar[dict[str, int]] = {"a.txt": 3002, "b.txt": 3004, "c.txt": 3006, "z.txt": 3008}

    def __init__(self, folder: Path) -> None:
        self.wiki.reset()
        self.wiki.namespaces({3000: "Rest", **{number: f"N{number}" for number in self.places.values()}})
        self._numbers: dict[str, int] = {}
        self._made = 1
        self._readers: dict[int, str] = {}

    def connector(self) -> Connector:
        lines = [
            f"{number} = {self._readers[number]}" if number in self._readers else str(number)
            for number in (3000, *self.places.values())
        ]
        return connector_of(self.wiki, namespaces=lines)

    def put(self, name: str, text: str) -> str:
        self.wiki.later("put", title=self._title(name), text=text)
        if name not in self._numbers:
            self._made += 1
            self._numbers[name] = self._made
        return str(self._numbers[name])

    def delete(self, name: str) -> None:
        self.wiki.later("delete", title=self._title(name))
        del self._numbers[name]

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
        number = self.places.get(name)
        return f"{f'N{number}' if number else 'Rest'}:{name}"
