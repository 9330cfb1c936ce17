"""What may each role do? No right lets its holder read what a source does not let them read."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Right(StrEnum):
    """Something that not everybody may do."""

    SEE_SOURCES = "see_sources"  # sources, runs, counts, and the ids of documents that failed
    MANAGE_SOURCES = "manage_sources"  # start, stop and approve runs
    SEE_GUARDRAILS = "see_guardrails"
    MANAGE_GUARDRAILS = "manage_guardrails"
    MANAGE_RANKING = "manage_ranking"  # what comes first among what each person may read
    MANAGE_ANSWERS = "manage_answers"  # from what and in which style answers are made
    MANAGE_MODELS = "manage_models"  # where questions, passages and texts are sent, at what price
    INSPECT_PERMISSIONS = "inspect_permissions"  # who may read which document and why; ids, never text
    MANAGE_PEOPLE = "manage_people"  # addresses, links to source accounts, roles
    SEE_AUDIT = "see_audit"
    # Counts: how much is asked and answered, what models took; no person and no question.
    SEE_USAGE = "see_usage"
    MANAGE_SCHEDULES = "manage_schedules"  # Django's admin: when the program's own tasks run
    MANAGE_SIGN_IN = "manage_sign_in"  # whom to believe who somebody is: identity providers


_CONTENT = frozenset(
    {
        Right.SEE_SOURCES,
        Right.MANAGE_SOURCES,
        Right.SEE_GUARDRAILS,
        Right.MANAGE_GUARDRAILS,
        Right.MANAGE_RANKING,
        Right.MANAGE_ANSWERS,
    }
)
_AUDIT = frozenset({Right.SEE_SOURCES, Right.SEE_GUARDRAILS, Right.INSPECT_PERMISSIONS, Right.SEE_AUDIT})
_SECURITY = _AUDIT | {Right.MANAGE_PEOPLE, Right.MANAGE_SIGN_IN}

# By the value of `models.Role`.
RIGHTS: Mapping[str, frozenset[Right]] = {
    "employee": frozenset(),
    "content_administrator": _CONTENT,
    "security_administrator": _SECURITY,
    "analyst": frozenset({Right.SEE_USAGE}),
    "auditor": _AUDIT,
    # For a firm in which one person is everything.
    "administrator": _CONTENT | _SECURITY | {Right.MANAGE_MODELS, Right.SEE_USAGE, Right.MANAGE_SCHEDULES},
}
