"""Celery's side of the index: keep it equal to the database, mend it, and build the one that is wanted."""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task
from celery.signals import worker_ready
from django.utils import timezone

from assistant.access import snapshot
from assistant.common.errors import IndexDamaged, MundapError
from assistant.documents.models import IndexState, ModelIndex
from assistant.ingest import building, indexing

log = logging.getLogger(__name__)

_SILENT_S = 60  # a build whose messages come hand in hand needs no further one


@shared_task(name="assistant.ingest.tasks.maintain_index", expires=200)
def maintain_index() -> None:
    """Publish what the index lacks, merge its segments, and keep the file that new processes start from."""
    try:
        indexing.publish_missing()
        indexing.compact()
    except IndexDamaged:
        indexing.verify(repair=True)
    except MundapError as error:  # the answering model is gone; the wanted one may still be built
        log.error("the index cannot follow the database: %s", error)
    snapshot.keep()
    at_work = ModelIndex.objects.filter(
        state=IndexState.BUILDING, worked_at__gt=timezone.now() - timedelta(seconds=_SILENT_S)
    )
    if not at_work.exists():
        build_wanted.delay()


@shared_task(name="assistant.ingest.tasks.build_wanted", expires=3600)
def build_wanted() -> None:
    """One slice of the index of the wanted model; asks for the next one, so that other work comes between."""
    try:
        more = building.advance()
    except MundapError as error:
        log.error("the wanted embedding model cannot be used: %s", error)
        return
    if more:
        build_wanted.delay()


@shared_task(name="assistant.ingest.tasks.repair_index", expires=200)
def repair_index() -> None:
    """Rebuild damaged segments from the database."""
    indexing.verify(repair=True)


@worker_ready.connect
def _look_for_a_new_model(**_: object) -> None:
    """A worker that starts may do so with another model in its environment."""
    build_wanted.delay()
