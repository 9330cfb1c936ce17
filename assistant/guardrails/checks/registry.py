"""Which checks there are, in the order in which they judge: dotted paths, loaded on use."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from assistant.guardrails.checks.contract import Check, Encoder, TopicRule

CHECKS = {
    "words": "assistant.guardrails.checks.words:WordsCheck",
    "topics": "assistant.guardrails.checks.topics:TopicsCheck",
}


def checks_for(rules: Sequence[TopicRule], *, encoder: Encoder) -> tuple[Check, ...]:
    """All checks, made ready for these rules."""
    return tuple(_made(path, rules, encoder) for path in CHECKS.values())


def _made(path: str, rules: Sequence[TopicRule], encoder: Encoder) -> Check:
    module, _, name = path.partition(":")
    check: Check = getattr(import_module(module), name)(rules, encoder=encoder)
    return check
