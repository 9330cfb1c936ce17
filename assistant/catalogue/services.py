"""What administrators can do with models. Each change is audited; no key and no price of a call is."""

from __future__ import annotations

from dataclasses import fields

from django.db import transaction

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.models import Principal
from assistant.accounts.roles import Right
from assistant.audit.trail import Event, record
from assistant.catalogue.audience import principals_of
from assistant.catalogue.entries import of_environment
from assistant.catalogue.fitting import ModelSettings, mistakes, tidied
from assistant.catalogue.models import LanguageModel, ModelGrant
from assistant.catalogue.opening import sealed_key
from assistant.common.errors import NotFound, UsageError
from assistant.common.told import said, told

_KEPT = frozenset({"people"})  # settings that are rows of their own


class WrongModel(UsageError):
    """Settings that do not fit. `wrong`: a sentence by field."""

    def __init__(self, wrong: dict[str, str]) -> None:
        super().__init__(next(iter(wrong.values())))
        self.wrong = wrong


def add_model(settings: ModelSettings, *, key: str = "", viewer: Viewer) -> int:
    """Enter a model, ready to be used by whom it is open to. Its id.

    Raises:
        NotFound: the viewer may not manage models.
        WrongModel: a field does not fit.
    """
    require(viewer, Right.MANAGE_MODELS)
    settings = tidied(settings)
    with transaction.atomic():
        people = _fitting(settings, key, row=None)
        row = LanguageModel(**_columns(settings))
        row.save()
        row.sealed_key = sealed_key(row.pk, key)
        row.save(update_fields=["sealed_key"])
        _grant(row, people)
        _record(Event.MODEL_ADDED, row, viewer, kind=row.kind, for_everyone=row.for_everyone)
    return row.pk


def change_model(model_id: int, settings: ModelSettings, *, key: str | None = None, viewer: Viewer) -> None:
    """Store other settings. Without a `key` the stored one stays; with an empty one it is forgotten.

    Raises:
        NotFound: no such model, or the viewer may not manage models.
        WrongModel: a field does not fit, or a stored key would go to another server.
    """
    require(viewer, Right.MANAGE_MODELS)
    settings = tidied(settings)
    with transaction.atomic():
        row = _locked(model_id)
        people = _fitting(settings, key, row=row)
        changed = _changed(row, settings, people, key)
        for name, value in _columns(settings).items():
            setattr(row, name, value)
        if key is not None:
            row.sealed_key = sealed_key(row.pk, key)
        row.save()
        _grant(row, people)
        if changed:
            _record(Event.MODEL_CHANGED, row, viewer, changed=changed, for_everyone=row.for_everyone)


def remove_model(model_id: int, *, viewer: Viewer) -> None:
    """Take a model out, with its key. What its calls took stays; if it was the default, none is chosen.

    Raises:
        NotFound: no such model, or the viewer may not manage models.
    """
    require(viewer, Right.MANAGE_MODELS)
    with transaction.atomic():
        row = _locked(model_id)
        _record(Event.MODEL_REMOVED, row, viewer)
        row.delete()


def enable_model(model_id: int, *, on: bool, viewer: Viewer) -> None:
    """Switch a model on or off. One that is switched off is no default any more.

    Raises:
        NotFound: no such model, or the viewer may not manage models.
    """
    require(viewer, Right.MANAGE_MODELS)
    with transaction.atomic():
        row = _locked(model_id)
        if row.is_enabled == on:
            return
        row.is_enabled, row.is_default = on, row.is_default and on
        row.save(update_fields=["is_enabled", "is_default"])
        _record(Event.MODEL_ENABLED if on else Event.MODEL_DISABLED, row, viewer)


def set_default(model_id: int | None, *, viewer: Viewer) -> None:
    """Make a model the default of all who may use it; None: the built-in answerer is everybody's.

    Raises:
        NotFound: no such model, or the viewer may not manage models.
        UsageError: it is switched off, or the environment says which model is the default.
    """
    require(viewer, Right.MANAGE_MODELS)
    if of_environment() is not None:
        raise UsageError(
            told(
                "The environment says which model is the default: take MUNDAP_CHAT_MODEL out to choose here."
            )
        )
    with transaction.atomic():
        row = _locked(model_id) if model_id is not None else None
        if row is not None and not row.is_enabled:
            raise UsageError(told("Switch the model on before you make it the default."))
        former = LanguageModel.objects.filter(is_default=True).values_list("pk", flat=True).first()
        if former == model_id:
            return
        LanguageModel.objects.filter(is_default=True).update(is_default=False)
        if row is not None:
            row.is_default = True
            row.save(update_fields=["is_default"])
        record(
            Event.MODEL_MADE_DEFAULT,
            actor_id=viewer.user_id,
            actor=viewer.email,
            model=model_id,
            name=row.name if row is not None else "",
            former=former,
        )


def leads_elsewhere(row: LanguageModel, settings: ModelSettings) -> bool:
    """Whether a stored key would be sent to another server than the one that it was typed for."""
    now, then = (settings.kind, settings.address), (row.kind, row.address)
    regions = (settings.region, row.region) if not settings.address else ("", "")
    return bool(row.sealed_key) and (now != then or regions[0] != regions[1])


def key_goes_elsewhere() -> str:
    """What to say of it."""
    return told(
        "Type it again, or delete it: a stored key is not sent to a server that may be another one now."
    )


def _fitting(settings: ModelSettings, key: str | None, *, row: LanguageModel | None) -> list[Principal]:
    """To whom alone the model is open; empty where to everyone."""
    wrong = mistakes(settings, key=key or "")
    others = LanguageModel.objects.exclude(pk=row.pk if row else 0)
    if "name" not in wrong and others.filter(name__iexact=settings.name).exists():
        wrong["name"] = told("There is a model of this name: choose another one.")
    if row is not None and key is None and leads_elsewhere(row, settings):
        wrong["key"] = key_goes_elsewhere()
    people: list[Principal] = []
    if not settings.for_everyone:
        try:
            people = principals_of(settings.people)
        except UsageError as error:
            wrong["people"] = said(error)
    if wrong:
        raise WrongModel(wrong)
    return people


def _columns(settings: ModelSettings) -> dict[str, object]:
    return {each.name: getattr(settings, each.name) for each in fields(settings) if each.name not in _KEPT}


def _changed(
    row: LanguageModel, settings: ModelSettings, people: list[Principal], key: str | None
) -> list[str]:
    """Names of what the settings change."""
    names = [name for name, value in _columns(settings).items() if getattr(row, name) != value]
    if {principal.pk for principal in people} != set(row.grants.values_list("principal", flat=True)):
        names.append("people")
    return [*names, *(["key"] if key is not None else [])]


def _grant(row: LanguageModel, people: list[Principal]) -> None:
    row.grants.all().delete()
    ModelGrant.objects.bulk_create([ModelGrant(model=row, principal=principal) for principal in people])


def _record(event: Event, row: LanguageModel, viewer: Viewer, **more: object) -> None:
    record(event, actor_id=viewer.user_id, actor=viewer.email, model=row.pk, name=row.name, **more)  # type: ignore[arg-type]


def _locked(model_id: int) -> LanguageModel:
    row = LanguageModel.objects.select_for_update().filter(pk=model_id).first()
    if row is None:
        raise NotFound("There is no such model.")
    return row
