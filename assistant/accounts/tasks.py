"""Celery's side of the door: what is over is removed."""

from __future__ import annotations

from celery import shared_task

from assistant.accounts import invitations
from assistant.accounts.rate_limits import forget_old_counters
from assistant.accounts.sessions import forget_ended
from assistant.accounts.throttle import forget_old


@shared_task(name="assistant.accounts.tasks.sweep_door", expires=600, time_limit=300)
def sweep_door() -> None:
    """Remove ended sessions, counters that say nothing any more, and links that ended long ago."""
    forget_ended()
    forget_old()
    invitations.forget_old()
    forget_old_counters()
