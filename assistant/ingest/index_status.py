"""Which model answers, which one is wanted, and how far its index is. Figures and names of models only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.common.errors import MundapError
from assistant.documents.embedding import place_of
from assistant.documents.models import IndexState, ModelIndex
from assistant.documents.search_models import Wanted, wanted_embedder
from assistant.ingest.switching import Identity, wanted_identity


class Progress(StrEnum):
    """How the wanted model stands."""

    EMPTY = "empty"  # nothing was asked or stored yet: the first use takes the wanted model
    READY = "ready"  # the wanted model answers
    BUILDING = "building"  # its index is being built; the other one answers
    BLOCKED = "blocked"  # it cannot be used: see the problems


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """`built` and `total` count chunks; `eta_s` is None where nothing was measured yet.

    `broken`: the model that answers cannot be used, so that questions end with an error.
    """

    engine: str
    answering: str
    wanted: str
    state: Progress
    built: int
    total: int
    eta_s: int | None
    former: tuple[str, ...]
    broken: bool
    problems: tuple[str, ...]


def shown_status(*, viewer: Viewer) -> IndexStatus:
    """The status for a page.

    Raises:
        NotFound: the viewer may not see sources.
    """
    require(viewer, Right.SEE_SOURCES)
    return status()


def status() -> IndexStatus:
    """The status at this moment. Loads no model and builds nothing."""
    rows = list(ModelIndex.objects.order_by("pk"))
    answering = next((row for row in rows if row.state == IndexState.ANSWERING), None)
    build = next((row for row in rows if row.state == IndexState.BUILDING), None)
    problems = _problems_of(answering)
    broken = bool(problems)
    wanted: Identity | None = None
    try:
        wanted = wanted_identity()
    except MundapError as error:
        if not broken or answering is None or Wanted(answering.kind, answering.model) != wanted_embedder():
            problems.append(str(error))
    if build is not None and build.problem:
        problems.append(build.problem)
    return IndexStatus(
        engine=answering.engine if answering else settings.MUNDAP_INDEX_ENGINE,
        answering=answering.name if answering else "",
        wanted=wanted.name if wanted else wanted_embedder().reference,
        state=_progress(answering, build, wanted, problems),
        built=build.built if build else 0,
        total=build.total if build else 0,
        eta_s=_seconds_left(build),
        former=tuple(row.name for row in rows if row.state in (IndexState.RETIRED, IndexState.REMOVING)),
        broken=broken,
        problems=tuple(problems),
    )


def _problems_of(answering: ModelIndex | None) -> list[str]:
    if answering is None:
        return []
    try:
        place_of(answering).embedder()
    except MundapError as error:
        return [str(error)]
    return []


def _progress(
    answering: ModelIndex | None, build: ModelIndex | None, wanted: Identity | None, problems: list[str]
) -> Progress:
    if wanted is None or (build is not None and build.problem):
        return Progress.BLOCKED
    if answering is None:
        return Progress.EMPTY
    if Identity(answering.engine, answering.name) != wanted:
        return Progress.BUILDING
    return Progress.BLOCKED if problems else Progress.READY


def _seconds_left(build: ModelIndex | None) -> int | None:
    if build is None or not build.rate:
        return None
    return round((build.total - build.built) / build.rate)
