"""Does a model of the search work, and does it know Korean? Fixed sentences go to it; nothing is stored.

No document and no question of anybody's is sent.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.conf import settings as configured

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.audit.trail import Event, record
from assistant.catalogue.search_fitting import SearchSettings, mistakes, tidied
from assistant.catalogue.search_services import with_identity
from assistant.catalogue.services import WrongModel
from assistant.catalogue.trial_steps import (
    ALL_STEPS,
    State,
    Step,
    TooManyTrials,
    TrialStep,
    how_far,
    steps_of,
    within,
)
from assistant.common.errors import ModelUnavailable, MundapError, NotFound
from assistant.common.told import said, told
from assistant.documents.models import SearchJob, SearchModel
from assistant.documents.search_models import (
    served_by_environment,
    served_by_row,
    stored_key,
)
from assistant.providers.contract import Embedder, Entailment, Reranker, Served, Usage
from assistant.providers.registry import ON_SERVERS, embedder, entailment, reranker
from assistant.providers.support import CONTRADICTS, ENTAILS

SERVER_SECONDS, FOLDER_SECONDS = 10.0, 60.0  # a folder's weights are loaded first
# The same said in both languages, twice, of things that have nothing to do with each other.
_LEAVE_KO, _LEAVE_EN = "연차 휴가는 1년에 15일입니다.", "Annual leave is fifteen days a year."
_ROOM_KO, _ROOM_EN = (
    "회의실은 사내 포털에서 예약합니다.",
    "Meeting rooms are booked on the company portal.",
)
# Without figures, which a model that knows no Korean would recognise: all-MiniLM-L6-v2 has .03 for the pairs
# and .05 for what does not belong together.
_DOOR_KO, _DOOR_EN = "서버실 문은 밤에 잠급니다.", "The door of the server room is locked at night."
_TRAVEL_KO, _TRAVEL_EN = (
    "출장비는 다음 달 월급과 함께 받습니다.",
    "Travel costs are paid with the salary of the next month.",
)
_APART = 0.05  # cosine: by so much sentences of one meaning must be nearer than others
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Nearness:
    """Cosines of Korean and English sentences: of the `same` meaning (the lower of two), of `others`."""

    same: float
    others: float

    @property
    def tells_apart(self) -> bool:
        """Whether the model knows that a Korean sentence means what its English translation says."""
        return self.same - self.others >= _APART


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried, by a key for which the page has words, and whether it came out right."""

    key: str
    right: bool


@dataclass(frozen=True, slots=True)
class SearchTrial:
    """What came of it. `problem`: why not, empty if it answered; `ms`: of one call, without loading."""

    job: SearchJob
    steps: tuple[TrialStep, ...]
    problem: str = ""
    ms: int | None = None
    dimension: int = 0
    nearness: Nearness | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the model answered."""
        return all(each.state is State.GOOD for each in self.steps)


@dataclass(frozen=True, slots=True)
class _Tried:
    """What is tried: a folder, or a server."""

    job: SearchJob
    kind: str
    model: str
    served: Served | None


def try_search_settings(
    settings: SearchSettings,
    *,
    key: str | None = None,
    model_id: int | None = None,
    viewer: Viewer,
    seconds: float | None = None,
) -> SearchTrial:
    """Ask the model of unsaved settings. Without a `key` the one stored with row `model_id` is used.

    Raises:
        NotFound: the viewer may not manage models, or there is no such row.
        WrongModel: a field does not fit.
    """
    require(viewer, Right.MANAGE_MODELS)
    row = None
    if model_id is not None:
        row = SearchModel.objects.filter(pk=model_id).first()
        if row is None:
            raise NotFound("There is no such model.")
        settings = with_identity(settings, row)  # so the stored key goes to its own server alone
    settings = tidied(settings)
    if wrong := mistakes(settings, key=key or ""):
        raise WrongModel(wrong)
    _record(viewer, settings.job, model_id, settings.kind)
    if not settings.is_elsewhere:
        return _outcome(_Tried(settings.job, settings.kind, settings.model, None), seconds)
    try:
        used = key if key is not None else (stored_key(row) if row else "")
    except ModelUnavailable as error:
        return SearchTrial(settings.job, steps_of(0, known_bad=False), said(error))
    unsaved = SearchModel(
        job=settings.job,
        kind=settings.kind,
        name=settings.name,
        address=settings.address,
        model=settings.model,
        dimensions=settings.dimensions,
        question_prompt=settings.question_prompt,
        passage_prompt=settings.passage_prompt,
        ca_file=settings.ca_file,
    )
    return _outcome(
        _Tried(settings.job, settings.kind, settings.model, served_by_row(unsaved, key=used)), seconds
    )


def try_search_environment(job: SearchJob, *, viewer: Viewer) -> SearchTrial:
    """Ask the model that the environment configures for the job, or the bundled embedder.

    Raises:
        NotFound: the viewer may not manage models, or the environment configures none.
    """
    require(viewer, Right.MANAGE_MODELS)

    kind, model = {
        SearchJob.EMBEDDER: configured.MUNDAP_EMBEDDER,
        SearchJob.RERANKER: (configured.MUNDAP_RERANKER, configured.MUNDAP_RERANKER_MODEL),
        SearchJob.ENTAILMENT: ("sequence-classifier", configured.MUNDAP_ENTAILMENT_MODEL),
    }[job]
    if job is not SearchJob.EMBEDDER and not model:
        raise NotFound("The environment configures no such model.")
    _record(viewer, job, None, kind)
    served = served_by_environment(job) if kind in ON_SERVERS else None
    return _outcome(_Tried(job, kind, model, served), None)


def _record(viewer: Viewer, job: SearchJob, model_id: int | None, kind: str) -> None:
    record(
        Event.SEARCH_MODEL_TRIED,
        actor_id=viewer.user_id,
        actor=viewer.email,
        job=job.value,
        model=model_id,
        kind=kind,
    )


def _outcome(tried: _Tried, seconds: float | None) -> SearchTrial:
    seconds = seconds or (FOLDER_SECONDS if tried.served is None else SERVER_SECONDS)
    try:
        found = within(seconds, lambda _stop: _asked(tried, seconds))
    except TooManyTrials as error:
        return SearchTrial(tried.job, _none_of(tried), said(error))
    if found is not None:
        return found
    slow = told("The model did not answer within {seconds} seconds.", seconds=round(seconds))
    return SearchTrial(tried.job, _none_of(tried), slow)


def _asked(tried: _Tried, seconds: float) -> SearchTrial:
    spent: list[Usage] = []
    served = tried.served
    if served is not None:
        hasty = replace(served.server, whole_s=2 * seconds, silence_s=2 * seconds, attempts=1)
        served = replace(served, server=hasty, spent=spent.append)
    try:
        return _ASK[tried.job](tried, served)
    except MundapError as error:
        return _failed(tried, error, spent[-1] if spent else None)
    except Exception as error:  # noqa: BLE001 - the edge of a provider, which is tried because it may be broken
        log.error("a trial of a model failed with %s", type(error).__name__)
        problem = told("The provider stopped on an error of its own. The log of the web process names it.")
        return SearchTrial(tried.job, _none_of(tried), problem)


# Not the shared ones of the process, which would keep every model that was ever tried.
_new_embedder: Callable[..., Embedder] = embedder.__wrapped__
_new_reranker: Callable[..., Reranker] = reranker.__wrapped__
_new_entailment: Callable[..., Entailment] = entailment.__wrapped__


def _ask_embedder(tried: _Tried, served: Served | None) -> SearchTrial:
    model = _new_embedder(tried.kind, model=tried.model, served=served)
    model.embed([_DOOR_EN])
    began = time.perf_counter()
    model.embed_questions([_DOOR_KO])
    ms = _ms_since(began)
    door, travel, door_en, travel_en = model.embed([_DOOR_KO, _TRAVEL_KO, _DOOR_EN, _TRAVEL_EN])
    same = min(float(door @ door_en), float(travel @ travel_en))
    others = max(float(door @ travel_en), float(travel @ door_en))
    return SearchTrial(tried.job, _all_of(tried), ms=ms, dimension=len(door), nearness=Nearness(same, others))


def _ask_reranker(tried: _Tried, served: Served | None) -> SearchTrial:
    model = _new_reranker(tried.kind, model=tried.model, served=served)
    began = time.perf_counter()
    findings = []
    for key, question, texts in (
        ("reranks-en", "How many days of annual leave are there?", (_ROOM_EN, _LEAVE_EN)),
        ("reranks-ko", "연차 휴가는 며칠인가요?", (_ROOM_KO, _LEAVE_KO)),
        ("reranks-across", "연차 휴가는 며칠인가요?", (_ROOM_EN, _LEAVE_EN)),
    ):
        other, right = model.scores(question, texts)
        findings.append(Finding(key, bool(right > other)))
    ms = _ms_since(began) // len(findings)
    return SearchTrial(tried.job, _all_of(tried), ms=ms, findings=tuple(findings))


def _ask_entailment(tried: _Tried, _served: Served | None) -> SearchTrial:
    model = _new_entailment(tried.kind, model=tried.model)
    model.judged(_LEAVE_EN, _LEAVE_EN)
    began = time.perf_counter()
    said_en = model.judged(_LEAVE_EN, "There are fifteen days of annual leave in a year.")
    denied = model.judged(_LEAVE_EN, "There is no annual leave at all.")
    said_ko = model.judged(_LEAVE_KO, "한 해에 연차 휴가를 15일 쓸 수 있습니다.")
    across = model.judged(_LEAVE_EN, _LEAVE_KO)
    findings = (
        Finding("entails-en", said_en.entails >= ENTAILS),
        Finding("contradicts-en", denied.contradicts >= CONTRADICTS),
        Finding("entails-ko", said_ko.entails >= ENTAILS),
        Finding("entails-across", across.entails >= ENTAILS),
    )
    return SearchTrial(tried.job, _all_of(tried), ms=_ms_since(began) // len(findings), findings=findings)


_ASK: dict[SearchJob, Callable[[_Tried, Served | None], SearchTrial]] = {
    SearchJob.EMBEDDER: _ask_embedder,
    SearchJob.RERANKER: _ask_reranker,
    SearchJob.ENTAILMENT: _ask_entailment,
}


def _failed(tried: _Tried, error: MundapError, usage: Usage | None) -> SearchTrial:
    problem = said(error)
    if tried.served is None:
        return SearchTrial(tried.job, (TrialStep(Step.ANSWERED, State.BAD),), problem)
    if usage is None or isinstance(error.__cause__, MundapError):  # no such network, address or certificate
        return SearchTrial(tried.job, steps_of(0, known_bad=True), problem)
    good, known_bad = how_far(usage.outcome)
    if good == ALL_STEPS:  # the call went well, and the rest did not
        good, known_bad = ALL_STEPS - 1, True
    return SearchTrial(tried.job, steps_of(good, known_bad=known_bad), problem)


def _all_of(tried: _Tried) -> tuple[TrialStep, ...]:
    """A folder has no server to be reached or signed in to."""
    if tried.served is None:
        return (TrialStep(Step.ANSWERED, State.GOOD),)
    return steps_of(ALL_STEPS, known_bad=False)


def _none_of(tried: _Tried) -> tuple[TrialStep, ...]:
    if tried.served is None:
        return (TrialStep(Step.ANSWERED, State.UNKNOWN),)
    return steps_of(0, known_bad=False)


def _ms_since(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
