"""The form of a kind's settings: from declared fields and typed words to settings, and back.

Whatever a connector declares is drawn from its field's type alone. A secret is never
drawn: an empty field keeps the one that is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from assistant.common.types import Json, JsonObject
from assistant.sync.kinds import KindField

_PREFIX = "setting-"
_MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class DrawnField:
    """A field as the page draws it. `kept`: a secret is known, and stays if nothing is typed."""

    field: KindField
    typed: str
    wrong: str
    kept: bool

    @property
    def id(self) -> str:
        """Its name in the form."""
        return _PREFIX + self.field.name


@dataclass(frozen=True, slots=True)
class DrawnForm:
    """All fields. `open`: an advanced one is filled or wrong, so the fold is open."""

    plain: tuple[DrawnField, ...]
    advanced: tuple[DrawnField, ...]

    @property
    def open(self) -> bool:
        """Whether something in the fold must be seen."""
        return any(each.wrong or each.typed or each.kept for each in self.advanced)

    @property
    def wrong(self) -> tuple[DrawnField, ...]:
        """The fields to be mended, in the order of the page."""
        return tuple(each for each in (*self.plain, *self.advanced) if each.wrong)


def typed_settings(
    fields: Iterable[KindField], typed: QueryDict, *, known_secrets: Mapping[str, str]
) -> tuple[JsonObject, dict[str, str]]:
    """Settings and secrets as they were typed. What was left empty is left out."""
    config: dict[str, Json] = {}
    secrets: dict[str, str] = {}
    for field in fields:
        text = typed.get(_PREFIX + field.name, "").replace("\r\n", "\n")
        if field.is_secret:
            secret = text.rstrip("\n") or known_secrets.get(field.name, "")
            if secret:
                secrets[field.name] = secret
            continue
        value = _value(field, text, is_there=_PREFIX + field.name in typed)
        if value is not None:
            config[field.name] = value
    return config, secrets


def drawn_form(
    fields: Sequence[KindField],
    *,
    config: JsonObject,
    known_secrets: Iterable[str],
    wrong: Mapping[str, str] | None = None,
) -> DrawnForm:
    """The form of these settings. A switch that they do not name stands as its example says."""
    known, mistakes = frozenset(known_secrets), wrong or {}
    drawn = [
        DrawnField(
            field=field,
            typed=_shown(field, config.get(field.name)),
            wrong=mistakes.get(field.name, ""),
            kept=field.is_secret and field.name in known,
        )
        for field in fields
    ]
    return DrawnForm(
        plain=tuple(each for each in drawn if not each.field.advanced),
        advanced=tuple(each for each in drawn if each.field.advanced),
    )


def _value(field: KindField, text: str, *, is_there: bool) -> Json:
    """What a field says; None where it says nothing."""
    match field.type:
        case "switch":
            # One that is off is left out, as everywhere; unless on is what its example says.
            return True if is_there else (False if _example_of_switch(field) else None)
        case "lines":
            lines: list[Json] = [line.strip() for line in text.split("\n") if line.strip()]
            return lines or None
        case "number":
            stripped = text.strip()
            digits = stripped.removeprefix("-")
            whole = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
            return int(stripped) if whole else (stripped or None)
        case "long_text":
            return text if text.strip() else None
        case _:
            return text.strip() or None


def _shown(field: KindField, value: Json) -> str:
    if field.type == "switch":
        return _example_of_switch(field) if value is None else ("on" if value is True else "")
    if value is None or field.is_secret:
        return ""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(str(line) for line in value)
    return str(value)


def _example_of_switch(field: KindField) -> str:
    return "on" if field.type == "switch" and field.example == "true" else ""
