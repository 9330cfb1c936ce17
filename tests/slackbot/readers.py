"""Random workspaces in random worlds of permissions: may all who can read a channel read what is posted?

Who can read a channel, the simulated Slack says (`State.may_read`); who somebody is, `truly` below; who may
read a document, the oracle of the permissions. None of them knows the code that they judge.
`python -m tests.slackbot.readers_run` is the same for a longer night.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from django.db import transaction
from django.test import override_settings

from assistant.access.viewer import viewer_for
from assistant.access.visibility import visible_documents
from assistant.slackbot.audience import Audience, audience_of
from assistant.slackbot.joining import Asker, asker_of
from assistant.slackbot.models import Channel, JoinedPerson, Policy
from tests.access.laid_down import LaidDown, lay_down
from tests.access.made_worlds import addresses_of, made_world
from tests.access.oracle import Judge, World, holders, same_address
from tests.slackbot.hall import Hall, connected
from tests.slackbot.simulator import records
from tests.slackbot.simulator.simulator import Simulator


@dataclass(slots=True)
class Report:
    """`open`: audiences to which a channel is answered. `leaks`: who could read what they may not."""

    workspaces: int = 0
    audiences: int = 0
    open: int = 0
    most_beside: int = 0
    shown: int = 0  # documents that could be answered from, beside somebody else
    whys: dict[str, int] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Made:
    """A workspace in a world. `linked`: Slack user -> the person who followed a link as them."""

    world: World
    laid: LaidDown
    hall: Hall
    odd: float
    linked: dict[str, str]

    @property
    def slack(self) -> Simulator:
        """The Slack it is in."""
        return self.hall.slack

    def truly(self, user: records.User) -> str | None:
        """Which person a Slack user is, if that is known for certain."""
        if user.id in self.linked:
            return self.linked[user.id]
        if not self.hall.row.trusts_addresses or not user.is_email_confirmed or not user.email:
            return None
        who, confirmed = holders(self.world).get(same_address(user.email), (None, False))
        return who if confirmed else None


def check(slack: Simulator, seed: int, report: Report) -> None:
    """One workspace. Must run inside a transaction that is rolled back."""
    random = Random(seed)
    world = made_world(random, people=random.randint(3, 7), papers=12)
    made = _made(random, slack, world, lay_down(world, order=seed))
    report.workspaces += 1
    for channel in _channels(random, made):
        inside = [user for user in made.hall.users.values() if user.id in channel.members]
        askers = inside if random.random() < 0.9 else list(made.hall.users.values())
        for user in random.sample(askers, k=min(2, len(askers))):
            asker = asker_of(made.hall.row, user.id)
            if isinstance(asker, Asker):
                _judge(made, channel, asker, random.random() < 0.5, report)


def _judge(made: Made, channel: records.Channel, asker: Asker, fresh: bool, report: Report) -> None:
    found = audience_of(made.hall.row, channel.id, asker, fresh=fresh)
    report.audiences += 1
    report.whys[found.why] = report.whys.get(found.why, 0) + 1
    if found.beside is None:
        return
    report.open += 1
    report.most_beside = max(report.most_beside, len(found.beside))
    shown = _shown(made, asker, found)
    report.shown += len(shown) if found.beside else 0
    judge = Judge(made.world)
    for user in list(made.slack.state.users.values()):
        if not made.slack.state.may_read(user, channel) or user.id == made.hall.installed.bot.id:
            continue
        where = f"{user.name} reads {channel.name} ({found.why})"
        if user.is_bot:
            if not Channel.objects.filter(channel_id=channel.id, accepts_apps=True).exists():
                report.leaks.append(f"app {where}")
            continue
        person = made.truly(user)
        if person is None or not made.world.people[person]:
            report.leaks.append(f"{where} and is nobody here")
            continue
        forbidden = [name for name in shown if not judge.may_read(person, made.world.papers[name])]
        if forbidden:
            report.leaks.append(f"{where} with {', '.join(forbidden)}")


def _shown(made: Made, asker: Asker, found: Audience) -> set[str]:
    """What an answer for this audience can be made from, by the database."""
    viewer = viewer_for(asker.user, beside=found.beside or ())
    assert viewer.beside == found.beside
    return set(visible_documents(viewer, now=made.world.now).values_list("external_id", flat=True))


def _made(random: Random, slack: Simulator, world: World, laid: LaidDown) -> Made:
    odd = random.choice((0.0, 0.0, 0.1, 0.4))  # how much of it is other than it should be
    hall = connected(slack, name=f"hall{len(slack.state.workspaces)}", trusts_addresses=random.random() < 0.7)
    hall.change(policy=random.choice((Policy.MEMBERS,) * 8 + (Policy.PRIVATE, Policy.OFF)))
    made = Made(world, laid, hall, odd, {})
    people = random.sample(list(world.people), k=len(world.people))
    for number, person in enumerate(people[: random.randint(2, 6)]):
        own = made.laid.viewers[person].email
        email = random.choice((*addresses_of(len(people)), "")) if random.random() < odd else own
        user = hall.user(f"user{number}", email=email, **_kind(random, odd))
        if random.random() < 0.7:
            _link(random, made, user, random.choice(people) if random.random() < odd else person)
    return made


def _kind(random: Random, odd: float) -> dict[str, bool]:
    kinds = ("is_restricted", "is_ultra_restricted", "deleted", "is_bot")
    some = {random.choice(kinds): True} if random.random() < odd / 2 else {}
    return {"is_email_confirmed": random.random() >= odd / 2, **some}


def _link(random: Random, made: Made, user: records.User, person: str) -> None:
    left = random.random() < made.odd / 3
    JoinedPerson.objects.create(
        workspace=made.hall.row,
        slack_user=user.id,
        user_id=made.laid.viewers[person].user_id,
        by_link=True,
        left_at=made.world.now if left else None,
    )
    if not left:
        made.linked[user.id] = person


def _channels(random: Random, made: Made) -> list[records.Channel]:
    slack, hall, odd = made.slack, made.hall, made.odd
    other = slack.workspace(f"Other {hall.team.id}")
    outsider = slack.user(other, "outsider", email=random.choice(list(made.world.people)))
    users = list(hall.users.values())
    found = []
    for number in range(3):
        shared = random.random() < odd / 3
        channel = slack.channel(
            hall.team,
            f"channel{number}",
            [
                hall.installed.bot,
                *random.sample(users, k=random.randint(1, len(users))),
                *([outsider] if random.random() < odd / 3 else []),
            ],
            private=random.random() < 0.6,
            shared_with=[other] if shared else [],
            is_org_shared=shared and random.random() < 0.5,
            is_pending_ext_shared=random.random() < odd / 4,
        )
        channel.is_archived = random.random() < odd / 4
        if random.random() < 0.4:
            Channel.objects.create(
                workspace=hall.row,
                channel_id=channel.id,
                policy=random.choice(("", Policy.MEMBERS, Policy.MEMBERS, Policy.PRIVATE)),
                accepts_apps=random.random() < 0.5,
            )
        found.append(channel)
    last = slack.group_message([hall.installed.bot, *users[:2]])
    return [*found, random.choice((last, slack.direct(hall.installed.bot, users[0])))]


def check_many(count: int, seed: int) -> Report:
    """So many workspaces, with seeds from this one on. What is written is undone."""
    report = Report()
    for first in range(seed, seed + count, 100):  # a new Slack now and then: it keeps everything
        with Simulator() as slack, override_settings(MUNDAP_SLACK_API_URL=slack.api_url):
            for one in range(first, min(first + 100, seed + count)):
                with transaction.atomic():
                    check(slack, one, report)
                    transaction.set_rollback(True)
            assert not slack.faults, slack.faults
    return report
