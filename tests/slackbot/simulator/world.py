"""Building the world: workspaces, users, channels, apps, files. Each verb returns what it made."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from tests.slackbot.simulator.deliveries import Deliveries, Timing
from tests.slackbot.simulator.drawn import user_object
from tests.slackbot.simulator.events import EVENT_SCOPES, Events
from tests.slackbot.simulator.limits import Failure, Failures, RateLimits, Trouble
from tests.slackbot.simulator.records import (
    App,
    Called,
    Channel,
    Fault,
    File,
    Installation,
    Kind,
    Object,
    Route,
    Token,
    User,
    Workspace,
)
from tests.slackbot.simulator.response_urls import ResponseUrls
from tests.slackbot.simulator.socket_mode import SocketMode
from tests.slackbot.simulator.state import Clock, State

# What a bot that answers questions asks for; a test names others to see what is missing.
SCOPES: Final = frozenset(
    {
        *("app_mentions:read", "assistant:write", "chat:write", "commands", "files:read", "team:read"),
        *("channels:history", "channels:read", "groups:history", "groups:read"),
        *("im:history", "im:read", "im:write", "mpim:history", "mpim:read"),
        *("reactions:read", "reactions:write", "users:read", "users:read.email"),
    }
)
EVENTS: Final = frozenset(
    {
        *("app_home_opened", "app_mention", "app_uninstalled", "tokens_revoked", "user_change"),
        *("member_joined_channel", "member_left_channel"),
        *("message.channels", "message.groups", "message.im", "message.mpim"),
    }
)


class World:
    """The parts of the simulated Slack and the verbs that make people, channels and apps."""

    def __init__(self, timing: Timing | None = None) -> None:
        self.state = State()
        self.timing = replace(timing or Timing())  # its own: a test may change it
        self.failures = Failures()
        self.rate_limits = RateLimits(self.state.clock)
        self.sockets = SocketMode(self.state)
        self.deliveries = Deliveries(self.timing, self.sockets)
        self.events = Events(self.state, self._base, self._event)
        self.response_urls = ResponseUrls(self.state, self.events)

    def _base(self) -> str:
        raise AssertionError("the address is known once the server runs")

    def _event(self, app: App, name: str, payload: Object) -> None:
        raise AssertionError("events go out once the server runs")

    # What happened

    @property
    def faults(self) -> list[Fault]:
        """Every call that Slack would have refused for a mistake of the caller."""
        with self.state.lock:
            return [each for each in self.state.faults if each.error not in self.state.tolerated]

    @property
    def calls(self) -> list[Called]:
        """Every call that reached the Web API, oldest first."""
        with self.state.lock:
            return list(self.state.calls)

    @property
    def clock(self) -> Clock:
        return self.state.clock

    def excuse(self, *errors: str) -> None:
        """Forgets the faults with these errors. Raises `AssertionError` where there is none of one."""
        with self.state.lock:
            seen = {fault.error for fault in self.state.faults}
            assert seen >= set(errors), f"no fault {sorted(set(errors) - seen)}; there are {sorted(seen)}"
            self.state.faults[:] = [each for each in self.state.faults if each.error not in errors]

    def tolerate(self, *errors: str) -> None:
        """From now on these errors are no faults: for what a product may find out by trying."""
        with self.state.lock:
            self.state.tolerated |= set(errors)

    def fail(
        self, method: str, trouble: Trouble, *, times: int = 1, error: str = "", seconds: float = 1.0
    ) -> None:
        """Lets the next calls of a method go wrong; also `file`, `response_url` and `*` for any method."""
        self.failures.add(method, Failure(trouble, error, seconds), times)

    # Making

    def workspace(self, name: str = "Acme", *, enterprise_id: str | None = None) -> Workspace:
        with self.state.lock:
            made = Workspace(
                self.state.new_id("T"), name, name.lower().replace(" ", "-"), enterprise_id=enterprise_id
            )
            self.state.workspaces[made.id] = made
        return made

    def user(
        self,
        workspace: Workspace,
        name: str,
        *,
        email: str | None = None,
        locale: str = "ko-KR",
        is_email_confirmed: bool = True,
        is_restricted: bool = False,
        is_ultra_restricted: bool = False,
        is_bot: bool = False,
        deleted: bool = False,
    ) -> User:
        """A user; the address is `name@example.com` unless another is given (`""`: none)."""
        with self.state.lock:
            made = User(
                id=self.state.new_id("U"),
                workspace=workspace,
                name=name,
                email=f"{name}@example.com" if email is None else email or None,
                locale=locale,
                is_email_confirmed=is_email_confirmed,
                is_restricted=is_restricted or is_ultra_restricted,
                is_ultra_restricted=is_ultra_restricted,
                is_bot=is_bot,
                bot_id=self.state.new_id("B") if is_bot else None,
                deleted=deleted,
            )
            self.state.users[made.id] = made
        return made

    def newcomer(self, workspace: Workspace, name: str) -> User:
        """A new member of the workspace, of whom the apps hear."""
        with self.state.lock:
            made = self.user(workspace, name)
            self.events.user_came(made, user_object(made, team_id=workspace.id, scopes=SCOPES))
        return made

    def channel(
        self,
        workspace: Workspace,
        name: str,
        members: Iterable[User] = (),
        *,
        private: bool = False,
        shared_with: Iterable[Workspace] = (),
        is_org_shared: bool = False,
        is_pending_ext_shared: bool = False,
    ) -> Channel:
        """A channel. One that is `shared_with` other workspaces is external unless `is_org_shared`."""
        with self.state.lock:
            connected = [each.id for each in shared_with]
            made = Channel(
                id=self.state.new_id("C"),
                name=name,
                kind=Kind.PRIVATE if private else Kind.PUBLIC,
                workspace=workspace,
                members=[each.id for each in members],
                connected=connected,
                is_ext_shared=bool(connected) and not is_org_shared,
                is_org_shared=is_org_shared,
                is_pending_ext_shared=is_pending_ext_shared,
            )
            self.state.channels[made.id] = made
        return made

    def group_message(self, members: Iterable[User]) -> Channel:
        """A direct conversation of more than two people."""
        people = list(members)
        with self.state.lock:
            ids = [each.id for each in people]
            made = Channel(self.state.new_id("C"), "mpdm", Kind.MPIM, people[0].workspace, ids)
            self.state.channels[made.id] = made
        return made

    def direct(self, one: User, other: User) -> Channel:
        with self.state.lock:
            return self.state.direct(one, other)

    def app(
        self,
        name: str = "Mundap",
        *,
        scopes: Iterable[str] = SCOPES,
        events: Iterable[str] = EVENTS,
        commands: Iterable[str] = ("/ask", "/new"),
        request_url: Route | None = None,
        socket_mode: bool = False,
        token_rotation: bool = False,
    ) -> App:
        """An app as its page of settings makes it. Raises `ValueError` for events without their scope."""
        wanted, subscribed = frozenset(scopes), frozenset(events)
        for event in sorted(subscribed):
            needed = EVENT_SCOPES[event]
            if needed and not wanted & set(needed):
                raise ValueError(f"{event} needs one of the scopes {', '.join(needed)}")
        with self.state.lock:
            app_id = self.state.new_id("A")
            made = App(
                id=app_id,
                name=name,
                client_id=f"{int(self.clock.now())}.{app_id.lower()}",
                client_secret=secrets.token_hex(16),
                signing_secret=secrets.token_hex(16),
                app_token=f"xapp-1-{app_id}-{secrets.token_hex(8)}",
                scopes=wanted,
                events=subscribed,
                commands=frozenset(commands),
                request_url=request_url,
                socket_mode=socket_mode,
                token_rotation=token_rotation,
            )
            self.state.apps[app_id] = made
            self.state.tokens[made.app_token] = Token(
                made.app_token, "app", app_id, None, frozenset({"connections:write"})
            )
        return made

    def install(self, app: App, workspace: Workspace) -> Installation:
        """Puts the app into a workspace: a bot user and a token, which `.token` holds."""
        with self.state.lock:
            bot = self.user(workspace, app.name.lower(), email="", is_bot=True)
            bot.app_id = app.id
            token = self.state.new_token(app, workspace, app.scopes)
            made = Installation(app, workspace, bot, token.value, app.scopes)
            if app.token_rotation:
                made.refresh_token = f"xoxe-1-{secrets.token_urlsafe(16)}"
            app.installations[workspace.id] = made
        return made

    def authorize(self, app: App, workspace: Workspace) -> str:
        """A code for oauth.v2.access, as an administrator's consent gives one; installs where needed."""
        with self.state.lock:
            if workspace.id not in app.installations:
                self.install(app, workspace)
            code = secrets.token_urlsafe(12)
            self.state.codes[code] = (app.id, workspace.id)
        return code

    def file(
        self, user: User, name: str, content: bytes, *, mimetype: str = "text/plain", mode: str = "hosted"
    ) -> File:
        """A file that the user is about to share with `say(..., files=[...])`."""
        with self.state.lock:
            made = File(self.state.new_id("F"), user.workspace, user, name, mimetype, content, mode)
            self.state.files[made.id] = made
        return made

    # Taking away

    def revoke_tokens(self, installed: Installation) -> None:
        """As an administrator does it: every token ends, and the app hears of it."""
        with self.state.lock:
            for token in self.state.bot_tokens(installed.app, installed.workspace.id):
                token.revoked = True
            self.events.tokens_revoked(installed)

    def uninstall(self, installed: Installation) -> None:
        with self.state.lock:
            installed.removed = True
            self.events.tokens_revoked(installed)
            self.events.uninstalled(installed)

    def change_user(
        self, user: User, *, deleted: bool | None = None, is_restricted: bool | None = None
    ) -> None:
        """Deactivates a person or makes a guest of one, and tells the apps."""
        with self.state.lock:
            user.deleted = user.deleted if deleted is None else deleted
            user.is_restricted = user.is_restricted if is_restricted is None else is_restricted
            drawn = user_object(user, team_id=user.workspace.id, scopes=SCOPES)
            self.events.user_changed(user, drawn)

    # What the server asks

    def readable_file(self, name: str, bearer: str) -> File | None:
        """The file at an address, when the token may read it."""
        with self.state.lock:
            token, file = self.state.tokens.get(bearer), self.state.files.get(name.rpartition("-")[2])
            installed = self.state.installation_of(token) if token is not None else None
            if token is None or installed is None or file is None:
                self.state.fault("file", "not_authed" if not bearer else "invalid_auth", name)
                return None
            if token.revoked or installed.removed:
                return None
            if "files:read" not in token.scopes:
                self.state.fault("file", "missing_scope", "files:read")
                return None
            channels = [self.state.channels.get(each) for each in file.channels]
            inside = any(each is not None and installed.bot.id in each.members for each in channels)
            return file if inside else None

    def app_of_ticket(self, ticket: str) -> App | None:
        """The app that a Socket Mode ticket is for; each ticket counts once."""
        with self.state.lock:
            kind, app_id = self.state.codes.get(ticket, ("", ""))
            if kind != "socket":
                return None
            del self.state.codes[ticket]
            return self.state.apps[app_id]
