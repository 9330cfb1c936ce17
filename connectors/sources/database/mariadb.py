"""MariaDB and MySQL, through PyMySQL."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pymysql
from pymysql.constants import FIELD_TYPE

from assistant.common.told import said, told
from connectors.sdk.errors import Reconfigure
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import network_errors
from connectors.sources.database.server import CONNECT_S, TOO_SLOW, Access, Column, Lost, Parameter, Row

_TIMES = frozenset({FIELD_TYPE.DATE, FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP, FIELD_TYPE.NEWDATE})
_BUSY = frozenset({1040, 1053, 1203, 1205, 1213, 1226, 2003, 2006, 2013})
_SLOW = frozenset({1969, 3024})
_UNKNOWN_VARIABLE = 1193
_REFUSED = frozenset({1044, 1045, 1049, 1130, 1251, 1698, 2026, 2059})
_ROOM_S = 30.0


class MariadbDialect:
    """See `server.Dialect`."""

    def quoted(self, name: str) -> str:
        """A column's name."""
        return "`" + name.replace("`", "``").replace("%", "%%") + "`"

    def identity(self, column: Column) -> str:
        """A column as an id; the server takes padding away by itself."""
        return self.quoted(column.name)

    def exact(self, expression: str) -> str:
        """By bytes: the usual collations take `a` and `A` for one."""
        return f"CAST({expression} AS BINARY)"

    def content(self, column: Column) -> str:
        """The column as it is: lengths and digests are those of its bytes."""
        return self.quoted(column.name)


class Mariadb:
    """See `server.Server`."""

    def __init__(self, access: Access, surroundings: Surroundings) -> None:
        """Connect over a socket to a judged address; the certificate must still prove the name.

        Raises:
            Lost
            Retry, Reconfigure: the host cannot be reached, or must not; sign-in or certificate is refused.
        """
        context = _tls_context(access)
        with network_errors():
            socket = surroundings.network.connect(access.host, access.port, timeout_s=CONNECT_S)
        self._connection = pymysql.Connection(
            host=access.host,
            port=access.port,
            user=access.user,
            password=access.password.encode(),  # a text would be taken as Latin-1
            database=access.database,
            charset="utf8mb4",
            ssl=context,
            ssl_disabled=context is None,
            autocommit=True,
            local_infile=False,
            read_timeout=access.longest_s + _ROOM_S,
            max_allowed_packet=1 << 30,
            defer_connect=True,
        )
        try:
            with _errors(access):
                self._connection.connect(socket)
                self._read_only(access.longest_s)
        except BaseException:
            socket.close()
            self.close()
            raise

    def rows(self, statement: str, parameters: Sequence[Parameter]) -> list[Row]:
        """All rows of a result."""
        with _errors(), self._connection.cursor() as cursor:
            cursor.execute(statement, tuple(parameters))
            return [tuple(row) for row in cursor.fetchall()]

    def columns(self, statement: str) -> list[Column]:
        """The columns of a result."""
        with _errors(), self._connection.cursor() as cursor:
            cursor.execute(statement, ())
            found = cursor.description or ()
            return [Column(str(each[0]), is_bytes=False, is_time=int(each[1]) in _TIMES) for each in found]

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(pymysql.Error, OSError):
            self._connection.close()

    def _read_only(self, longest_s: int) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute("SET SESSION time_zone = '+00:00'")
            # A list of readers that GROUP_CONCAT cuts off could end in another person's address.
            cursor.execute("SET SESSION group_concat_max_len = 1000000000")
            try:
                cursor.execute("SET SESSION max_statement_time = %s", (longest_s,))
            except pymysql.Error as error:
                if _code(error) != _UNKNOWN_VARIABLE:
                    raise
                cursor.execute("SET SESSION max_execution_time = %s", (longest_s * 1000,))  # MySQL's name


def _tls_context(access: Access) -> ssl.SSLContext | None:
    if not access.verified:
        return None
    try:
        return ssl.create_default_context(cafile=access.ca_file or None)
    except OSError as error:
        raise Reconfigure(
            told("The CA file '{ca_file}' cannot be read as certificates.", ca_file=access.ca_file)
        ) from error


@contextmanager
def _errors(access: Access | None = None) -> Iterator[None]:
    """`access`: while the connection is made."""
    try:
        yield
    except pymysql.Error as error:
        raise _meaning(error, access) from error
    except OSError as error:
        raise Lost(said(error)) from error


def _meaning(error: pymysql.Error, access: Access | None) -> Exception:
    code = _code(error)
    problem = " ".join(str(error.args[1] if len(error.args) > 1 else error).split())[:300].rstrip(".")
    origin: object = getattr(error, "original_exception", None)
    if access is not None and isinstance(origin, ssl.SSLError) and not isinstance(origin, ssl.SSLEOFError):
        return Reconfigure(
            told(
                "The database server '{host}' proves no identity over TLS: {problem}. Name the CA file, "
                "or the host as its certificate names it.",
                host=access.host,
                problem=problem,
            )
        )
    if code in _REFUSED:
        return Reconfigure(told("The database server refuses the connection: {problem}.", problem=problem))
    if code in _SLOW:
        return Reconfigure(TOO_SLOW)
    if code in _BUSY or not code:
        return Lost(problem)
    if isinstance(error, pymysql.ProgrammingError) or code in (1054, 1060, 1142, 1143, 1146, 1792):
        return Reconfigure(
            told("The query fails (error {code}): {problem}. Mend it.", code=code, problem=problem)
        )
    return Reconfigure(told("The query fails (error {code}). Mend it.", code=code))


def _code(error: pymysql.Error) -> int:
    number: object = error.args[0] if error.args else None
    return number if isinstance(number, int) else 0
