"""Which headings come before which sentence of an answer in parts?

Only words of the person's own question head a part. A part without an answer gets its heading too, so that
nobody takes the next one's for it; where nothing at all is answered there is no heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.chat.events import Section
from assistant.chat.planning import TurnPlan
from assistant.providers.wishes import Task

_FILE_NAME = re.compile(r"\.\w{1,5}$")
_LAYOUTS = {Task.COMPARE: "side", Task.LIST: "list"}


class Headings:
    """The headings of one plan, each told once and in order."""

    def __init__(self, plan: TurnPlan) -> None:
        self._titles = [_as_heading(part.title) for part in plan.parts if part.title]
        self._layout = _LAYOUTS.get(plan.task, "part")
        self._told = 0
        self._ended = False

    def before(self, part: int) -> Iterator[Section]:
        """What comes before a sentence of this part, counted from 1; 0: of all of them."""
        if self._layout == "list":
            part = 1
        if not self._titles or self._ended:
            return
        if part == 0:
            if self._told:
                yield from self.rest()
                self._ended = True
                yield Section("", "part")
            return
        while self._told < min(part, len(self._titles)):
            yield self._next()

    def rest(self) -> Iterator[Section]:
        """The headings of parts for which nothing came, where others had an answer."""
        while self._told and not self._ended and self._told < len(self._titles):
            yield self._next()

    def _next(self) -> Section:
        self._told += 1
        return Section(self._titles[self._told - 1], self._layout)


def _as_heading(title: str) -> str:
    """With a capital; a file keeps its name."""
    return title if _FILE_NAME.search(title) else title[:1].upper() + title[1:]
