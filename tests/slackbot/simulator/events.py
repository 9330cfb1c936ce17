"""The events that Slack sends, and to whom: subscribed apps that are in the conversation.

Shapes from https://docs.slack.dev/reference/events and .../apis/events-api.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.drawn import message_object, subtype_of, view_object
from tests.slackbot.simulator.records import App, Channel, Installation, Kind, Message, Object, User
from tests.slackbot.simulator.state import State

# The scope that an app needs before Slack lets it subscribe; alternatives are enough one by one.
EVENT_SCOPES: Final[dict[str, tuple[str, ...]]] = {
    "app_mention": ("app_mentions:read",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "channel_archive": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "channel_left": ("channels:read",),
    "channel_id_changed": ("channels:read",),
    "group_archive": ("groups:read",),
    "group_unarchive": ("groups:read",),
    "group_left": ("groups:read",),
    "shared_channel_invite_accepted": ("conversations.connect:manage",),
    "team_join": ("users:read",),
    "channel_shared": ("channels:read", "groups:read"),
    "channel_unshared": ("channels:read", "groups:read"),
    "reaction_added": ("reactions:read",),
    "user_change": ("users:read",),
    "app_home_opened": (),
    "app_uninstalled": (),
    "tokens_revoked": (),
    "app_rate_limited": (),
}
CHANNEL_TYPES: Final = {
    Kind.PUBLIC: "channel",
    Kind.PRIVATE: "group",
    Kind.IM: "im",
    Kind.MPIM: "mpim",
}
MESSAGE_EVENTS: Final = {
    Kind.PUBLIC: "message.channels",
    Kind.PRIVATE: "message.groups",
    Kind.IM: "message.im",
    Kind.MPIM: "message.mpim",
}
MENTIONED: Final = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")

Send = Callable[[App, str, Object], None]


class Events:
    """Makes events and gives each to `send` with the app and the event's type."""

    def __init__(self, state: State, base: Callable[[], str], send: Send) -> None:
        self._state = state
        self._base = base
        self._send = send

    # Messages

    def posted(self, message: Message) -> None:
        """A new message that everybody in the channel sees; ephemeral ones make no event."""
        if message.ephemeral_to is not None:
            return
        event = self._message(message)
        if (subtype := subtype_of(message)) is not None:
            event["subtype"] = subtype
        self._to_channel(message.channel, MESSAGE_EVENTS[message.channel.kind], event)
        if message.channel.kind is not Kind.IM:
            self._mentioned(message, event)

    def changed(self, message: Message, before: Object) -> None:
        event: Object = {
            "type": "message",
            "subtype": "message_changed",
            "hidden": True,
            "message": self._message(message),
            "previous_message": before,
        }
        self._to_channel(message.channel, MESSAGE_EVENTS[message.channel.kind], self._placed(event, message))

    def deleted(self, message: Message, before: Object) -> None:
        event: Object = {
            "type": "message",
            "subtype": "message_deleted",
            "hidden": True,
            "deleted_ts": message.ts,
            "previous_message": before,
        }
        self._to_channel(message.channel, MESSAGE_EVENTS[message.channel.kind], self._placed(event, message))

    def reacted(self, message: Message, user: User, name: str) -> None:
        item: Json = {"type": "message", "channel": message.channel.id, "ts": message.ts}
        event: Object = {"type": "reaction_added", "user": user.id, "reaction": name, "item": item}
        self._to_channel(message.channel, "reaction_added", event | {"item_user": message.user.id})

    def drawn(self, message: Message) -> Object:
        """The message as it is at this moment, for `previous_message`."""
        return message_object(message, self._state, self._base())

    # People and channels

    def joined(self, user: User, channel: Channel, inviter: User | None) -> None:
        event = self._membership("member_joined_channel", user, channel)
        if inviter is not None:
            event["inviter"] = inviter.id
        self._to_channel(channel, "member_joined_channel", event)

    def left(self, user: User, channel: Channel) -> None:
        event = self._membership("member_left_channel", user, channel)
        self._to_channel(channel, "member_left_channel", event)
        name = "group_left" if channel.is_private else "channel_left"
        for installed in self._in_channel(channel):
            if installed.bot.id == user.id:  # told to whoever left alone
                self._to(installed, name, {"type": name, "channel": channel.id}, channel)

    def channel_event(self, name: str, channel: Channel, **more: Json) -> None:
        self._to_channel(channel, name, {"type": name, "channel": channel.id, **more})

    def user_changed(self, user: User, drawn: Object) -> None:
        for installed in self._installations(user.workspace.id):
            self._to(installed, "user_change", {"type": "user_change", "user": drawn})

    def user_came(self, user: User, drawn: Object) -> None:
        for installed in self._installations(user.workspace.id):
            self._to(installed, "team_join", {"type": "team_join", "user": drawn})

    def converted(self, channel: Channel, by: User) -> None:
        """A channel became private or public: a message of a subtype of its own, under its new kind."""
        event: Object = {
            "type": "message",
            "subtype": f"channel_convert_to_{'private' if channel.is_private else 'public'}",
            "user": by.id,
            "text": "",
            "ts": self._state.new_ts(),
            "channel": channel.id,
            "channel_type": CHANNEL_TYPES[channel.kind],
        }
        self._to_channel(channel, MESSAGE_EVENTS[channel.kind], event)

    # The app's own affairs

    def home_opened(self, installed: Installation, user: User, tab: str) -> None:
        direct = self._state.direct(installed.bot, user)
        event: Object = {"type": "app_home_opened", "user": user.id, "channel": direct.id, "tab": tab}
        home = self._state.homes.get((installed.app.id, user.id))
        if home is not None and tab == "home":
            event["view"] = view_object(home)
        self._to(installed, "app_home_opened", event)

    def tokens_revoked(self, installed: Installation) -> None:
        tokens: Json = {"oauth": [], "bot": [installed.bot.id]}
        self._to(installed, "tokens_revoked", {"type": "tokens_revoked", "tokens": tokens})

    def uninstalled(self, installed: Installation) -> None:
        self._to(installed, "app_uninstalled", {"type": "app_uninstalled"})

    # Inside

    def _message(self, message: Message) -> Object:
        return self._placed(message_object(message, self._state, self._base()), message)

    def _placed(self, event: Object, message: Message) -> Object:
        return event | {
            "channel": message.channel.id,
            "channel_type": CHANNEL_TYPES[message.channel.kind],
            "ts": event.get("ts", message.edited or message.ts),
        }

    def _membership(self, kind: str, user: User, channel: Channel) -> Object:
        return {
            "type": kind,
            "user": user.id,
            "channel": channel.id,
            "channel_type": "G" if channel.is_private else "C",
            "team": user.workspace.id,
        }

    def _mentioned(self, message: Message, event: Object) -> None:
        """`app_mention` for each bot that is named; Slack sends it only where the bot is a member."""
        named = set(MENTIONED.findall(message.text))
        for installed in self._in_channel(message.channel):
            if installed.bot.id in named and message.user.id != installed.bot.id:
                mention = {key: each for key, each in event.items() if key != "channel_type"}
                self._to(installed, "app_mention", mention | {"type": "app_mention"}, message.channel)

    def _to_channel(self, channel: Channel, name: str, event: Object) -> None:
        for installed in self._in_channel(channel):
            self._to(installed, name, event, channel)

    def _in_channel(self, channel: Channel) -> Iterator[Installation]:
        teams = {channel.workspace.id, *channel.connected}
        for app in self._state.apps.values():
            for team_id, installed in app.installations.items():
                if team_id in teams and installed.bot.id in channel.members:
                    yield installed

    def _installations(self, team_id: str) -> Iterator[Installation]:
        for app in self._state.apps.values():
            if team_id in app.installations:
                yield app.installations[team_id]

    def _to(self, installed: Installation, name: str, event: Object, channel: Channel | None = None) -> None:
        gone = installed.removed and name not in ("app_uninstalled", "tokens_revoked")
        if name not in installed.app.events or gone:
            return
        self._send(installed.app, str(event["type"]), self._wrapped(installed, event, channel))

    def _wrapped(self, installed: Installation, event: Object, channel: Channel | None) -> Object:
        """The outer event. `event_ts` is the moment of the event, `event_time` the same in seconds."""
        team, state = installed.workspace, self._state
        event_ts = event.get("ts") if event.get("subtype") is None else None
        authorization: Json = {
            "enterprise_id": team.enterprise_id,
            "team_id": team.id,
            "user_id": installed.bot.id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": "verification-token-not-used",
            "team_id": team.id,
            "context_team_id": team.id,
            "context_enterprise_id": team.enterprise_id,
            "enterprise_id": team.enterprise_id,
            "api_app_id": installed.app.id,
            "event": event | {"event_ts": event_ts or state.new_ts()},
            "type": "event_callback",
            "event_id": state.new_id("Ev"),
            "event_time": int(state.clock.now()),
            "authorizations": [authorization],
            "is_ext_shared_channel": channel is not None and channel.is_ext_shared,
            "event_context": f"4-{state.new_id('')}",
        }
