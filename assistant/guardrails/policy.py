"""Which rules are in force, and which of them concern a person?

The newest published version is asked of the database on every call: what was published counts from the call
after it, in every process. Only the reading of a version is remembered, by its number and checksum.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.utils import timezone

from assistant.access.viewer import Viewer
from assistant.accounts.holding import held_by
from assistant.accounts.holding_together import held_by_any
from assistant.accounts.models import Principal, User
from assistant.common.errors import GuardrailsDamaged
from assistant.common.types import JsonObject
from assistant.guardrails.models import DraftRule, PolicyVersion
from assistant.guardrails.rule_settings import RuleRefused
from assistant.guardrails.rules import Rule, read_rule, rule_json
from assistant.guardrails.verdict import Stage


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules of one version; `number` is 0 before the first one."""

    number: int
    checksum: str
    rules: tuple[Rule, ...]


def policy_in_force() -> Policy:
    """The newest published version.

    Raises:
        GuardrailsDamaged: it is not what was published; nothing may be let through then.
    """
    newest = PolicyVersion.objects.order_by("-number").values_list("number", "checksum").first()
    return _read(*newest) if newest else Policy(0, checksum_of(()), ())


def policy_numbered(number: int) -> Policy | None:
    """A version by its number.

    Raises:
        GuardrailsDamaged: it is not what was published.
    """
    found = PolicyVersion.objects.filter(number=number).values_list("number", "checksum").first()
    return _read(*found) if found else None


def draft_rules() -> tuple[Rule, ...]:
    """The rules as they are being edited, in the order in which a version holds them.

    Raises:
        RuleRefused: a row is not one that the editor wrote.
    """
    rows = sorted(DraftRule.objects.all(), key=lambda row: (row.kind, row.name, row.pk))
    return tuple(map(rule_of, rows))  # sorted here: every database has an order of letters of its own


def rule_of(row: DraftRule) -> Rule:
    """The rule that a row of the draft says.

    Raises:
        RuleRefused: it says none.
    """
    return read_rule(
        {
            "id": row.pk,
            "kind": row.kind,
            "name": row.name,
            "action": row.action,
            "stages": row.stages,
            "groups": row.groups,
            "message": row.message,
            "enabled": row.enabled,
            "settings": row.settings,
        }
    )


def content_of(rules: Sequence[Rule]) -> JsonObject:
    """The rules as a version stores them."""
    return {"rules": [rule_json(rule) for rule in rules]}


def checksum_of(rules: Sequence[Rule]) -> str:
    """SHA-256 (hexadecimal) over what `content_of` says of the rules."""
    return _checksum(content_of(rules))


def concerning(viewer: Viewer, rules: Iterable[Rule], *, stage: Stage) -> tuple[Rule, ...]:
    """The enabled rules that look at this stage and concern the person, or anybody who reads along.

    A rule for groups concerns whoever is in one of them, and whoever might be: doubt about membership, a
    closed account and a group that is not there any more all count as being in it.
    """
    here = [rule for rule in rules if rule.enabled and stage in rule.stages]
    if all(not rule.groups for rule in here):
        return tuple(here)
    users = User.objects.filter(pk__in=viewer.everybody, is_active=True)
    if len(users) < len(viewer.everybody):
        return tuple(here)
    named = {group.id for rule in here for group in rule.groups}
    gone = named - set(Principal.objects.filter(pk__in=named).values_list("pk", flat=True))
    theirs = _held_or_doubtful(users, named) | gone
    return tuple(rule for rule in here if not rule.groups or any(group.id in theirs for group in rule.groups))


def _held_or_doubtful(users: Collection[User], named: Collection[int]) -> frozenset[int]:
    """Principals that one of the people holds, or that might be theirs; of several people, of `named`."""
    now = timezone.now()
    if len(users) > 1:
        held = held_by_any([user.pk for user in users], now=now).filter(pk__in=named)
        return frozenset(held.values_list("pk", flat=True))
    [user] = users
    alone = held_by(user, now=now)
    return alone.ids | alone.doubtful


@lru_cache(maxsize=8)
def _read(number: int, checksum: str) -> Policy:
    content = PolicyVersion.objects.values_list("content", flat=True).get(number=number)
    try:
        if _checksum(content) != checksum:
            raise GuardrailsDamaged(_damaged(number))
        rules = tuple(read_rule(each) for each in content["rules"])
    except (RuleRefused, KeyError, TypeError) as error:
        raise GuardrailsDamaged(_damaged(number)) from error
    return Policy(number, checksum, rules)


def _damaged(number: int) -> str:
    return (
        f"Version {number} of the guardrails is not what was published. "
        "Publish the draft or an older version in the console."
    )


def _checksum(content: JsonObject) -> str:
    written = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode(errors="surrogatepass")).hexdigest()
