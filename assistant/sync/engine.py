"""Carrying out a run: claim it, read what its kind asks for, end it in a state that says what happened."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from assistant.common.errors import MundapError
from assistant.common.pace import Stopped
from assistant.common.told import said, told
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import Outcome
from assistant.sync.carrying_out import carry_out
from assistant.sync.detail import kept_detail
from assistant.sync.lease import (
    Cancelled,
    Heartbeat,
    LostLease,
    Paused,
    SettingsChanged,
    TurnOver,
    claim,
    owner_of_this_process,
    want_interrupted_lists,
)
from assistant.sync.models import Phase, RunState, SyncRun
from assistant.sync.progress import OverBudget
from assistant.sync.reasons import RunCode
from assistant.sync.services import follow
from assistant.sync.wake import wake
from connectors.sdk.errors import Reconfigure, Retry, Stop

log = logging.getLogger(__name__)

_MOST_POSTPONED = 12  # times in a row without a document dealt with
_LONGEST_POSTPONED_S = 3600.0
_DATABASE_AWAY_S = 5.0
_LONGEST_MODEL_AWAY_S = 300.0
# How a call to a model ended that may end otherwise later, without anybody mending a setting.
_PASSING = frozenset({Outcome.BUSY, Outcome.FULL, Outcome.RESTING, Outcome.UNREACHABLE, Outcome.BROKEN})


@dataclass(frozen=True, slots=True)
class _End:
    """How a run leaves its worker: for good, or to go on later (`after` seconds)."""

    state: RunState
    code: str = ""
    detail: str = ""
    after: float | None = None


def execute_run(run_id: int) -> bool:
    """Carry the run out, if no other worker has it. True if this process did.

    A run ends in the database, whatever happens: only a lost lease leaves it to
    the worker that took it over.
    """
    run = claim(run_id)
    if run is None:
        return False
    log.info("run %s of source %s begins", run.pk, run.source_id)
    with Heartbeat(run.pk) as heartbeat:
        heartbeat.look()
        try:
            end = _ended(run, heartbeat)
        except LostLease as lost:
            log.warning("%s", lost)
            return True
    if end.code == RunCode.DATABASE_AWAY:
        connection.close()  # it may be broken; the next statement makes another one
    try:
        _write(run, end)
    except (OperationalError, InterfaceError) as error:  # the lease will end, and the sweep finds the run
        log.error("run %s cannot be written down: %s", run.pk, error)
    return True


def _ended(run: SyncRun, heartbeat: Heartbeat) -> _End:
    try:
        return _End(carry_out(run, heartbeat))
    except LostLease:
        raise
    except SettingsChanged:
        heartbeat.turn_over.set()
        return _stopped(heartbeat, over=RunCode.SETTINGS_CHANGED)
    except (Cancelled, Paused, Stopped, TurnOver):
        return _stopped(heartbeat)
    except Retry as retry:
        return _postponed(run, retry)
    except CallFailed as failed:
        return _model_away(run, failed)
    except (OperationalError, InterfaceError) as error:
        log.warning("run %s is put off, the database does not answer: %s", run.pk, error)
        return _End(RunState.PENDING, RunCode.DATABASE_AWAY, after=_DATABASE_AWAY_S)
    except MundapError as error:
        code = next(code for kind, code in _FAILED_BY if isinstance(error, kind))
        return _End(RunState.FAILED, code, said(error))
    except Exception as error:  # the edge of a task: the run must end, and the log says where
        log.exception("run %s failed", run.pk)
        return _End(RunState.FAILED, RunCode.INTERNAL, type(error).__name__)


_FAILED_BY: tuple[tuple[type[MundapError], RunCode], ...] = (
    (Reconfigure, RunCode.RECONFIGURE),
    (Stop, RunCode.SOURCE_GONE),
    (OverBudget, RunCode.OVER_BUDGET),
    (MundapError, RunCode.FAILED),
)


def _stopped(heartbeat: Heartbeat, *, over: RunCode = RunCode.TURN_OVER) -> _End:
    """The run was asked to end; whoever waited may have noticed before the rest did."""
    try:
        heartbeat.stop_if_asked()
    except Cancelled:
        return _End(RunState.CANCELLED)
    except Paused:
        return _End(RunState.PENDING, RunCode.PAUSED, after=0.0)
    except TurnOver:
        return _End(RunState.PENDING, over, after=0.0)
    return _End(
        RunState.FAILED, RunCode.INTERNAL, told("The run was stopped without being asked. Start it again.")
    )


def _postponed(run: SyncRun, retry: Retry) -> _End:
    """Later: after as long as the source asked for, and longer each time that nothing was done in between."""
    run.refresh_from_db(fields=["postponed"])
    if run.postponed >= _MOST_POSTPONED:
        return _End(RunState.FAILED, RunCode.UNREACHABLE, said(retry))
    growing = min(_LONGEST_POSTPONED_S, 2.0**run.postponed)
    return _End(RunState.PENDING, RunCode.BUSY, said(retry), after=max(1.0, retry.after, growing))


def _model_away(run: SyncRun, failed: CallFailed) -> _End:
    """What is read has no vectors without the embedder's server: later, where waiting may help."""
    if failed.outcome not in _PASSING:
        return _End(RunState.FAILED, RunCode.FAILED, said(failed))
    run.refresh_from_db(fields=["postponed"])
    growing = min(_LONGEST_MODEL_AWAY_S, 2.0 ** min(run.postponed, _MOST_POSTPONED))
    return _End(RunState.PENDING, RunCode.MODEL_AWAY, said(failed), after=max(failed.after or 0.0, growing))


def _write(run: SyncRun, end: _End) -> None:
    ours = SyncRun.objects.filter(pk=run.pk, owner=owner_of_this_process(), state=RunState.RUNNING)
    values: dict[str, object] = {
        "state": end.state,
        "code": end.code,
        **kept_detail(end.detail),
        "lease_until": None,
        "current_item": "",
        "phase": Phase.NONE,
    }
    if end.state is RunState.CANCELLED:  # by whom was noted when it was asked for
        del values["detail"], values["detail_parts"]
    if end.after is None:
        values["finished_at"] = timezone.now()
    else:
        values["owner"] = ""
        values["not_before"] = timezone.now() + timedelta(seconds=end.after)
        if end.code in (RunCode.BUSY, RunCode.MODEL_AWAY):
            values["postponed"] = run.postponed + 1
    want_interrupted_lists(run.pk)
    ended = ours.update(**values)
    if ended and end.code in (RunCode.TURN_OVER, RunCode.SETTINGS_CHANGED):
        wake(run.pk)
    if ended and end.after is None:
        follow(run.pk)
    log.info("run %s: %s%s", run.pk, end.state.value, "" if ended else " (taken over)")
