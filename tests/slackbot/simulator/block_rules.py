"""The grammar that the tables of Block Kit are written in: rules that look at one JSON value each.

A rule takes the value, where it stands (a JSON pointer, as in Slack's own messages) and the
findings of the whole message or view. It reports and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from assistant.common.types import Json


@dataclass(slots=True)
class Findings:
    """What is wrong so far, and what must be unique or counted over all blocks together."""

    surface: str
    problems: list[str] = field(default_factory=list)
    block_ids: set[str] = field(default_factory=set)
    action_ids: set[str] = field(default_factory=set)
    markdown: int = 0
    has_input: bool = False
    focused: int = 0

    def say(self, problem: str, at: str) -> None:
        self.problems.append(f"{problem} [json-pointer:{at or '/'}]")


Rule = Callable[[Json, str, Findings], None]


def string(most: int, *, least: int = 1, pattern: str = "", form: str = "") -> Rule:
    def check(value: Json, at: str, found: Findings) -> None:
        if not isinstance(value, str):
            found.say("must be a string", at)
        elif len(value) > most:
            found.say(f"must be less than {most + 1} characters", at)
        elif len(value) < least:
            found.say(f"must be more than {least - 1} characters", at)
        elif pattern and not re.fullmatch(pattern, value):
            found.say(f"must be in the form {form or pattern}", at)

    return check


def boolean(value: Json, at: str, found: Findings) -> None:
    if not isinstance(value, bool):
        found.say("must be a boolean", at)


def integer(least: int, most: int) -> Rule:
    def check(value: Json, at: str, found: Findings) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            found.say("must be an integer", at)
        elif not least <= value <= most:
            found.say(f"must be between {least} and {most}", at)

    return check


def one_of(*values: str) -> Rule:
    def check(value: Json, at: str, found: Findings) -> None:
        if value not in values:
            found.say(f"must be one of {', '.join(values)}", at)

    return check


def address(most: int = 3000, *schemes: str) -> Rule:
    """An absolute address; without `schemes` http, https and mailto count."""
    allowed = schemes or ("http", "https", "mailto")

    def check(value: Json, at: str, found: Findings) -> None:
        if not isinstance(value, str) or not value:
            found.say("must be a valid URL", at)
            return
        if len(value) > most:
            found.say(f"must be less than {most + 1} characters", at)
        try:
            parts = urlsplit(value)
        except ValueError:
            found.say("must be a valid URL", at)
            return
        if parts.scheme.lower() not in allowed or not (parts.netloc or parts.scheme == "mailto"):
            found.say(f"must be a valid URL with {' or '.join(allowed)}", at)

    return check


def items(rule: Rule, least: int, most: int) -> Rule:
    def check(value: Json, at: str, found: Findings) -> None:
        if isinstance(value, str) or not isinstance(value, Sequence):
            found.say("must be an array", at)
            return
        if len(value) < least:
            found.say(f"no fewer than {least} items allowed", at)
        if len(value) > most:
            found.say(f"no more than {most} items allowed", at)
        for number, each in enumerate(value):
            rule(each, f"{at}/{number}", found)

    return check


Extra = Callable[[Mapping[str, Json], str, Findings], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """An object with these fields and no others; `extras` look at the object as a whole."""

    required: Mapping[str, Rule]
    optional: Mapping[str, Rule]
    extras: tuple[Extra, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset((*self.required, *self.optional))

    def __call__(self, value: Json, at: str, found: Findings) -> None:
        if not isinstance(value, Mapping):
            found.say("must be an object", at)
            return
        for name in self.required:
            if value.get(name) is None:
                found.say(f"missing required field: {name}", at)
        for name, each in value.items():
            rule = self.required.get(name) or self.optional.get(name)
            if rule is None:
                found.say(f"unexpected field: {name}", at)
            elif each is not None:
                rule(each, f"{at}/{name}", found)
        for extra in self.extras:
            extra(value, at, found)


def shape(
    required: Mapping[str, Rule] | None = None,
    optional: Mapping[str, Rule] | None = None,
    *extras: Extra,
) -> Shape:
    return Shape(required or {}, optional or {}, extras)


def maybe(rule: Rule) -> Rule:
    """The rule, or null."""

    def check(value: Json, at: str, found: Findings) -> None:
        if value is not None:
            rule(value, at, found)

    return check


def typed(kinds: Mapping[str, Rule], only: Iterable[str] | None = None) -> Rule:
    """An object whose `type` says which rule it follows. The table is read when a value is checked."""
    chosen = None if only is None else frozenset(only)

    def check(value: Json, at: str, found: Findings) -> None:
        kind = value.get("type") if isinstance(value, Mapping) else None
        if not isinstance(kind, str):
            found.say("missing required field: type", at)
        elif kind not in kinds:
            found.say(f"unsupported type: {kind}", at)
        elif chosen is not None and kind not in chosen:
            found.say(f"type {kind} is not allowed here", at)
        else:
            kinds[kind](value, at, found)

    return check


def at_least_one(*names: str) -> Extra:
    def check(value: Mapping[str, Json], at: str, found: Findings) -> None:
        if all(value.get(name) in (None, [], "") for name in names):
            found.say(f"one of {', '.join(names)} is required", at)

    return check


def at_most_one(*names: str) -> Extra:
    def check(value: Mapping[str, Json], at: str, found: Findings) -> None:
        if sum(value.get(name) is not None for name in names) > 1:
            found.say(f"only one of {', '.join(names)} is allowed", at)

    return check


def plain(most: int) -> Rule:
    """A `plain_text` object. Slack refuses one that is empty."""
    return _text_object(most, ("plain_text",))


def words(most: int) -> Rule:
    """A text object of either type."""
    return _text_object(most, ("plain_text", "mrkdwn"))


def _text_object(most: int, kinds: tuple[str, ...]) -> Rule:
    fields: Final = {
        "plain_text": shape({"type": string(20), "text": string(most)}, {"emoji": boolean}),
        "mrkdwn": shape({"type": string(20), "text": string(most)}, {"verbatim": boolean}),
    }
    return typed(fields, kinds)
