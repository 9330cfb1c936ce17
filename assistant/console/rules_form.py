"""Which of a source's documents are taken, as a form: lines of patterns, kinds of files, a largest size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext

from assistant.common.errors import UsageError
from assistant.common.formats import EXTENSIONS, FORMATS
from assistant.common.types import Json, JsonObject
from assistant.sync.rules import parse_rules

_MEGABYTE = 1_000_000
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class RulesForm:
    """The fields as they stand on the page. `wrong`: (field, what is wrong with it)."""

    include: str = ""
    exclude: str = ""
    types: tuple[str, ...] = ()
    largest_mb: str = ""
    wrong: tuple[tuple[str, str], ...] = ()

    @property
    def mistakes(self) -> dict[str, str]:
        """What is wrong, by field."""
        return dict(self.wrong)

    @property
    def offered_types(self) -> tuple[tuple[str, bool], ...]:
        """Every kind of file that can be chosen, and whether it is."""
        return tuple((name, name in self.types) for name in FORMATS)

    @property
    def rules(self) -> JsonObject:
        """The rules as the engine reads them; a kind of file stands for all its extensions."""
        rules: dict[str, Json] = {}
        for key, text in (("include", self.include), ("exclude", self.exclude)):
            if lines := [line.strip() for line in text.splitlines() if line.strip()]:
                rules[key] = list[Json](lines)
        if self.types:
            rules["types"] = [extension for extension, name in EXTENSIONS.items() if name in self.types]
        if self.largest_mb:
            rules["max_bytes"] = int(self.largest_mb) * _MEGABYTE
        return rules


def rules_form(rules: JsonObject) -> RulesForm:
    """The form of stored rules."""
    largest = rules.get("max_bytes")
    return RulesForm(
        include=_lines(rules.get("include")),
        exclude=_lines(rules.get("exclude")),
        types=tuple(name for name in FORMATS if name in _texts(rules.get("types"))),
        largest_mb=str(max(1, largest // _MEGABYTE)) if isinstance(largest, int) else "",
    )


def typed_rules(typed: QueryDict) -> RulesForm:
    """What was typed, with what is wrong with it."""
    chosen = set(typed.getlist("types"))
    largest = typed.get("largest_mb", "").strip()
    wrong: list[tuple[str, str]] = []
    if largest and not _is_size(largest):
        wrong.append(("largest_mb", gettext("Write a whole number of megabytes, or nothing.")))
    for key in ("include", "exclude"):
        try:
            parse_rules({key: [line for line in typed.get(key, "").splitlines() if line.strip()]})
        except UsageError:
            wrong.append((key, gettext("Write at most 200 patterns of at most 500 characters each.")))
    return RulesForm(
        include=typed.get("include", "").replace("\r\n", "\n"),
        exclude=typed.get("exclude", "").replace("\r\n", "\n"),
        types=tuple(name for name in FORMATS if name in chosen),
        largest_mb=largest,
        wrong=tuple(wrong),
    )


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) > 0


def _lines(value: Json) -> str:
    return "\n".join(_texts(value))


def _texts(value: Json) -> list[str]:
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    return [str(each) for each in value] if listed else []  # type: ignore[union-attr]
