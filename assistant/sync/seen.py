"""What a pass noticed on its way, for the end of its run."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.common.types import JsonObject


@dataclass(slots=True)
class Seen:
    """How the reading ended.

    `complete`: everything was named. `caught_up`: every change since the cursor was named. Neither:
    it broke off, and says nothing of what it did not name. `cursor`: for the next run. `unknown`: access
    lists that a run over documents read of what is not stored yet, by the source's id.
    """

    complete: bool = False
    caught_up: bool = False
    cursor: JsonObject | None = None
    unknown: dict[str, int | None] = field(default_factory=dict)
