"""An answer whose process died while it was written, and jobs that somebody else has by now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.conf import LazySettings
from django.utils import timezone

from assistant.chat.models import Turn, TurnState
from assistant.chat.runner import fail_if_orphaned
from assistant.slackbot import jobs
from assistant.slackbot.models import Job, JobState, Policy, Post, PostState
from assistant.slackbot.runner import Runner
from tests.conftest import SmallWorld
from tests.slackbot.office import Office, open_office, text_of
from tests.slackbot.simulator.simulator import Simulator

REMOTE = "How many days a week is remote work allowed?"
ANSWER = "Remote work is allowed three days a week"


class Died(BaseException):
    """The process is gone: nothing catches this."""


@pytest.fixture
def office(small_world: SmallWorld, slack: Simulator, settings: LazySettings) -> Iterator[Office]:
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    with open_office(slack, "ann", "bob") as opened:
        yield opened


def _dies_while_it_answers() -> Turn:
    """Somebody's process takes the job that waits, begins its turn, and is gone."""

    def begun(turn_id: int) -> None:
        Turn.objects.filter(pk=turn_id).update(state=TurnState.RUNNING, lease_until=timezone.now())
        raise Died

    job = jobs.claim("first")
    assert job is not None
    with mock.patch("assistant.chat.services.ensure_running", begun), pytest.raises(Died):
        Runner(owner="first")._carried(job)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    return Turn.objects.get(state=TurnState.RUNNING)


@pytest.mark.parametrize("somebody_looked", [False, True])
def test_a_turn_whose_process_died_is_asked_again_in_its_place(
    office: Office, *, somebody_looked: bool
) -> None:
    """Also where it was ended as interrupted meanwhile, because somebody looked at it in Mundap."""
    other = office.asked("bob", REMOTE)
    others = Post.objects.get()
    assert others.turn_id is not None
    assert others.job_id is not None
    before = (others.turn_id, Job.objects.get().turn_id)
    office.only(lambda: office.slack.ask(office.users["ann"], office.bot, REMOTE))
    dead = _dies_while_it_answers()
    if somebody_looked:
        assert fail_if_orphaned(dead.pk)
    office.work()
    direct = office.slack.direct(office.bot, office.users["ann"])
    assert [text_of(one).count(ANSWER) for one in office.slack.posted_by(office.app, direct)] == [1]
    anew = Turn.objects.exclude(pk=others.turn_id).get()
    assert anew.pk != dead.pk
    post = Post.objects.exclude(pk=others.pk).get()
    assert (post.turn_id, post.state) == (anew.pk, PostState.FINAL)
    job = Job.objects.exclude(pk=others.job_id).get()
    assert (job.turn_id, job.state) == (anew.pk, JobState.DONE)
    others.refresh_from_db()
    assert (others.turn_id, Job.objects.get(pk=others.job_id).turn_id) == before
    assert ANSWER in text_of(other)


def test_an_answer_that_is_interrupted_again_and_again_is_tried_later(office: Office) -> None:
    office.only(lambda: office.slack.ask(office.users["ann"], office.bot, REMOTE))
    begun: list[int] = []

    def interrupted(turn_id: int) -> None:
        begun.append(turn_id)
        Turn.objects.filter(pk=turn_id).update(
            state=TurnState.RUNNING, lease_until=timezone.now() - timedelta(seconds=1)
        )

    job = jobs.claim("first")
    assert job is not None
    with mock.patch("assistant.chat.services.ensure_running", interrupted):
        Runner(owner="first")._carried(job)
    assert len(begun) == 2
    job.refresh_from_db()
    assert (job.state, job.failure) == (JobState.PENDING, "failed")
    Job.objects.update(due_at=timezone.now())
    office.work()
    direct = office.slack.direct(office.bot, office.users["ann"])
    assert [text_of(one).count(ANSWER) for one in office.slack.posted_by(office.app, direct)] == [1]
    assert Turn.objects.count() == 1


def test_whoever_lost_a_job_tells_its_asker_nothing_privately_either(office: Office) -> None:
    office.change(policy=Policy.PRIVATE)
    channel = office.channel("plans", "ann", "bob")
    words = f"{office.slack.mention(office.bot)} {REMOTE}"
    office.only(lambda: office.slack.say(office.users["ann"], channel, words))
    former = jobs.claim("former")
    assert former is not None
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert jobs.claim("latter") is not None
    Runner(owner="former")._carried(former)
    assert Turn.objects.get().state == TurnState.DONE
    assert office.slack.posted_by(office.app, channel) == []
    assert Job.objects.get().state == JobState.RUNNING
