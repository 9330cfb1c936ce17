"""A workspace of the simulated Slack, and the row that stands for it here."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.slackbot import directory
from assistant.slackbot.credentials import Credentials, sealed
from assistant.slackbot.joining import Asker, asker_of
from assistant.slackbot.models import Policy, Workspace
from tests.slackbot.simulator.records import App, Installation, User
from tests.slackbot.simulator.records import Workspace as Team
from tests.slackbot.simulator.simulator import Simulator


@dataclass(slots=True)
class Hall:
    """`row` is the connected workspace `team`, whose app is `installed`."""

    slack: Simulator
    team: Team
    installed: Installation
    row: Workspace
    users: dict[str, User] = field(default_factory=dict)

    def user(self, name: str, **said: object) -> User:
        """A full member, if nothing else is said; their address is NAME@example.com."""
        self.users[name] = self.slack.user(self.team, name, **said)  # type: ignore[arg-type]
        return self.users[name]

    def asker(self, user: User) -> Asker:
        """Who is somebody here for certain."""
        found = asker_of(self.row, user.id)
        assert isinstance(found, Asker), found
        return found

    def change(self, **values: object) -> None:
        """Change the row as a console page would."""
        Workspace.objects.filter(pk=self.row.pk).update(**values)
        self.row.refresh_from_db()


def connected(
    slack: Simulator, *, name: str = "Hall", app: App | None = None, trusts_addresses: bool = True
) -> Hall:
    """A new workspace with the app in it, in which addresses count and channels are answered for all."""
    directory.forget()  # numbers and ids of another test's rows come again
    team = slack.workspace(name)
    installed = slack.install(app or slack.app(), team)
    row = Workspace.objects.create(
        handle=name.lower(),
        team_id=team.id,
        app_id=installed.app.id,
        bot_user_id=installed.bot.id,
        name=name,
        domain=team.domain,
        trusts_addresses=trusts_addresses,
        policy=Policy.MEMBERS,
        address="https://ask.example.com",
    )
    row.sealed_secrets = sealed(Credentials(installed.token), row.pk)
    row.save()
    return Hall(slack, team, installed, row)
