"""By which providers can somebody sign in? And how that ends for one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Lower

from assistant.accounts.door_models import SignedInSession
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound
from assistant.identity.kinds import KINDS
from assistant.identity.models import ExternalIdentity, IdentityProvider


@dataclass(frozen=True, slots=True)
class Connected:
    """A person at a provider. `route`: the page at which a sign-in begins there, or empty."""

    id: int
    provider: str
    slug: str
    kind: str
    route: str
    subject: str
    is_open: bool
    made_at: datetime
    used_at: datetime


def connected(user_id: int) -> tuple[Connected, ...]:
    """Where the person is known, by the provider's name."""
    rows = ExternalIdentity.objects.filter(user_id=user_id, provider__kind__in=KINDS).select_related(
        "provider"
    )
    return tuple(
        Connected(
            id=row.pk,
            provider=row.provider.name,
            slug=row.provider.slug,
            kind=row.provider.kind,
            route=KINDS[row.provider.kind].route,
            subject=row.subject,
            is_open=row.provider.is_open,
            made_at=row.made_at,
            used_at=row.used_at,
        )
        for row in rows.order_by(Lower("provider__name"))
    )


def not_connected(user_id: int) -> tuple[IdentityProvider, ...]:
    """Open providers that the person can connect by going there."""
    routes = [name for name, kind in KINDS.items() if kind.route]
    found = IdentityProvider.objects.filter(is_open=True, kind__in=routes)
    return tuple(found.exclude(identities__user_id=user_id).order_by(Lower("name")))


def disconnect(*, identity_id: int, user_id: int, actor: str) -> None:
    """The provider's subject is nobody here any more, and the sessions that it gave end.

    Raises:
        NotFound: this person has no such identity.
    """
    with transaction.atomic():
        row = (
            ExternalIdentity.objects.select_related("provider", "user")
            .filter(pk=identity_id, user_id=user_id)
            .first()
        )
        if row is None:
            raise NotFound("There is no such identity.")
        SignedInSession.objects.filter(provider_session__identity=row).delete()
        record(Event.IDENTITY_DISCONNECTED, actor=actor, user=row.user.email, provider=row.provider.slug)
        row.delete()
