"""What is taken along of a thread: all of it, or its first message and the newest ones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.conf import LazySettings

from assistant.slackbot import threads
from assistant.slackbot.slack_api import client_of
from tests.slackbot.hall import Hall, connected
from tests.slackbot.simulator.records import Channel, Message
from tests.slackbot.simulator.simulator import Simulator

pytestmark = pytest.mark.django_db
PAGE, MOST = 10, 50
MINUTE, DAY = 60.0, 86_400.0


@pytest.fixture
def hall(slack: Simulator, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Hall:
    """A workspace, and pages of a twentieth of their length."""
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    monkeypatch.setattr(threads, "_PAGE", PAGE)
    monkeypatch.setattr(threads, "_MOST_KEPT", MOST)
    return connected(slack)


def _thread(hall: Hall, gaps: Sequence[float]) -> tuple[Channel, list[Message]]:
    """A thread with a message so many seconds after the one before, and a question at its end."""
    ann = hall.user("ann")
    channel = hall.slack.channel(hall.team, "talk", [ann, hall.installed.bot])
    said = [hall.slack.say(ann, channel, "How it began.")]
    for number, gap in enumerate(gaps):
        hall.slack.clock.advance(gap)
        said.append(hall.slack.say(ann, channel, f"message {number}", thread=said[0]))
    hall.slack.clock.advance(1.0)
    return channel, said


def _before(hall: Hall, channel: Channel, said: list[Message]) -> list[str]:
    question = hall.slack.say(hall.users["ann"], channel, "And now?", thread=said[0])
    found = threads.messages_before(
        client_of(hall.row), channel=channel.id, thread=said[0].ts, before=question.ts
    )
    return [str(one["ts"]) for one in found]


@pytest.mark.parametrize("more", [0, 1, PAGE - 2, PAGE - 1, PAGE, MOST - 2, MOST - 1])
def test_of_a_thread_that_fits_all_is_taken_along(hall: Hall, more: int) -> None:
    channel, said = _thread(hall, [DAY] * more)
    assert _before(hall, channel, said) == [one.ts for one in said]


@pytest.mark.parametrize(
    "gaps",
    [
        [MINUTE] * 120,
        [1.0] * 120,
        [DAY] * 120,
        [1.0] * 100 + [30 * DAY] * 3,
        [30 * DAY] * 3 + [1.0] * 100,
        [DAY] * 60 + [0.0] * 70,
        [1.0] * 60 + [100 * DAY] + [1.0] * 5,
    ],
)
def test_of_a_longer_one_the_first_message_and_the_newest_are(hall: Hall, gaps: list[float]) -> None:
    channel, said = _thread(hall, gaps)
    first, *newest = _before(hall, channel, said)
    assert first == said[0].ts
    assert PAGE <= len(newest) <= MOST
    assert newest == [one.ts for one in said[-len(newest) :]]


def test_a_long_thread_costs_few_calls(hall: Hall) -> None:
    channel, said = _thread(hall, [MINUTE] * 600)
    _before(hall, channel, said)
    calls = [call for call in hall.slack.calls if call.method == "conversations.replies"]
    assert len(calls) < 2 * MOST / PAGE + len(threads._SPANS_S)


def test_what_is_overheard_begins_with_the_first_message(hall: Hall) -> None:
    channel, said = _thread(hall, [MINUTE] * 30)
    client = client_of(hall.row)
    question = hall.slack.say(hall.users["ann"], channel, "And now?", thread=said[0])
    found = threads.messages_before(client, channel=channel.id, thread=said[0].ts, before=question.ts)
    heard = [one.text for one in threads.overheard_in(client, hall.row, found, asker="U0")]
    assert heard == ["How it began.", *(f"message {number}" for number in range(21, 30))]
