"""What the engine lends a connector while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from assistant.common.network import Network
from assistant.common.pace import Pace

MAX_CONTENT_BYTES = 100_000_000


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that a connector may use beside its settings.

    Attributes:
        network: where it may connect to. Every connection goes to an address from here.
        pace: `pace.turn(stopped=...)` before each request to the source.
        stopped: True once the work should end; asked in every loop that may take seconds.
        max_content_bytes: a document that is larger is a DocumentFailure TOO_LARGE, read no further.
        scratch: a folder of this source alone, for what makes the next run faster. It may be
            empty or old at any time, and is on one machine: nothing may depend on it. None: no place.
    """

    network: Network = field(default_factory=Network)
    pace: Pace = field(default_factory=Pace)
    stopped: Callable[[], bool] = _never
    max_content_bytes: int = MAX_CONTENT_BYTES
    scratch: Path | None = None
