"""From the model that answers to the model that is wanted.

`plan` decides, `follow` obeys. The wanted model's index is built beside the other
(`building`); when nothing is missing, `switch` makes it the one that answers in one
transaction. What is no longer wanted is kept for a day, then removed with its vectors.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from assistant.accounts.models import Revision
from assistant.accounts.revisions import Counter, current
from assistant.audit.trail import Event, record
from assistant.common.errors import MundapError
from assistant.documents.embedding import (
    IndexPlace,
    answering_place,
    configured_embedder,
    folder_name,
    live_places,
    place_of,
)
from assistant.documents.models import Embedding, IndexState, ModelIndex
from assistant.documents.search_models import wanted_embedder
from assistant.index.registry import keep_open_only, require_engine
from assistant.ingest.indexing import index_at

log = logging.getLogger(__name__)

# Searches that began before a switch have ended long before; and whoever changes their mind loses nothing.
RETIRED_FOR = timedelta(days=1)
_DELETED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells indexes apart."""

    engine: str
    name: str


@dataclass(frozen=True, slots=True)
class Known:
    """An index that the database knows."""

    pk: int
    identity: Identity
    state: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Builds to end, and the index to build: `resume` one that is known, or `begin` a new one."""

    retire: tuple[int, ...] = ()
    resume: int | None = None
    begin: bool = False


def wanted_identity() -> Identity:
    """What the environment or the console wants.

    Raises:
        ModelUnavailable: the model's folder is missing or holds no weights, or a server's settings are gone.
        UsageError: the environment names a kind of model or an engine that does not exist.
    """
    engine = settings.MUNDAP_INDEX_ENGINE
    require_engine(engine)
    return Identity(engine, configured_embedder().name)


def plan(known: Iterable[Known], wanted: Identity) -> Plan:
    """What has to happen so that `wanted` answers one day."""
    rows = list(known)
    retire = tuple(row.pk for row in rows if row.state == IndexState.BUILDING and row.identity != wanted)
    same = next((row for row in rows if row.identity == wanted), None)
    if same is None:
        return Plan(retire, begin=True)
    if same.state in (IndexState.ANSWERING, IndexState.REMOVING):  # what is being removed goes first
        return Plan(retire)
    return Plan(retire, resume=same.pk)


def next_build() -> ModelIndex | None:
    """Bring the rows to what the environment wants. The row to build on, None if there is none.

    Raises:
        ModelUnavailable: the wanted model's folder is missing; nothing was changed.
        UsageError: the environment names a kind that does not exist.
    """
    answering_place()  # a new installation takes what is wanted at once
    wanted = wanted_identity()
    rows = ModelIndex.objects.order_by("pk")
    todo = plan([Known(row.pk, Identity(row.engine, row.name), row.state) for row in rows], wanted)
    try:
        return _follow(todo, wanted)
    except IntegrityError:  # another process has just begun the same
        return None


def _follow(todo: Plan, wanted: Identity) -> ModelIndex | None:
    which = wanted_embedder()
    kind, model = which.kind, which.reference
    now = timezone.now()
    with transaction.atomic():
        # The folder may have moved; its name and weights are the same.
        ModelIndex.objects.filter(engine=wanted.engine, name=wanted.name).exclude(
            kind=kind, model=model
        ).update(kind=kind, model=model)
        ModelIndex.objects.filter(pk__in=todo.retire, state=IndexState.BUILDING).update(
            state=IndexState.RETIRED, changed_at=now, claim="", claimed_until=None
        )
        if todo.begin:
            return ModelIndex.objects.create(
                engine=wanted.engine,
                kind=kind,
                model=model,
                name=wanted.name,
                folder=folder_name(wanted.engine, wanted.name),
                state=IndexState.BUILDING,
            )
        if todo.resume is None:
            return None
        ModelIndex.objects.filter(pk=todo.resume, state=IndexState.RETIRED).update(
            state=IndexState.BUILDING, changed_at=now, position=0, built=0
        )
        return ModelIndex.objects.filter(pk=todo.resume, state=IndexState.BUILDING).first()


def switch(place: IndexPlace, *, claim: str, as_of: int, complete: Callable[[], bool]) -> bool:
    """Let this index answer from now on.

    It was complete at the value `as_of` of the document counter. Whoever stores a document raises that
    counter, so holding its row means that nothing is stored between the last look and the switch; whoever
    stores one later publishes it to the index that answers then.

    Returns:
        False if something new has to be published first, or the build is no longer this claim's.
    """
    now = timezone.now()
    ours = ModelIndex.objects.filter(pk=place.pk, state=IndexState.BUILDING, claim=claim)
    with transaction.atomic():
        Revision.objects.select_for_update().filter(name=Counter.DOCUMENTS).first()
        if current(Counter.DOCUMENTS) != as_of and not complete():
            return False
        former = answering_place()
        ModelIndex.objects.filter(pk=former.pk).update(state=IndexState.RETIRED, changed_at=now)
        if not ours.update(
            state=IndexState.ANSWERING, changed_at=now, claim="", claimed_until=None, problem=""
        ):
            transaction.set_rollback(True)
            return False
        record(
            Event.INDEX_SWITCHED,
            former=former.name,
            former_engine=former.engine,
            name=place.name,
            engine=place.engine,
        )
    log.info("questions are now answered by %s in place of %s", place.name, former.name)
    return True


def remove_retired(*, until: float) -> None:
    """Remove what has been retired for a day: its index, then its vectors. Goes on where it stopped.

    `until` is a moment of `time.monotonic`.
    """
    ModelIndex.objects.filter(state=IndexState.RETIRED, changed_at__lt=timezone.now() - RETIRED_FOR).update(
        state=IndexState.REMOVING
    )
    for row in ModelIndex.objects.filter(state=IndexState.REMOVING):
        try:
            _remove_index(row)
        except (MundapError, OSError) as error:
            log.warning("the former index of %s cannot be removed yet: %s", row.name, error)
            continue
        shared = ModelIndex.objects.filter(name=row.name).exclude(pk=row.pk).exists()
        if not shared and not _remove_vectors(row.name, until=until):
            return
        row.delete()


def _remove_index(row: ModelIndex) -> None:
    place = place_of(row)
    keep_open_only({live.folder for live in live_places()})
    if row.dimension and place.folder.exists():
        index_at(place).drop()
        keep_open_only({live.folder for live in live_places()})
    if row.folder:
        shutil.rmtree(place.folder, ignore_errors=True)


def _remove_vectors(name: str, *, until: float) -> bool:
    """Whether none is left."""
    rows = Embedding.objects.filter(model=name)
    while part := list(rows.values_list("pk", flat=True)[:_DELETED_AT_ONCE]):
        if time.monotonic() > until:
            return False
        Embedding.objects.filter(pk__in=part).delete()
    return True
