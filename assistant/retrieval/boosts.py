"""How much more or less does a passage count than its words and meaning say? Pure, and within bounds.

Administrators may prefer newer documents, titles that hold the words of the question, and sources. A
passage's score is multiplied by 1 + the sum of these parts. Only what has passed the door is weighed, by what
the door gave: so a preference can change the order of what somebody may read, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from assistant.access.door import Passage
from assistant.common.analysis import terms
from assistant.common.errors import UsageError

MOST_PERCENT = 30  # of one part, up; for a source also down
MOST_TOGETHER = 0.5  # of all parts, up and down
LONGEST_HALF_LIFE = 3650  # days
USUAL_HALF_LIFE = 180
_POOL_FACTOR, _LEAST_POOL = 4, 40


@dataclass(frozen=True, slots=True)
class Boosts:
    """What is preferred, in whole percent. `half_life`: days after which half of `recency` is left.

    Raises:
        UsageError: something lies out of bounds.
    """

    recency: int = 0
    half_life: int = USUAL_HALF_LIFE
    title: int = 0
    sources: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        """Hold the bounds, whoever makes this."""
        _check("recency", self.recency, 0, MOST_PERCENT)
        _check("half-life", self.half_life, 1, LONGEST_HALF_LIFE)
        _check("title", self.title, 0, MOST_PERCENT)
        for name, percent in self.sources:
            _check(f"source {name}", percent, -MOST_PERCENT, MOST_PERCENT)

    @property
    def none(self) -> bool:
        """Whether no score changes."""
        return not self.recency and not self.title and not any(percent for _, percent in self.sources)


def pool_size(k: int) -> int:
    """How many passages are weighed where `k` are wanted."""
    return max(_POOL_FACTOR * k, _LEAST_POOL)


def factor(boosts: Boosts, passage: Passage, *, asked: AbstractSet[str], now: datetime) -> float:
    """By what the passage's score is multiplied: 0.5 to 1.5. `asked`: the search terms of the question."""
    together = (
        recency_part(boosts, passage.modified_at, now=now)
        + title_part(boosts, passage.title, asked=asked)
        + dict(boosts.sources).get(passage.source, 0) / 100
    )
    return 1 + min(max(together, -MOST_TOGETHER), MOST_TOGETHER)


def recency_part(boosts: Boosts, modified_at: datetime | None, *, now: datetime) -> float:
    """0 to 0.3: all of it for what was changed now, half after a half-life, nothing without a date."""
    if not boosts.recency or modified_at is None:
        return 0.0
    age = max(now - modified_at, timedelta()) / timedelta(days=boosts.half_life)
    return boosts.recency / 100 * math.exp2(-age)


def title_part(boosts: Boosts, title: str, *, asked: AbstractSet[str]) -> float:
    """0 to 0.3: by how many of the question's terms the title holds."""
    if not boosts.title or not asked:
        return 0.0
    return boosts.title / 100 * len(asked & set(terms(title))) / len(asked)


def _check(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(f"The preference for {what} must be a whole number from {least} to {most}.")


NO_BOOSTS: Final = Boosts()
