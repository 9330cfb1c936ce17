"""Which access list counts for a document: the one it was listed with, or one that was read amid the listing?

A listing may be at work for hours, and many sources read the rules by which they say who may see what once,
at its beginning. Access lists that are read anew on its way would be undone by it, also those of documents
that the database does not know yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from assistant.sync.committing import Outcome


@dataclass(frozen=True, slots=True)
class ListsRead:
    """A reading of access lists. `unknown`: rows of those whose documents are not stored, by the source's id;
    None: it could not be read."""

    began: datetime
    unknown: Mapping[str, int | None]


class ListsAmid:
    """What the readings amid a listing have told, for what is written after them."""

    def __init__(self) -> None:
        self._began: datetime | None = None
        self._unknown: dict[str, int | None] = {}

    def add(self, read: ListsRead) -> None:
        """One more reading; of what it did not name, the one before counts on."""
        self._began = read.began
        self._unknown.update(read.unknown)

    def as_of_now(self, outcome: Outcome) -> Outcome:
        """The outcome with what was told of its document since the listing began.

        What was listed before the reading is older. What was listed since may be: see `committing`.
        """
        if self._began is None:
            return outcome
        name = outcome.upsert.external_id
        outdated = outcome.reported_at < self._began
        if name not in self._unknown:
            return replace(outcome, acl_outdated=outdated, acl_unsettled=not outdated)
        told = self._unknown.pop(name)
        if told is None or outdated:
            return replace(outcome, acl_id=told)
        return replace(outcome, acl_unsettled=True, told_acl_id=told)
