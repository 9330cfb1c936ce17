"""Rules for tests: written into the draft as the console writes them, and published."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.common.types import Json
from assistant.guardrails.models import DraftRule
from assistant.guardrails.policy import checksum_of, draft_rules
from assistant.guardrails.rules import FACTS, Kind, Rule
from assistant.guardrails.services import install_rules

OWN = ("stages", "groups", "message", "enabled")  # the rest are settings of its kind


def written(kind: str, name: str, *, action: str = "", **fields: Json) -> dict[str, Json]:
    """A rule as `read_rule` takes it; what is no field of a rule is one of its settings."""
    facts = FACTS[Kind(kind)]
    own: dict[str, Json] = {key: fields.pop(key) for key in OWN if key in fields}
    return {
        "kind": kind,
        "name": name,
        "action": action or facts.actions[0].value,
        "stages": [stage.value for stage in facts.stages],
        "enabled": True,
        "settings": fields,
        **own,
    }


def publish(*rules: dict[str, Json]) -> tuple[Rule, ...]:
    """Add rules to the draft and publish all of it."""
    install_rules(rules, actor="test")
    return draft_rules()


def block(name: str, *, words: Sequence[str] = (), examples: Sequence[str] = (), message: str = "") -> None:
    """Block words everywhere, and questions and answers that are like the examples."""
    rules = [written("words", name, words=list(words), message=message)] if words else []
    topic = [written("topic", name, examples=list(examples), message=message)] if examples else []
    publish(*rules, *topic)


def republish() -> None:
    """Publish the draft as tests have changed it."""
    install_rules([], actor="test")


def draft_checksum() -> str:
    """What the console shows as seen."""
    return checksum_of(draft_rules())


def clear() -> None:
    """Publish no rules at all."""
    DraftRule.objects.all().delete()
    republish()
