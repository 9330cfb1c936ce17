"""What is too long, broken, gone or meant badly: a clear word to whoever sent it, or silence by rule.

Never an exception in the log, and never anything for others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.chat.models import ChatFile, Conversation, Turn
from assistant.slackbot import actions, threads
from assistant.slackbot.models import Job, JobState
from tests.conftest import SmallWorld
from tests.slackbot.office import Office, open_office, text_of
from tests.slackbot.simulator.limits import Trouble
from tests.slackbot.simulator.records import Channel, Message
from tests.slackbot.simulator.simulator import Simulator

REMOTE = "How many days a week is remote work allowed?"
ANSWER = "three days a week"


@pytest.fixture
def office(
    small_world: SmallWorld, slack: Simulator, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> Iterator[Office]:
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    with open_office(slack, "ann", "bob") as opened:
        yield opened
    broken = [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]
    assert broken == []


def _told(office: Office, name: str, channel: Channel) -> list[Message]:
    """What we said there to this person alone."""
    shown = office.slack.posted_by(office.app, channel)
    return [one for one in shown if one.ephemeral_to == office.users[name].id]


def _is_silent_for(office: Office, name: str, channel: Channel) -> bool:
    return not [one for one in office.slack.what_sees(office.users[name], channel) if one.app_id]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 40_000,
        ":tada:" * 2_000,
        "\x00\x01\x02\x1b",
        "\ud800\udfff\ud800",
        "   \n\t ",
        "<@U0><!here><#C0>",
    ],
    ids=["long", "emoji", "control", "surrogates", "blank", "mentions"],
)
def test_what_is_no_question_is_told_so_in_a_direct_message(office: Office, text: str) -> None:
    answer = office.asked("ann", text)
    assert answer.app_id == office.app.id
    assert Job.objects.get().state == JobState.DONE


def test_a_question_with_broken_characters_is_answered(office: Office) -> None:
    assert ANSWER in text_of(office.asked("ann", f"\x00{REMOTE}\x00\ud83d\x07"))


def test_broken_characters_in_a_thread_are_no_obstacle(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    root = office.slack.say(office.users["bob"], channel, "About remote work\x00 \ud83d we wonder")
    office.mentioned("ann", channel, REMOTE, thread=root)
    assert ANSWER in text_of(office.last("bob", channel))


def test_a_thread_of_a_thousand_messages_is_answered(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    root = office.slack.say(office.users["bob"], channel, "remote work")
    with office.slack.state.lock:
        said = office.slack.state.messages[channel.id]
        said += [
            replace(root, ts=office.slack.state.new_ts(), text=f"remark {number}", thread_ts=root.ts)
            for number in range(1_000)
        ]
    office.mentioned("ann", channel, REMOTE, thread=root)
    assert ANSWER in text_of(office.last("bob", channel))


def test_an_answer_that_slack_refuses_is_said_to_have_failed_to_its_asker_alone(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    office.slack.fail("chat.postMessage", Trouble.ERROR, error="not_in_channel")
    office.mentioned("ann", channel, REMOTE)
    told = _told(office, "ann", channel)
    assert ["wasn’t answered" in text_of(one) for one in told] == [True]
    assert _is_silent_for(office, "bob", channel)
    assert Job.objects.get(kind="question").failure == "not_in_channel"


def test_an_archived_channel_is_answered_in_a_direct_message(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    words = f"{office.slack.mention(office.bot)} {REMOTE}"
    office.only(lambda: office.slack.say(office.users["ann"], channel, words))
    office.slack.archive(channel)
    office.work()
    direct = office.slack.direct(office.bot, office.users["ann"])
    assert "direct message" in text_of(office.last("ann", direct))
    assert _is_silent_for(office, "bob", channel)
    office.slack.excuse("is_archived")


def test_edits_and_deletions_of_a_question_ask_nothing(office: Office) -> None:
    channel = office.channel("plans", "ann", "bob")
    said = office.mentioned("ann", channel, REMOTE)
    office.do(lambda: office.slack.edit(said, f"{said.text} And on Fridays?"))
    office.do(lambda: office.slack.delete(said))
    assert Turn.objects.count() == 1


@pytest.mark.parametrize("action", [actions.SOURCES, actions.USEFUL, actions.NOT_USEFUL, actions.AGAIN])
def test_a_button_of_a_turn_that_is_gone_says_so(office: Office, action: str) -> None:
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, REMOTE)
    answer = office.last("ann", channel)
    Conversation.objects.all().delete()
    office.do(partial(office.slack.click, office.users["ann"], answer, action))
    assert "Only the person who asked" in text_of(_told(office, "ann", channel)[-1])


@pytest.mark.parametrize("action", [actions.SOURCES, actions.USEFUL, actions.NOT_USEFUL, actions.AGAIN])
def test_a_click_of_somebody_whose_account_is_closed_does_nothing(office: Office, action: str) -> None:
    channel = office.channel("plans", "ann", "bob")
    office.mentioned("ann", channel, REMOTE)
    answer = office.last("ann", channel)
    User.objects.filter(email="ann@example.com").update(is_active=False)
    office.do(partial(office.slack.click, office.users["ann"], answer, action))
    assert ANSWER not in "".join(text_of(one) for one in _told(office, "ann", channel))
    assert office.slack.modal_of(office.users["ann"], office.app) is None
    assert Turn.objects.count() == 1


def test_files_that_cannot_be_read_are_named_to_their_sender_alone(
    office: Office, settings: LazySettings
) -> None:
    settings.MUNDAP_MAX_FILE_BYTES = 1_000
    channel = office.channel("plans", "ann", "bob")
    ann = office.users["ann"]
    gone = office.slack.file(ann, "gone.txt", b"gone")
    large = office.slack.file(ann, "large.txt", b"x" * 2_000)
    empty = office.slack.file(ann, "empty.txt", b"")
    words = f"{office.slack.mention(office.bot)} What do these files say?"
    office.only(lambda: office.slack.say(ann, channel, words, files=[gone, large, empty]))
    office.slack.delete_file(gone)
    office.work()
    told = "\n".join(text_of(one) for one in _told(office, "ann", channel))
    assert all(name in told for name in ("gone.txt", "large.txt", "empty.txt"))
    assert _is_silent_for(office, "bob", channel)


def test_of_thirty_files_those_that_are_not_taken_are_said_to_be_left_out(office: Office) -> None:
    direct = office.slack.direct(office.bot, office.users["ann"])
    ann = office.users["ann"]
    files = [
        office.slack.file(ann, f"f{one}.txt", f"The code of {one} is {one}.".encode()) for one in range(30)
    ]
    office.do(lambda: office.slack.say(ann, direct, "What is the code of 3 in these files?", files=files))
    told = "\n".join(text_of(one) for one in office.slack.posted_by(office.app, direct))
    assert "10 files" in told


def test_a_file_that_slack_gives_late_is_taken_once(office: Office) -> None:
    ann = office.users["ann"]
    direct = office.slack.direct(office.bot, ann)
    files = [
        office.slack.file(ann, f"{name}.txt", f"The {name} is on Friday.".encode())
        for name in ("walk", "swim")
    ]

    def say() -> Message:
        said = office.slack.say(ann, direct, "When is the walk in these files?", files=files)
        office.slack.fail("file", Trouble.SLOW, seconds=0.0)  # the first one comes
        office.slack.fail("file", Trouble.SERVER_ERROR)
        return said

    office.do(say)
    assert not Turn.objects.exists()
    office.work_again()
    assert Job.objects.get().state == JobState.DONE
    assert sorted(ChatFile.objects.values_list("name", flat=True)) == ["swim.txt", "walk.txt"]
    assert Conversation.objects.count() == 1


def test_plain_text_holds_nothing_that_a_store_refuses() -> None:
    assert threads.plain_text("a\x00b\ud800", bot="U1") == "ab\ufffd"
