"""What people do in conversations, and what each of them sees there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assistant.common.types import Json
from tests.slackbot.simulator.drawn import typed_blocks
from tests.slackbot.simulator.records import App, Channel, File, Kind, Message, User, View, Workspace
from tests.slackbot.simulator.world import World


class People(World):
    """Verbs of people. A verb that Slack's own client would not let them do fails an assertion."""

    def mention(self, user: User) -> str:
        """How a message names a user."""
        return f"<@{user.id}>"

    def say(
        self,
        user: User,
        channel: Channel,
        text: str,
        *,
        thread: Message | None = None,
        files: Iterable[File] = (),
        broadcast: bool = False,
    ) -> Message:
        """Posts a message as a person types it, in Slack's wire format (`&`, `<`, `>` as entities)."""
        with self.state.lock:
            assert user.id in channel.members, f"{user.name} is not in {channel.name or channel.id}"
            assert not channel.is_archived, f"{channel.name} is archived"
            message = Message(
                ts=self.state.new_ts(),
                channel=channel,
                user=user,
                text=text,
                blocks=typed_blocks(text, self.state) if text else (),
                thread_ts=thread.root if thread is not None else None,
                broadcast=broadcast,
                app_id=user.app_id,
                files=list(files),
            )
            for file in message.files:
                file.channels.append(channel.id)
            self.state.messages.setdefault(channel.id, []).append(message)
            self.events.posted(message)
        return message

    def ask(self, user: User, bot: User, text: str, *, thread: Message | None = None) -> Message:
        """Writes to a bot in the direct conversation with it."""
        return self.say(user, self.direct(bot, user), text, thread=thread)

    def edit(self, message: Message, text: str) -> None:
        with self.state.lock:
            before = self.events.drawn(message)
            message.shown.append((message.text, message.blocks))
            message.text, message.blocks = text, typed_blocks(text, self.state)
            message.edited = self.state.new_ts()
            self.events.changed(message, before)

    def delete(self, message: Message) -> None:
        with self.state.lock:
            before = self.events.drawn(message)
            message.deleted = True
            self.events.deleted(message, before)

    def delete_file(self, file: File) -> None:
        with self.state.lock:
            file.mode = "tombstone"

    def react(self, user: User, message: Message, name: str) -> None:
        with self.state.lock:
            message.reactions.setdefault(name, []).append(user.id)
            self.events.reacted(message, user, name)

    def join(self, user: User, channel: Channel, *, inviter: User | None = None) -> None:
        with self.state.lock:
            assert user.id not in channel.members, f"{user.name} is in {channel.name} already"
            channel.members.append(user.id)
            self.events.joined(user, channel, inviter)

    def leave(self, user: User, channel: Channel) -> None:
        with self.state.lock:
            self.events.left(user, channel)
            channel.members.remove(user.id)

    def archive(self, channel: Channel) -> None:
        with self.state.lock:
            channel.is_archived = True
            self.events.channel_event(f"{_named(channel)}_archive", channel)

    def unarchive(self, channel: Channel) -> None:
        with self.state.lock:
            channel.is_archived = False
            self.events.channel_event(f"{_named(channel)}_unarchive", channel)

    def convert(self, channel: Channel, *, by: User, private: bool) -> None:
        """Makes a public channel private, or a private one public."""
        with self.state.lock:
            channel.kind = Kind.PRIVATE if private else Kind.PUBLIC
            self.events.converted(channel, by)

    def share(self, channel: Channel, other: Workspace) -> None:
        """Shares a channel with another organisation's workspace, which accepts."""
        with self.state.lock:
            channel.connected.append(other.id)
            channel.is_ext_shared = True
            self.events.channel_event("channel_shared", channel, connected_team_id=other.id)

    def unshare(self, channel: Channel, other: Workspace) -> None:
        with self.state.lock:
            self.events.channel_event("channel_unshared", channel, previously_connected_team_id=other.id)
            channel.connected.remove(other.id)
            channel.is_ext_shared = bool(channel.connected)

    # What is seen

    def what_sees(self, user: User, channel: Channel) -> list[Message]:
        """The messages that the user can see there now, oldest first: own ephemeral ones with the others."""
        with self.state.lock:
            readable = self.state.may_read(user, channel)
            return [
                message
                for message in self.state.messages.get(channel.id, [])
                if readable and not message.deleted and message.ephemeral_to in (None, user.id)
            ]

    def in_thread(self, user: User, message: Message) -> list[Message]:
        """What the user sees in the message's thread, the first message with it."""
        return [each for each in self.what_sees(user, message.channel) if each.root == message.root]

    def posted_by(self, app: App, channel: Channel) -> list[Message]:
        """Everything the app ever posted there, ephemeral and deleted messages too, oldest first."""
        with self.state.lock:
            return [each for each in self.state.messages.get(channel.id, []) if each.app_id == app.id]

    def modal_of(self, user: User, app: App) -> View | None:
        """The modal on top of the user's screen."""
        with self.state.lock:
            stack = self.state.modals.get((app.id, user.id), [])
            return stack[-1] if stack else None

    def home_of(self, user: User, app: App) -> View | None:
        with self.state.lock:
            return self.state.homes.get((app.id, user.id))

    def status_of(self, message: Message) -> str:
        """The status that an app set in the message's thread, empty when there is none."""
        with self.state.lock:
            return self.state.statuses.get((message.channel.id, message.root), "")

    def ever_shown(self, message: Message) -> Sequence[tuple[str, Sequence[Json]]]:
        """Every (text, blocks) that the message ever showed, the present one last."""
        with self.state.lock:
            return [*message.shown, (message.text, message.blocks)]


def _named(channel: Channel) -> str:
    """What events of the channel begin with."""
    return "group" if channel.is_private else "channel"
