"""The form of a rule: what was typed, drawn again as it was, and the JSON that a rule is read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils.translation import gettext

from assistant.common.types import Json
from assistant.guardrails.checks.registry import catalogue, off_by_default
from assistant.guardrails.rule_settings import STRENGTHS, OwnPattern, row_json, settings_json
from assistant.guardrails.rules import FACTS, Kind, KindFacts, Rule
from assistant.guardrails.selectors import groups_written
from assistant.guardrails.verdict import Action


@dataclass(frozen=True, slots=True)
class RuleForm:
    """One rule on the page; lists are lines of text. `wrong`: field to what is wrong with it."""

    kind: Kind
    id: int = 0
    name: str = ""
    enabled: bool = True
    action: str = ""
    stages: tuple[str, ...] = ()
    limited: bool = False
    groups: str = ""
    message: str = ""
    description: str = ""
    examples: str = ""
    sources: tuple[int, ...] = ()
    words: str = ""
    kinds: tuple[str, ...] = ()
    patterns: str = ""
    strengths: Mapping[str, str] = field(default_factory=dict)
    strength: str = "medium"
    share: str = "80"
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> KindFacts:
        """Where the kind can look and what it can do."""
        return FACTS[self.kind]

    @property
    def may_restrict(self) -> bool:
        """Whether the kind can restrict to sources."""
        return Action.RESTRICT in self.facts.actions

    @property
    def catalogue(self) -> tuple[tuple[str, str], ...]:
        """What the kind's check can find."""
        return catalogue(self.facts.check) if self.facts.check else ()

    @property
    def strength_choices(self) -> tuple[str, ...]:
        """From what finds least to what finds most."""
        return STRENGTHS


def new_form(kind: Kind) -> RuleForm:
    """A rule that is not written yet, with what is usual."""
    facts = FACTS[kind]
    found = catalogue(facts.check) if facts.check else ()
    return RuleForm(
        kind=kind,
        action=facts.actions[0].value,
        stages=tuple(stage.value for stage in facts.stages),
        kinds=tuple(each for each, _ in found if each not in off_by_default(facts.check)),
        strengths={each: "medium" for each, _ in found},
    )


def form_of(rule: Rule) -> RuleForm:
    """The form of a rule as it is."""
    known = settings_json(rule.settings)
    sources = known.get("sources")
    strengths = known.get("strengths")
    return RuleForm(
        kind=rule.kind,
        id=rule.id,
        name=rule.name,
        enabled=rule.enabled,
        action=rule.action.value,
        stages=tuple(stage.value for stage in rule.stages),
        limited=bool(rule.groups),
        groups="\n".join(group.name for group in rule.groups),
        message=rule.message,
        description=str(known.get("description") or ""),
        examples=_lines(known.get("examples")),
        sources=tuple(source["id"] for source in sources) if isinstance(sources, list) else (),
        words=_lines(known.get("words")),
        kinds=tuple(_lines(known.get("kinds")).splitlines()),
        patterns="\n".join(_pattern_line(each) for each in getattr(rule.settings, "patterns", ())),
        strengths={str(key): str(value) for key, value in strengths.items()}
        if isinstance(strengths, dict)
        else {},
        strength=str(known.get("strength") or "medium"),
        share=str(known.get("share") or ""),
    )


def typed_form(kind: Kind, rule_id: int, typed: QueryDict) -> RuleForm:
    """What was typed."""
    return RuleForm(
        kind=kind,
        id=rule_id,
        name=typed.get("name", ""),
        enabled=typed.get("enabled") == "on",
        action=typed.get("action", ""),
        stages=tuple(typed.getlist("stages")),
        limited=typed.get("audience") == "groups",
        groups=_text(typed, "groups"),
        message=_text(typed, "message"),
        description=_text(typed, "description"),
        examples=_text(typed, "examples"),
        sources=tuple(int(each) for each in typed.getlist("sources") if each.isascii() and each.isdigit()),
        words=_text(typed, "words"),
        kinds=tuple(typed.getlist("kinds")),
        patterns=_text(typed, "patterns"),
        strengths={
            each: strength
            for each, _ in catalogue(FACTS[kind].check or "")
            if (strength := typed.get(f"strength_{each}", ""))
        },
        strength=typed.get("strength", ""),
        share=typed.get("share", ""),
    )


def rule_given(form: RuleForm, source_names: Mapping[int, str]) -> tuple[dict[str, Json], dict[str, str]]:
    """The rule as `read_rule` takes it, and what only the form can see to be wrong."""
    wrong: dict[str, str] = {}
    groups, unknown = groups_written(line.strip() for line in form.groups.splitlines() if line.strip())
    if form.limited and unknown:
        wrong["groups"] = gettext(
            "“%(line)s” is no group here. Write the source’s name, a colon and the group."
        ) % {"line": unknown[0][:80]}
    elif form.limited and not groups:
        wrong["groups"] = gettext("Name at least one group, or let the rule concern everyone.")
    given: dict[str, Json] = {
        "id": form.id,
        "kind": form.kind.value,
        "name": form.name,
        "enabled": form.enabled,
        "action": form.action,
        "stages": list(form.stages),
        "groups": [row_json(group) for group in groups] if form.limited else [],
        "message": form.message,
        "settings": {
            "description": form.description,
            "examples": form.examples,
            "sources": [
                {"id": each, "name": source_names[each]} for each in form.sources if each in source_names
            ],
            "words": form.words,
            "kinds": list(form.kinds),
            "patterns": [_pattern_given(line) for line in form.patterns.splitlines() if line.strip()],
            "strengths": dict(form.strengths),
            "strength": form.strength,
            "share": form.share,
        },
    }
    return given, wrong


def _pattern_line(pattern: OwnPattern) -> str:
    return f"{pattern.name} = {pattern.pattern}"


def _pattern_given(line: str) -> dict[str, Json]:
    name, _, pattern = line.partition("=")
    return {"name": name.strip(), "pattern": pattern.strip()}


def _text(typed: QueryDict, name: str) -> str:
    return typed.get(name, "").replace("\r\n", "\n")


def _lines(value: Json) -> str:
    return "\n".join(str(each) for each in value) if isinstance(value, list) else ""
