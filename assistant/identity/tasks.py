"""Celery's side of sign-in with the company's identity: what is over is removed."""

from __future__ import annotations

from celery import shared_task

from assistant.identity import spent, started


@shared_task(name="assistant.identity.tasks.sweep_sign_ins", expires=600, time_limit=300)
def sweep_sign_ins() -> None:
    """Remove sign-ins that never came back, and spent messages that would be refused for their age."""
    started.forget_old()
    spent.forget_old()
