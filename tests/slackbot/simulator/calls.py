"""One call of the Web API on its way through the checks that all methods share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.arguments import Arguments, Refused
from tests.slackbot.simulator.events import Events
from tests.slackbot.simulator.methods import Method
from tests.slackbot.simulator.reading import text
from tests.slackbot.simulator.records import Channel, Installation, Kind, Object, Token, User
from tests.slackbot.simulator.state import State

SCOPE_PREFIXES: Final = {
    Kind.PUBLIC: "channels",
    Kind.PRIVATE: "groups",
    Kind.IM: "im",
    Kind.MPIM: "mpim",
}


@dataclass(frozen=True, slots=True)
class Call:
    """What a method works with. `base` is the simulator's own address."""

    method: Method
    args: Arguments
    state: State
    events: Events
    base: str
    token: Token | None = None

    @property
    def installation(self) -> Installation:
        """The workspace that the bot token is for."""
        assert self.token is not None
        found = self.state.installation_of(self.token)
        assert found is not None
        return found

    @property
    def bot(self) -> User:
        return self.installation.bot

    @property
    def team_id(self) -> str:
        return self.installation.workspace.id

    @property
    def scopes(self) -> frozenset[str]:
        assert self.token is not None
        return self.token.scopes

    # Scopes

    def need_scope(self, *alternatives: str) -> None:
        if alternatives and not self.scopes & set(alternatives):
            raise Refused("missing_scope", needed=alternatives[0], provided=",".join(sorted(self.scopes)))

    def need_kind_scope(self, kind: Kind, right: str) -> None:
        self.need_scope(f"{SCOPE_PREFIXES[kind]}:{right}")

    # Finding

    def known_channel(self, channel_id: str) -> Channel:
        """A channel that the app may know of: public ones of its workspace, others as a member."""
        channel = self.state.channels.get(channel_id)
        if channel is None or not self.state.team_knows(self.team_id, channel):
            raise Refused("channel_not_found")
        if channel.is_private and self.bot.id not in channel.members:
            raise Refused("channel_not_found")
        return channel

    def joined_channel(self, channel_id: str) -> Channel:
        channel = self.known_channel(channel_id)
        if self.bot.id not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def writable_channel(self, channel_id: str) -> Channel:
        """Where the app may write; a user's id stands for the direct conversation with that user."""
        if channel_id[:1] in ("U", "W"):
            channel = self.state.direct(self.bot, self.known_user(channel_id, error="channel_not_found"))
        else:
            channel = self.joined_channel(channel_id)
        if channel.is_archived:
            raise Refused("is_archived")
        return channel

    def known_user(self, user_id: str, *, error: str = "user_not_found") -> User:
        """A user of the own workspace, or a stranger who shares a channel with it."""
        user = self.state.users.get(user_id)
        if user is None:
            raise Refused(error)
        if user.workspace.id != self.team_id and not any(
            user.id in channel.members and self.state.team_knows(self.team_id, channel)
            for channel in self.state.channels.values()
        ):
            raise Refused("user_not_visible" if error == "user_not_found" else error)
        return user

    # Pages

    def page(self, rows: Sequence[Json], key: str, *, usual: int, most: int) -> Object:
        """One page of `rows` under `key`, with a cursor when there is more."""
        limit = self.args.number("limit", usual)
        if not 1 <= limit <= most:
            raise Refused("invalid_limit", f"limit must be between 1 and {most}")
        start = self._start(self.args.text("cursor"))
        end = start + limit
        cursor = f"next:{self.method.name}:{end}" if end < len(rows) else ""
        return {key: list(rows[start:end]), "response_metadata": {"next_cursor": cursor}}

    def _start(self, cursor: str) -> int:
        if not cursor:
            return 0
        word, _, rest = cursor.partition(":")
        name, _, number = rest.rpartition(":")
        if word != "next" or name != self.method.name or not number.isdigit():
            raise Refused("invalid_cursor")
        return int(number)


Handler = Callable[[Call], Object]


def kinds_asked(call: Call) -> list[Kind]:
    """The kinds in `types` (public channels when there are none), each with its scope checked."""
    written = [text(each) for each in call.args.rows("types")] or [Kind.PUBLIC.value]
    if unknown := [each for each in written if each not in {kind.value for kind in Kind}]:
        raise Refused("invalid_types", f"unknown types: {', '.join(unknown)}")
    kinds = [Kind(each) for each in written]
    for kind in kinds:
        call.need_kind_scope(kind, "read")
    return kinds
