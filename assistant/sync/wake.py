"""Waking a worker up. A message that is lost or doubled changes nothing: the run's row is the job."""

from __future__ import annotations

import logging

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def wake(run_id: int) -> None:
    """Send the run's id to a worker. Without a broker the sweeper will find the run."""
    try:
        current_app.send_task("assistant.sync.tasks.run_sync", args=[run_id])
    except (OperationalError, OSError) as error:
        log.warning("no broker to wake a worker for run %s: %s", run_id, error)
