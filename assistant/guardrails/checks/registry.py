"""Which checks there are: dotted paths, loaded on use.

A check is a module with `findings(text, ...)`; its catalogue `KINDS` names what it can find. `topics`
compares with descriptions and is a class, made of rules and an encoder (`contract.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Protocol

from assistant.guardrails.checks.finding import Finding

CHECKS = {
    "words": "assistant.guardrails.checks.words",
    "topics": "assistant.guardrails.checks.topics",
    "personal_data": "assistant.guardrails.checks.personal_data",
    "harmful": "assistant.guardrails.checks.harmful",
    "prompt_attacks": "assistant.guardrails.checks.prompt_attacks",
    "hidden_instructions": "assistant.guardrails.checks.hidden_instructions",
}
OWN_PATTERNS = "assistant.guardrails.checks.own_patterns"

Findings = Callable[..., list[Finding]]


@cache
def module_of(check: str) -> ModuleType:
    """The module of a check.

    Raises:
        KeyError: there is no such check.
    """
    return import_module(CHECKS[check])


def findings_of(check: str) -> Findings:
    """The check's `findings`."""
    found: Findings = module_of(check).findings
    return found


def catalogue(check: str) -> tuple[tuple[str, str], ...]:
    """(id, English label) of what the check can find; nothing if it tells no kinds apart."""
    kinds: tuple[tuple[str, str], ...] = getattr(module_of(check), "KINDS", ()) if check in CHECKS else ()
    return kinds


def off_by_default(check: str | None) -> frozenset[str]:
    """What of its catalogue a new rule does not look for."""
    off: frozenset[str] = getattr(module_of(check), "OFF_BY_DEFAULT", frozenset()) if check else frozenset()
    return off


class OwnPattern(Protocol):
    """An administrator's regular expression, ready."""

    def findings(self, text: str) -> list[Finding]:
        """Where it matches; one finding over the whole text if it took too long."""
        ...


def compiled_pattern(source: str) -> OwnPattern:
    """The expression, ready.

    Raises:
        UsageError: what is wrong with it, and where.
    """
    pattern: OwnPattern = import_module(OWN_PATTERNS).compile_pattern(source)
    return pattern
