"""What the connector asks of a database server, whichever it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from assistant.common.told import said, told
from connectors.sdk.errors import Retry
from connectors.sdk.surroundings import Surroundings

Parameter = str | int | datetime
Row = tuple[object, ...]
CONNECT_S = 20.0
_T = TypeVar("_T")
TOO_SLOW = told("The query takes longer than its limit. Make it faster, or raise the limit.")
_TRIES = 2
_AGAIN_S = 60.0


class Lost(Exception):
    """The connection broke, or the server is busy. Another one may work."""


@dataclass(frozen=True, slots=True)
class Access:
    """The server and how to sign in. `verified`: over TLS, with a certificate that proves the host's name."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    verified: bool
    ca_file: str
    longest_s: int  # for one statement


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result. `is_bytes`, `is_time`, `is_padded` (with spaces, to its length): by its type."""

    name: str
    is_bytes: bool
    is_time: bool
    is_padded: bool = False


class Server(Protocol):
    """An open connection that can only read. One thread at a time.

    `rows` and `columns` raise Lost, or Reconfigure for what only a person can mend. A `%` in
    a statement stands twice, since `%s` is a parameter.
    """

    def rows(self, statement: str, parameters: Sequence[Parameter]) -> list[Row]: ...
    def columns(self, statement: str) -> list[Column]: ...
    def close(self) -> None: ...


class Dialect(Protocol):
    """How this kind of server writes things."""

    def quoted(self, name: str) -> str:
        """A column's name."""
        ...

    def identity(self, column: Column) -> str:
        """A column as an id."""
        ...

    def exact(self, expression: str) -> str:
        """An expression whose values are equal only if every byte is, ordered by bytes."""
        ...

    def content(self, column: Column) -> str:
        """The column as text, or as it is where it holds bytes."""
        ...


class HeldServer:
    """A connection that is made when needed, and made again once when it is lost. Threads take turns."""

    def __init__(self, connect: Callable[[], Server], surroundings: Surroundings) -> None:
        self._connect = connect
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._server: Server | None = None

    def rows(self, statement: str, parameters: Sequence[Parameter] = ()) -> list[Row]:
        """The result of a statement.

        Raises:
            Retry, Reconfigure, Stopped
        """
        return self._ask(lambda server: server.rows(statement, parameters))

    def columns(self, statement: str) -> list[Column]:
        """The columns of a statement's result; raises as `rows`."""
        return self._ask(lambda server: server.columns(statement))

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            self._hang_up()

    def _ask(self, question: Callable[[Server], list[_T]]) -> list[_T]:
        self._surroundings.pace.turn(stopped=self._surroundings.stopped)
        with self._lock:
            problem = ""
            for _ in range(_TRIES):
                try:
                    self._server = self._server or self._connect()
                    return question(self._server)
                except Lost as lost:
                    problem = said(lost)
                    self._hang_up()
        raise Retry(
            told("The database does not answer: {problem}. It is tried again.", problem=problem),
            after=_AGAIN_S,
        )

    def _hang_up(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
