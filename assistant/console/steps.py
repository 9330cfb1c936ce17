"""By which steps does a person come to a document, and at which one does it end?

Pure: from an inspection to what the page draws. A chain leads from the person through
an identity and groups to the clause that decides, and on to the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from assistant.access.inspection import (
    Bearing,
    ClauseView,
    Decision,
    EntryView,
    IdentityOrigin,
    Inspection,
    PrincipalLabel,
    Reason,
)

_GROUPS_DRAWN = 5  # of a longer chain the first two and the last two
_ENDS = 2
_BY_RULES = frozenset(
    {Reason.ALLOWED, Reason.DENIED, Reason.DENIED_IN_DOUBT, Reason.NOT_NAMED, Reason.GROUPS_TOO_OLD}
)
_WITHOUT_MATCH = frozenset({Reason.NOT_NAMED, Reason.GROUPS_TOO_OLD})


class StepKind(StrEnum):
    """What stands at a step."""

    PERSON = "person"
    IDENTITY = "identity"
    GROUP = "group"
    LEFT_OUT = "left_out"  # groups of a long chain that are not drawn
    NOTHING = "nothing"  # none of the person's identities and groups is named
    CLAUSE = "clause"
    DOCUMENT = "document"


class StepState(StrEnum):
    """Whether the chain gets past the step."""

    PASSED = "passed"
    STOPS = "stops"
    BEYOND = "beyond"  # not reached


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `at`: when that was read; `left_out`: how many groups are not drawn here."""

    kind: StepKind
    state: StepState = StepState.PASSED
    principal: PrincipalLabel | None = None
    origin: IdentityOrigin | None = None
    at: datetime | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """An inspection with what the page draws of it. `clause` and `entry` are those that decide, if any."""

    inspection: Inspection
    clause: ClauseView | None
    entry: EntryView | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a clause: an entry, or how many entries are left out here."""

    entry: EntryView | None = None
    left_out: int = 0


def course_of(inspection: Inspection) -> Course:
    """What decides, and the chain to it."""
    clause = _deciding_clause(inspection)
    entry = next((entry for entry in clause.entries if entry.decides), None) if clause else None
    return Course(inspection, clause, entry, _steps(inspection, clause, entry))


def lines_of(clause: ClauseView) -> tuple[Line, ...]:
    """The entries of a clause with a line for each gap between them."""
    lines: list[Line] = []
    following = 1
    for entry in clause.entries:
        if entry.position > following:
            lines.append(Line(left_out=entry.position - following))
        lines.append(Line(entry=entry))
        following = entry.position + 1
    if clause.total >= following:
        lines.append(Line(left_out=clause.total - following + 1))
    return tuple(lines)


def _deciding_clause(inspection: Inspection) -> ClauseView | None:
    clauses = inspection.clauses
    if inspection.reason is Reason.DENIED:
        denying = (clause for clause in clauses if _denies_for_sure(clause))
        return next(denying, None)
    if inspection.reason is Reason.DENIED_IN_DOUBT:
        return next((clause for clause in clauses if clause.decision is Decision.DENY), None)
    if inspection.reason in _WITHOUT_MATCH:
        return next((clause for clause in clauses if clause.decision is Decision.NO_MATCH), None)
    # What hides a document from everybody leaves its clauses as they are: draw them if they would let in.
    lets_in = all(clause.decision is Decision.ALLOW for clause in clauses)
    return clauses[-1] if clauses and lets_in else None


def _denies_for_sure(clause: ClauseView) -> bool:
    return any(
        entry.decides and not entry.allow and entry.bearing is Bearing.HELD for entry in clause.entries
    )


def _steps(inspection: Inspection, clause: ClauseView | None, entry: EntryView | None) -> tuple[Step, ...]:
    closed = inspection.reason is Reason.ACCOUNT_CLOSED
    person = Step(StepKind.PERSON, StepState.STOPS if closed else StepState.PASSED)
    if clause is None or closed:
        return (person, _document(inspection))
    state = StepState.PASSED if clause.decision is Decision.ALLOW else StepState.STOPS
    rule = Step(StepKind.CLAUSE, state, at=_age(inspection, "access_list"))
    return (person, *_to_the_rule(inspection, clause, entry), rule, _document(inspection))


def _to_the_rule(inspection: Inspection, clause: ClauseView, entry: EntryView | None) -> tuple[Step, ...]:
    if entry is None:
        return (Step(StepKind.NOTHING),)
    if not clause.path:
        return (Step(StepKind.GROUP, principal=entry.principal),)
    groups_at = _age(inspection, "groups")
    groups = [Step(StepKind.GROUP, principal=group, at=groups_at) for group in clause.path[1:]]
    if len(groups) > _GROUPS_DRAWN:
        gap = Step(StepKind.LEFT_OUT, left_out=len(groups) - 2 * _ENDS)
        groups = [*groups[:_ENDS], gap, *groups[-_ENDS:]]
    return (_identity(inspection, clause.path[0]), *groups)


def _identity(inspection: Inspection, principal: PrincipalLabel) -> Step:
    known = (identity for identity in inspection.identities if identity.principal == principal)
    identity = next(known, None)
    if identity is None:
        return Step(StepKind.IDENTITY, principal=principal)
    return Step(StepKind.IDENTITY, principal=principal, origin=identity.origin, at=identity.since)


def _document(inspection: Inspection) -> Step:
    if inspection.visible:
        return Step(StepKind.DOCUMENT)
    by_rules = inspection.reason in _BY_RULES or inspection.reason is Reason.ACCOUNT_CLOSED
    state = StepState.BEYOND if by_rules else StepState.STOPS
    return Step(StepKind.DOCUMENT, state, at=None if by_rules else _age(inspection, "access_list"))


def _age(inspection: Inspection, subject: str) -> datetime | None:
    return next((fact.at for fact in inspection.facts if fact.subject == subject), None)
