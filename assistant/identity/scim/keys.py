"""Keys of provisioning clients: shown once, kept as a digest, good for SCIM of one provider and nothing else.

No code leads from such a key to a person's rights: it can neither sign in nor read.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone

from assistant.accounts.api_keys import NewKey
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.told import told
from assistant.identity.models import IdentityProvider
from assistant.identity.scim.models import ProvisioningKey

MOST_DAYS = 365
LONGEST_NAME = 80
_PREFIX = "mundap_scim_"
_NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key that still works, without its text."""

    id: int
    name: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClientView:
    """A provider as a provisioning client: its keys, and how many people and groups it manages."""

    id: int
    slug: str
    name: str
    domains: tuple[str, ...]
    keys: tuple[KeyView, ...]
    people: int
    groups: int


def issue_provisioning_key(*, provider_id: int, name: str, days: int, actor: str) -> NewKey:
    """A new key of a provider.

    Raises:
        UsageError: no name, a life of less than a day or more than a year, or a provider without domains.
        NotFound: no such provider.
    """
    provider = IdentityProvider.objects.filter(pk=provider_id).first()
    if provider is None:
        raise NotFound("There is no such identity provider.")
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise UsageError(told("A key's name must have 1 to {most} characters.", most=LONGEST_NAME))
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(told("A key lives 1 to {most} days.", most=MOST_DAYS))
    if not provider.domains:
        raise UsageError(
            told("The provider may speak for no domain of e-mail addresses yet. Add its domains first.")
        )
    text = _PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        expires = timezone.now() + timedelta(days=days)
        key = ProvisioningKey.objects.create(
            provider=provider, name=name, digest=_digest(text), expires_at=expires
        )
        record(
            Event.PROVISIONING_KEY_ISSUED,
            actor=actor,
            provider=provider.slug,
            key=key.pk,
            name=name,
            days=days,
        )
    return NewKey(key.pk, text)


def revoke_provisioning_key(*, key_id: int, actor: str) -> None:
    """End a key at once. What its client made known stays.

    Raises:
        NotFound: no such key that still works.
    """
    with transaction.atomic():
        row = ProvisioningKey.objects.filter(pk=key_id, revoked_at=None).select_related("provider").first()
        if row is None or not ProvisioningKey.objects.filter(pk=key_id, revoked_at=None).update(
            revoked_at=timezone.now()
        ):
            raise NotFound("There is no such key.")
        record(
            Event.PROVISIONING_KEY_REVOKED, actor=actor, provider=row.provider.slug, key=key_id, name=row.name
        )


def working_provisioning_key(text: str) -> ProvisioningKey | None:
    """The key with its provider, if it works."""
    now = timezone.now()
    working = ProvisioningKey.objects.filter(digest=_digest(text), revoked_at=None, expires_at__gt=now)
    key = working.select_related("provider").first()
    if key is not None and (key.used_at is None or now - key.used_at >= _NOTED_EVERY):
        ProvisioningKey.objects.filter(pk=key.pk).update(used_at=now)
    return key


def clients() -> Sequence[ClientView]:
    """All providers with their keys that still work, by name."""
    now = timezone.now()
    return [
        ClientView(
            id=row.pk,
            slug=row.slug,
            name=row.name,
            domains=tuple(row.domains),
            keys=tuple(
                KeyView(key.pk, key.name, key.created_at, key.expires_at, key.used_at)
                for key in row.provisioning_keys.filter(revoked_at=None, expires_at__gt=now).order_by("pk")
            ),
            people=row.provisioned.count(),
            groups=row.provisioned_groups.count(),
        )
        for row in IdentityProvider.objects.order_by(Lower("name"))
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
