"""What becomes of a document's attributes before it is stored: mapped, set, deleted, derived, or dropped.

A field map leads from an attribute of the source to a field of Mundap:

    {"title": "subject", "url": "permalink", "modified": "last_edit"}

Enrichment rules are carried out in order. `when` all hold (none: always), then the rest:

    {"when": [{"field": "path", "matches": "^hr/"}], "set": {"department": "HR"}}
    {"when": [{"field": "status", "equals": "draft"}], "drop": true}
    {"derive": {"year": {"from": "path", "pattern": "(20\\\\d\\\\d)"}}, "delete": ["internal_id"]}

Fields are `path` (the id), `title`, `name`, `url`, and every attribute by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from assistant.common.errors import UsageError
from assistant.common.told import told
from assistant.common.types import Json
from connectors.sdk.contract import Upsert
from connectors.sdk.document_fields import one_line, web_address

MAX_RULES = 100
_MAX_TRIED = 2_000  # characters of a value that a pattern is tried on
_MAX_REGEX = 300
_TARGETS = frozenset({"title", "url", "modified"})
_RULE_KEYS = frozenset({"when", "set", "delete", "derive", "drop"})


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` equals a value, or matches a pattern somewhere."""

    field: str
    equals: str | None = None
    matches: re.Pattern[str] | None = None

    def holds(self, upsert: Upsert) -> bool:
        """Whether it holds for this document. A field that is missing equals nothing and matches nothing."""
        value = _value(upsert, self.field)
        if value is None:
            return False
        if self.matches is not None:
            return self.matches.search(value[:_MAX_TRIED]) is not None
        return value == self.equals


@dataclass(frozen=True, slots=True)
class Derivation:
    """An attribute taken from the first group of a pattern in another field."""

    attribute: str
    source: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One enrichment rule."""

    when: tuple[Condition, ...] = ()
    set: tuple[tuple[str, Json], ...] = ()
    delete: frozenset[str] = frozenset()
    derive: tuple[Derivation, ...] = ()
    drop: bool = False


@dataclass(frozen=True, slots=True)
class Enrichment:
    """A field map and rules, ready to be applied."""

    field_map: tuple[tuple[str, str], ...] = ()
    rules: tuple[Rule, ...] = ()

    def apply(self, upsert: Upsert) -> Upsert | None:
        """The document as it is stored; None: a rule drops it."""
        for target, attribute in self.field_map:
            upsert = _mapped(upsert, target, attribute)
        for rule in self.rules:
            if not all(condition.holds(upsert) for condition in rule.when):
                continue
            if rule.drop:
                return None
            upsert = _changed(upsert, rule)
        return upsert


def parse_enrichment(field_map: Json, rules: Json) -> Enrichment:
    """Field map and rules from JSON.

    Raises:
        UsageError: an unknown key, a value of the wrong shape, or a pattern that is none.
    """
    if not isinstance(field_map, Mapping) or set(field_map) - _TARGETS:
        raise UsageError(
            told("A field map may lead to {targets} and nothing else.", targets=", ".join(sorted(_TARGETS)))
        )
    if not isinstance(rules, Sequence) or isinstance(rules, str) or len(rules) > MAX_RULES:
        raise UsageError(told("Enrichment must be a list of at most {most} rules.", most=MAX_RULES))
    return Enrichment(
        field_map=tuple((target, _text(name, f"field_map.{target}")) for target, name in field_map.items()),
        rules=tuple(_parse_rule(rule, number) for number, rule in enumerate(rules, start=1)),
    )


def _parse_rule(value: Json, number: int) -> Rule:
    where = told("Rule {number}", number=number)
    if not isinstance(value, Mapping) or set(value) - _RULE_KEYS or not set(value) - {"when"}:
        raise UsageError(
            told(
                "{where} may have {rule_keys}, and must do something.",
                where=where,
                rule_keys=", ".join(sorted(_RULE_KEYS)),
            )
        )
    conditions, derived = value.get("when", []), value.get("derive", {})
    settings, deleted, drop = value.get("set", {}), value.get("delete", []), value.get("drop", False)
    if not isinstance(conditions, Sequence) or isinstance(conditions, str):
        raise UsageError(told("{where}: when must be a list of conditions.", where=where))
    if not isinstance(deleted, Sequence) or isinstance(deleted, str):
        raise UsageError(told("{where}: delete must be a list of attribute names.", where=where))
    if not isinstance(settings, Mapping) or not isinstance(derived, Mapping) or not isinstance(drop, bool):
        raise UsageError(told("{where}: set and derive must be objects, drop true or false.", where=where))
    return Rule(
        when=tuple(_parse_condition(each, where) for each in conditions),
        set=tuple(settings.items()),
        delete=frozenset(_text(each, _part(where, "delete")) for each in deleted),
        derive=tuple(_parse_derivation(name, each, where) for name, each in derived.items()),
        drop=drop,
    )


def _parse_condition(value: Json, where: str) -> Condition:
    if not isinstance(value, Mapping) or set(value) not in ({"field", "equals"}, {"field", "matches"}):
        raise UsageError(
            told('{where}: a condition is {{"field": NAME, "equals" or "matches": TEXT}}.', where=where)
        )
    field = _text(value["field"], _part(where, "field"))
    if "matches" in value:
        return Condition(field, matches=_pattern(value["matches"], where))
    return Condition(field, equals=_text(value["equals"], _part(where, "equals")))


def _parse_derivation(name: str, value: Json, where: str) -> Derivation:
    if not isinstance(value, Mapping) or set(value) != {"from", "pattern"}:
        raise UsageError(
            told(
                '{where}: derive needs {{"from": FIELD, "pattern": PATTERN}} for each attribute.', where=where
            )
        )
    return Derivation(name, _text(value["from"], _part(where, "from")), _pattern(value["pattern"], where))


def _pattern(value: Json, where: str) -> re.Pattern[str]:
    text = _text(value, told("{where}: a pattern", where=where))
    if len(text) > _MAX_REGEX:
        raise UsageError(
            told("{where}: a pattern may have at most {most} characters.", where=where, most=_MAX_REGEX)
        )
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(
            told("{where}: '{text}' is no pattern: {error}.", where=where, text=text[:60], error=error)
        ) from error


def _part(where: str, key: str) -> str:
    """A key of a rule, which is the same in every language."""
    return told("{where}: {key}", where=where, key=key)


def _text(value: Json, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(told("{what} must be a text.", what=what))
    return value


def _value(upsert: Upsert, field: str) -> str | None:
    fields = {
        "path": upsert.external_id,
        "title": upsert.title,
        "name": upsert.name,
        "url": upsert.url,
    }
    if field in fields:
        return fields[field]
    value = upsert.attributes.get(field)
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _mapped(upsert: Upsert, target: str, attribute: str) -> Upsert:
    value = upsert.attributes.get(attribute)
    if not isinstance(value, str) or not value.strip():
        return upsert
    match target:
        case "title":
            return replace(upsert, title=one_line(value))
        case "url":
            return replace(upsert, url=web_address(value) or upsert.url)
        case _:
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                return upsert
            return replace(upsert, modified=moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _changed(upsert: Upsert, rule: Rule) -> Upsert:
    attributes = {name: value for name, value in upsert.attributes.items() if name not in rule.delete}
    attributes.update(rule.set)
    for derivation in rule.derive:
        found = derivation.pattern.search((_value(upsert, derivation.source) or "")[:_MAX_TRIED])
        if found is not None:
            attributes[derivation.attribute] = found.group(1 if found.re.groups else 0) or ""
    return replace(upsert, attributes=attributes)
