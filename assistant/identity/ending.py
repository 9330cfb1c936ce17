"""A provider ends its own session with somebody: the sessions here that came of it end, too."""

from __future__ import annotations

from collections import Counter

from django.db import transaction

from assistant.accounts.door_models import SignedInSession
from assistant.audit.trail import Event, record
from assistant.identity.models import IdentityProvider, ProviderSession


def end_sessions(provider: IdentityProvider, *, subject: str = "", session: str = "") -> int:
    """End what a subject began by this provider, or by one of the provider's sessions, or both at once.

    Each request asks the database for its session, so that the next one is refused in every process. How
    many ended; without subject and session none.
    """
    if not subject and not session:
        return 0
    rows = ProviderSession.objects.filter(identity__provider=provider)
    if subject:
        rows = rows.filter(identity__subject=subject)
    if session:
        rows = rows.filter(index=session)
    with transaction.atomic():
        found = list(rows.values_list("session_id", "identity__user__email"))
        SignedInSession.objects.filter(pk__in=[key for key, _ in found]).delete()
        for email, count in Counter(email for _, email in found).items():
            record(
                Event.IDENTITY_SIGNED_OUT,
                actor=f"provider:{provider.slug}",
                user=email,
                provider=provider.slug,
                count=count,
            )
    return len(found)
