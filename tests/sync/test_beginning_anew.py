"""A run that goes on under other settings begins anew: nothing of what it was told before counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.common.errors import FailureCode
from assistant.documents.models import Document, Hidden
from assistant.sync.beginning_anew import begin_anew_if_changed
from assistant.sync.engine import execute_run
from assistant.sync.lease import LostLease
from assistant.sync.models import RunFailure, RunKind, Source, SyncRun
from assistant.sync.reading import RunView
from assistant.sync.selectors import run_progress
from assistant.sync.services import request_run
from assistant.sync.source_settings import change_settings, settings_of
from assistant.sync.spool import spool_of
from connectors.sdk.contract import Complete, Event, Failure, TextContent
from tests.sync.conftest import sync
from tests.sync.scripted import EVERYBODY, Script, document
from tests.sync.test_engine import counts
from tests.sync.test_interrupted import Killed, abandoned, killing
from tests.sync.watching import found

PLANS = [document(f"hr/p{n}", f"The ospreyword plan pword{n}.", acl=EVERYBODY) for n in range(2)]
MANY = [document(f"m{n}", f"Minutes mword{n} of the gannetword.", acl=EVERYBODY) for n in range(6)]
DOUBT = Failure("hr/", FailureCode.BAD_PERMISSIONS, hide=True, is_prefix=True)
REFUSED = Failure("m9", FailureCode.REFUSED)


def cut_off(script: Script, source_id: int, events: Sequence[Event], *, kind: str) -> int:
    """A run that has committed these events and lost its worker before it came to its end."""
    script.events = events
    run_id = request_run(source_id=source_id, kind=kind, actor="test")
    with pytest.MonkeyPatch.context() as patched:
        killing(patched, "assistant.sync.carrying_out.finish_documents", call=1, after=False)
        with pytest.raises(Killed):
            execute_run(run_id)
    abandoned(run_id)
    return run_id


def leave_out(source_id: int, *patterns: str) -> None:
    """Change what is listed, as an administrator does."""
    before = settings_of(Source.objects.get(pk=source_id))
    rules = {"exclude": list(patterns)}
    change_settings(source_id=source_id, settings=replace(before, rules=rules), actor="ada")


def plans_seen_by(person: User) -> set[str]:
    return {name for name in found(viewer_for(person), "ospreyword") if name.startswith("hr/")}


def gone_on(run_id: int) -> RunView:
    assert execute_run(run_id)
    return run_progress(run_id)


def test_failures_and_counts_are_those_of_the_new_settings_alone(
    script: Script, scripted_source: int
) -> None:
    run_id = cut_off(script, scripted_source, [*PLANS, REFUSED, DOUBT], kind=RunKind.INCREMENTAL)
    assert RunFailure.objects.filter(run=run_id).count() == 2
    leave_out(scripted_source, "none")
    script.events = [*PLANS, *MANY, Complete()]
    run = gone_on(run_id)
    assert script.asked[-1] == (None, None)
    assert (run.state, run.found, run.total) == ("succeeded", 8, 8)
    assert counts(run) == (6, 2, 0, 0, 0), "shown again is a change"
    assert not RunFailure.objects.exists()


def test_a_doubt_of_the_old_settings_ends_where_the_new_ones_name_it_without(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    run_id = cut_off(script, scripted_source, [*PLANS, DOUBT], kind=RunKind.INCREMENTAL)
    leave_out(scripted_source, "none")
    script.events = [*PLANS, *MANY, Complete()]
    gone_on(run_id)
    assert plans_seen_by(people["sam"]) == {"hr/p0", "hr/p1"}


def test_what_the_old_settings_doubted_and_the_new_ones_do_not_name_is_not_shown(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    script.events = [*PLANS, *MANY, Complete()]
    sync(scripted_source)
    run_id = cut_off(script, scripted_source, [*PLANS, DOUBT], kind=RunKind.FULL)
    leave_out(scripted_source, "none")
    script.events = [*MANY, Complete()]
    run = gone_on(run_id)
    assert plans_seen_by(people["sam"]) == set()
    assert (run.state, run.deleted) == ("succeeded", 2), "they were not named"


def test_what_the_old_settings_doubted_stays_hidden_while_the_new_ones_come_to_no_end(
    script: Script, scripted_source: int, people: dict[str, User]
) -> None:
    run_id = cut_off(script, scripted_source, [*PLANS, DOUBT], kind=RunKind.INCREMENTAL)
    leave_out(scripted_source, "none")
    script.events = MANY  # breaks off
    gone_on(run_id)
    assert plans_seen_by(people["sam"]) == set()
    assert set(Document.objects.filter(hidden=Hidden.PERMISSIONS).values_list("external_id", flat=True)) == {
        "hr/p0",
        "hr/p1",
    }


def test_the_failed_are_read_again_anew_where_the_settings_change(
    script: Script, scripted_source: int
) -> None:
    script.events = [document("m9", " ", acl=EVERYBODY), *MANY, Complete()]
    assert sync(scripted_source).failed == 1
    run_id = cut_off(script, scripted_source, [document("m9", " ", acl=EVERYBODY)], kind=RunKind.RETRY)
    assert RunFailure.objects.filter(run=run_id).count() == 1
    leave_out(scripted_source, "none")
    script.events = [document("m9", "Now with text.", acl=EVERYBODY), *MANY, Complete()]
    run = gone_on(run_id)
    assert (run.state, run.failed, run.updated) == ("succeeded", 0, 1)


def test_what_was_fetched_by_the_old_settings_is_not_taken_for_what_the_new_ones_mean(
    script: Script, scripted_source: int
) -> None:
    run_id = cut_off(script, scripted_source, PLANS, kind=RunKind.INCREMENTAL)
    spool_of(run_id).keep(MANY[0], TextContent("What stood there before."))
    leave_out(scripted_source, "none")
    script.events = [*PLANS, *MANY, Complete()]
    gone_on(run_id)
    assert "m0" in script.fetched


def test_a_worker_that_has_lost_the_run_forgets_nothing_of_it(script: Script, scripted_source: int) -> None:
    run_id = cut_off(script, scripted_source, [*PLANS, DOUBT], kind=RunKind.INCREMENTAL)
    leave_out(scripted_source, "none")
    with pytest.raises(LostLease):
        begin_anew_if_changed(SyncRun.objects.select_related("source__connection").get(pk=run_id))
    assert RunFailure.objects.filter(run=run_id).count() == 1
    assert Document.objects.filter(seen_in_run=run_id).count() == 2
