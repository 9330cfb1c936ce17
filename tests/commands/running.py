"""What a command leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable

from assistant.common.types import Json

Command = Callable[..., "Outcome"]


class Outcome:
    """What a command left behind: exit status, stdout, stderr."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def result(self) -> dict[str, Json]:
        """The one JSON object on stdout."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def complaint(self) -> str:
        """The one line on stderr of a command that was refused."""
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err
        return self.err
