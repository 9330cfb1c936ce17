"""Celery's side of retention."""

from __future__ import annotations

from celery import shared_task

from assistant.privacy.retention import delete_old as delete_old_things


@shared_task(name="assistant.privacy.tasks.delete_old", expires=3600, time_limit=3600)
def delete_old() -> None:
    """Delete what the installation keeps no longer."""
    delete_old_things()
