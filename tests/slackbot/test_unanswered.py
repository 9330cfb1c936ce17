"""A question that cannot be answered ends, and whoever asked is told so by whatever way is still open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.conf import LazySettings
from django.utils import timezone

from assistant.accounts.models import User
from assistant.slackbot import actions, delivering, jobs
from assistant.slackbot.joining import digest_of
from assistant.slackbot.models import LONG_AGO, Job, JobState, JoinLink, Post, PostState
from assistant.slackbot.selectors import Unfinished, unfinished
from tests.conftest import SmallWorld
from tests.slackbot.office import Office, open_office, text_of
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.records import Channel, Message
from tests.slackbot.simulator.simulator import Simulator

REMOTE = "How many days a week is remote work allowed?"
LATE = "Slack couldn’t be reached for half an hour"


@pytest.fixture
def office(small_world: SmallWorld, slack: Simulator, settings: LazySettings) -> Iterator[Office]:
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    with open_office(slack, "ann", "bob") as opened:
        yield opened


def _told(office: Office, name: str, channel: Channel) -> list[Message]:
    """What we said there to this person alone."""
    shown = office.slack.posted_by(office.app, channel)
    return [one for one in shown if one.ephemeral_to == office.users[name].id]


def _half_an_hour(office: Office) -> None:
    """All attempts of what is there."""
    for _ in range(jobs.MOST_ATTEMPTS):
        office.work_again()


def _wait(office: Office, **since: int) -> int:
    Job.objects.update(created_at=timezone.now() - timedelta(**since))
    ended = jobs.end_waiting()
    office.work()
    return ended


def test_whoever_asked_is_told_when_slack_was_busy_for_half_an_hour(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    office.slack.fail("chat.postMessage", Trouble.RATE_LIMITED, times=jobs.MOST_ATTEMPTS, seconds=60)
    office.mentioned("ann", channel, REMOTE)
    _half_an_hour(office)
    assert Job.objects.get(kind="question").failure == "busy"
    (told,) = _told(office, "ann", channel)
    assert LATE in text_of(told)
    assert not [one for one in office.slack.what_sees(office.users["bob"], channel) if one.app_id]


def test_the_word_is_tried_again_where_slack_is_busy_still(office: Office) -> None:
    ann = office.users["ann"]
    times = jobs.MOST_ATTEMPTS + 2
    office.slack.fail("chat.postMessage", Trouble.RATE_LIMITED, times=times, seconds=60)
    office.do(lambda: office.slack.ask(ann, office.bot, REMOTE))
    direct = office.slack.direct(office.bot, ann)
    _half_an_hour(office)
    _half_an_hour(office)
    assert [LATE in text_of(one) for one in office.slack.posted_by(office.app, direct)] == [True]
    assert Job.objects.get(kind=jobs.APOLOGY).state == JobState.DONE


def test_a_message_that_was_begun_says_that_it_ends(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would say for ever that it is searching."""
    monkeypatch.setattr(delivering, "FIRST_AFTER_S", 0.0)
    ann = office.users["ann"]
    office.slack.fail("chat.update", Trouble.RATE_LIMITED, times=jobs.MOST_ATTEMPTS, seconds=60)
    office.do(lambda: office.slack.ask(ann, office.bot, REMOTE))
    _half_an_hour(office)
    (shown,) = office.slack.posted_by(office.app, office.slack.direct(office.bot, ann))
    assert LATE in text_of(shown)
    assert Post.objects.get().state == PostState.WITHDRAWN


def test_whom_a_job_killed_the_server_eight_times_for_is_told(office: Office) -> None:
    ann = office.users["ann"]
    office.only(lambda: office.slack.ask(ann, office.bot, REMOTE))
    Job.objects.update(attempts=jobs.MOST_ATTEMPTS)
    office.work()
    (told,) = office.slack.posted_by(office.app, office.slack.direct(office.bot, ann))
    assert "Something went wrong on the server" in text_of(told)
    assert str(Job.objects.get(kind="question").pk)[:8] in text_of(told)


def test_nobody_is_told_of_what_they_took_away_themselves(office: Office) -> None:
    channel = office.channel("plans", "ann")
    office.slack.fail("chat.postMessage", Trouble.ERROR, error="thread_not_found")
    office.mentioned("ann", channel, REMOTE)
    office.work_again()
    assert not Job.objects.filter(kind=jobs.APOLOGY).exists()
    assert unfinished(office.row) == ()


def test_what_waits_for_a_closed_workspace_ends_and_its_asker_is_told(office: Office) -> None:
    office.asked("ann", REMOTE)  # known from now on
    ann = office.users["ann"]
    office.only(lambda: office.slack.ask(ann, office.bot, REMOTE))
    office.change(is_open=False)
    assert _wait(office, minutes=20) == 0
    assert _wait(office, minutes=26) == 1
    row = Job.objects.get(kind="question", state=JobState.FAILED)
    assert (row.failure, bytes(row.sealed_payload)) == (jobs.WAITED, b"")
    assert LATE in text_of(office.last("ann", office.slack.direct(office.bot, ann)))
    assert _wait(office, minutes=26) == 0


def test_whose_workspace_lets_the_app_in_no_more_is_told_at_the_address_of_their_command(
    office: Office,
) -> None:
    office.asked("ann", REMOTE)
    ann, channel = office.users["ann"], office.channel("plans", "ann", "bob")
    office.only(lambda: office.slack.command(ann, channel, "/ask", REMOTE, app=office.app))
    office.only(lambda: office.slack.ask(ann, office.bot, REMOTE))
    office.slack.uninstall(office.installed)
    office.change(failure="app_uninstalled")
    calls = len(office.slack.calls)
    assert _wait(office, minutes=26) == 2
    (told,) = _told(office, "ann", channel)
    assert LATE in text_of(told)
    assert len(office.slack.calls) == calls  # with the token nothing is tried
    assert not Job.objects.filter(state=JobState.PENDING).exists()


@pytest.mark.parametrize("failure", ["", "token_revoked"])
def test_strangers_are_told_nothing_of_a_closed_workspace_either(office: Office, failure: str) -> None:
    office.asked("bob", REMOTE)
    office.users["zoe"] = office.slack.user(office.installed.workspace, "zoe")
    channel = office.channel("plans", "bob", "zoe")
    for name in ("bob", "zoe"):
        command = partial(office.slack.command, office.users[name], channel, "/ask", REMOTE, app=office.app)
        office.only(command)
    User.objects.filter(email="bob@example.com").update(is_active=False)
    office.change(is_open=False, failure=failure)
    assert _wait(office, minutes=26) == 2
    assert _told(office, "zoe", channel) == _told(office, "bob", channel) == []


def test_what_was_asked_before_a_workspace_is_opened_again_in_time_is_answered(office: Office) -> None:
    ann = office.users["ann"]
    office.only(lambda: office.slack.ask(ann, office.bot, REMOTE))
    office.change(is_open=False)
    assert _wait(office, minutes=10) == 0
    office.change(is_open=True)
    office.work()
    assert "three days a week" in text_of(office.last("ann", office.slack.direct(office.bot, ann)))


def test_answers_that_could_not_be_judged_are_judged_by_the_task(office: Office) -> None:
    channel = office.channel("plans", "ann")
    office.mentioned("ann", channel, REMOTE)
    office.only(lambda: office.slack.join(office.users["bob"], channel))
    Job.objects.filter(kind="recheck").update(attempts=jobs.MOST_ATTEMPTS)
    assert Post.objects.get().judged_at > LONG_AGO
    office.work()
    assert Post.objects.get().judged_at == LONG_AGO


def test_a_click_that_asks_again_is_told_at_its_place(office: Office) -> None:
    answer = office.asked("ann", REMOTE)
    office.only(lambda: office.slack.click(office.users["ann"], answer, actions.AGAIN))
    Job.objects.filter(kind="again").update(attempts=jobs.MOST_ATTEMPTS)
    office.work()
    assert "wasn’t answered" in text_of(_told(office, "ann", answer.channel)[-1])


def test_who_manages_slack_sees_how_often_what_failed_and_no_word_of_it(office: Office) -> None:
    workspace = office.row
    for number, code in enumerate(("busy", "busy", "is_archived")):
        job = jobs.take_in(workspace, kind="question", key=f"m:{number}", payload={"text": REMOTE})
        assert job is not None
        claimed = jobs.claim("me")
        assert claimed is not None
        assert jobs.fail(claimed, code)
        Job.objects.filter(kind=jobs.APOLOGY).delete()
    found = unfinished(workspace)
    assert {(one.kind, one.code, one.times) for one in found} == {
        ("question", "busy", 2),
        ("question", "is_archived", 1),
    }
    assert all(isinstance(one, Unfinished) and REMOTE not in repr(one) for one in found)


def test_links_that_count_no_more_are_removed(office: Office) -> None:
    for word, minutes in (("old", -1), ("new", 1)):
        JoinLink.objects.create(
            workspace=office.row,
            slack_user="U1",
            digest=digest_of(word),
            expires_at=timezone.now() + timedelta(minutes=minutes),
        )
    jobs.sweep()
    assert JoinLink.objects.get().digest == digest_of("new")
