"""Which access lists are open to each of many people? The queryset form of the rule, for all of them at once.

The rule of one person is one statement; hundreds of them for each event of an answer would take seconds. Here
the lists in question are read once, with what all the people hold (`accounts.holding_together`), and are
decided entry by entry for everybody. What comes of it holds only in a statement that sees the same
permissions and all accounts open, so that everything is of one state of the database: a change in between
lets nothing through.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from django.db.models import Count, Exists, Q, QuerySet, Subquery, Value
from django.db.models.lookups import Exact

from assistant.access.viewer import Viewer
from assistant.accounts.holding import in_doubt_for_all_while
from assistant.accounts.holding_together import held_by_each
from assistant.accounts.models import Revision, User
from assistant.accounts.revisions import Counter, current
from assistant.documents.models import AclEntry, Document

_TRIES = 3

Line = tuple[int, int, int, bool, int]  # list, how many clauses it has, clause, allow, principal


def all_are_there(viewer: Viewer) -> bool:
    """Whether the accounts of everybody beside the viewer are open. So it is of somebody who reads alone."""
    return not viewer.beside or _open(viewer.beside).count() == len(viewer.beside)


def open_to_each(
    people: Collection[int], documents: QuerySet[Document], *, fresh: Sequence[int], now: datetime
) -> Q:
    """Those of the documents whose access list is open to each of the people.

    `fresh`: the connections whose membership counts. Ages and marks of documents are not looked at here.
    """
    permissions, lists = 0, list[int]()
    for _ in range(_TRIES):
        permissions = current(Counter.PERMISSIONS)
        lists = _open_lists(people, documents, fresh, now)
        if not lists or current(Counter.PERMISSIONS) == permissions:
            break
    return Q(acl__in=lists) & _still(permissions) & _all_open(people)


def _still(permissions: int) -> Q:
    """While the counter of permissions, which has no row before the first change, has this value."""
    counter = Revision.objects.filter(name=Counter.PERMISSIONS)
    if not permissions:
        return ~Q(Exists(counter.filter(value__gt=0)))
    return Q(Exists(counter.filter(value=permissions)))


def _all_open(people: Collection[int]) -> Q:
    counted = _open(people).order_by().values("is_active").annotate(number=Count("pk")).values("number")
    return Q(Exact(Subquery(counted), Value(len(people))))


def _open(people: Collection[int]) -> QuerySet[User]:
    return User.objects.filter(pk__in=people, is_active=True)


@dataclass(slots=True)
class _Meant:
    """Whom principals mean, of the people in question, by row id: surely, or maybe (counts in a deny)."""

    people: frozenset[int]
    surely: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    maybe: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    might_be_anybody: frozenset[int] = frozenset()

    def allowed(self, principal: int) -> Collection[int]:
        """Those whom an allow of the principal lets in."""
        return self.surely.get(principal, ())

    def denied(self, principal: int) -> set[int] | frozenset[int]:
        """Those whom a deny of the principal keeps out."""
        if principal in self.might_be_anybody:
            return self.people
        return self.surely.get(principal, set()) | self.maybe.get(principal, set())


def _open_lists(
    people: Collection[int], documents: QuerySet[Document], fresh: Sequence[int], now: datetime
) -> list[int]:
    """Ids of the documents' access lists that are open to each of the people."""
    entries = AclEntry.objects.filter(acl__in=documents.order_by().values("acl"))
    lines: list[Line] = list(
        entries.filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .order_by("acl", "clause", "position")
        .values_list("acl_id", "acl__clause_count", "clause", "allow", "principal_id")
    )
    if not lines:
        return []
    meant = _meant(people, lines, fresh)
    return [number for number, own in groupby(lines, itemgetter(0)) if _opens(list(own), meant)]


def _meant(people: Collection[int], lines: Sequence[Line], fresh: Sequence[int]) -> _Meant:
    named = frozenset(principal for *_, principal in lines)
    denied = [principal for *_, allow, principal in lines if not allow]
    doubtful = in_doubt_for_all_while(fresh).filter(pk__in=set(denied)) if denied else ()
    meant = _Meant(frozenset(people), might_be_anybody=frozenset(row.pk for row in doubtful))
    for person, held in held_by_each(people, fresh=fresh).items():
        for principal in held.ids & named:
            meant.surely[principal].add(person)
        for principal in held.doubtful & named:
            meant.maybe[principal].add(person)
    return meant


def _opens(lines: Sequence[Line], meant: _Meant) -> bool:
    """Whether in every clause the first entry that counts for a person allows, for each of the people."""
    clause_count = lines[0][1]
    clauses = {number: list(own) for number, own in groupby(lines, itemgetter(2))}
    return clause_count > 0 and all(
        _clause_opens(clauses.get(number, ()), meant) for number in range(clause_count)
    )


def _clause_opens(lines: Sequence[Line], meant: _Meant) -> bool:
    undecided = set(meant.people)
    for *_, allow, principal in lines:
        if allow:
            undecided.difference_update(meant.allowed(principal))
        elif undecided & meant.denied(principal):
            return False
        if not undecided:
            return True
    return False
