"""Celery's side of the index: keep it equal to the database, and mend it when a file is damaged."""

from __future__ import annotations

from celery import shared_task

from assistant.access import snapshot
from assistant.common.errors import IndexDamaged
from assistant.ingest import indexing


@shared_task(name="assistant.ingest.tasks.maintain_index", expires=200)
def maintain_index() -> None:
    """Publish what the index lacks, merge its segments, and keep the file that new processes start from."""
    try:
        indexing.publish_missing()
        indexing.compact()
    except IndexDamaged:
        indexing.verify(repair=True)
    snapshot.keep()


@shared_task(name="assistant.ingest.tasks.repair_index", expires=200)
def repair_index() -> None:
    """Rebuild damaged segments from the database."""
    indexing.verify(repair=True)
