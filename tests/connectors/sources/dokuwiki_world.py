"""A real wiki as the conformance suite changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assistant.common.network import Network, parse_networks
from assistant.common.pace import Pace
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.hostile_proxy import BehindProxy
from tests.connectors.joined import JoinedConnector
from tests.connectors.servers.dokuwiki import PASSWORD, ROBOT, DokuWiki

LOOPBACK = Surroundings(network=Network(parse_networks("127.0.0.0/8")))
KIND: ConnectorKind = connector_kind("dokuwiki")


def settings_of(wiki: DokuWiki, **more: Json) -> dict[str, Json]:
    """The configuration of a source that reads this wiki as its superuser."""
    return {
        "url": wiki.url,
        "user": ROBOT,
        "acl_file": str(wiki.acl_file),
        "users_file": str(wiki.users_file),
        "superusers": ["@admin"],
        **more,
    }


def connector_of(wiki: DokuWiki, surroundings: Surroundings | None = None, **more: Json) -> Connector:
    """A connector as the engine would build it, which waits for no other's server."""
    lent = surroundings or replace(LOOPBACK, pace=Pace())
    return KIND.build(settings_of(wiki, **more), {"password": PASSWORD}, lent)


class DokuWikiWorld(BehindProxy):
    """Each document is the page `start` of a namespace of its own.

    The namespace's rules allow and the page's rules deny: only a nearer rule beats another one.
    """

    kind = KIND
    wiki: DokuWiki  # set by the module's fixture, which starts it once

    def __init__(self, folder: Path) -> None:
        self.wiki.reset()
        self._rules: dict[str, list[str]] = {}
        self.put_proxy_before(self.wiki.url)

    def connector(self) -> Connector:
        """Through the proxy: no answer of the wiki names an address."""
        return JoinedConnector(connector_of(self.wiki, url=self.proxy.url))

    def put(self, name: str, text: str) -> str:
        self.wiki.put_page(f"{name}:start", text)
        return f"{name}:start"

    def delete(self, name: str) -> None:
        self.wiki.delete_page(f"{name}:start")

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        allowed = [f"{name}:* {self._subject(each)} 1" for each in allow]
        denied = [f"{name}:start {self._subject(each)} 0" for each in deny]
        self._rules[name] = [*allowed, *denied]
        self._write()

    def break_acl(self, name: str) -> None:
        self._rules[name] = [f"{name}:* @staff everything"]
        self._write()

    def set_group(self, name: str, members: Sequence[str]) -> None:
        for login, (mail, groups) in list(self.wiki.users.items()):
            self.wiki.set_user(login, mail, [each for each in groups if each != name])
        for member in members:
            login = self._login(member)
            self.wiki.set_user(login, self.wiki.users[login][0], [*self.wiki.users[login][1], name])

    def break_groups(self) -> None:
        with self.wiki.users_file.open("a", encoding="utf-8") as file:
            file.write("half a line\n")

    def vanish(self) -> None:
        self.wiki.configure(remote=0)

    def _subject(self, principal: str) -> str:
        return self._login(principal) if principal.startswith("user:") else f"@{principal.partition(':')[2]}"

    def _login(self, principal: str) -> str:
        mail = principal.removeprefix("user:")
        login = mail.partition("@")[0]
        if login not in self.wiki.users:
            self.wiki.set_user(login, mail, [])
        return login

    def _write(self) -> None:
        self.wiki.set_rules("* @ALL 0", *(rule for rules in self._rules.values() for rule in rules))
