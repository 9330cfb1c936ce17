"""Why a person sees a document, or why not: each step of the rule, with the age of its facts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from assistant.access.viewer import Viewer
from assistant.access.visibility import deciding_entries, may_read, permissions_confirmed_at, principals_of
from assistant.accounts.models import Principal, User
from assistant.accounts.principals import fresh_edges
from assistant.common.acl import PrincipalKind
from assistant.common.types import Json
from assistant.documents.models import AclEntry, Document, Hidden


@dataclass(frozen=True, slots=True)
class Explanation:
    """`reason` is one word; `clauses` say for each clause which entry decided; `path` leads from the
    person through groups to the principal that the last deciding entry names."""

    visible: bool
    reason: str
    clauses: tuple[dict[str, Json], ...]
    path: tuple[str, ...]
    acl_age_s: float | None


def explain(viewer: Viewer, document: Document, *, now: datetime | None = None) -> Explanation:
    """Walk through the rule for one person and one document."""
    now = now or timezone.now()
    deciding = deciding_entries(document, held=principals_of(viewer, now=now), now=now)
    confirmed = permissions_confirmed_at(document)
    visible = may_read(viewer, document, now=now)
    decisive = _decisive(deciding)
    return Explanation(
        visible=visible,
        reason="allowed" if visible else _why_not(viewer, document, deciding, confirmed, now),
        clauses=tuple(_clause(number, entry) for number, entry in enumerate(deciding)),
        path=_path(viewer, decisive.principal, now) if decisive else (),
        acl_age_s=round((now - confirmed).total_seconds(), 1) if confirmed else None,
    )


def _decisive(deciding: list[AclEntry | None]) -> AclEntry | None:
    """The entry that shut the person out, else the last one that let them in."""
    for entry in deciding:
        if entry is not None and not entry.allow:
            return entry
    return next((entry for entry in reversed(deciding) if entry is not None), None)


def _why_not(
    viewer: Viewer,
    document: Document,
    deciding: list[AclEntry | None],
    confirmed: datetime | None,
    now: datetime,
) -> str:
    if document.hidden:
        return {
            Hidden.PERMISSIONS.value: "permissions_in_doubt",
            Hidden.MISSING.value: "gone_from_source",
            Hidden.REMOVED.value: "deleted",
        }[document.hidden]
    if document.version == 0:
        return "no_text"
    if document.acl_id is None or confirmed is None:
        return "no_permissions"
    if confirmed + timedelta(seconds=document.connection.max_age_s) < now:
        return "permissions_too_old"
    if not User.objects.filter(pk=viewer.user_id, is_active=True).exists():
        return "account_closed"
    denies = [entry for entry in deciding if entry is not None and not entry.allow]
    if not denies:
        return "not_named"
    # Who holds none of the principals that shut them out was shut out for want of knowledge.
    held = principals_of(viewer, now=now).ids
    return "denied" if any(entry.principal_id in held for entry in denies) else "denied_unknown_group"


def _clause(number: int, entry: AclEntry | None) -> dict[str, Json]:
    if entry is None:
        return {"clause": number + 1, "decision": "no_match", "principal": None, "expires": None}
    return {
        "clause": number + 1,
        "decision": "allow" if entry.allow else "deny",
        "principal": str(entry.principal),
        "expires": entry.expires_at.isoformat() if entry.expires_at else None,
    }


def _path(viewer: Viewer, target: Principal, now: datetime) -> tuple[str, ...]:
    """The shortest chain from the person to the principal, through direct memberships."""
    starts = list(
        Principal.objects.filter(connection=None, kind=PrincipalKind.USER, external_id=viewer.email)
    ) + list(Principal.objects.filter(connection=None, kind=PrincipalKind.EVERYONE))
    came_from: dict[int, int | None] = {start.pk: None for start in starts}
    waiting = deque(came_from)
    while waiting and target.pk not in came_from:
        member = waiting.popleft()
        for group in (
            fresh_edges(now).filter(member_id=member).order_by("group_id").values_list("group_id", flat=True)
        ):
            if group not in came_from:
                came_from[group] = member
                waiting.append(group)
    if target.pk not in came_from:
        return (f"user:{viewer.email}",)
    chain: list[int] = []
    step: int | None = target.pk
    while step is not None:
        chain.append(step)
        step = came_from[step]
    named = Principal.objects.in_bulk(chain)
    path = tuple(str(named[pk]) for pk in reversed(chain))
    return path if path[0].startswith("user:") else (f"user:{viewer.email}", *path)
