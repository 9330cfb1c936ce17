"""Celery's side of company sign-ins: what is over is removed, what providers publish is read again."""

from __future__ import annotations

from celery import shared_task

from assistant.identity import spent, started
from assistant.identity.kinds import KINDS
from assistant.identity.models import IdentityProvider


@shared_task(name="assistant.identity.tasks.sweep_sign_ins", expires=600, time_limit=300)
def sweep_sign_ins() -> None:
    """Remove sign-ins that never came back, and spent messages that would be refused for their age."""
    started.forget_old()
    spent.forget_old()


@shared_task(name="assistant.identity.tasks.refresh_providers", expires=3600, time_limit=1800)
def refresh_providers() -> None:
    """Read the metadata of all providers that have an address of it. A failure keeps what was there."""
    for provider in IdentityProvider.objects.filter(kind__in=KINDS).order_by("pk"):
        KINDS[provider.kind].refresh(provider)
