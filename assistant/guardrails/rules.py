"""A rule as administrators write it: what it looks for, where, for whom, and what is done then.

`read_rule` is the only way from JSON to a rule, for the form, the draft and every published version alike, so
that what is in force was always checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext

from assistant.common.types import Json, JsonObject
from assistant.guardrails.checks.registry import CHECKS
from assistant.guardrails.rule_settings import (
    MAX_LINES,
    NamedRow,
    RuleRefused,
    Settings,
    attack_settings,
    grounding_settings,
    harmful_settings,
    lines_given,
    personal_data_settings,
    row_json,
    rows_given,
    settings_json,
    topic_settings,
    words_settings,
)
from assistant.guardrails.verdict import Action, Stage

MAX_NAME = 80
MAX_MESSAGE = 500


class Kind(StrEnum):
    """What a rule looks for."""

    TOPIC = "topic"
    WORDS = "words"
    PERSONAL_DATA = "personal_data"
    HARMFUL = "harmful"
    PROMPT_ATTACK = "prompt_attack"
    HIDDEN_INSTRUCTIONS = "hidden_instructions"
    GROUNDING = "grounding"


_EVERYWHERE = tuple(Stage)
_FINDS = (Action.BLOCK, Action.MASK, Action.DETECT)


@dataclass(frozen=True, slots=True)
class KindFacts:
    """Where a kind can look and what it can do, the usual first. `check` is its name in the registry."""

    stages: tuple[Stage, ...]
    actions: tuple[Action, ...]
    check: str | None


FACTS: Mapping[Kind, KindFacts] = {
    Kind.TOPIC: KindFacts(
        (Stage.QUESTION, Stage.ANSWER), (Action.BLOCK, Action.RESTRICT, Action.DETECT), "topics"
    ),
    Kind.WORDS: KindFacts(_EVERYWHERE, _FINDS, "words"),
    Kind.PERSONAL_DATA: KindFacts(_EVERYWHERE, (Action.MASK, Action.BLOCK, Action.DETECT), "personal_data"),
    Kind.HARMFUL: KindFacts(_EVERYWHERE, _FINDS, "harmful"),
    Kind.PROMPT_ATTACK: KindFacts((Stage.QUESTION,), (Action.BLOCK, Action.DETECT), "prompt_attacks"),
    Kind.HIDDEN_INSTRUCTIONS: KindFacts((Stage.PASSAGE,), _FINDS, "hidden_instructions"),
    Kind.GROUNDING: KindFacts((Stage.ANSWER,), (Action.DETECT, Action.MASK, Action.BLOCK), None),
}


def offered_kinds() -> tuple[Kind, ...]:
    """Kinds whose check is there."""
    return tuple(kind for kind, facts in FACTS.items() if facts.check is None or facts.check in CHECKS)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `groups`: principals whom alone it concerns; none: everyone."""

    id: int
    kind: Kind
    name: str
    action: Action
    stages: tuple[Stage, ...]
    groups: tuple[NamedRow, ...]
    message: str
    enabled: bool
    settings: Settings


def rule_json(rule: Rule) -> dict[str, Json]:
    """The rule as `read_rule` reads it."""
    return {
        "id": rule.id,
        "kind": rule.kind.value,
        "name": rule.name,
        "action": rule.action.value,
        "stages": [stage.value for stage in rule.stages],
        "groups": [row_json(group) for group in rule.groups],
        "message": rule.message,
        "enabled": rule.enabled,
        "settings": settings_json(rule.settings),
    }


def read_rule(given: JsonObject) -> Rule:
    """The rule that the JSON says.

    Raises:
        RuleRefused: by field, what is wrong with it.
    """
    kind = _kind(given)
    facts, problems = FACTS[kind], dict[str, str]()
    name = " ".join(str(given.get("name") or "").split())
    message = str(given.get("message") or "").strip()
    if not name:
        problems["name"] = gettext("Give the rule a name.")
    elif len(name) > MAX_NAME:
        problems["name"] = gettext("A name has at most %(most)d characters.") % {"most": MAX_NAME}
    if len(message) > MAX_MESSAGE:
        problems["message"] = gettext("A message has at most %(most)d characters.") % {"most": MAX_MESSAGE}
    groups = rows_given(given.get("groups"))
    if len(groups) > MAX_LINES:
        problems["groups"] = gettext("Name at most 200 groups.")
    action = next((each for each in facts.actions if each == given.get("action")), None)
    if action is None:
        problems["action"] = gettext("Choose what is done when the rule finds something.")
    wanted = lines_given(given.get("stages"))
    stages = tuple(stage for stage in facts.stages if stage in wanted)
    if action is Action.RESTRICT:
        stages = (Stage.QUESTION,)  # an answer is already written from its sources
    if not stages:
        problems["stages"] = gettext("Choose at least one place where the rule looks.")
    settings: Settings | None = None
    try:
        settings = _settings(kind, given, restricts=action is Action.RESTRICT)
    except RuleRefused as refused:
        problems |= refused.problems
    if problems or settings is None or action is None:
        raise RuleRefused(problems)
    number = given.get("id")
    return Rule(
        id=number if isinstance(number, int) else 0,
        kind=kind,
        name=name,
        action=action,
        stages=stages,
        groups=groups,
        message=message,
        enabled=given.get("enabled") is True,
        settings=settings,
    )


def _kind(given: JsonObject) -> Kind:
    found = next((kind for kind in offered_kinds() if kind == given.get("kind")), None)
    if found is None:
        raise RuleRefused({"kind": gettext("This kind of rule is not known here.")})
    return found


_READERS: Mapping[Kind, Callable[[JsonObject], Settings]] = {
    Kind.WORDS: words_settings,
    Kind.PERSONAL_DATA: personal_data_settings,
    Kind.HARMFUL: harmful_settings,
    Kind.PROMPT_ATTACK: attack_settings,
    Kind.HIDDEN_INSTRUCTIONS: attack_settings,
    Kind.GROUNDING: grounding_settings,
}


def _settings(kind: Kind, given: JsonObject, *, restricts: bool) -> Settings:
    raw = given.get("settings")
    settings = raw if isinstance(raw, Mapping) else {}
    if kind is Kind.TOPIC:
        return topic_settings(settings, restricts=restricts)
    return _READERS[kind](settings)
