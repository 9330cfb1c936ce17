"""Adding, changing, opening, closing and removing identity providers, and reading them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone

from assistant.accounts.door_models import SignedInSession
from assistant.accounts.models import Role
from assistant.accounts.people import LastManager
from assistant.accounts.sessions import working
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.sealing import seal, unseal
from assistant.common.told import told
from assistant.common.types import Json
from assistant.identity.kinds import KINDS, Field, FieldType
from assistant.identity.models import LONGEST_NAME, IdentityProvider
from assistant.identity.scim.roles import give_all_roles

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_DOMAIN = re.compile(r"(?=.{1,253}$)[^\s@,;/.]{1,63}(?:\.[^\s@,;/.]{1,63})+")
_MOST_ROWS = 200
_LONGEST_GROUP = 512
_LONGEST_VALUE = 200_000  # metadata of a federation is larger, but that of one provider is not


class Mistakes(UsageError):
    """What was entered is wrong. `by_field`: a told sentence for each field."""

    def __init__(self, by_field: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {sentence}" for name, sentence in by_field.items()))
        self.by_field = by_field


@dataclass(frozen=True, slots=True)
class ProviderForm:
    """What an administrator says of a provider. A secret that is left out stays as it is."""

    name: str
    kind: str
    slug: str = ""  # only for a new one
    settings: Mapping[str, Json] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    domains: Sequence[str] = ()
    makes_accounts: bool = True
    joins_accounts: bool = True
    group_roles: Sequence[tuple[str, str]] = ()


def add_provider(form: ProviderForm, *, actor: str) -> IdentityProvider:
    """A new provider, closed until it is opened.

    Raises:
        Mistakes: by field.
    """
    row = IdentityProvider(slug=form.slug.strip(), kind=form.kind)
    wrong = _fill(row, form, {})
    if not _SLUG.fullmatch(row.slug):
        wrong["slug"] = told("Use 1 to 40 small letters a to z, digits and hyphens.")
    elif IdentityProvider.objects.filter(slug=row.slug).exists():
        wrong["slug"] = told("Another identity provider has this short name.")
    if wrong:
        raise Mistakes(wrong)
    with transaction.atomic():
        row.save()
        _keep_secrets(row, form.secrets)
        KINDS[row.kind].prepare(row)
        row.refresh_from_db()
        record(Event.IDENTITY_PROVIDER_ADDED, actor=actor, provider=row.slug)
    return row


def change_provider(*, provider_id: int, form: ProviderForm, actor: str) -> IdentityProvider:
    """Other settings of a provider. Its kind and its short name stay.

    Roles by group that changed are given at once to the people whose groups it made known.

    Raises:
        Mistakes: by field.
        NotFound: no such provider.
    """
    with transaction.atomic():
        row = IdentityProvider.objects.select_for_update().filter(pk=provider_id).first()
        if row is None:
            raise NotFound("There is no such identity provider.")
        secrets = {**secrets_of(row), **form.secrets}
        before, rule = dict(row.settings), row.group_roles
        wrong = _fill(row, form, secrets)
        wrong |= _moved(row, before) or KINDS[row.kind].mistakes_of_moving(row, before)
        if wrong:
            raise Mistakes(wrong)
        row.changed_at = timezone.now()
        row.save()
        _keep_secrets(row, secrets)
        KINDS[row.kind].prepare(row)
        row.refresh_from_db()
        record(Event.IDENTITY_PROVIDER_CHANGED, actor=actor, provider=row.slug)
        if row.group_roles != rule:
            _give_roles(row)
    return row


def set_open(*, provider_id: int, is_open: bool, actor: str) -> None:
    """Let people sign in with it, or stop that and end the sessions that it gave.

    Raises:
        NotFound: no such provider.
    """
    row = provider(provider_id)
    with transaction.atomic():
        # First, as it waits for who is just coming in by it (`require_open`): their session ends as well.
        IdentityProvider.objects.filter(pk=row.pk).update(is_open=is_open)
        if is_open:
            record(Event.IDENTITY_PROVIDER_OPENED, actor=actor, provider=row.slug)
        else:
            ended = _end_sessions(row)
            record(Event.IDENTITY_PROVIDER_CLOSED, actor=actor, provider=row.slug, count=ended)


def remove_provider(*, provider_id: int, actor: str) -> None:
    """Remove it with what it knew of people, and end the sessions that it gave. Their accounts stay.

    Raises:
        NotFound: no such provider.
    """
    row = provider(provider_id)
    with transaction.atomic():
        ended = _end_sessions(row)
        record(Event.IDENTITY_PROVIDER_REMOVED, actor=actor, provider=row.slug, count=ended)
        row.delete()


def sessions_given(provider_id: int) -> int:
    """How many sessions that still work came of this provider."""
    return working().filter(provider_session__identity__provider=provider_id).count()


def require_open(provider_id: int) -> None:
    """Hold the provider open until the transaction around this ends, for a session that is to come of it.

    Raises:
        NotFound: it was closed or removed meanwhile.
    """
    held = IdentityProvider.objects.select_for_update(no_key=True).filter(pk=provider_id, is_open=True)
    if held.first() is None:
        raise NotFound("There is no such way to sign in.")


def provider(provider_id: int) -> IdentityProvider:
    """One provider.

    Raises:
        NotFound: there is none.
    """
    row = IdentityProvider.objects.filter(pk=provider_id).first()
    if row is None:
        raise NotFound("There is no such identity provider.")
    return row


def open_provider(slug: str, kind: str) -> IdentityProvider:
    """A provider of this kind with which people can sign in now.

    Raises:
        NotFound: there is none.
    """
    row = IdentityProvider.objects.filter(slug=slug, kind=kind, is_open=True).first()
    if row is None:
        raise NotFound("There is no such way to sign in.")
    return row


def open_providers() -> list[IdentityProvider]:
    """All with which people can sign in now, by name."""
    return list(IdentityProvider.objects.filter(is_open=True, kind__in=KINDS).order_by(Lower("name")))


def secrets_of(row: IdentityProvider) -> dict[str, str]:
    """What is sealed with it.

    Raises:
        MundapError: it was sealed with another secret key.
    """
    if not row.sealed_secrets:
        return {}
    opened = unseal(
        bytes(row.sealed_secrets),
        key=settings.SECRET_KEY,
        older=settings.SECRET_KEY_FALLBACKS,
        purpose=_purpose(row),
    )
    return {str(name): str(value) for name, value in json.loads(opened).items()}


def keep_secrets(row: IdentityProvider, secrets: Mapping[str, str]) -> None:
    """Seal these beside what is sealed already."""
    _keep_secrets(row, {**secrets_of(row), **secrets})


def _keep_secrets(row: IdentityProvider, secrets: Mapping[str, str]) -> None:
    kept = {name: value for name, value in secrets.items() if value}
    row.sealed_secrets = (
        seal(json.dumps(kept), key=settings.SECRET_KEY, purpose=_purpose(row)) if kept else b""
    )
    row.save(update_fields=["sealed_secrets"])


def _purpose(row: IdentityProvider) -> str:
    return f"identity provider {row.pk}"


def _end_sessions(row: IdentityProvider) -> int:
    """End what it gave. How many still worked."""
    ended = sessions_given(row.pk)
    SignedInSession.objects.filter(provider_session__identity__provider=row).delete()
    return ended


def _fill(row: IdentityProvider, form: ProviderForm, secrets: Mapping[str, str]) -> dict[str, str]:
    """Put the form into the row. What is wrong with it."""
    kind = KINDS.get(row.kind)
    if kind is None:
        return {"kind": told("There is no such kind of identity provider.")}
    wrong: dict[str, str] = {}
    row.name = " ".join(form.name.split())
    if not 1 <= len(row.name) <= LONGEST_NAME:
        wrong["name"] = told("Enter a name of 1 to {most} characters.", most=LONGEST_NAME)
    elif (
        IdentityProvider.objects.annotate(low=Lower("name"))
        .filter(low=row.name.lower())
        .exclude(pk=row.pk)
        .exists()
    ):
        wrong["name"] = told("Another identity provider has this name.")
    row.domains = sorted(
        {domain.strip().lower().removeprefix("@") for domain in form.domains if domain.strip()}
    )
    bad = [domain for domain in row.domains if not _DOMAIN.fullmatch(domain)]
    if bad or len(row.domains) > _MOST_ROWS:
        wrong["domains"] = told(
            "Enter domains such as example.com, one a line. This is none: {bad}", bad=bad[:1]
        )
    row.group_roles = [[group.strip(), role] for group, role in form.group_roles if group.strip()]
    if any(role not in Role.values or len(group) > _LONGEST_GROUP for group, role in row.group_roles):
        wrong["group_roles"] = told("Choose a known role for each group.")
    row.makes_accounts, row.joins_accounts = form.makes_accounts, form.joins_accounts
    module = kind.load()
    given = {
        one.name: form.settings.get(one.name, one.default)
        for one in module.FIELDS
        if one.type != FieldType.SECRET
    }
    wrong |= {
        one.name: sentence for one in module.FIELDS if (sentence := _plain_mistake(one, given, secrets, form))
    }
    if not wrong:
        wrong |= module.mistakes(given, {**secrets, **form.secrets})
    row.settings = given
    return wrong


def _give_roles(row: IdentityProvider) -> None:
    try:
        # By the provider's word, as at a sign-in: the rule may touch the account of who changed it, too.
        give_all_roles(row, actor=f"provider:{row.slug}")
    except LastManager as error:
        raise Mistakes(
            {
                "group_roles": told(
                    "By these groups nobody would be left who can manage people. Give somebody such a role "
                    "first."
                )
            }
        ) from error


def _moved(row: IdentityProvider, before: Mapping[str, Json]) -> dict[str, str]:
    """Subjects belong to one issuer or directory. At another one the same subject may be somebody else."""
    moved = [name for name in KINDS[row.kind].fixed if before.get(name) != row.settings.get(name)]
    if not moved or not row.identities.exists():
        return {}
    return {
        name: told("People came by this provider already, and elsewhere they may be others: add a new one.")
        for name in moved
    }


def _plain_mistake(
    one: Field, given: Mapping[str, Json], secrets: Mapping[str, str], form: ProviderForm
) -> str | None:
    value = (
        (form.secrets.get(one.name) or secrets.get(one.name, ""))
        if one.type == FieldType.SECRET
        else given[one.name]
    )
    if one.required and value in ("", None, []):
        return told("This is needed.")
    if len(json.dumps(value)) > _LONGEST_VALUE:
        return told("This is too long.")
    if one.type == FieldType.NUMBER and not (
        isinstance(value, int) and not isinstance(value, bool) and one.least <= value <= one.most
    ):
        return told("Enter a whole number from {least} to {most}.", least=one.least, most=one.most)
    if one.type == FieldType.SWITCH and not isinstance(value, bool):
        return told("Choose yes or no.")
    if one.type == FieldType.CHOICE and value not in [choice for choice, _ in one.choices]:
        return told("Choose one of the list.")
    if one.type == FieldType.LINES and not (
        isinstance(value, list) and all(isinstance(line, str) for line in value)
    ):
        return told("Enter one a line.")
    return None
