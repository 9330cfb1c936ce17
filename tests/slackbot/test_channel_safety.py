"""No message that is posted to a channel holds a passage that somebody in it may not read.

The whole way, from what people write at the simulated Slack to what each of them sees there. Who may read
which document is computed here, from the lists that the test made up, and from nothing of the product.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import transaction
from django.test import override_settings

from assistant.access.mask import forget
from assistant.slackbot.models import Policy
from assistant.slackbot.rechecking import recheck_all
from tests.conftest import SmallWorld, new_small_world
from tests.slackbot.conftest import QUICK
from tests.slackbot.office import Office, open_office, text_of
from tests.slackbot.simulator.records import Channel
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


def in_a_world(home: Path, seed: int, *, steps: int) -> int:
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


class World:
    """Access lists that change, channels whose members change, and what is asked in them."""

    def __init__(self, office: Office, world: SmallWorld, seed: int) -> None:
        self.office = office
        self.world = world
        self.chance = random.Random(seed)
        self.readers: dict[str, frozenset[str]] = {}
        self.channels: list[Channel] = []
        self.looked_at = ""

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

    def ask(self) -> None:
        """Somebody asks something somewhere."""
        channel = self.chance.choice(self.channels)
        asker = self.chance.choice([name for name in NAMES if self.is_in(name, channel)])
        question, _ = SUBJECTS[self.chance.choice(sorted(SUBJECTS))]
        self.office.mentioned(asker, channel, question)

    def join(self) -> None:
        """Somebody comes into a channel."""
        channel = self.chance.choice(self.channels)
        outside = [name for name in self.office.users if not self.is_in(name, channel)]
        if outside:
            name = self.chance.choice(outside)
            self.office.do(lambda: self.office.slack.join(self.office.users[name], channel))

    def is_in(self, name: str, channel: Channel) -> bool:
        """Whether they are a member."""
        return self.office.users[name].id in channel.members

    def check(self) -> int:
        """Nobody sees what they may not read. How many words of documents somebody sees.

        What was shown to one person alone is looked at once: Slack lets nobody take it back, and drops it
        when the person's client is closed.
        """
        seen = 0
        for name, user in self.office.users.items():
            for channel in self.channels:
                shown = "\n".join(
                    f"{text_of(one)}\n{one.text}"
                    for one in self.office.slack.what_sees(user, channel)
                    if one.app_id and (one.ephemeral_to is None or one.ts > self.looked_at)
                )
                for document, (_, secret) in SUBJECTS.items():
                    if secret in shown:
                        seen += 1
                        assert name in self.readers[document], f"{name} sees {document} in {channel.name}"
        self.looked_at = self.office.slack.state.new_ts()
        return seen


@pytest.mark.parametrize("seed", range(4))
def test_nobody_in_a_channel_sees_what_they_may_not_read(
    office: Office, small_world: SmallWorld, seed: int
) -> None:
    assert run(office, small_world, seed, steps=12) > 0


def run(office: Office, small_world: SmallWorld, seed: int, *, steps: int) -> int:
    """Some steps in one world, looked at after each of them. How much was seen by somebody who may."""
    world = World(office, small_world, seed)
    office.change(policy=Policy.MEMBERS)
    world.draw_lists()
    world.open_channels(4)
    seen = 0
    verbs: Sequence[str] = ("ask", "ask", "ask", "join", "revoke")
    for _ in range(steps):
        verb = world.chance.choice(verbs)
        if verb == "revoke":
            world.draw_lists()
            recheck_all()
        else:
            getattr(world, verb)()
        seen += world.check()
    return seen


def test_the_check_would_notice_an_answer_for_one_person_in_everybodys_sight(
    office: Office, small_world: SmallWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the others beside the asker, somebody sees too much soon."""
    from assistant.slackbot import questions  # noqa: PLC0415 - changed here alone
    from assistant.slackbot.audience import Audience, Why  # noqa: PLC0415

    monkeypatch.setattr(
        questions, "audience_of", lambda *_, **__: Audience(Policy.MEMBERS, (), Why.ALL_JOINED)
    )
    with pytest.raises(AssertionError, match="sees"):
        _run_many(office, small_world)


def _run_many(office: Office, small_world: SmallWorld) -> None:
    for seed in range(10):
        run(office, small_world, seed, steps=8)
