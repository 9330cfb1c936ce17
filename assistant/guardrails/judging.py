"""What do these rules say of this text? A pure function of both.

Detectors see the text as it is and bring their own view of it; topics are compared with the text as a person
sees it. Of several rules the strictest action wins, of equally strict ones the first by kind, words first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.common.analysis import language_of
from assistant.guardrails.checks.contract import Check, TopicRule
from assistant.guardrails.checks.finding import Finding
from assistant.guardrails.checks.legible import legible
from assistant.guardrails.checks.registry import module_of
from assistant.guardrails.detecting import detector_for
from assistant.guardrails.encoding import RememberingEncoder
from assistant.guardrails.labels import label_for, message_for
from assistant.guardrails.masking import Span, mask
from assistant.guardrails.rule_settings import TopicSettings
from assistant.guardrails.rules import Kind, Rule
from assistant.guardrails.verdict import Action, Hit, Stage, Verdict, passed, strictest

_NAMED = (Kind.WORDS, Kind.TOPIC)  # kinds whose names say to people what is not talked about
_ORDER = (*_NAMED, *(kind for kind in Kind if kind not in _NAMED))


@dataclass(frozen=True, slots=True)
class _Found:
    rule: Rule
    findings: list[Finding]


def judge(
    text: str,
    rules: Sequence[Rule],
    *,
    stage: Stage,
    encoder: Callable[[], RememberingEncoder],
    after: str = "",
) -> Verdict:
    """What is to be done with `text`, which follows `after`: what is completed by `text` counts too.

    `encoder` is asked for only if topics are judged. What is masked is told of `text` alone.

    Raises:
        ModelUnavailable: topics cannot be judged.
    """
    whole = f"{after} {text}" if after else text
    before = len(whole) - len(text)
    found = [
        *_by_detectors(whole, rules, before=before),
        *_by_topics(whole, [rule for rule in rules if rule.kind is Kind.TOPIC], stage, encoder),
    ]
    if not found:
        return passed(text)
    found.sort(key=lambda each: (-each.rule.action.strictness, _ORDER.index(each.rule.kind), each.rule.name))
    action = strictest(tuple(each.rule.action for each in found))
    language = language_of(whole)
    winner = found[0].rule
    return Verdict(
        action=action,
        shown=mask(text, _spans(found, before=before, language=language)),
        hits=tuple(hit for each in found for hit in _hits(each)),
        topic=winner.name if winner.kind in _NAMED else "",
        topic_id=winner.id,
        message=(winner.message or message_for(winner, stage=stage, language=language))
        if action is Action.BLOCK
        else "",
        sources=_sources(found),
        kinds=frozenset(each.rule.kind.value for each in found),
    )


def _by_detectors(whole: str, rules: Sequence[Rule], *, before: int) -> list[_Found]:
    found = []
    for rule in rules:
        if rule.kind in (Kind.TOPIC, Kind.GROUNDING):
            continue
        findings = detector_for(rule)(whole)
        if rule.action is not Action.BLOCK:  # what stands in the part before was dealt with when it came
            findings = [finding for finding in findings if finding.end > before]
        if findings:
            found.append(_Found(rule, findings))
    return found


def _by_topics(
    whole: str, rules: Sequence[Rule], stage: Stage, encoder: Callable[[], RememberingEncoder]
) -> list[_Found]:
    """The nearest topic of each action, so that none that is only noted hides one that blocks."""
    seen = legible(whole) if rules else ""
    found: list[_Found] = []
    if not seen.strip():
        return found
    for action in Action:
        same = {rule.id: rule for rule in rules if rule.action is action}
        if same:
            topics = tuple(_topic(rule) for rule in same.values())
            nearest = _ready(topics, encoder()).first_match(seen, stage=stage)
            if nearest is not None:
                whole_text = Finding(Kind.TOPIC.value, 0, len(whole), 1.0)
                found.append(_Found(same[nearest.id], [whole_text]))
    return found


def _topic(rule: Rule) -> TopicRule:
    settings = rule.settings
    assert isinstance(settings, TopicSettings)
    return TopicRule(id=rule.id, name=rule.name, description=settings.description, examples=settings.examples)


@lru_cache(maxsize=32)
def _ready(topics: tuple[TopicRule, ...], encoder: RememberingEncoder) -> Check:
    made: Check = module_of("topics").TopicsCheck(topics, encoder=encoder)
    return made


def _spans(found: Sequence[_Found], *, before: int, language: str) -> list[Span]:
    """What to mask of the text alone. A text that is blocked for its personal data is kept without it."""
    return [
        Span(
            max(0, finding.start - before),
            finding.end - before,
            label_for(finding.kind, rule_kind=each.rule.kind, language=language),
        )
        for each in found
        if each.rule.action is Action.MASK
        or (each.rule.kind is Kind.PERSONAL_DATA and each.rule.action is Action.BLOCK)
        for finding in each.findings
        if finding.end > before
    ]


def _hits(found: _Found) -> list[Hit]:
    rule = found.rule
    counts = Counter(finding.kind for finding in found.findings)
    return [Hit(rule.id, rule.name, kind, rule.action, count) for kind, count in sorted(counts.items())]


def _sources(found: Sequence[_Found]) -> frozenset[int] | None:
    """The sources that every rule that restricts allows."""
    allowed: frozenset[int] | None = None
    for each in found:
        if each.rule.action is Action.RESTRICT and isinstance(each.rule.settings, TopicSettings):
            these = frozenset(source.id for source in each.rule.settings.sources)
            allowed = these if allowed is None else allowed & these
    return allowed
