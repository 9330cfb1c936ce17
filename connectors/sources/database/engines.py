"""Which kinds of servers there are. A driver is loaded when one of its servers is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connectors.sdk.surroundings import Surroundings
from connectors.sources.database.server import Access, Dialect, Server


@dataclass(frozen=True, slots=True)
class Engine:
    """How to reach one kind of server, and how it writes things."""

    connect: Callable[[Access, Surroundings], Server]
    dialect: Dialect
    port: int


def engine(name: str) -> Engine:
    """The engine with this name, which the settings have checked."""
    if name == "postgresql":
        from connectors.sources.database.postgresql import Postgresql, PostgresqlDialect  # noqa: PLC0415

        return Engine(Postgresql, PostgresqlDialect(), 5432)
    from connectors.sources.database.mariadb import Mariadb, MariadbDialect  # noqa: PLC0415

    return Engine(Mariadb, MariadbDialect(), 3306)
