"""What is pressed below an answer: for whom it is done, and who is told what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from assistant.accounts.models import User
from assistant.accounts.rate_limits import Holder, Limit, spend
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event
from assistant.chat.models import Feedback, Turn
from assistant.slackbot import actions, jobs
from assistant.slackbot.interactions import react
from assistant.slackbot.models import Job, JobState, Policy, Post, PostState, Workspace
from assistant.slackbot.rechecking import recheck_all
from tests.conftest import SmallWorld
from tests.slackbot.office import Office, open_office, text_of
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.records import Channel, Message
from tests.slackbot.simulator.simulator import Simulator

REMOTE = "How many days a week is remote work allowed?"
ANSWER = "three days a week"
SALARY = "What is the salary band of a senior engineer?"


@pytest.fixture
def office(small_world: SmallWorld, slack: Simulator, settings: LazySettings) -> Iterator[Office]:
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    with open_office(slack, "ann", "bob") as opened:
        opened.users["zoe"] = slack.user(opened.installed.workspace, "zoe", locale="en-US")  # nobody here
        yield opened


def _press(office: Office, name: str, message: Message, action: str) -> None:
    office.do(lambda: office.slack.click(office.users[name], message, action))


def _answers(office: Office, channel: Channel, text: str = ANSWER) -> list[Message]:
    return [one for one in office.slack.posted_by(office.app, channel) if text in text_of(one)]


def _close(name: str) -> None:
    User.objects.filter(email=f"{name}@example.com").update(is_active=False)


def test_an_answer_for_all_is_asked_again_for_all_below_the_same_message(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    elsewhere = office.asked("bob", REMOTE)
    said = office.mentioned("bob", channel, REMOTE)
    _press(office, "bob", office.last("bob", channel), actions.AGAIN)
    shown = [(one.thread_ts, one.ephemeral_to) for one in _answers(office, channel)]
    assert shown == [(said.ts, None)] * 2
    first, second = Turn.objects.filter(slack_posts__channel_id=channel.id).order_by("pk")
    assert first.seen_by == second.seen_by == [User.objects.get(email="ann@example.com").pk]
    job = Job.objects.get(kind="again")
    assert (job.state, job.turn_id) == (JobState.DONE, second.pk)
    assert Post.objects.get(job=job).turn_id == second.pk
    direct = Post.objects.get(channel_id=elsewhere.channel.id)
    assert Job.objects.get(post=direct).turn_id == direct.turn_id != second.pk


def test_where_somebody_is_nobody_here_by_now_the_asker_alone_is_answered_again(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, REMOTE)
    before = office.last("ann", channel)
    office.only(lambda: office.slack.join(office.users["zoe"], channel))
    Job.objects.filter(kind="recheck").delete()
    _press(office, "ann", before, actions.AGAIN)
    assert [one.ephemeral_to for one in _answers(office, channel)] == [None, office.users["ann"].id]
    assert Turn.objects.order_by("pk")[1].seen_by == []
    assert Post.objects.count() == 1


def test_what_is_asked_again_comes_once_though_slack_did_not_take_it_at_first(office: Office) -> None:
    first = office.asked("ann", REMOTE)
    office.slack.fail("chat.postMessage", Trouble.SERVER_ERROR)
    _press(office, "ann", first, actions.AGAIN)
    office.work_again()
    assert len(_answers(office, first.channel)) == 2
    assert Turn.objects.count() == 2


def test_who_asks_again_and_again_is_told_to_wait(office: Office, settings: LazySettings) -> None:
    first = office.asked("ann", REMOTE)
    settings.MUNDAP_QUESTIONS_PER_MINUTE = 1
    ann = User.objects.get(email="ann@example.com")
    assert spend(Limit.QUESTIONS, Holder(ann.pk, ann)) is None
    _press(office, "ann", first, actions.AGAIN)
    assert "very many questions" in text_of(office.last("ann", first.channel))
    assert Turn.objects.count() == 1


@pytest.mark.parametrize("action", [actions.AGAIN, actions.SHARE])
def test_who_has_no_account_any_more_presses_for_nothing(office: Office, action: str) -> None:
    office.change(policy=Policy.PRIVATE)
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, REMOTE)
    _close("ann")
    _press(office, "ann", office.last("ann", channel), action)
    assert Job.objects.exclude(kind="question").get().state == JobState.DONE
    assert [one.ephemeral_to for one in _answers(office, channel)] == [office.users["ann"].id]
    assert not Post.objects.exists()


def test_sharing_is_told_audited_once_and_takes_nothing_else_back(office: Office) -> None:
    office.change(policy=Policy.PRIVATE)
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("bob", channel, REMOTE)
    office.mentioned("bob", channel, REMOTE)
    private = office.last("bob", channel)
    office.slack.fail("chat.postMessage", Trouble.SERVER_ERROR)
    _press(office, "bob", private, actions.SHARE)
    office.work_again()
    assert "has been shared" in text_of(office.last("bob", channel))
    event = AuditEvent.objects.get(event=Event.SHARED_IN_SLACK)
    assert (event.actor, event.data["channel"]) == ("bob@example.com", channel.id)
    assert [bool(turn.seen_by) for turn in Turn.objects.order_by("pk")] == [False, True]
    office.mentioned("bob", channel, SALARY)
    assert Turn.objects.latest("pk").seen_by == []
    _press(office, "bob", office.last("bob", channel), actions.SHARE)
    assert "wasn’t shared" in text_of(office.last("bob", channel))
    assert Post.objects.get().state == PostState.FINAL
    assert ANSWER in text_of(_answers(office, channel)[-1])
    assert Turn.objects.latest("pk").seen_by == []


def test_an_answer_is_not_shared_with_somebody_who_is_nobody_here(office: Office) -> None:
    office.change(policy=Policy.PRIVATE)
    channel = office.channel("plans", "ann", "zoe")
    office.mentioned("ann", channel, REMOTE)
    _press(office, "ann", office.last("ann", channel), actions.SHARE)
    assert "wasn’t shared" in text_of(office.last("ann", channel))
    assert not Post.objects.exists()


@pytest.mark.parametrize("whose", ["another's", "a file's"])
def test_what_may_never_be_shared_is_not_even_where_its_id_comes_back(office: Office, whose: str) -> None:
    """As if Slack sent back a value that stood on no button."""
    office.change(policy=Policy.PRIVATE)
    channel, ann = office.channel("plans", "ann", "bob"), office.users["ann"]
    if whose == "a file's":
        file = office.slack.file(ann, "minutes.txt", b"The picnic is on Friday.", mimetype="text/plain")
        office.mentioned("ann", channel, "When is the picnic in this file?", files=[file])
        said = "wasn’t shared"
    else:
        office.mentioned("bob", channel, REMOTE)
        said = "Only the person who asked"
    payload = {"user": ann.id, "channel": channel.id, "turn": str(Turn.objects.get().pk)}
    jobs.take_in(office.row, kind="share", key="a:share:1", payload=payload)
    office.work()
    told = office.last("ann", channel)
    assert (said in text_of(told), told.ephemeral_to) == (True, ann.id)
    assert not Post.objects.exists()


def test_ones_own_sources_open_with_the_way_to_the_conversation(office: Office) -> None:
    answer = office.asked("bob", SALARY)
    _press(office, "bob", answer, actions.SOURCES)
    view = office.slack.modal_of(office.users["bob"], office.app)
    assert view is not None
    assert "82 to 96" in repr(view.content)
    assert f"/c/{Turn.objects.get().conversation_id}/" in repr(view.content)


def test_sources_of_what_was_shown_to_another_alone_do_not_open_by_its_id(office: Office) -> None:
    """Whatever else is posted in the workspace, or of that answer in another one."""
    office.change(policy=Policy.PRIVATE)
    channel, ann = office.channel("plans", "ann", "bob"), office.users["ann"]
    office.mentioned("bob", channel, REMOTE)
    private = Turn.objects.get()
    yard = Workspace.objects.create(handle="yard", team_id="T0YARD", bot_user_id="U0YARD", name="Yard")
    Post.objects.create(workspace=yard, turn=private, channel_id="C1", in_channel=True, slack_user="U1")
    office.change(policy=Policy.MEMBERS)
    office.mentioned("bob", channel, REMOTE)
    pressed = {"user": {"id": ann.id}, "channel": {"id": channel.id}, "trigger_id": "1.2.x"}
    react(office.row, actions.SOURCES, {**pressed, "actions": [{"value": str(private.pk)}]})
    told = office.last("ann", channel)
    assert ("Only the person who asked" in text_of(told), told.ephemeral_to) == (True, ann.id)
    assert not [one for one in office.slack.calls if one.method == "views.open"]


def test_who_is_nobody_here_gets_the_way_to_sign_in_and_sees_no_sources(office: Office) -> None:
    channel = office.channel("plans", "ann")
    office.mentioned("ann", channel, REMOTE)
    before = office.last("ann", channel)
    office.only(lambda: office.slack.join(office.users["zoe"], channel))
    Job.objects.filter(kind="recheck").delete()
    _press(office, "zoe", before, actions.SOURCES)
    told = office.last("zoe", channel)
    assert told.ephemeral_to == office.users["zoe"].id
    assert "/slack/join/" in repr(told.blocks)
    assert office.slack.modal_of(office.users["zoe"], office.app) is None


def test_feedback_of_who_has_no_account_any_more_is_dropped(office: Office) -> None:
    answer = office.asked("ann", REMOTE)
    _press(office, "ann", answer, actions.NOT_USEFUL)
    view = office.slack.modal_of(office.users["ann"], office.app)
    assert view is not None
    _close("ann")
    office.do(lambda: office.slack.submit(view, {}))
    assert not Feedback.objects.exists()


def test_a_closed_account_is_said_to_its_person_alone(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    _close("ann")
    office.mentioned("ann", channel, REMOTE)
    told = office.last("ann", channel)
    assert ("account is closed" in text_of(told), told.ephemeral_to) == (True, office.users["ann"].id)
    assert not Turn.objects.exists()


def test_slack_is_asked_once_a_day_who_reads_where_no_event_came(office: Office) -> None:
    channel = office.channel("pay", "bob")
    office.mentioned("bob", channel, SALARY)
    office.only(lambda: office.slack.join(office.users["ann"], channel))
    Job.objects.filter(kind="recheck").delete()
    recheck_all()
    assert "82 to 96" in text_of(office.last("bob", channel))
    Post.objects.update(judged_at=timezone.now() - timedelta(hours=24, seconds=1))
    assert recheck_all() == 1
    assert "82" not in text_of(office.last("ann", channel))


def test_while_slack_does_not_say_who_reads_an_answer_is_judged_later(office: Office) -> None:
    channel = office.channel("pay", "bob")
    office.mentioned("bob", channel, SALARY)
    office.slack.fail("conversations.info", Trouble.SERVER_ERROR)
    office.do(lambda: office.slack.join(office.users["ann"], channel))
    assert Job.objects.get(kind="recheck").state == JobState.PENDING
    assert Post.objects.get().state == PostState.FINAL
    office.work_again()
    assert Post.objects.get().state == PostState.WITHDRAWN


def test_an_answer_stays_in_a_channel_that_was_archived_as_nobody_comes_to_it(office: Office) -> None:
    channel = office.channel("pay", "bob")
    office.mentioned("bob", channel, SALARY)
    office.do(lambda: office.slack.archive(channel))
    long_ago = timezone.now() - timedelta(days=2)
    Post.objects.update(judged_at=long_ago)
    assert recheck_all() == 1
    post = Post.objects.get()
    assert post.state == PostState.FINAL
    assert post.judged_at > long_ago
