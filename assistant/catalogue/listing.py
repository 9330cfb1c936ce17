"""All models as who manages them sees them. No key is among what is read."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.catalogue.accounting import Cost, usage_by_model
from assistant.catalogue.audience import written
from assistant.catalogue.entries import Entry, built_in, of_environment, of_row
from assistant.catalogue.fitting import ModelSettings
from assistant.catalogue.models import LanguageModel
from assistant.common.errors import NotFound

_SHOWN_PEOPLE = 3


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One line. `people`: some of those to whom alone it is open, `more` others; none: to everyone."""

    entry: Entry
    is_enabled: bool = True
    people: tuple[str, ...] = ()
    more: int = 0
    calls: int = 0
    costs: tuple[Cost, ...] = ()


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """The whole list. `environment_decides`: the environment says which one is the default."""

    models: tuple[ListedModel, ...]
    environment_decides: bool


@dataclass(frozen=True, slots=True)
class EditableModel:
    """A model that can be changed."""

    id: int
    settings: ModelSettings
    entry: Entry
    has_key: bool
    is_enabled: bool
    environment_decides: bool


def catalogue_page(*, viewer: Viewer) -> CataloguePage:
    """Every model there is, the default first, with the calls and costs of the last days.

    Raises:
        NotFound: the viewer may not manage models.
    """
    require(viewer, Right.MANAGE_MODELS)
    used = {each.key: each for each in usage_by_model(viewer=viewer)}
    given = of_environment()
    listed = [_listed(row, may_be_default=given is None) for row in _rows()]
    if given is not None:
        listed.insert(0, ListedModel(given))
    listed.append(ListedModel(built_in(is_default=not any(each.entry.is_default for each in listed))))
    return CataloguePage(
        models=tuple(
            ListedModel(
                each.entry,
                each.is_enabled,
                each.people,
                each.more,
                calls=used[each.entry.key].calls if each.entry.key in used else 0,
                costs=used[each.entry.key].costs if each.entry.key in used else (),
            )
            for each in sorted(listed, key=lambda each: not each.entry.is_default)
        ),
        environment_decides=given is not None,
    )


def editable_model(*, viewer: Viewer, model_id: int) -> EditableModel:
    """One model with its settings.

    Raises:
        NotFound: no such model, or the viewer may not manage models.
    """
    require(viewer, Right.MANAGE_MODELS)
    row = _rows().filter(pk=model_id).first()
    if row is None:
        raise NotFound("There is no such model.")
    given = of_environment()
    return EditableModel(
        id=row.pk,
        settings=ModelSettings(
            name=row.name,
            purpose=row.purpose,
            kind=row.kind,
            address=row.address,
            server_model=row.server_model,
            most_tokens=row.most_tokens,
            silence_s=row.silence_s,
            most_at_once=row.most_at_once,
            ca_file=row.ca_file,
            region=row.region,
            input_price=row.input_price,
            output_price=row.output_price,
            currency=row.currency,
            for_everyone=row.for_everyone,
            people=_people(row),
        ),
        entry=of_row(row, may_be_default=given is None),
        has_key=bool(row.sealed_key),
        is_enabled=row.is_enabled,
        environment_decides=given is not None,
    )


def _rows() -> QuerySet[LanguageModel]:
    return LanguageModel.objects.prefetch_related("grants__principal__connection").order_by("name")


def _people(row: LanguageModel) -> tuple[str, ...]:
    return tuple(sorted(written(grant.principal) for grant in row.grants.all()))


def _listed(row: LanguageModel, *, may_be_default: bool) -> ListedModel:
    people = () if row.for_everyone else _people(row)
    return ListedModel(
        entry=of_row(row, may_be_default=may_be_default),
        is_enabled=row.is_enabled,
        people=people[:_SHOWN_PEOPLE],
        more=max(0, len(people) - _SHOWN_PEOPLE),
    )
