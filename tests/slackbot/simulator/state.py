"""The whole state of the simulated Slack, behind one lock, with the clock and the ids."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

from tests.slackbot.simulator.records import (
    App,
    Called,
    Channel,
    Fault,
    File,
    Installation,
    Kind,
    Message,
    Token,
    Trigger,
    User,
    View,
    Workspace,
)

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TOKEN_LIFE = 43_200.0  # seconds: twelve hours, as with Slack's token rotation
MOST_LIVE_TOKENS = 2


class Clock:
    """The time of the simulated Slack: the real one, moved forward by what a test asks for."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


class State:
    """Tables by id. Whoever reads or writes holds `lock`; nothing under the lock waits for a network."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.clock = Clock()
        self.workspaces: dict[str, Workspace] = {}
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.apps: dict[str, App] = {}
        self.tokens: dict[str, Token] = {}
        self.messages: dict[str, list[Message]] = {}
        self.views: dict[str, View] = {}
        self.modals: dict[tuple[str, str], list[View]] = {}
        self.homes: dict[tuple[str, str], View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.codes: dict[str, tuple[str, str]] = {}
        self.statuses: dict[tuple[str, str], str] = {}
        self.faults: list[Fault] = []
        self.tolerated: set[str] = set()
        self.calls: list[Called] = []
        self._count = 0
        self._last_ts = 0

    def new_id(self, letter: str) -> str:
        """An id as Slack's look: a letter for the kind and ten of digits and capitals."""
        with self.lock:
            self._count += 1
            number, digits = self._count, ""
            while number:
                number, rest = divmod(number, len(LETTERS))
                digits = LETTERS[rest] + digits
        return f"{letter}0{digits.rjust(9, '0')}"

    def new_ts(self) -> str:
        """A message's timestamp: seconds and six digits, never the same and always later."""
        with self.lock:
            self._last_ts = max(self._last_ts + 1, int(self.clock.now() * 1_000_000))
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def fault(self, method: str, error: str, detail: str = "") -> None:
        with self.lock:
            self.faults.append(Fault(method, error, detail))

    # Looking up

    def installation_of(self, token: Token) -> Installation | None:
        app = self.apps[token.app_id]
        return app.installations.get(token.team_id) if token.team_id else None

    def message(self, channel_id: str, ts: str) -> Message | None:
        """A message that everybody in the channel can see; ephemeral and deleted ones are not there."""
        for message in self.messages.get(channel_id, []):
            if message.ts == ts and message.ephemeral_to is None and not message.deleted:
                return message
        return None

    def any_message(self, channel_id: str, ts: str) -> Message | None:
        """A message whether ephemeral or not, deleted or not."""
        return next((each for each in self.messages.get(channel_id, []) if each.ts == ts), None)

    def in_thread(self, channel_id: str, root: str) -> Iterator[Message]:
        for message in self.messages.get(channel_id, []):
            if message.ephemeral_to is None and not message.deleted and message.root == root:
                yield message

    def may_read(self, user: User, channel: Channel) -> bool:
        """Members read; a public channel is open to full members of the workspaces that it belongs to."""
        if user.deleted:
            return False
        if user.id in channel.members:
            return True
        homes = [channel.workspace.id, *(channel.connected if channel.is_org_shared else ())]
        return channel.kind is Kind.PUBLIC and not user.is_guest and user.workspace.id in homes

    def team_knows(self, team_id: str, channel: Channel) -> bool:
        """Whether the channel belongs to the workspace or is shared with it."""
        return channel.workspace.id == team_id or team_id in channel.connected

    def direct(self, one: User, other: User) -> Channel:
        """The direct conversation of two users, made where there is none."""
        pair = {one.id, other.id}
        for channel in self.channels.values():
            if channel.kind is Kind.IM and set(channel.members) == pair:
                return channel
        owner = one.workspace if one.is_bot else other.workspace
        made = Channel(self.new_id("D"), "", Kind.IM, owner, [one.id, other.id])
        self.channels[made.id] = made
        return made

    # Tokens

    def new_token(self, app: App, workspace: Workspace, scopes: frozenset[str]) -> Token:
        """A bot token. With rotation it ends after twelve hours, and the oldest of three ends at once."""
        name = self.new_id("").lower()
        value = f"xoxe.xoxb-1-{name}" if app.token_rotation else f"xoxb-{workspace.id}-{name}"
        expires = self.clock.now() + TOKEN_LIFE if app.token_rotation else None
        token = Token(value, "bot", app.id, workspace.id, scopes, expires_at=expires)
        if app.token_rotation:
            live = [t for t in self.bot_tokens(app, workspace.id) if not t.revoked]
            for old in live[: max(0, len(live) - MOST_LIVE_TOKENS + 1)]:
                old.revoked = True
        self.tokens[value] = token
        return token

    def bot_tokens(self, app: App, team_id: str) -> Sequence[Token]:
        return [
            t for t in self.tokens.values() if t.kind == "bot" and t.app_id == app.id and t.team_id == team_id
        ]

    def new_trigger(self, app: App, user: User, team_id: str, view: View | None = None) -> str:
        trigger = Trigger(f"{self.new_id('')}.{team_id}", app, user, team_id, self.clock.now(), view)
        self.triggers[trigger.id] = trigger
        return trigger.id
