"""What differs between two sets of rules? By the id of a rule, which it keeps under another name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.common.types import Json
from assistant.guardrails.rules import Rule, rule_json

_ABOUT_ITSELF = ("id", "settings")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a rule, before and after, as JSON."""

    field: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule that is new (`before` None), gone (`after` None) or other."""

    before: Rule | None
    after: Rule | None
    fields: tuple[FieldChange, ...] = ()

    @property
    def rule(self) -> Rule:
        """The rule as it is now, or as it was last."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def what(self) -> str:
        """ "added", "deleted" or "changed"."""
        if self.before is None:
            return "added"
        return "deleted" if self.after is None else "changed"


def differences(before: Sequence[Rule], after: Sequence[Rule]) -> tuple[RuleChange, ...]:
    """The rules that are not the same, those that are there first and in their order."""
    old, new = {rule.id: rule for rule in before}, {rule.id: rule for rule in after}
    found = []
    for rule in after:
        known = old.get(rule.id)
        if known is None:
            found.append(RuleChange(None, rule))
        elif known != rule:
            found.append(RuleChange(known, rule, _fields(known, rule)))
    found += [RuleChange(rule, None) for rule in before if rule.id not in new]
    return tuple(found)


def _fields(before: Rule, after: Rule) -> tuple[FieldChange, ...]:
    old, new = _flat(rule_json(before)), _flat(rule_json(after))
    return tuple(
        FieldChange(name, old.get(name), new.get(name))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    )


def _flat(rule: Mapping[str, Json]) -> dict[str, Json]:
    settings = rule["settings"]
    assert isinstance(settings, Mapping)
    return {name: value for name, value in rule.items() if name not in _ABOUT_ITSELF} | dict(settings)
