"""Who can read along where a question was asked?

Read from Slack and from the database at that moment. Whatever is not understood, not answered or not whole
means: answer the asker alone. Whoever joins later is not in it: events say so (`member_joined_channel`,
`user_change`, `team_join` and those of the channel's kind), and `audience_of(..., fresh=True)` is asked again
right before an answer is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from slack_sdk import WebClient

from assistant.access.viewer import MOST_BESIDE
from assistant.accounts.models import User
from assistant.common.errors import MundapError
from assistant.slackbot import slack_api
from assistant.slackbot.directory import Incomplete, everybody, members_now, profiles_now
from assistant.slackbot.failures import SlackRefused
from assistant.slackbot.joining import Asker, accounts_of
from assistant.slackbot.models import Channel, Policy, Workspace
from assistant.slackbot.profiles import Profile, Standing

_DIRECT = "D"  # what ids of direct messages begin with
_NOT_SHOWN = "channel_not_found"
_MOST_MEMBERS = MOST_BESIDE + 100  # apps and deactivated people among them


class Why(StrEnum):
    """Why a question is answered as it is. `audience_words` says each in words."""

    ALL_JOINED = "all_joined"  # everybody who can read along has an account here
    DIRECT = "direct"  # nobody but the asker reads it
    OFF = "off"
    POLICY = "policy"  # privately, because an administrator wants it so
    ARCHIVED = "archived"
    SHARED = "shared"  # with another organisation, or with other workspaces of this one
    GROUP_MESSAGE = "group_message"
    UNKNOWN_KIND = "unknown_kind"
    APPS = "apps"  # other apps are in the channel
    GUESTS = "guests"
    STRANGERS = "strangers"
    NOT_JOINED = "not_joined"  # somebody who can read along has no account here
    TOO_MANY = "too_many"
    NOT_A_MEMBER = "not_a_member"  # the asker is not among those who can read the channel
    OUT_OF_REACH = "out_of_reach"  # we are not in it, or not any more: we would not hear who joins
    NO_ANSWER = "no_answer"  # Slack did not say all that has to be known


@dataclass(frozen=True, slots=True)
class Audience:
    """Who will read an answer besides the asker.

    `beside`: account ids, rising, without the asker's own; None: answer the asker alone (and with
    `Policy.OFF` nobody). `kind`: the channel's (`kind_of`), as Slack told it for this; empty where it was not
    asked.
    """

    policy: Policy
    beside: tuple[int, ...] | None
    why: Why
    kind: str = field(default="", compare=False)

    def covers(self, later: Audience) -> bool:
        """Whether what was made for this audience may be shown to a later one: nobody is new in it."""
        if self.beside is None or later.beside is None:
            return False
        return set(later.beside) <= set(self.beside)


class OutOfReach(MundapError):
    """Slack does not show us the channel."""


class _Alone(Exception):
    """The asker alone is answered."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


def audience_of(
    workspace: Workspace,
    channel_id: str,
    asker: Asker,
    *,
    fresh: bool = False,
    client: WebClient | None = None,
) -> Audience:
    """Who can read a channel now. Never fails: what Slack does not say makes the answer private.

    The channel, its members and each account are asked for now. Of public channels and of more than 20
    members, the list of the workspace's people may be 30 s old.

    `fresh`: for what is about to be shown there, or is shown. Nothing that was read before the call counts,
    and that answers are wanted privately does not matter: who would read this one is asked, which somebody
    may have shared there. So it is of an archived channel, which is read on (`Policy.OFF`, since nothing is
    posted there); but of one that we are not in nobody is known, since we hear of nobody who joins it.
    """
    open_now = Workspace.objects.filter(pk=workspace.pk, is_open=True).first()
    if open_now is None:
        return Audience(Policy.OFF, None, Why.OFF)
    row = Channel.objects.filter(workspace=open_now, channel_id=channel_id).first()
    policy = Policy((row.policy if row is not None else "") or open_now.policy)
    if policy is Policy.OFF and not channel_id.startswith(_DIRECT):
        return Audience(policy, None, Why.OFF)
    kind = ""
    try:
        client = client or slack_api.client_of(workspace)
        channel = channel_now(client, channel_id)
        if channel.get("is_im") is True:
            return _direct(channel, asker)
        kind = kind_of(open_now, channel)
        if channel.get("is_archived"):
            policy = Policy.OFF
        _require(open_now, channel, policy, fresh=fresh)
        readers = _Readers(open_now, client, accepts_apps=row is not None and row.accepts_apps, fresh=fresh)
        found = readers.of(channel_id, is_private=channel["is_private"] is True)
        return Audience(policy, _beside(open_now, found, asker), Why.ALL_JOINED, kind)
    except _Alone as only:
        return Audience(policy, None, only.why, kind)
    except OutOfReach:
        return Audience(policy, None, Why.OUT_OF_REACH, GONE)
    except MundapError:
        return Audience(policy, None, Why.NO_ANSWER)


@dataclass(frozen=True, slots=True)
class Reading:
    """What would become of a question of a channel's member, for who decides about channels.

    `why`: as if the policy were to answer the channel. `readers`: how many can read it; None where that was
    not to be known. `lacking`: those of them who have no account here.
    """

    why: Why
    readers: int | None = None
    lacking: tuple[Profile, ...] = ()


def reading_now(workspace: Workspace, channel_id: str, *, client: WebClient | None = None) -> Reading:
    """Whether a channel could be answered for all now, and if not, why. Never fails."""
    row = Channel.objects.filter(workspace=workspace, channel_id=channel_id).first()
    accepts_apps = row is not None and row.accepts_apps
    try:
        client = client or slack_api.client_of(workspace)
        channel = channel_now(client, channel_id)
        if channel.get("is_archived"):
            return Reading(Why.ARCHIVED)
        if (why := why_not(workspace, channel)) is not None:
            return Reading(why)
        readers = _Readers(workspace, client, accepts_apps=accepts_apps, fresh=False)
        found = readers.of(channel_id, is_private=channel["is_private"] is True)
    except _Alone as alone:
        return Reading(alone.why)
    except MundapError:
        return Reading(Why.NO_ANSWER)
    accounts = accounts_of(workspace, found)
    lacking = tuple(one for one in found if not isinstance(accounts[one.slack_user], User))
    return Reading(Why.NOT_JOINED if lacking else Why.ALL_JOINED, len(found), lacking)


def why_not(workspace: Workspace, channel: Mapping[str, object]) -> Why | None:
    """Why a channel of this kind is never answered for all, by what `conversations.info` says of it; or None.

    Only a public or private channel of this workspace alone is; what a flag does not deny counts as said.
    """
    if channel.get("is_mpim"):
        return Why.GROUP_MESSAGE
    if any(channel.get(flag) is not False for flag in ("is_ext_shared", "is_org_shared")):
        return Why.SHARED
    if any(channel.get(flag) for flag in _SHARING):
        return Why.SHARED
    for name in ("shared_team_ids", "internal_team_ids"):
        teams = channel.get(name) or []
        if not isinstance(teams, list) or any(team != workspace.team_id for team in teams):
            return Why.SHARED
    if channel.get("context_team_id", workspace.team_id) != workspace.team_id:
        return Why.SHARED
    if channel.get("is_archived") is not False:
        return Why.UNKNOWN_KIND
    is_channel = channel.get("is_channel") is True or channel.get("is_group") is True
    if not is_channel or channel.get("is_im") or not isinstance(channel.get("is_private"), bool):
        return Why.UNKNOWN_KIND
    return None


def kind_of(workspace: Workspace, channel: Mapping[str, object]) -> str:
    """What of a channel decides who can read it: `public`, `private:archived`, ... and how many are in it.

    So it also changes where somebody joined and we did not hear it, unless somebody else left meanwhile.
    """
    named = {True: "private", False: "public"}
    parts = [next((word for value, word in named.items() if channel.get("is_private") is value), "unknown")]
    if channel.get("is_archived") is True:
        parts.append("archived")
    if channel.get("is_member") is False:
        parts.append("left")
    if (why := why_not(workspace, _as_open(channel))) is not None:
        parts.append(str(why))
    if isinstance(members := channel.get("num_members"), int):
        parts.append(str(members))
    return ":".join(parts)


GONE = "gone"  # the kind of a channel that Slack does not show us any more

_SHARING = (
    "is_shared",
    "is_pending_ext_shared",
    "is_global_shared",
    "is_org_default",
    "is_org_mandatory",
    "connected_team_ids",
    "pending_connected_team_ids",
    "pending_shared",
)


@dataclass(frozen=True, slots=True)
class _Readers:
    """Looks up the full members who can read a channel. Raises `_Alone` where others can, too."""

    workspace: Workspace
    client: WebClient
    accepts_apps: bool
    fresh: bool

    def of(self, channel_id: str, *, is_private: bool) -> tuple[Profile, ...]:
        members = [one for one in members_now(self.client, channel_id) if one != self.workspace.bot_user_id]
        if len(members) > _MOST_MEMBERS:
            raise _Alone(Why.TOO_MANY)
        readers = self._members(members) if is_private else self._public(members)
        if len(readers) > MOST_BESIDE + 1:
            raise _Alone(Why.TOO_MANY)
        return readers

    def _members(self, members: Collection[str]) -> tuple[Profile, ...]:
        profiles = profiles_now(self.workspace, members, fresh=self.fresh, client=self.client)
        return self._full(profiles)

    def _public(self, members: Collection[str]) -> tuple[Profile, ...]:
        """Every full member can open a public channel, whether they are in it or not."""
        all_people = everybody(self.workspace, most=MOST_BESIDE + 1, fresh=self.fresh, client=self.client)
        if not all_people.is_whole:
            raise _Alone(Why.TOO_MANY)
        if any(one not in all_people.people for one in members):
            raise _Alone(Why.STRANGERS)
        inside = {one.slack_user for one in self._full([all_people.people[one] for one in members])}
        outside = [one for one in all_people.full if one.slack_user not in inside]
        return (*(all_people.people[one] for one in inside), *outside)

    def _full(self, profiles: Collection[Profile]) -> tuple[Profile, ...]:
        """Who of a channel's members reads it; whom Slack calls deactivated does not."""
        for standing, why in ((Standing.STRANGER, Why.STRANGERS), (Standing.GUEST, Why.GUESTS)):
            if any(one.standing is standing for one in profiles):
                raise _Alone(why)
        if not self.accepts_apps and any(one.standing is Standing.BOT for one in profiles):
            raise _Alone(Why.APPS)
        return tuple(one for one in profiles if one.standing is Standing.FULL)


def channel_now(client: WebClient, channel_id: str) -> Mapping[str, object]:
    """What Slack says of a channel, asked now.

    Raises:
        OutOfReach: it shows us none of this id: it was deleted, or is private and we are not in it any more.
        Incomplete: its answer is about none, or another one.
        SlackBusy, SlackRefused, SlackClosed.
    """
    try:
        channel = client.conversations_info(channel=channel_id, include_num_members=True).get("channel")
    except SlackRefused as refused:
        if refused.code == _NOT_SHOWN:
            raise OutOfReach("Slack shows us no such channel.") from None
        raise
    if not isinstance(channel, dict) or channel.get("id") != channel_id:
        raise Incomplete("Slack answered about another channel.")
    return channel


def _require(workspace: Workspace, channel: Mapping[str, object], policy: Policy, *, fresh: bool) -> None:
    """Raises `_Alone` where a channel of this kind is not answered for all; see `audience_of`."""
    why = None
    if not fresh and channel.get("is_archived"):
        why = Why.ARCHIVED
    elif not fresh and policy is not Policy.MEMBERS:
        why = Why.POLICY
    elif fresh and channel.get("is_member") is False:
        why = Why.OUT_OF_REACH
    if (why := why or why_not(workspace, _as_open(channel) if fresh else channel)) is not None:
        raise _Alone(why)


def _as_open(channel: Mapping[str, object]) -> Mapping[str, object]:
    """The channel as if nobody had archived it."""
    return {**channel, "is_archived": False} if channel.get("is_archived") is True else channel


def _direct(channel: Mapping[str, object], asker: Asker) -> Audience:
    """Policies are about channels. In a direct message only its person reads what we say."""
    if channel.get("user") != asker.slack_user or channel.get("is_mpim"):
        return Audience(Policy.PRIVATE, None, Why.UNKNOWN_KIND)
    return Audience(Policy.PRIVATE, (), Why.DIRECT)


def _beside(workspace: Workspace, readers: Collection[Profile], asker: Asker) -> tuple[int, ...]:
    accounts = accounts_of(workspace, readers)
    own = accounts.get(asker.slack_user)
    if not isinstance(own, User) or own.pk != asker.user.pk:
        raise _Alone(Why.NOT_A_MEMBER)
    ids = {one.pk for one in accounts.values() if isinstance(one, User)}
    if not all(isinstance(one, User) for one in accounts.values()):
        raise _Alone(Why.NOT_JOINED)
    return tuple(sorted(ids - {asker.user.pk}))
