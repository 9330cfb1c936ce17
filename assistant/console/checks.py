"""What was tried or examined, as a page lists it: `templates/console/fragments/checks.html`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise

from assistant.common.types import Json

_ORDER = ("failed", "waiting", "not_reached", "passed")


@dataclass(frozen=True, slots=True)
class DrawnCheck:
    """A line of the list, in the page's language.

    `state`: `passed`, `failed`, `waiting` (it is somebody else's turn) or `not_reached`. `sentence`: what was
    found, or what to do. `found` and `expected` are data of what was examined.
    """

    title: str | Promise
    state: str
    sentence: str = ""
    found: str = ""
    expected: str = ""

    def as_json(self) -> Json:
        """For the session, from where the next page takes it."""
        return [str(self.title), self.state, self.sentence, self.found, self.expected]


def mended_first(checks: Iterable[DrawnCheck]) -> tuple[DrawnCheck, ...]:
    """What is to be mended comes first, what passed last; else in the order in which it was tried."""
    return tuple(sorted(checks, key=lambda one: _ORDER.index(one.state)))
