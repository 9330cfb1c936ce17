"""Errors of a connector. Each says what the engine does next.

    ConnectorError
    ├── Retry         the source is busy or out of reach: try the run again after `after` seconds
    ├── Reconfigure   credentials or settings are wrong: stop, ask the administrator, change nothing
    └── Stop          the source is not what it was (root gone, renamed): end the run, delete nothing

A single document that cannot be taken is no error of the run: yield a Failure, or
let `fetch` raise `assistant.common.errors.DocumentFailure`.
"""

from __future__ import annotations

from assistant.common.errors import MundapError


class ConnectorError(MundapError):
    """Base: the whole run cannot go on."""


class Retry(ConnectorError):
    """Try again after `after` seconds."""

    def __init__(self, message: str, *, after: float) -> None:
        super().__init__(message)
        self.after = after


class Reconfigure(ConnectorError):
    """The administrator must change the settings or credentials."""


class Stop(ConnectorError):
    """End the run; nothing of what was not seen may be deleted."""
