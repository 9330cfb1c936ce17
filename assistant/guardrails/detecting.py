"""What does a rule's check find in a text, as the rule has set it? Topics are judged together, elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial

from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.registry import compiled_pattern, findings_of, module_of
from assistant.guardrails.rule_settings import (
    AttackSettings,
    HarmfulSettings,
    PersonalDataSettings,
    WordsSettings,
)
from assistant.guardrails.rules import FACTS, Rule

PATTERN = "pattern:"  # how the kind of a finding of an own pattern begins; its name follows

Detector = Callable[[str], list[Finding]]


@lru_cache(maxsize=512)
def detector_for(rule: Rule) -> Detector:
    """The rule's detector, ready. Rules of topics and of grounding have none.

    Raises:
        UsageError: an own pattern cannot be compiled.
    """
    check = FACTS[rule.kind].check
    assert check is not None, "grounding is no property of a text"
    match rule.settings:
        case WordsSettings(words):
            return partial(_words, words)
        case PersonalDataSettings(kinds, patterns):
            own = [(PATTERN + each.name, _pattern_findings(each.pattern)) for each in patterns]
            return partial(_personal_data, kinds, own)
        case HarmfulSettings(strengths):
            return partial(_scored, check, dict(strengths), None)
        case AttackSettings(strength):
            return partial(_scored, check, {}, strength)
    raise AssertionError(f"{rule.kind} has no detector")


def _words(words: tuple[str, ...], text: str) -> list[Finding]:
    return findings_of("words")(text, words)


def _personal_data(kinds: tuple[str, ...], own: list[tuple[str, Detector]], text: str) -> list[Finding]:
    found = findings_of("personal_data")(text, kinds) if kinds else []
    return found + [
        Finding(name, each.start, each.end, each.score) for name, detector in own for each in detector(text)
    ]


def _pattern_findings(source: str) -> Detector:
    """What could not be judged in time counts as found, over the whole text."""
    found: Detector = compiled_pattern(source).findings
    return found


def _scored(check: str, wanted: Mapping[str, str], strength: str | None, text: str) -> list[Finding]:
    """The findings that are sure enough: each kind by its own strength, or all by one."""
    thresholds: Mapping[str, float] = module_of(check).THRESHOLDS
    least = {kind: thresholds[each] for kind, each in wanted.items()}
    common = thresholds[strength] if strength is not None else None
    return [
        finding
        for finding in findings_of(check)(text)
        if (limit := least.get(finding.kind, common)) is not None and finding.score >= limit
    ]
