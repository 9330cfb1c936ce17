"""May this text be asked, shown or said? `inspect()` is the only entry.

The rules are read from the database on every call and compared as a whole with those
that were made ready last: no change of a topic, however it was written, outlives the
call after it, in any process. Only making rules ready is remembered.
"""

from __future__ import annotations

from functools import lru_cache

from assistant.access.viewer import Viewer
from assistant.common.analysis import language_of
from assistant.guardrails.checks.contract import Check, TopicRule
from assistant.guardrails.checks.legible import legible
from assistant.guardrails.checks.registry import checks_for
from assistant.guardrails.encoding import RememberingEncoder, answering_encoder
from assistant.guardrails.models import Topic, lines_of
from assistant.guardrails.verdict import PASSED, Stage, Verdict

_MESSAGES = {
    "ko": "‘{topic}’에 관한 내용은 여기에서 답해 드리지 않습니다. 필요하시면 담당 부서에 문의해 주세요.",
    "en": "Questions about “{topic}” are not answered here. Please ask the department in charge.",
}


def inspect(text: str, *, stage: Stage, viewer: Viewer) -> Verdict:  # noqa: ARG001 - every rule holds for everyone
    """Judge a question before it is searched for, a passage before it is used, an answer before it is shown.

    Raises:
        ModelUnavailable: the embedder that topics are judged with cannot be reached; show nothing then.
    """
    seen = legible(text)
    rules = current_rules() if seen.strip() else ()
    if not rules:
        return PASSED
    for check in _ready(rules, answering_encoder()):
        rule = check.first_match(seen, stage=stage)
        if rule is not None:
            return Verdict(blocked=True, topic=rule.name, topic_id=rule.id, message=_message(rule, seen))
    return PASSED


def current_rules() -> tuple[TopicRule, ...]:
    """The enabled topics as the database holds them now, by name."""
    rows = Topic.objects.filter(enabled=True).order_by("name", "pk")
    return tuple(
        TopicRule(
            id=row.pk,
            name=row.name,
            description=row.description,
            examples=tuple(lines_of(row.examples)),
            words=tuple(lines_of(row.words)),
            message=row.message,
        )
        for row in rows
    )


@lru_cache(maxsize=4)
def _ready(rules: tuple[TopicRule, ...], encoder: RememberingEncoder) -> tuple[Check, ...]:
    return checks_for(rules, encoder=encoder)


def _message(rule: TopicRule, text: str) -> str:
    return rule.message or _MESSAGES[language_of(text)].format(topic=rule.name)
