"""The fields in which a style is chosen: by administrators for everybody, by a person for themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from assistant.chat.styles import Policy, Wishes
from assistant.common.errors import UsageError
from assistant.providers.wishes import MOST_INSTRUCTIONS, Audience, Length, Scope, Tone

Kind = TypeVar("Kind", bound=StrEnum)
LABELS: Mapping[StrEnum, str | Promise] = {
    Length.SHORT: pgettext_lazy("of an answer", "Short"),
    Length.NORMAL: pgettext_lazy("of an answer", "Normal"),
    Length.LONG: pgettext_lazy("of an answer", "Detailed"),
    Tone.NEUTRAL: pgettext_lazy("of an answer", "Plain"),
    Tone.FRIENDLY: pgettext_lazy("of an answer", "Friendly"),
    Tone.FORMAL: pgettext_lazy("of an answer", "Formal"),
    Audience.EVERYBODY: pgettext_lazy("for whom an answer is written", "Everybody"),
    Audience.NEWCOMERS: pgettext_lazy("for whom an answer is written", "New colleagues"),
    Audience.EXPERTS: pgettext_lazy("for whom an answer is written", "Experts"),
}
_GROUPS: tuple[tuple[str, str | Promise, type[StrEnum]], ...] = (
    ("length", _("Length"), Length),
    ("tone", _("Tone"), Tone),
    ("audience", _("Written for"), Audience),
)


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a group."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Choices of which one counts."""

    name: str
    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class StyleForm:
    """The fields as they are shown. `wrong`: what is wrong with the instructions, empty if nothing."""

    groups: tuple[Group, ...]
    instructions: str
    wrong: str = ""
    limit: int = MOST_INSTRUCTIONS


def company_form(policy: Policy, *, instructions: str | None = None) -> StyleForm:
    """The fields of what holds for everybody; `instructions` as they were typed, if they were refused."""
    chosen = {"length": policy.length, "tone": policy.tone, "audience": policy.audience}
    groups = tuple(Group(name, str(label), _options(kind, chosen[name])) for name, label, kind in _GROUPS)
    return _form(groups, policy.instructions if instructions is None else instructions)


def personal_form(wishes: Wishes, policy: Policy, *, instructions: str | None = None) -> StyleForm:
    """The fields of what one person wants; the first choice of each group is what the company has."""
    chosen = {"length": wishes.length, "tone": wishes.tone, "audience": wishes.audience}
    company: dict[str, StrEnum] = {
        "length": policy.length,
        "tone": policy.tone,
        "audience": policy.audience,
    }
    groups = tuple(
        Group(
            name,
            str(label),
            (Option("", _as_company(company[name]), chosen[name] is None), *_options(kind, chosen[name])),
        )
        for name, label, kind in _GROUPS
    )
    return _form(groups, wishes.instructions if instructions is None else instructions)


def typed_policy(typed: Mapping[str, str]) -> Policy:
    """What an administrator chose; what is no choice counts as the usual one.

    Raises:
        UsageError: the instructions are too long.
    """
    return Policy(
        scope=_read(Scope, typed.get("scope", "")) or Scope.COMPANY,
        drafts=typed.get("drafts") == "on",
        length=_read(Length, typed.get("length", "")) or Length.NORMAL,
        tone=_read(Tone, typed.get("tone", "")) or Tone.NEUTRAL,
        audience=_read(Audience, typed.get("audience", "")) or Audience.EVERYBODY,
        instructions=_text(typed),
    )


def typed_wishes(typed: Mapping[str, str]) -> Wishes:
    """What a person chose.

    Raises:
        UsageError: the instructions are too long.
    """
    return Wishes(
        length=_read(Length, typed.get("length", "")),
        tone=_read(Tone, typed.get("tone", "")),
        audience=_read(Audience, typed.get("audience", "")),
        instructions=_text(typed),
    )


def _text(typed: Mapping[str, str]) -> str:
    text = typed.get("instructions", "").replace("\r\n", "\n").strip()
    if len(text) > MOST_INSTRUCTIONS:
        raise UsageError(_too_long(text))
    return text


def _form(groups: tuple[Group, ...], instructions: str) -> StyleForm:
    wrong = _too_long(instructions) if len(instructions) > MOST_INSTRUCTIONS else ""
    return StyleForm(groups, instructions, wrong)


def _too_long(text: str) -> str:
    return gettext("%(length)s characters are too many: at most %(most)s fit. Shorten the text.") % {
        "length": f"{len(text):,}",
        "most": f"{MOST_INSTRUCTIONS:,}",
    }


def _as_company(usual: StrEnum) -> str:
    return gettext("As in the company (%(usual)s)") % {"usual": LABELS[usual]}


def _options(kind: type[StrEnum], chosen: StrEnum | None) -> tuple[Option, ...]:
    return tuple(Option(one.value, str(LABELS[one]), one == chosen) for one in _members(kind))


def _members(kind: type[StrEnum]) -> Sequence[StrEnum]:
    return list(kind)


def _read(kind: type[Kind], text: str) -> Kind | None:
    return kind(text) if text in {one.value for one in kind} else None
