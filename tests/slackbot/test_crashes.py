"""Our process dies after any one step of carrying a question out, and another one takes the job over.

A step is what is committed, and each call to Slack both before it is sent and after it was accepted. In
direct messages and in threads of channels exactly one message stands in the end, with the whole answer; what
one person alone sees in a channel comes at least once, and at most twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from assistant.chat.models import Turn, TurnState
from assistant.chat.runner import run_turn
from assistant.slackbot import jobs
from assistant.slackbot.models import Job, JobState, Policy, Post, PostState
from assistant.slackbot.runner import Runner
from assistant.slackbot.transport import SlackClient
from tests.conftest import SmallWorld
from tests.slackbot.office import Office, open_office, text_of
from tests.slackbot.simulator.records import Channel, Message
from tests.slackbot.simulator.simulator import Simulator

REMOTE = "How many days a week is remote work allowed?"
ANSWER = "Remote work is allowed three days a week"
_WRITES = ("INSERT", "UPDATE", "DELETE", "RELEASE")
_MOST_STEPS = 200


class Died(BaseException):
    """The process is gone: nothing catches this."""


@dataclass
class Steps:
    """Counts steps and dies after the one with this number; the steps of answering itself are one."""

    fatal: int
    taken: list[str] = field(default_factory=list)
    counting: bool = True
    outside: int = field(default_factory=lambda: len(connection.savepoint_ids))

    @property
    def has_died(self) -> bool:
        return self.fatal < len(self.taken)

    def take(self, name: str) -> None:
        """One more step is done."""
        if not self.counting:
            return
        self.taken.append(name)
        if len(self.taken) - 1 == self.fatal:
            self.counting = False
            raise Died(name)

    def statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """A wrapper of the database's statements. Within a transaction it is as if none had been sent."""
        result = execute(sql, params, many, context)
        if len(connection.savepoint_ids) == self.outside and sql.lstrip().upper().startswith(_WRITES):
            self.take(sql[:60])
        return result

    def call(self, api_call: Callable[..., Any]) -> Callable[..., Any]:
        """In place of `SlackClient.api_call`."""

        def called(client: SlackClient, method: str, **given: Any) -> Any:
            self.take(f"before {method}")
            answer = api_call(client, method, **given)
            self.take(f"after {method}")
            return answer

        return called

    def run_turn(self, turn_id: int) -> None:
        """In place of the runner of turns, whose own steps are none of ours."""
        self.take("before the answer")
        counting, self.counting = self.counting, False
        run_turn(turn_id)
        self.counting = counting
        self.take("after the answer")


@contextmanager
def dying_after(fatal: int) -> Iterator[Steps]:
    """The answer comes as a first message and one edit."""
    steps = Steps(fatal)
    with (
        connection.execute_wrapper(steps.statement),
        mock.patch.object(SlackClient, "api_call", steps.call(SlackClient.api_call)),
        mock.patch("assistant.chat.services.ensure_running", steps.run_turn),
        mock.patch("assistant.slackbot.delivering.FIRST_AFTER_S", 0.0),
        mock.patch("assistant.slackbot.delivering.EDITED_EVERY_S", 60.0),
    ):
        yield steps


@pytest.fixture
def office(small_world: SmallWorld, slack: Simulator, settings: LazySettings) -> Iterator[Office]:
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    with open_office(slack, "ann", "bob") as opened:
        yield opened


def _carried_out_by_two(office: Office, fatal: int) -> Steps:
    """One process dies after that step, and another begins when its lease has run out."""
    with dying_after(fatal) as steps:
        try:
            job = jobs.claim("first")
            assert job is not None
            Runner(owner="first")._carried(job)
        except Died:
            assert steps.has_died
    gone = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(state=JobState.RUNNING).update(lease_until=gone)
    Turn.objects.filter(state=TurnState.RUNNING).update(lease_until=gone)
    office.work()
    return steps


def _each_step(office: Office, asks: Callable[[], Message], judged: Callable[[Message, str], None]) -> int:
    """Ask again and again, each time with the death one step later, until nobody dies."""
    for fatal in range(_MOST_STEPS):
        said = office.only(asks)
        steps = _carried_out_by_two(office, fatal)
        where = f"died after step {fatal} of {steps.taken}"
        job = Job.objects.get(key=f"m:{said.channel.id}:{said.ts}")
        assert (job.state, job.failure) == (JobState.DONE, ""), where
        judged(said, where)
        if not steps.has_died:
            return fatal
        Turn.objects.all().delete()
        Post.objects.all().delete()
    raise AssertionError("it never came to an end")


def _answers(office: Office, channel: Channel, since: Message) -> list[Message]:
    return [
        one for one in office.slack.posted_by(office.app, channel) if one.ts > since.ts and not one.deleted
    ]


def test_a_direct_message_has_one_whole_answer_whenever_we_die(office: Office) -> None:
    direct = office.slack.direct(office.bot, office.users["ann"])

    def judged(said: Message, where: str) -> None:
        assert [text_of(one).count(ANSWER) for one in _answers(office, direct, said)] == [1], where
        assert Post.objects.get().state == PostState.FINAL, where

    steps = _each_step(office, lambda: office.slack.ask(office.users["ann"], office.bot, REMOTE), judged)
    assert steps > 10


def test_a_thread_of_a_channel_has_one_whole_answer_whenever_we_die(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    words = f"{office.slack.mention(office.bot)} {REMOTE}"

    def judged(said: Message, where: str) -> None:
        shown = _answers(office, channel, said)
        assert [(text_of(one).count(ANSWER), one.thread_ts) for one in shown] == [(1, said.ts)], where

    steps = _each_step(office, lambda: office.slack.say(office.users["ann"], channel, words), judged)
    assert steps > 10


def test_a_private_answer_comes_at_least_once_and_at_most_twice_whenever_we_die(office: Office) -> None:
    office.change(policy=Policy.PRIVATE)
    channel = office.channel("plans", "ann", "bob")
    words = f"{office.slack.mention(office.bot)} {REMOTE}"

    def judged(said: Message, where: str) -> None:
        shown = _answers(office, channel, said)
        assert 1 <= len(shown) <= 2, where
        assert {(text_of(one).count(ANSWER), one.ephemeral_to) for one in shown} == {
            (1, office.users["ann"].id)
        }, where

    steps = _each_step(office, lambda: office.slack.say(office.users["ann"], channel, words), judged)
    assert steps > 8


def test_an_answer_whose_lease_ran_out_unnoticed_is_still_given(office: Office) -> None:
    office.only(lambda: office.slack.ask(office.users["ann"], office.bot, REMOTE))
    job = jobs.claim("slow")
    assert job is not None
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))  # suspended, or the disk was busy
    Runner(owner="slow")._carried(job)
    direct = office.slack.direct(office.bot, office.users["ann"])
    assert [text_of(one).count(ANSWER) for one in office.slack.posted_by(office.app, direct)] == [1]


def test_whoever_lost_a_job_to_another_process_says_nothing(office: Office) -> None:
    office.only(lambda: office.slack.ask(office.users["ann"], office.bot, REMOTE))
    former = jobs.claim("former")
    assert former is not None
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert jobs.claim("latter") is not None
    Runner(owner="former")._carried(former)
    assert office.slack.posted_by(office.app, office.slack.direct(office.bot, office.users["ann"])) == []
    assert Job.objects.get().state == JobState.RUNNING
