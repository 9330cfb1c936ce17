"""Celery's side of the engine: each task carries at most an id and calls one service."""

from __future__ import annotations

from celery import shared_task
from celery.signals import worker_ready

from assistant.sync import services
from assistant.sync.engine import execute_run
from assistant.sync.lease import LONGEST_TURN_S

_GRACE_S = 1800  # for one document that takes long; after it the process is killed and the run taken over


@shared_task(name="assistant.sync.tasks.run_sync", time_limit=LONGEST_TURN_S + _GRACE_S)
def run_sync(run_id: int) -> None:
    """Carry out one run, unless another worker has it."""
    execute_run(run_id)


@shared_task(name="assistant.sync.tasks.sweep", expires=10, time_limit=300)
def sweep() -> None:
    """Start what is due and find what was lost."""
    services.sweep()


@worker_ready.connect
def _look_for_work(**_: object) -> None:
    """A worker that starts takes over at once what a dead one left."""
    sweep.delay()
