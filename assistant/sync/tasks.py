"""Celery's side of the engine: each task carries at most an id and calls one service."""

from __future__ import annotations

from celery import shared_task

from assistant.sync import services
from assistant.sync.engine import execute_run


@shared_task(name="assistant.sync.tasks.run_sync")
def run_sync(run_id: int) -> None:
    """Carry out one run, unless another worker has it."""
    execute_run(run_id)


@shared_task(name="assistant.sync.tasks.sweep", expires=10)
def sweep() -> None:
    """Start what is due and find what was lost."""
    services.sweep()
