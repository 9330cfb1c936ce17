"""Tables that the tests can change, on a PostgreSQL and on a MariaDB."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from assistant.common.network import Network, parse_networks
from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.contract import Connector, ConnectorKind
from connectors.sdk.surroundings import Surroundings
from tests.connectors.servers.sql_servers import PASSWORD, SqlServer, mariadb, postgresql

LOOPBACK = Surroundings(network=Network(parse_networks("127.0.0.0/8")))
QUERY = "SELECT name AS id, title, body AS text, changed_at, url, readers AS allowed, kind FROM documents"
GROUPS_QUERY = {
    "postgresql": 'SELECT team AS "group", member FROM members',
    "mariadb": "SELECT team AS `group`, member FROM members",
}
_DOCUMENTS = {
    "postgresql": "CREATE TABLE documents (name text, title text, body text, changed_at timestamptz "
    "DEFAULT now(), url text, readers text, kind text)",
    "mariadb": "CREATE TABLE documents (name varchar(300), title text, body longtext, changed_at datetime(6) "
    "DEFAULT now(6), url text, readers text, kind text)",
}
_MEMBERS = "CREATE TABLE members (team varchar(100), member varchar(100))"


def config_of(server: SqlServer, **more: Json) -> dict[str, Json]:
    """The settings of a source on this server; None takes one away."""
    config: dict[str, Json] = {
        "engine": server.engine,
        "host": "localhost",
        "port": server.port,
        "database": server.database,
        "user": server.reader,
        "ca_file": str(server.certified.authority),
        "query": QUERY,
        **more,
    }
    return {name: value for name, value in config.items() if value is not None}


class DatabaseWorld:
    """One table of documents and one of members, made anew."""

    kind: ConnectorKind = connector_kind("database")
    server_of: ClassVar[Callable[[], SqlServer]]

    def __init__(self, folder: Path) -> None:
        self.server = type(self).server_of()
        self.session = self.server.session(self.server.database)
        self.session.execute("DROP TABLE IF EXISTS documents")
        self.session.execute("DROP TABLE IF EXISTS members")
        self.session.execute(_DOCUMENTS[self.server.engine])
        self.session.execute(_MEMBERS)
        self._known: dict[str, str] = {}

    def close(self) -> None:
        """Hang up."""
        self.session.close()

    def connector(
        self, *, password: str = PASSWORD, surroundings: Surroundings = LOOPBACK, **more: Json
    ) -> Connector:
        """A connector as the engine would build it; `more` changes settings."""
        settings = {"groups_query": GROUPS_QUERY[self.server.engine], **more}
        config = config_of(self.server, **settings)
        return self.kind.build(config, {"password": password}, surroundings)

    def put(self, name: str, text: str) -> str:
        if name not in self._known:
            self.session.execute(
                "INSERT INTO documents (name, title, body) VALUES (%s, %s, %s)", (name, name, text)
            )
        elif self._known[name] != text:
            self.change(name, body=text)
        self._known[name] = text
        return name

    def change(self, name: str, **values: object) -> None:
        """Set columns of a row, and when it changed."""
        columns = "".join(f"{column} = %s, " for column in values)
        changed = f"UPDATE documents SET {columns} changed_at = now() WHERE name = %s"
        self.session.execute(changed, (*values.values(), name))

    def delete(self, name: str) -> None:
        self.session.execute("DELETE FROM documents WHERE name = %s", (name,))
        del self._known[name]

    def set_acl(self, name: str, *, allow: Sequence[str], deny: Sequence[str] = ()) -> None:
        self.change(name, readers=json.dumps({"allow": list(allow), "deny": list(deny)}))

    def break_acl(self, name: str) -> None:
        self.change(name, readers="anybody at all")

    def set_group(self, name: str, members: Sequence[str]) -> None:
        self.session.execute("DELETE FROM members WHERE team = %s", (name,))
        for member in members:
            self.session.execute("INSERT INTO members VALUES (%s, %s)", (name, member))

    def break_groups(self) -> None:
        self.session.execute("INSERT INTO members VALUES ('staff', 'the whole staff')")

    def vanish(self) -> None:
        self.session.execute("DROP TABLE documents")


class PostgresqlWorld(DatabaseWorld):
    server_of = staticmethod(postgresql)


class MariadbWorld(DatabaseWorld):
    server_of = staticmethod(mariadb)
