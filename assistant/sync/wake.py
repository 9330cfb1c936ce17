"""Waking a worker up. A message that is lost or doubled changes nothing: the run's row is the job."""

from __future__ import annotations

import logging

from celery import current_app
from kombu.exceptions import OperationalError

from assistant.sync.models import CONTENT_KINDS, RunKind, SyncRun

log = logging.getLogger(__name__)


def wake(run_id: int) -> None:
    """Send the run's id to a worker. Without a broker the sweeper will find the run.

    What reads no content is short, and a revocation must not wait behind a first listing of another source.
    """
    kind = SyncRun.objects.filter(pk=run_id).values_list("kind", flat=True).first()
    reads = kind in CONTENT_KINDS and kind != RunKind.PUSH
    queue = "fetch" if reads else "maintenance"
    try:
        current_app.send_task("assistant.sync.tasks.run_sync", args=[run_id], queue=queue)
    except (OperationalError, OSError) as error:
        log.warning("no broker to wake a worker for run %s: %s", run_id, error)
