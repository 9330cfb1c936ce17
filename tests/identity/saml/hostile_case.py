"""One hostile message: text as it stands in the form field, one thing away from a message that is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile message.

    Attributes:
        kind: its class.
        name: what is wrong with it.
        message: the form field.
        expected: what of `Expected` is special.
    """

    kind: str
    name: str
    message: str
    expected: Mapping[str, object] = field(default_factory=dict)


def altered(text: str, old: str, new: str, count: int = 1) -> str:
    """A signed message, altered behind its signature."""
    assert old in text, old
    return text.replace(old, new, count)
