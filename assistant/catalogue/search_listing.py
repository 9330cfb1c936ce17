"""All models of the search as who manages them sees them. No key is among what is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.catalogue.entries import host_of
from assistant.catalogue.models import ModelCall
from assistant.catalogue.search_fitting import SearchSettings
from assistant.catalogue.search_kinds import kind_of
from assistant.catalogue.search_services import is_live
from assistant.common.errors import NotFound
from assistant.documents.models import IndexState, ModelIndex, SearchJob, SearchModel
from assistant.documents.search_models import (
    BUNDLED,
    Wanted,
    account_key,
    environment_decides,
    reference_of,
    wanted_embedder,
)
from assistant.providers.contract import Outcome
from assistant.providers.embedders import BUNDLED_NAME
from assistant.providers.registry import ON_SERVERS

_LONGEST_KIND = 40
_LATELY = timedelta(hours=1)


class SearchOrigin(StrEnum):
    """Where a line comes from. Only rows can be changed here."""

    BUILT_IN = "built_in"  # the bundled embedder, or no model at all
    ENVIRONMENT = "environment"
    ROW = "row"
    FORMER = "former"  # an index of it answers still, and nobody wants it any more


class SearchState(StrEnum):
    """What a model does now."""

    ANSWERING = "answering"
    BUILDING = "building"  # its index, beside the one that answers
    WAITING = "waiting"  # it is wanted, and its index is not begun yet
    KEPT = "kept"  # its index is kept for a day: going back takes moments
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class ListedSearchModel:
    """One line. `host`: where texts go; empty: nowhere. `fails`: its server failed when it was asked last."""

    id: int | None
    origin: SearchOrigin
    state: SearchState
    name: str
    kind: str = ""
    host: str = ""
    may_choose: bool = False
    fails: bool = False


@dataclass(frozen=True, slots=True)
class SearchSection:
    """What there is for a job, what is in use first."""

    job: SearchJob
    models: tuple[ListedSearchModel, ...]
    environment_decides: bool


@dataclass(frozen=True, slots=True)
class EditableSearchModel:
    """A model that can be changed."""

    id: int
    settings: SearchSettings
    has_key: bool
    in_use: bool


def search_sections(*, viewer: Viewer) -> tuple[SearchSection, ...]:
    """Every model of the search, by what it does.

    Raises:
        NotFound: the viewer may not manage models.
    """
    require(viewer, Right.MANAGE_MODELS)
    rows: dict[str, list[SearchModel]] = {job.value: [] for job in SearchJob}
    for row in SearchModel.objects.order_by("name"):
        rows[row.job].append(row)
    return (
        _embedders(rows[SearchJob.EMBEDDER]),
        _section(SearchJob.RERANKER, rows[SearchJob.RERANKER]),
        _section(SearchJob.ENTAILMENT, rows[SearchJob.ENTAILMENT]),
    )


def editable_search_model(*, viewer: Viewer, model_id: int) -> EditableSearchModel:
    """One model with its settings.

    Raises:
        NotFound: no such model, or the viewer may not manage models.
    """
    require(viewer, Right.MANAGE_MODELS)
    row = SearchModel.objects.filter(pk=model_id).first()
    if row is None:
        raise NotFound("There is no such model.")
    stored = SearchSettings(
        job=SearchJob(row.job),
        kind=row.kind,
        name=row.name,
        model=row.model,
        address=row.address,
        dimensions=row.dimensions,
        question_prompt=row.question_prompt,
        passage_prompt=row.passage_prompt,
        version=row.version,
        ca_file=row.ca_file,
        silence_s=row.silence_s,
        most_at_once=row.most_at_once,
    )
    return EditableSearchModel(row.pk, stored, bool(row.sealed_key), row.is_chosen or is_live(row))


def _embedders(rows: list[SearchModel]) -> SearchSection:
    given = environment_decides(SearchJob.EMBEDDER)
    wanted = wanted_embedder()
    indexes = {
        Wanted(index.kind, index.model): index
        for index in ModelIndex.objects.exclude(state=IndexState.REMOVING).order_by("-pk")
        if index.engine == settings.MUNDAP_INDEX_ENGINE or index.state == IndexState.ANSWERING
    }
    listed: list[ListedSearchModel] = []
    known: set[Wanted] = set()

    def add(origin: SearchOrigin, which: Wanted, name: str, *, row: SearchModel | None, host: str) -> None:
        known.add(which)
        listed.append(
            ListedSearchModel(
                id=row.pk if row is not None else None,
                origin=origin,
                state=_state(indexes.get(which), is_wanted=which == wanted),
                name=name,
                kind=_kind_words(which.kind, SearchJob.EMBEDDER),
                host=host,
                fails=bool(host) and _fails(row, SearchJob.EMBEDDER),
                may_choose=not given
                and which != wanted
                and origin in (SearchOrigin.BUILT_IN, SearchOrigin.ROW),
            )
        )

    if given:
        kind, model = settings.MUNDAP_EMBEDDER
        host = host_of(kind, settings.MUNDAP_EMBEDDER_URL) if kind in ON_SERVERS else ""
        add(SearchOrigin.ENVIRONMENT, wanted, _short(model), row=None, host=host)
    add(SearchOrigin.BUILT_IN, BUNDLED, BUNDLED_NAME, row=None, host="")
    for row in rows:
        add(SearchOrigin.ROW, Wanted(row.kind, reference_of(row)), row.name, row=row, host=_host(row))
    for which, index in indexes.items():
        if which not in known and index.state in (IndexState.ANSWERING, IndexState.BUILDING):
            host = "?" if which.kind in ON_SERVERS else ""
            add(SearchOrigin.FORMER, which, index.name.partition("@")[0], row=None, host=host)
    order = list(SearchState)
    return SearchSection(
        SearchJob.EMBEDDER, tuple(sorted(listed, key=lambda each: order.index(each.state))), given
    )


def _state(index: ModelIndex | None, *, is_wanted: bool) -> SearchState:
    if index is not None and index.state == IndexState.ANSWERING:
        return SearchState.ANSWERING
    if index is not None and index.state == IndexState.BUILDING and is_wanted:
        return SearchState.BUILDING
    if is_wanted:
        return SearchState.WAITING
    return SearchState.KEPT if index is not None else SearchState.IDLE


def _section(job: SearchJob, rows: list[SearchModel]) -> SearchSection:
    """Of rerankers and entailment models: none is one of the choices."""
    given = environment_decides(job)
    listed: list[ListedSearchModel] = []
    if given:
        model, url = {
            SearchJob.RERANKER: (settings.MUNDAP_RERANKER_MODEL, settings.MUNDAP_RERANKER_URL),
        }.get(job, (settings.MUNDAP_ENTAILMENT_MODEL, ""))
        kind = settings.MUNDAP_RERANKER if job is SearchJob.RERANKER else "sequence-classifier"
        listed.append(
            ListedSearchModel(
                None,
                SearchOrigin.ENVIRONMENT,
                SearchState.ANSWERING,
                _short(model),
                _kind_words(kind, job),
                host_of(kind, url) if kind in ON_SERVERS else "",
            )
        )
    chosen = next((row for row in rows if row.is_chosen), None)
    for row in rows:
        in_force = row == chosen and not given
        listed.append(
            ListedSearchModel(
                row.pk,
                SearchOrigin.ROW,
                SearchState.ANSWERING if in_force else SearchState.IDLE,
                row.name,
                _kind_words(row.kind, job),
                _host(row),
                may_choose=not given and not in_force,
                fails=row.kind in ON_SERVERS and _fails(row, job),
            )
        )
    none_in_use = not given and chosen is None
    listed.append(
        ListedSearchModel(
            None,
            SearchOrigin.BUILT_IN,
            SearchState.ANSWERING if none_in_use else SearchState.IDLE,
            gettext("None"),
            str(_NONE[job]),
            may_choose=not given and not none_in_use,
        )
    )
    return SearchSection(
        job, tuple(sorted(listed, key=lambda each: each.state is not SearchState.ANSWERING)), given
    )


_NONE: dict[SearchJob, Promise] = {
    SearchJob.RERANKER: gettext_lazy("The order of the index alone"),
    SearchJob.ENTAILMENT: gettext_lazy("Words, figures and denials alone"),
}


def _fails(row: SearchModel | None, job: SearchJob) -> bool:
    """Whether the last call to the server of a row, or of the environment, failed, and not long ago."""
    lately = ModelCall.objects.filter(key=account_key(row, job), at__gte=timezone.now() - _LATELY)
    last = lately.order_by("-pk").first()
    return last is not None and last.outcome not in (Outcome.DONE, Outcome.STOPPED)


def _kind_words(kind: str, job: SearchJob) -> str:
    known = kind_of(kind, job)
    return str(known.label) if known is not None else kind[:_LONGEST_KIND]


def _short(model: str) -> str:
    """The last part of a folder's path or of a model's name."""
    return model.rstrip("/").rpartition("/")[2] or model


def _host(row: SearchModel) -> str:
    return host_of(row.kind, row.address) if row.kind in ON_SERVERS else ""
