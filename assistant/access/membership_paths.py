"""By which way does somebody belong to a group, and who is inside one? Over memberships that count now."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assistant.access.inspection import PrincipalLabel
from assistant.accounts.freshness import fresh_edges
from assistant.accounts.models import Principal

_BATCH = 400  # ids in one statement


def paths_up(
    starts: Collection[int], targets: Collection[int], *, now: datetime
) -> dict[int, tuple[int, ...]]:
    """For each target that can be reached, a shortest chain (start, group, ..., target) of row ids."""
    came_from: dict[int, int | None] = dict.fromkeys(sorted(starts))
    missing = set(targets) - came_from.keys()
    frontier = list(came_from)
    while frontier and missing:
        following: list[int] = []
        for group, member in _edges(now, "member", frontier):
            if group not in came_from:
                came_from[group] = member
                following.append(group)
        missing -= came_from.keys()
        frontier = following
    return {target: _chain(came_from, target) for target in targets if target in came_from}


def _chain(came_from: Mapping[int, int | None], target: int) -> tuple[int, ...]:
    chain: list[int] = []
    step: int | None = target
    while step is not None:
        chain.append(step)
        step = came_from[step]
    return tuple(reversed(chain))


@dataclass(frozen=True, slots=True)
class Inside:
    """Everything in or below some groups: direct members of each group reached, by row id."""

    members: dict[int, list[int]] = field(default_factory=dict)

    def everything_in(self, principal: int) -> set[int]:
        """The principal and whatever is below it."""
        seen = {principal}
        waiting = deque(seen)
        while waiting:
            for member in self.members.get(waiting.popleft(), ()):
                if member not in seen:
                    seen.add(member)
                    waiting.append(member)
        return seen


def inside(groups: Iterable[int], *, now: datetime) -> Inside:
    """Walk downwards from the groups."""
    found = Inside()
    frontier = sorted(set(groups))
    seen = set(frontier)
    while frontier:
        following: list[int] = []
        for group, member in _edges(now, "group", frontier):
            found.members.setdefault(group, []).append(member)
            if member not in seen:
                seen.add(member)
                following.append(member)
        frontier = following
    return found


def _edges(now: datetime, side: str, ids: list[int]) -> list[tuple[int, int]]:
    """(group, member) of the edges at which one of `ids` stands on the given side, in a fixed order."""
    edges: list[tuple[int, int]] = []
    for start in range(0, len(ids), _BATCH):
        rows = fresh_edges(now).filter(**{f"{side}_id__in": ids[start : start + _BATCH]})
        edges.extend(rows.order_by("group_id", "member_id").values_list("group_id", "member_id"))
    return edges


def labels(principals: Iterable[int]) -> dict[int, PrincipalLabel]:
    """How each principal is written."""
    wanted = sorted(set(principals))
    found: dict[int, PrincipalLabel] = {}
    for start in range(0, len(wanted), _BATCH):
        rows = Principal.objects.filter(pk__in=wanted[start : start + _BATCH]).select_related("connection")
        found.update({row.pk: label(row) for row in rows})
    return found


def label(principal: Principal) -> PrincipalLabel:
    """How a principal is written."""
    source = principal.connection.name if principal.connection is not None else ""
    return PrincipalLabel(principal.kind, principal.external_id, source)
