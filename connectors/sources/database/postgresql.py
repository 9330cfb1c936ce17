"""PostgreSQL, through psycopg."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg.adapt import Buffer
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader

from assistant.common.told import told
from connectors.sdk.errors import Reconfigure
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import network_errors
from connectors.sources.database.server import CONNECT_S, TOO_SLOW, Access, Column, Lost, Parameter, Row

_BYTES = 17  # oids of pg_type, which never change
_PADDED = 1042
_TIMES = frozenset({1082, 1114, 1184})
# Of a connection that was not made, libpq tells no code. These mean that another time may be better.
_PASSING = (
    "could not",
    "connection refused",
    "timeout",
    "timed out",
    "closed the connection",
    "closed unexpectedly",
    "unexpected eof",
    "eof detected",
    "the database system is",
    "too many",
    "remaining connection slots",
    "reset by peer",
    "unreachable",
    "no route",
)
_PASSING_STATES = ("08", "53", "57P", "40", "55")
_STATES_WITH_TEXT = ("42", "3D", "3F", "25006")  # what is wrong with the statement; others may quote a value


class _Date(DateLoader):
    def load(self, data: Buffer) -> object:  # type: ignore[override]  # `infinity` has no Python value
        return _loaded(super().load, data)


class _Timestamp(TimestampLoader):
    def load(self, data: Buffer) -> object:  # type: ignore[override]
        return _loaded(super().load, data)


class _Timestamptz(TimestamptzLoader):
    def load(self, data: Buffer) -> object:  # type: ignore[override]
        return _loaded(super().load, data)


class PostgresqlDialect:
    """See `server.Dialect`."""

    def quoted(self, name: str) -> str:
        """A column's name."""
        return '"' + name.replace('"', '""').replace("%", "%%") + '"'

    def identity(self, column: Column) -> str:
        """A column as an id: a padded one loses its spaces in some places and not in others."""
        name = self.quoted(column.name)
        return f"CAST({name} AS text)" if column.is_padded else name

    def exact(self, expression: str) -> str:
        """By bytes: a collation may take two texts for one."""
        return f'CAST({expression} AS text) COLLATE "C"'

    def content(self, column: Column) -> str:
        """The column as text, or as it is where it holds bytes."""
        name = self.quoted(column.name)
        return name if column.is_bytes else f"CAST({name} AS text)"


class Postgresql:
    """See `server.Server`."""

    def __init__(self, access: Access, surroundings: Surroundings) -> None:
        """Connect to a judged address; the certificate must still prove the name.

        Raises:
            Lost
            Retry, Reconfigure: the host cannot be reached, or must not; sign-in or certificate is refused.
        """
        with network_errors():
            addresses = surroundings.network.addresses(access.host, access.port)
        problem: Exception | None = None
        for address in addresses:
            try:
                self._connection = _connected(access, address)
            except Lost as lost:
                problem = lost
            else:
                return
        raise problem or Lost(told("no address"))

    def rows(self, statement: str, parameters: Sequence[Parameter]) -> list[Row]:
        """All rows of a result."""
        with _errors():
            return self._connection.execute(statement, parameters).fetchall()

    def columns(self, statement: str) -> list[Column]:
        """The columns of a result."""
        with _errors():
            found = self._connection.execute(statement, []).description or []
            return [
                Column(
                    each.name,
                    is_bytes=each.type_code == _BYTES,
                    is_time=each.type_code in _TIMES,
                    is_padded=each.type_code == _PADDED,
                )
                for each in found
            ]

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(psycopg.Error):
            self._connection.close()


def _connected(access: Access, address: str) -> psycopg.Connection[Row]:
    try:
        connection: psycopg.Connection[Row] = psycopg.connect(
            host=access.host,
            hostaddr=address.partition("%")[0],
            port=access.port,
            dbname=access.database,
            user=access.user,
            password=access.password,
            sslmode="verify-full" if access.verified else "disable",
            sslrootcert=(access.ca_file or "system") if access.verified else "",
            gssencmode="disable",
            connect_timeout=int(CONNECT_S),
            tcp_user_timeout=60_000,
            application_name="Mundap",
            options=(
                f"-c statement_timeout={access.longest_s * 1000} -c timezone=UTC "
                "-c default_transaction_read_only=on"
            ),
            autocommit=True,
            prepare_threshold=None,
        )
    except psycopg.Error as error:
        raise _refused(access, str(error)) from error
    for name, loader in (("date", _Date), ("timestamp", _Timestamp), ("timestamptz", _Timestamptz)):
        connection.adapters.register_loader(name, loader)
    return connection


def _refused(access: Access, problem: str) -> Exception:
    lowered = problem.lower()
    passing = any(sign in lowered for sign in _PASSING)
    if "certificate" in lowered or ("ssl" in lowered and not passing):
        return Reconfigure(
            told(
                "The database server '{host}' proves no identity over TLS: {problem}. Name the CA file, "
                "or the host as its certificate names it.",
                host=access.host,
                problem=_line(problem),
            )
        )
    if passing:
        return Lost(_line(problem))
    return Reconfigure(
        told(
            "The database server '{host}' refuses the sign-in: {problem}.",
            host=access.host,
            problem=_line(problem),
        )
    )


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        if state == "57014":
            raise Reconfigure(TOO_SLOW) from error
        if not state or state.startswith(_PASSING_STATES):
            raise Lost(_line(str(error))) from error
        if state.startswith(_STATES_WITH_TEXT):
            words = told(
                "The query fails (SQLSTATE {state}): {problem}. Mend it.",
                state=state,
                problem=_line(str(error)),
            )
        else:
            words = told("The query fails (SQLSTATE {state}). Mend it.", state=state)
        raise Reconfigure(words) from error


def _line(problem: str) -> str:
    return " ".join(problem.split())[:300].rstrip(".")


def _loaded(load: object, data: Buffer) -> object:
    assert callable(load), "a loader's method"
    try:
        return load(data)
    except psycopg.DataError:
        return bytes(data).decode("ascii", "replace")
