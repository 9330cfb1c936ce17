"""No message that is posted to a channel holds a passage that somebody in it may not read.

The whole way, from what people write at the simulated Slack to what each of them sees there. Who may read
which document is computed here, from the lists that the test made up, and from nothing of the product.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from django.test import override_settings

from assistant.access.mask import forget
from assistant.slackbot import actions, delivering, questions
from assistant.slackbot.audience import Audience, Why
from assistant.slackbot.models import Policy, Post, PostState
from assistant.slackbot.rechecking import recheck_all
from assistant.slackbot.watching import watch_channels
from tests.conftest import SmallWorld, new_small_world
from tests.slackbot.conftest import QUICK
from tests.slackbot.office import Office, open_office
from tests.slackbot.simulator.records import Channel, Message
from tests.slackbot.simulator.simulator import Simulator

NAMES = ("ann", "bob", "cho", "sam")
JOINED = frozenset(NAMES)
# What each document says and nobody asks: what of it is seen tells of the document.
SUBJECTS = {
    "handbook": ("How many days a week is remote work allowed?", "three days a week"),
    "salaries": ("What is the salary band of a senior engineer?", "82 to 96"),
    "merger": ("When does the merger with Heron Logistics close?", "30 September"),
    "open": ("What is the guest network called?", "ondam-guest"),
}


@pytest.fixture
def office(small_world: SmallWorld, slack: Simulator) -> Iterator[Office]:
    with _office(slack) as opened:
        yield opened


@contextmanager
def _office(slack: Simulator) -> Iterator[Office]:
    with override_settings(MUNDAP_SLACK_API_URL=slack.api_url), open_office(slack, *NAMES) as opened:
        opened.users["zoe"] = slack.user(opened.installed.workspace, "zoe", locale="en-US")  # nobody here
        yield opened


def in_a_world(home: Path, seed: int, *, steps: int) -> Seen:
    """One world of its own, outside the tests' fixtures. `home` holds nothing yet."""
    home.mkdir()
    folders = {f"MUNDAP_{name.upper()}_DIR": home / name for name in ("index", "sync", "files", "audit")}
    own = override_settings(ALLOWED_HOSTS=["testserver"], MUNDAP_QUESTIONS_PER_MINUTE=0, **folders)
    with own, Simulator(QUICK) as slack, transaction.atomic():
        try:
            forget()
            world = new_small_world(home)
            with _office(slack) as opened:
                seen = run(opened, world, seed, steps=steps)
        finally:
            transaction.set_rollback(True)
    assert not slack.faults, f"Slack would refuse: {slack.faults[0]}"
    return seen


VERBS = ("ask", "ask", "ask", "ask_amid", "share", "join", "convert", "revoke")


@dataclass(slots=True)
class Seen:
    """How often there was something to be seen: what the worlds were for."""

    words: int = 0  # words of documents that somebody saw who may, at each look
    to_all: int = 0  # of these, in an answer that all in the channel saw
    drafts: int = 0  # messages of ours that showed something before, at each look
    gone: int = 0  # answers that were taken back


class World:
    """Access lists that change, channels whose members change, and what is asked in them."""

    def __init__(self, office: Office, world: SmallWorld, seed: int) -> None:
        self.office = office
        self.world = world
        self.chance = random.Random(seed)
        self.readers: dict[str, frozenset[str]] = {}
        self.channels: list[Channel] = []
        self.looked_at = ""
        self.versions: dict[str, int] = {}  # of each message, how many were looked at
        self.is_late = False  # somebody came in the very moment when an answer was sent
        self.seen = Seen()

    def draw_lists(self) -> None:
        """Let each document be read by some of the people, anew."""
        for name in SUBJECTS:
            readers = frozenset(self.some())
            self.readers[name] = readers
            allowed = [f"user:{one}@example.com" for one in sorted(readers)]
            self.world.documents[name]["acl"] = {"allow": allowed}
        self.world.sync()

    def some(self) -> list[str]:
        """Two people or more."""
        return self.chance.sample(NAMES, self.chance.randint(2, len(NAMES)))

    def open_channels(self, count: int) -> None:
        """Channels of every kind, one in three with somebody who has no account."""
        for number in range(count):
            members = self.some()
            if self.chance.random() < 0.3:
                members.append("zoe")
            channel = self.office.channel(f"c{number}", *members, private=self.chance.random() < 0.7)
            self.channels.append(channel)

    def ask(self, channel: Channel | None = None) -> None:
        """Somebody asks something somewhere."""
        channel = channel or self.chance.choice(self.channels)
        asker = self.chance.choice([name for name in NAMES if self.is_in(name, channel)])
        question, _ = SUBJECTS[self.chance.choice(sorted(SUBJECTS))]
        self.office.mentioned(asker, channel, question)

    def ask_amid(self) -> None:
        """The same, and somebody else comes while it is answered: before the answer is looked at, or sent."""
        channel = self.chance.choice(self.channels)
        where, name = self.chance.choice(((questions, "deliver"), (delivering, "show")))
        moment, came = getattr(where, name), list[bool]()
        self.is_late = name == "show"

        def then(*given: Any, **more: Any) -> Any:
            if not came:
                came.append(True)
                self.join(channel)
            return moment(*given, **more)

        with mock.patch.object(where, name, then):
            self.ask(channel)

    def join(self, channel: Channel | None = None) -> None:
        """Somebody comes into a channel."""
        channel = channel or self.chance.choice(self.channels)
        outside = [name for name in self.office.users if not self.is_in(name, channel)]
        if outside:
            name = self.chance.choice(outside)
            self.office.do(lambda: self.office.slack.join(self.office.users[name], channel))

    def convert(self) -> None:
        """A private channel becomes one that everybody can open, or the other way round.

        Until the next minute nobody here knows.
        """
        channel, by = self.chance.choice(self.channels), self.office.users["ann"]
        self.office.do(lambda: self.office.slack.convert(channel, by=by, private=not channel.is_private))

    def share(self) -> None:
        """Somebody shares what they alone were told."""
        told = [
            (name, one)
            for channel in self.channels
            for name in NAMES
            for one in self.office.slack.what_sees(self.office.users[name], channel)
            if one.ephemeral_to and actions.SHARE in repr(one.blocks) and self.is_in(name, channel)
        ]
        if told:
            name, message = self.chance.choice(told)
            self.office.do(lambda: self.office.slack.click(self.office.users[name], message, actions.SHARE))

    def is_in(self, name: str, channel: Channel) -> bool:
        """Whether they are a member."""
        return self.office.users[name].id in channel.members

    def check(self) -> None:
        """Nobody sees what they may not read, nor saw it since the last look, in a draft that went again.

        What was shown to one person alone is looked at once: Slack lets nobody take it back, and drops it
        when the person's client is closed. What was being sent when somebody came goes a little later.
        """
        ours = {one.ts: one for channel in self.channels for one in self.posted_in(channel)}
        for name, user in self.office.users.items():
            for channel in self.channels:
                there = [one for one in self.office.slack.what_sees(user, channel) if one.ts in ours]
                shown = "\n".join(map(self.shown_by, there))
                for document, (_, secret) in SUBJECTS.items():
                    if secret in shown:
                        assert name in self.readers[document], f"{name} sees {document} in {channel.name}"
                        self.seen.words += 1
                        self.seen.to_all += any(
                            secret in self.shown_by(one) for one in there if one.ephemeral_to is None
                        )
        self.seen.drafts += sum(len(one.shown) > 1 for one in ours.values())
        self.seen.gone = Post.objects.filter(state=PostState.WITHDRAWN).count()
        self.versions |= {ts: len(one.shown) + 1 for ts, one in ours.items()}
        self.looked_at, self.is_late = self.office.slack.state.new_ts(), False

    def posted_in(self, channel: Channel) -> list[Message]:
        """What we said there; to one person alone, since the last look."""
        posted = self.office.slack.posted_by(self.office.app, channel)
        return [one for one in posted if one.ephemeral_to is None or one.ts > self.looked_at]

    def shown_by(self, message: Message) -> str:
        """What it says, and what it said since the last look."""
        ever = self.office.slack.ever_shown(message)
        since = ever[-1:] if self.is_late else ever[self.versions.get(message.ts, 0) :] or ever[-1:]
        return "\n".join(f"{text}\n{blocks!r}" for text, blocks in since)


# In each of these worlds something is shown to all, is shown as it is written, and is taken back.
@pytest.mark.parametrize("seed", [1, 10, 15])
def test_nobody_in_a_channel_sees_what_they_may_not_read(
    office: Office, small_world: SmallWorld, seed: int
) -> None:
    seen = run(office, small_world, seed, steps=12)
    assert min(seen.words, seen.to_all, seen.drafts, seen.gone) > 0


def run(office: Office, small_world: SmallWorld, seed: int, *, steps: int) -> Seen:
    """Some steps in one world, looked at after each of them."""
    world = World(office, small_world, seed)
    office.change(policy=Policy.MEMBERS)
    if world.chance.random() < 0.5:  # else no public channel is ever answered for all
        office.only(lambda: office.slack.change_user(office.users["zoe"], deleted=True))
    world.draw_lists()
    world.open_channels(4)
    # Now and then each sentence is shown as it comes.
    every_s = 0.0 if world.chance.random() < 0.5 else 60.0
    with (
        mock.patch.object(delivering, "FIRST_AFTER_S", every_s),
        mock.patch.object(delivering, "EDITED_EVERY_S", every_s),
    ):
        for _ in range(steps):
            verb = world.chance.choice(VERBS)
            if verb == "revoke":
                world.draw_lists()
                recheck_all()
            else:
                getattr(world, verb)()
            if verb == "convert":
                watch_channels()  # Slack tells us nothing of it: the task of each minute asks
            office.work_again()
            world.check()
    return world.seen


def test_the_check_would_notice_an_answer_for_one_person_in_everybodys_sight(
    office: Office, small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the others beside the asker, somebody sees too much soon."""
    monkeypatch.setattr(
        questions, "audience_of", lambda *_, **__: Audience(Policy.MEMBERS, (), Why.ALL_JOINED)
    )
    with pytest.raises(AssertionError, match="sees"):
        _run_many(office, small_world)


def _run_many(office: Office, small_world: SmallWorld) -> None:
    for seed in range(10):
        run(office, small_world, seed, steps=8)
