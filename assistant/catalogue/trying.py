"""Does a model answer? A short fixed question goes to it through its real provider; nothing is stored.

No document and no question of anybody's is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.roles import Right
from assistant.audit.trail import Event, record
from assistant.catalogue.entries import of_environment
from assistant.catalogue.fitting import ModelSettings, mistakes, tidied
from assistant.catalogue.models import LanguageModel
from assistant.catalogue.opening import made, server_of, server_of_environment, stored_key
from assistant.catalogue.services import WrongModel, key_goes_elsewhere, leads_elsewhere
from assistant.catalogue.trial_steps import (
    ALL_STEPS,
    State,
    TooManyTrials,
    TrialStep,
    how_far,
    steps_of,
    within,
)
from assistant.common.errors import ModelUnavailable, MundapError, NotFound
from assistant.common.told import said, told
from assistant.providers.contract import ChatServer, ModelRequest, Source, Usage

TRY_SECONDS = 10.0
_REQUEST = ModelRequest(
    question="Which word is the test word?",
    language="en",
    sources=(Source(1, "Test", "", "This is a test of the connection. The test word is lantern."),),
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelTrial:
    """What came of it. `problem`: why not, in words, empty if it passed; `usage` None: nothing was sent."""

    steps: tuple[TrialStep, ...]
    problem: str = ""
    usage: Usage | None = None

    @property
    def passed(self) -> bool:
        """Whether the model answered."""
        return all(each.state is State.GOOD for each in self.steps)


def try_settings(
    settings: ModelSettings,
    *,
    key: str | None = None,
    model_id: int | None = None,
    viewer: Viewer,
    seconds: float = TRY_SECONDS,
) -> ModelTrial:
    """Ask the model of unsaved settings. Without a `key` the one stored with row `model_id` is used.

    Raises:
        NotFound: the viewer may not manage models, or there is no such row.
        WrongModel: a field does not fit, or the stored key would go to another server.
    """
    require(viewer, Right.MANAGE_MODELS)
    settings = tidied(settings)
    wrong = mistakes(settings, key=key or "")
    row = _row(model_id)
    if row is not None and key is None and leads_elsewhere(row, settings):
        wrong["key"] = key_goes_elsewhere()
    if wrong:
        raise WrongModel(wrong)
    record(Event.MODEL_TRIED, actor_id=viewer.user_id, actor=viewer.email, model=model_id, kind=settings.kind)
    try:
        used = key if key is not None else (stored_key(row) if row else "")
    except ModelUnavailable as error:
        return ModelTrial(steps_of(0, known_bad=False), said(error))
    return _tried(settings.kind, server_of(settings, used), seconds=seconds)


def try_environment(*, viewer: Viewer) -> ModelTrial:
    """Ask the model that the environment configures.

    Raises:
        NotFound: the viewer may not manage models, or the environment configures none.
    """
    require(viewer, Right.MANAGE_MODELS)
    entry = of_environment()
    if entry is None:
        raise NotFound("The environment configures no model.")
    record(Event.MODEL_TRIED, actor_id=viewer.user_id, actor=viewer.email, model=None, kind=entry.kind)
    return _tried(entry.kind, server_of_environment(), seconds=TRY_SECONDS)


def _row(model_id: int | None) -> LanguageModel | None:
    if model_id is None:
        return None
    row = LanguageModel.objects.filter(pk=model_id).first()
    if row is None:
        raise NotFound("There is no such model.")
    return row


def _tried(kind: str, server: ChatServer, *, seconds: float) -> ModelTrial:
    """Ask once, in a thread of its own."""
    hasty = replace(server, whole_s=2 * seconds, silence_s=2 * seconds, attempts=1)
    try:
        found = within(seconds, lambda stop: _asked(kind, hasty, stop))
    except TooManyTrials as error:
        return ModelTrial(steps_of(0, known_bad=False), said(error))
    return found or _too_slow(seconds)


def _asked(kind: str, server: ChatServer, stop: Callable[[], bool]) -> ModelTrial | None:
    """What came of it; None: it was told to stop."""
    spent: list[Usage] = []
    try:
        model = made(kind, server, spent=spent.append)
        for _ in model.answer(replace(_REQUEST, stop=stop)):
            if stop():
                break
    except MundapError as error:
        return _failed(error, spent[-1] if spent else None)
    except Exception as error:  # noqa: BLE001 - the edge of a provider, which is tried because it may be broken
        log.error("a trial of a model failed with %s", type(error).__name__)
        return ModelTrial(
            steps_of(0, known_bad=False),
            told("The provider stopped on an error of its own. The log of the web process names it."),
        )
    if stop() or not spent:
        return None
    return ModelTrial(steps_of(ALL_STEPS, known_bad=False), usage=spent[-1])


def _failed(error: MundapError, usage: Usage | None) -> ModelTrial:
    problem = said(error)
    if usage is None or isinstance(error.__cause__, MundapError):  # no such network, address or certificate
        return ModelTrial(steps_of(0, known_bad=True), problem)
    good, known_bad = how_far(usage.outcome)
    if usage.first_token_ms is not None:
        good, known_bad = ALL_STEPS - 1, True
    return ModelTrial(steps_of(good, known_bad=known_bad), problem, usage)


def _too_slow(seconds: float) -> ModelTrial:
    problem = told("The model did not answer within {seconds} seconds.", seconds=round(seconds))
    return ModelTrial(steps_of(0, known_bad=False), problem)
