"""Celery's side of showing again who one is: what nobody came back to is removed."""

from __future__ import annotations

from celery import shared_task

from assistant.factors import challenges, waiting


@shared_task(name="assistant.factors.tasks.sweep_proofs", expires=300, time_limit=60)
def sweep_proofs() -> None:
    """Remove what was typed and waits no longer, and numbers that no passkey signed."""
    waiting.forget_old()
    challenges.forget_old()
