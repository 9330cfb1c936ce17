"""What administrators can do with the models of the search. Each change is audited; no key is.

Choosing an embedder only says which one is wanted: its index is built beside the one that answers, and takes
over when nothing is missing (`assistant/ingest/switching.py`). Choosing the former one again goes back.
"""

from __future__ import annotations

import logging
from dataclasses import fields

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.audit.trail import Event, record
from assistant.catalogue.search_fitting import IDENTITY, SearchSettings, mistakes, tidied
from assistant.catalogue.services import WrongModel
from assistant.common.errors import NotFound, UsageError
from assistant.common.told import told
from assistant.documents.models import IndexState, ModelIndex, SearchJob, SearchModel
from assistant.documents.search_models import environment_decides, reference_of, sealed_key

log = logging.getLogger(__name__)


def add_search_model(settings: SearchSettings, *, key: str = "", viewer: Viewer) -> int:
    """Enter a model. It does nothing until it is chosen. Its id.

    Raises:
        NotFound: the viewer may not manage models.
        WrongModel: a field does not fit.
    """
    require(viewer, Right.MANAGE_MODELS)
    settings = tidied(settings)
    with transaction.atomic():
        _require_fitting(settings, key, pk=0)
        row = SearchModel(**_columns(settings))
        row.save()
        row.sealed_key = sealed_key(row.pk, key)
        row.save(update_fields=["sealed_key"])
        _record(Event.SEARCH_MODEL_ADDED, row, viewer, kind=row.kind)
    return row.pk


def change_search_model(
    model_id: int, settings: SearchSettings, *, key: str | None = None, viewer: Viewer
) -> None:
    """Store another name, key or limits. Without a `key` the stored one stays; an empty one forgets it.

    What decides on its vectors stays as it was entered, whatever the `settings` say: the stored key is
    never sent to another server.

    Raises:
        NotFound: no such model, or the viewer may not manage models.
        WrongModel: a field does not fit.
    """
    require(viewer, Right.MANAGE_MODELS)
    with transaction.atomic():
        row = locked(model_id)
        settings = tidied(with_identity(settings, row))
        _require_fitting(settings, key or "", pk=row.pk)
        columns = _columns(settings)
        changed = [name for name, value in columns.items() if getattr(row, name) != value]
        for name in changed:
            setattr(row, name, columns[name])
        if key is not None:
            row.sealed_key = sealed_key(row.pk, key)
            changed.append("key")
        row.save()
        if changed:
            _record(Event.SEARCH_MODEL_CHANGED, row, viewer, changed=changed)


def remove_search_model(model_id: int, *, viewer: Viewer) -> None:
    """Take a model out, with its key.

    Raises:
        NotFound: no such model, or the viewer may not manage models.
        UsageError: it is chosen, or questions are answered with it.
    """
    require(viewer, Right.MANAGE_MODELS)
    with transaction.atomic():
        row = locked(model_id)
        if row.is_chosen or is_live(row):
            raise UsageError(
                told("It is in use. Choose another model first, and wait until that one answers.")
            )
        _record(Event.SEARCH_MODEL_REMOVED, row, viewer)
        row.delete()


def choose_search_model(job: SearchJob, model_id: int | None, *, viewer: Viewer) -> None:
    """Want this model for the job; None: the bundled embedder, no reranker, no entailment model.

    Raises:
        NotFound: no such model, or the viewer may not manage models.
        UsageError: the environment says which model it is.
    """
    require(viewer, Right.MANAGE_MODELS)
    if environment_decides(job):
        raise UsageError(
            told(
                "The environment says which model it is: take MUNDAP_{job}_MODEL out to choose here.",
                job=job.value.upper(),
            )
        )
    with transaction.atomic():
        row = locked(model_id) if model_id is not None else None
        if row is not None and row.job != job:
            raise NotFound("There is no such model.")
        former = SearchModel.objects.filter(job=job, is_chosen=True).values_list("pk", flat=True).first()
        if former == model_id:
            return
        SearchModel.objects.filter(job=job, is_chosen=True).update(is_chosen=False)
        if row is not None:
            row.is_chosen = True
            row.save(update_fields=["is_chosen"])
        record(
            Event.SEARCH_MODEL_CHOSEN,
            actor_id=viewer.user_id,
            actor=viewer.email,
            job=job.value,
            model=model_id,
            name=row.name if row is not None else "",
            former=former,
        )
        if job is SearchJob.EMBEDDER:
            transaction.on_commit(_begin_building)


def with_identity(settings: SearchSettings, row: SearchModel) -> SearchSettings:
    """The settings with what a stored row can never change."""
    kept = {name: getattr(row, name) for name in IDENTITY}
    return SearchSettings(
        **{
            **{each.name: getattr(settings, each.name) for each in fields(settings)},
            **kept,
            "job": SearchJob(row.job),
        }
    )


def is_live(row: SearchModel) -> bool:
    """Whether an index of this model's vectors answers or is being built."""
    return ModelIndex.objects.filter(
        kind=row.kind, model=reference_of(row), state__in=[IndexState.ANSWERING, IndexState.BUILDING]
    ).exists()


def locked(model_id: int) -> SearchModel:
    """The row, for as long as the transaction lasts.

    Raises:
        NotFound: there is none.
    """
    row = SearchModel.objects.select_for_update().filter(pk=model_id).first()
    if row is None:
        raise NotFound("There is no such model.")
    return row


def _begin_building() -> None:
    """At once instead of at the next maintenance. The row says what is wanted; a message is only a nudge."""
    try:
        current_app.send_task("assistant.ingest.tasks.build_wanted")
    except (OperationalError, OSError) as error:
        log.warning("no broker to ask for the new index: %s", error)


def _require_fitting(settings: SearchSettings, key: str, *, pk: int) -> None:
    wrong = mistakes(settings, key=key)
    others = SearchModel.objects.exclude(pk=pk)
    if "name" not in wrong and others.filter(name__iexact=settings.name).exists():
        wrong["name"] = told("There is a model of this name: choose another one.")
    if not pk and not wrong:
        same = {name: getattr(settings, name) for name in IDENTITY}
        if others.filter(job=settings.job, **same).exists():
            wrong["model"] = told(
                "This model is in the list already. Enter another version if it has changed."
            )
    if wrong:
        raise WrongModel(wrong)


def _columns(settings: SearchSettings) -> dict[str, object]:
    return {each.name: getattr(settings, each.name) for each in fields(settings)}


def _record(event: Event, row: SearchModel, viewer: Viewer, **more: object) -> None:
    record(
        event,
        actor_id=viewer.user_id,
        actor=viewer.email,
        model=row.pk,
        job=row.job,
        name=row.name,
        **more,  # type: ignore[arg-type]
    )
