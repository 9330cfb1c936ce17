"""What administrators can do with the rules. A view or command calls exactly one of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.types import Json, JsonObject
from assistant.guardrails.models import MAX_COMMENT, DraftRule, PolicyVersion
from assistant.guardrails.policy import (
    Policy,
    checksum_of,
    content_of,
    draft_rules,
    policy_numbered,
)
from assistant.guardrails.rule_settings import RuleRefused, row_json, settings_json
from assistant.guardrails.rules import Rule, read_rule

MOST_RULES = 200


def save_rule(given: JsonObject, *, viewer: Viewer) -> Rule:
    """Write a rule into the draft: a new one if its id is 0.

    Raises:
        NotFound: the viewer may not edit rules, or there is no such rule.
        RuleRefused: by field, what is wrong.
    """
    require(viewer, Right.MANAGE_GUARDRAILS)
    rule = read_rule(given)
    with transaction.atomic():
        row = DraftRule.objects.select_for_update().filter(pk=rule.id).first() if rule.id else None
        if rule.id and (row is None or row.kind != rule.kind):
            raise NotFound("There is no such rule.")
        if DraftRule.objects.filter(kind=rule.kind, name=rule.name).exclude(pk=rule.id).exists():
            raise RuleRefused({"name": gettext("Another rule of this kind has this name already.")})
        if row is None and DraftRule.objects.count() >= MOST_RULES:
            raise RuleRefused({"name": gettext("There are 200 rules already. Delete one first.")})
        saved = _stored(row or DraftRule(), rule, viewer.email)
        _audit(
            Event.GUARDRAIL_CHANGED,
            viewer,
            rule=rule.name,
            kind=rule.kind.value,
            what="changed" if row else "added",
        )
    return read_rule({**given, "id": saved.pk})


def delete_rule(rule_id: int, *, viewer: Viewer) -> str:
    """Take a rule out of the draft. Gives its name.

    Raises:
        NotFound: the viewer may not edit rules, or there is no such rule.
    """
    require(viewer, Right.MANAGE_GUARDRAILS)
    with transaction.atomic():
        row = DraftRule.objects.select_for_update().filter(pk=rule_id).first()
        if row is None:
            raise NotFound("There is no such rule.")
        row.delete()
        _audit(Event.GUARDRAIL_CHANGED, viewer, rule=row.name, kind=row.kind, what="deleted")
    return row.name


def publish(*, viewer: Viewer, comment: str, seen: str) -> int:
    """Publish the draft, whose checksum the administrator saw as `seen`. Gives the version's number.

    Raises:
        NotFound: the viewer may not publish.
        UsageError: the draft has changed since it was looked at, or is what is in force already.
    """
    require(viewer, Right.MANAGE_GUARDRAILS)
    with transaction.atomic():
        _lock()
        rules = draft_rules()
        checksum = checksum_of(rules)
        if checksum != seen:
            raise UsageError(gettext("The draft has changed since you looked at it. Look at it again."))
        if checksum == checksum_in_force():
            raise UsageError(gettext("The draft is what is in force already."))
        return _publish(rules, _By(viewer.email, viewer.user_id), comment=comment)


def roll_back(number: int, *, viewer: Viewer, comment: str = "") -> int:
    """Publish the content of an older version anew. The draft follows if it held nothing unpublished.

    Raises:
        NotFound: the viewer may not publish, or there is no such version.
        UsageError: the version is the one in force.
        GuardrailsDamaged: the version is not what was published.
    """
    require(viewer, Right.MANAGE_GUARDRAILS)
    with transaction.atomic():
        _lock()
        older = policy_numbered(number)
        if older is None:
            raise NotFound("There is no such version.")
        in_force = checksum_in_force()
        if older.checksum == in_force:
            raise UsageError(gettext("These rules are in force already."))
        follows = _draft_checksum() == in_force
        by = _By(viewer.email, viewer.user_id)
        made = _publish(older.rules, by, comment=comment, restores=number)
        if follows:
            _replace_draft(older, viewer.email)
        return made


def replace_draft(number: int, *, viewer: Viewer) -> None:
    """Make the draft what a version holds. What was edited since and not published is lost.

    Raises:
        NotFound: the viewer may not edit rules, or there is no such version.
        GuardrailsDamaged: the version is not what was published.
    """
    require(viewer, Right.MANAGE_GUARDRAILS)
    with transaction.atomic():
        _lock()
        version = policy_numbered(number)
        if version is None:
            raise NotFound("There is no such version.")
        _replace_draft(version, viewer.email)
        _audit(Event.GUARDRAILS_DRAFT_REPLACED, viewer, version=number)


def install_rules(rules: Sequence[JsonObject], *, actor: str) -> None:
    """Add rules to the draft and publish it, for a first start. It is no person's act, so no right is asked.

    Raises:
        RuleRefused: a rule is wrong.
    """
    with transaction.atomic():
        for given in rules:
            _stored(DraftRule(), read_rule(given), actor)
        _publish(draft_rules(), _By(actor))


def checksum_in_force() -> str:
    """The checksum of the version in force as stored, without reading it; of no rules if there is none.

    A version that was altered must not keep anybody from publishing another one.
    """
    stored = PolicyVersion.objects.order_by("-number").values_list("checksum", flat=True).first()
    return stored or checksum_of(())


@dataclass(frozen=True, slots=True)
class _By:
    """Who publishes: a person, or the program itself."""

    name: str
    user_id: int | None = None


def _publish(rules: Sequence[Rule], by: _By, *, comment: str = "", restores: int | None = None) -> int:
    """Write a version.

    Raises:
        UsageError: somebody else was faster.
    """
    before = PolicyVersion.objects.aggregate(newest=Max("number"))["newest"] or 0
    try:
        with transaction.atomic():
            PolicyVersion.objects.create(
                number=before + 1,  # unique
                content=content_of(rules),
                checksum=checksum_of(rules),
                comment=" ".join(comment.split())[:MAX_COMMENT],
                published_by=by.name,
                restores=restores,
            )
    except IntegrityError as error:
        raise UsageError(gettext("Somebody else has just published. Look at the rules again.")) from error
    data: dict[str, Json] = {"version": before + 1, "rules": len(rules)}
    if restores is not None:
        data["restores"] = restores
    record(Event.GUARDRAILS_PUBLISHED, actor_id=by.user_id, actor=by.name, **data)
    return before + 1


def _lock() -> None:
    """Whoever publishes or replaces the draft waits for whoever does, and holds its rows meanwhile."""
    list(PolicyVersion.objects.select_for_update().order_by("-number").values_list("pk")[:1])
    list(DraftRule.objects.select_for_update().values_list("pk"))


def _draft_checksum() -> str:
    try:
        return checksum_of(draft_rules())
    except RuleRefused:
        return ""


def _replace_draft(version: Policy, actor: str) -> None:
    kept = {rule.id for rule in version.rules}
    DraftRule.objects.exclude(pk__in=kept).delete()
    rows = DraftRule.objects.in_bulk(kept)
    for row in rows.values():  # two that swapped their names must not meet on the way
        DraftRule.objects.filter(pk=row.pk).update(name=f"{row.pk} {uuid4()}")
    for rule in version.rules:
        _stored(rows.get(rule.id) or DraftRule(pk=rule.id), rule, actor)


def _stored(row: DraftRule, rule: Rule, actor: str) -> DraftRule:
    row.kind, row.name, row.action = rule.kind.value, rule.name, rule.action.value
    row.stages = [stage.value for stage in rule.stages]
    row.groups = [row_json(group) for group in rule.groups]
    row.message, row.enabled, row.updated_by = rule.message, rule.enabled, actor
    row.settings = settings_json(rule.settings)
    row.save()
    return row


def _audit(event: Event, viewer: Viewer, **data: Json) -> None:
    record(event, actor_id=viewer.user_id, actor=viewer.email, **data)
