"""The form of an identity provider: what all kinds have, and the fields that its kind declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.http import QueryDict

from assistant.accounts.models import Role
from assistant.common.types import Json
from assistant.console.telling import in_words
from assistant.identity.kinds import Field, FieldType, Kind
from assistant.identity.models import IdentityProvider
from assistant.identity.providers import ProviderForm

_PREFIX = "setting-"
_EMPTY_ROWS = 3  # of roles by group, behind those that are filled
_MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class DrawnField:
    """A declared field as the page draws it. `kept`: a secret is known, and stays if nothing is typed."""

    field: Field
    typed: str
    wrong: str
    kept: bool

    @property
    def id(self) -> str:
        """Its name in the form."""
        return _PREFIX + self.field.name


@dataclass(frozen=True, slots=True)
class DrawnForm:
    """All that the page of a provider asks for. `wrong`: sentences by field, in the page's language."""

    said: ProviderForm
    plain: tuple[DrawnField, ...]
    advanced: tuple[DrawnField, ...]
    wrong: Mapping[str, str]

    @property
    def domains(self) -> str:
        """One a line."""
        return "\n".join(self.said.domains)

    @property
    def group_roles(self) -> list[tuple[str, str]]:
        """The rows of the table, with some to fill in."""
        return [*self.said.group_roles, *[("", str(Role.EMPLOYEE))] * _EMPTY_ROWS]

    @property
    def open(self) -> bool:
        """Whether something in the fold must be seen."""
        return any(each.wrong for each in self.advanced)


def typed_form(fields: Iterable[Field], typed: QueryDict, *, kind: str) -> ProviderForm:
    """What was typed. A secret that was left empty stays as it is."""
    settings: dict[str, Json] = {}
    secrets: dict[str, str] = {}
    for field in fields:
        text = typed.get(_PREFIX + field.name, "").replace("\r\n", "\n")
        if field.type == FieldType.SECRET:
            if text.strip("\n"):
                secrets[field.name] = text.strip("\n")
        else:
            settings[field.name] = _value(field, text, is_there=_PREFIX + field.name in typed)
    rows = zip(typed.getlist("group"), typed.getlist("role"), strict=False)
    return ProviderForm(
        name=typed.get("name", ""),
        kind=kind,
        slug=typed.get("slug", ""),
        settings=settings,
        secrets=secrets,
        domains=tuple(line.strip() for line in typed.get("domains", "").splitlines() if line.strip()),
        makes_accounts="makes_accounts" in typed,
        joins_accounts="joins_accounts" in typed,
        group_roles=tuple((group.strip(), role) for group, role in rows if group.strip())[:_MOST_ROWS],
    )


def stored_form(provider: IdentityProvider) -> ProviderForm:
    """What is stored, without secrets."""
    return ProviderForm(
        name=provider.name,
        kind=provider.kind,
        slug=provider.slug,
        settings=provider.settings,
        domains=tuple(provider.domains),
        makes_accounts=provider.makes_accounts,
        joins_accounts=provider.joins_accounts,
        group_roles=tuple((group, role) for group, role in provider.group_roles),
    )


def drawn_form(
    kind: Kind,
    said: ProviderForm,
    *,
    known_secrets: Iterable[str] = (),
    wrong: Mapping[str, str] | None = None,
) -> DrawnForm:
    """The form of these values."""
    known, mistakes = frozenset(known_secrets), {name: in_words(text) for name, text in (wrong or {}).items()}
    drawn = [
        DrawnField(
            field=field,
            typed=_shown(field, said.settings.get(field.name, field.default)),
            wrong=mistakes.get(field.name, ""),
            kept=field.type == FieldType.SECRET and field.name in known,
        )
        for field in kind.load().FIELDS
    ]
    return DrawnForm(
        said=said,
        plain=tuple(each for each in drawn if not each.field.advanced),
        advanced=tuple(each for each in drawn if each.field.advanced),
        wrong=mistakes,
    )


def _value(field: Field, text: str, *, is_there: bool) -> Json:
    match field.type:
        case FieldType.SWITCH:
            return is_there
        case FieldType.LINES:
            return [line.strip() for line in text.split("\n") if line.strip()]
        case FieldType.NUMBER:
            typed = text.strip()
            is_whole = typed.removeprefix("-").isascii() and typed.removeprefix("-").isdigit()
            return int(typed) if is_whole and len(typed) <= len(str(field.most)) + 1 else typed
        case FieldType.CHOICE:
            return text or field.default
        case _:
            return text.strip()


def _shown(field: Field, value: Json) -> str:
    if field.type == FieldType.SECRET or value is None:
        return ""
    if field.type == FieldType.SWITCH:
        return "on" if value is True else ""
    return "\n".join(str(line) for line in value) if isinstance(value, list) else str(value)
