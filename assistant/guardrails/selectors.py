"""What the pages of the guardrails show. Values only; who may look is asked here, too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.models import Connection, Principal
from assistant.accounts.roles import Right
from assistant.common.acl import PrincipalKind
from assistant.common.errors import GuardrailsDamaged, NotFound
from assistant.guardrails.comparing import RuleChange, differences
from assistant.guardrails.models import BenchCase, DraftRule, PolicyVersion
from assistant.guardrails.policy import (
    Policy,
    checksum_of,
    draft_rules,
    policy_in_force,
    policy_numbered,
    rule_of,
)
from assistant.guardrails.rule_settings import NamedRow
from assistant.guardrails.rules import Rule

_LISTED = 200


@dataclass(frozen=True, slots=True)
class VersionItem:
    """One line of the history."""

    number: int
    published_at: datetime
    published_by: str
    comment: str
    restores: int | None
    rules: int
    in_force: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """The draft beside what is in force, which is None if nothing was published yet, or `damaged`."""

    rules: tuple[Rule, ...]
    changes: tuple[RuleChange, ...]
    checksum: str
    in_force: VersionItem | None
    damaged: bool
    cases: int

    @property
    def changed(self) -> dict[int, str]:
        """What is unpublished of each rule of the draft, by its id: "added" or "changed"."""
        return {change.rule.id: change.what for change in self.changes}

    @property
    def deleted(self) -> tuple[RuleChange, ...]:
        """The rules in force that the draft holds no more."""
        return tuple(change for change in self.changes if change.after is None)


@dataclass(frozen=True, slots=True)
class VersionDetail:
    """A version, and what it changed of the one before."""

    item: VersionItem
    rules: tuple[Rule, ...]
    changes: tuple[RuleChange, ...]


def overview(*, viewer: Viewer) -> Overview:
    """The rules as they are being edited.

    Raises:
        NotFound: the viewer may not look.
    """
    require(viewer, Right.SEE_GUARDRAILS)
    rules, damaged, published = draft_rules(), False, tuple[Rule, ...]()
    try:
        published = policy_in_force().rules
    except GuardrailsDamaged:
        damaged = True
    newest = PolicyVersion.objects.order_by("-number").first()
    return Overview(
        rules=rules,
        changes=differences(published, rules),
        checksum=checksum_of(rules),
        in_force=_item(newest, newest.number) if newest else None,
        damaged=damaged,
        cases=BenchCase.objects.count(),
    )


def draft_rule(rule_id: int, *, viewer: Viewer) -> Rule:
    """A rule of the draft.

    Raises:
        NotFound: the viewer may not look, or there is no such rule.
    """
    require(viewer, Right.SEE_GUARDRAILS)
    row = DraftRule.objects.filter(pk=rule_id).first()
    if row is None:
        raise NotFound("There is no such rule.")
    return rule_of(row)


def history(*, viewer: Viewer) -> tuple[VersionItem, ...]:
    """All versions, the newest first.

    Raises:
        NotFound: the viewer may not look.
    """
    require(viewer, Right.SEE_GUARDRAILS)
    rows = list(PolicyVersion.objects.order_by("-number")[:_LISTED])
    newest = rows[0].number if rows else 0
    return tuple(_item(row, newest) for row in rows)


def version_detail(number: int, *, viewer: Viewer) -> VersionDetail:
    """A version with what it changed.

    Raises:
        NotFound: the viewer may not look, or there is no such version.
        GuardrailsDamaged: the version or the one before is not what was published.
    """
    require(viewer, Right.SEE_GUARDRAILS)
    row = PolicyVersion.objects.filter(number=number).first()
    newest = PolicyVersion.objects.order_by("-number").values_list("number", flat=True).first()
    policy, before = policy_numbered(number), policy_numbered(number - 1)
    if row is None or policy is None:
        raise NotFound("There is no such version.")
    changes = differences(before.rules if before else (), policy.rules)
    return VersionDetail(_item(row, newest or 0), policy.rules, changes)


def rules_named(which: str, *, viewer: Viewer) -> tuple[Rule, ...]:
    """The rules that "draft", "published" or the number of a version means.

    Raises:
        NotFound: the viewer may not look, or nothing is meant.
        GuardrailsDamaged: the version is not what was published.
    """
    require(viewer, Right.SEE_GUARDRAILS)
    if which == "draft":
        return draft_rules()
    digits = which.isascii() and which.isdigit() and len(which) < 10  # noqa: PLR2004 - what fits into the column
    found: Policy | None = policy_in_force() if which == "published" else None
    if found is None and digits:
        found = policy_numbered(int(which))
    if found is None:
        raise NotFound("There is no such version.")
    return found.rules


def source_choices(*, viewer: Viewer) -> tuple[NamedRow, ...]:
    """All sources, for a rule that restricts to some.

    Raises:
        NotFound: the viewer may not look.
    """
    require(viewer, Right.SEE_GUARDRAILS)
    return tuple(
        NamedRow(pk, name) for pk, name in Connection.objects.order_by("name").values_list("pk", "name")
    )


def groups_written(lines: Iterable[str]) -> tuple[tuple[NamedRow, ...], tuple[str, ...]]:
    """The groups that lines "source: group" mean, and the lines that mean none."""
    found: dict[int, NamedRow] = {}
    unknown: list[str] = []
    for line in lines:
        row = _group(line)
        if row is None:
            unknown.append(line)
        else:
            found[row.id] = row
    return tuple(found.values()), tuple(unknown)


def _group(line: str) -> NamedRow | None:
    groups = Principal.objects.filter(kind=PrincipalKind.GROUP)
    for at in (place for place, char in enumerate(line) if char == ":"):
        source, name = line[:at].strip(), line[at + 1 :].strip()
        row = groups.filter(connection__name=source, external_id=name).first()
        if row is not None:
            return NamedRow(row.pk, f"{source}: {name}")
    return None


def _item(row: PolicyVersion, newest: int) -> VersionItem:
    rules = row.content.get("rules") if isinstance(row.content, dict) else None
    return VersionItem(
        number=row.number,
        published_at=row.published_at,
        published_by=row.published_by,
        comment=row.comment,
        restores=row.restores,
        rules=len(rules) if isinstance(rules, list) else 0,
        in_force=row.number == newest,
    )
