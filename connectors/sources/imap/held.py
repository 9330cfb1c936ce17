"""A session that is opened when it is needed, kept for the next question, and opened anew when it is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from assistant.common.told import said, told
from connectors.sdk.errors import Retry
from connectors.sources.imap.connection import Lost
from connectors.sources.imap.session import Session

T = TypeVar("T")
_TRIES = 2
_AGAIN_S = 60.0


class HeldSession:
    """At most one session at a time, for whichever mailbox was asked last. Threads take turns."""

    def __init__(self, signed_in: Callable[[str], Session]) -> None:
        self._signed_in = signed_in
        self._lock = threading.Lock()
        self._login = ""
        self._session: Session | None = None

    def ask(self, login: str, question: Callable[[Session], T]) -> T:
        """The answer of a question that may be asked twice.

        Raises:
            Refused, SignInRefused: the server's answer to it.
            Retry: the connection broke each time.
        """
        with self._lock:
            problem = ""
            for _ in range(_TRIES):
                try:
                    return question(self._of(login))
                except Lost as lost:
                    problem = said(lost)
                    self._hang_up()
        raise Retry(
            told("The mail server ends the connection: {problem}. It is tried again.", problem=problem),
            after=_AGAIN_S,
        )

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            self._hang_up()

    def _of(self, login: str) -> Session:
        if self._session is None or self._login != login:
            self._hang_up()
            self._session = self._signed_in(login)
            self._login = login
        return self._session

    def _hang_up(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
