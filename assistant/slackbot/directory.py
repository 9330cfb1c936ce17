"""Reading people and members from Slack: all pages, or an error; never a part of them.

How old what is read here may be: `profile_now` and `members_now` ask Slack each time. The list of a
workspace's people (`everybody`), which Slack gives about twenty times a minute, is shared by the questions of
half a minute in one process, unless `fresh` is asked for: then its reading began after the call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from time import monotonic

from slack_sdk import WebClient

from assistant.common.errors import MundapError
from assistant.slackbot import slack_api
from assistant.slackbot.models import Workspace
from assistant.slackbot.profiles import Profile, Standing, profile_of

KEPT_S = 30.0
CROWD_KEPT_S = 600.0  # that there are too many: being wrong about it only answers privately
ONE_BY_ONE = 20  # users.info may be asked some hundred times a minute
_PAGE = 1_000
_MOST_PAGES = 20


class Incomplete(MundapError):
    """Slack's answer lacks what it must hold, or never ends."""


@dataclass(frozen=True, slots=True)
class Everybody:
    """The people of a workspace. Not `is_whole`: there are more than was asked for."""

    people: dict[str, Profile]
    is_whole: bool

    @property
    def full(self) -> tuple[Profile, ...]:
        """Its full members."""
        return tuple(one for one in self.people.values() if one.standing is Standing.FULL)


@dataclass(frozen=True, slots=True)
class _Kept:
    began: float  # monotonic seconds
    read: Everybody


_guard = threading.Lock()
_locks: dict[tuple[int, str], threading.Lock] = {}
_kept: dict[tuple[int, str], _Kept] = {}


def profile_now(workspace: Workspace, slack_user: str, *, client: WebClient | None = None) -> Profile:
    """What Slack says of one user, asked now.

    Raises:
        Incomplete, Unreadable: its answer is about nobody, or about somebody else.
        SlackBusy, SlackRefused, SlackClosed.
    """
    client = client or slack_api.client_of(workspace)
    profile = profile_of(workspace, client.users_info(user=slack_user, include_locale=True).get("user"))
    if profile.slack_user != slack_user:
        raise Incomplete("Slack answered about another user.")
    return profile


def members_now(client: WebClient, channel_id: str) -> tuple[str, ...]:
    """The ids of a channel's members, all of them, asked now.

    Raises:
        Incomplete.
        SlackBusy, SlackRefused, SlackClosed.
    """
    found: dict[str, None] = {}

    def ask(cursor: str | None) -> object:
        return client.conversations_members(channel=channel_id, limit=_PAGE, cursor=cursor).data

    for one in _pages(ask, "members"):
        if not isinstance(one, str) or not one:
            raise Incomplete("Slack's list of members holds something that is no id.")
        found[one] = None
    return tuple(found)


def profiles_now(
    workspace: Workspace, ids: Collection[str], *, fresh: bool = False, client: WebClient | None = None
) -> tuple[Profile, ...]:
    """What Slack says of each of these. A few are asked for one by one; more come from the list of all.

    Raises:
        Incomplete: one of them is not in the list.
        Unreadable, SlackBusy, SlackRefused, SlackClosed.
    """
    if len(ids) <= ONE_BY_ONE:
        return tuple(profile_now(workspace, one, client=client) for one in ids)
    people = everybody(workspace, fresh=fresh, client=client).people
    if any(one not in people for one in ids):
        raise Incomplete("Slack's list of people lacks a member of the channel.")
    return tuple(people[one] for one in ids)


def everybody(
    workspace: Workspace, *, most: int | None = None, fresh: bool = False, client: WebClient | None = None
) -> Everybody:
    """The people of the workspace, guests, bots and deactivated ones among them. See above how old.

    `most`: how many full members matter; of a larger workspace only a part is read, and kept for ten
    minutes. Calls at the same moment wait for one reading.

    Raises:
        Incomplete, Unreadable, SlackBusy, SlackRefused, SlackClosed.
    """
    key, asked = (workspace.pk, workspace.team_id), monotonic()
    with _guard:
        lock = _locks.setdefault(key, threading.Lock())
    with lock:
        kept = _kept.get(key)
        if kept is not None and _is_good(kept, most=most, since=asked if fresh else asked - KEPT_S):
            return kept.read
        began = monotonic()
        read = _read(workspace, client or slack_api.client_of(workspace), most)
        _kept[key] = _Kept(began, read)
        return read


def channels_now(client: WebClient, workspace: Workspace) -> tuple[dict[str, object], ...]:
    """The channels, public and private, that the bot is a member of, as Slack tells them now.

    Raises:
        Incomplete, SlackBusy, SlackRefused, SlackClosed.
    """

    def ask(cursor: str | None) -> object:
        types, team_id = "public_channel,private_channel", _team(workspace)
        return client.conversations_list(types=types, limit=_PAGE, cursor=cursor, team_id=team_id).data

    found = []
    for told in _pages(ask, "channels"):
        if not isinstance(told, dict) or not isinstance(told.get("id"), str):
            raise Incomplete("Slack's list of channels holds something that is none.")
        if told.get("is_member") is True:
            found.append(told)
    return tuple(found)


def forget(workspace_id: int | None = None) -> None:
    """Let the next question read the list anew; after an event that says that people changed."""
    with _guard:
        for key in [key for key in _kept if workspace_id in {None, key[0]}]:
            _kept.pop(key, None)


def _is_good(kept: _Kept, *, most: int | None, since: float) -> bool:
    if kept.read.is_whole:
        return kept.began >= since
    return most is not None and len(kept.read.full) > most and kept.began >= since - CROWD_KEPT_S


def _read(workspace: Workspace, client: WebClient, most: int | None) -> Everybody:
    def ask(cursor: str | None) -> object:
        return client.users_list(limit=_PAGE, cursor=cursor, team_id=_team(workspace)).data

    people: dict[str, Profile] = {}
    full = 0
    for told in _pages(ask, "members"):
        profile = profile_of(workspace, told)
        full += profile.standing is Standing.FULL and profile.slack_user not in people
        people[profile.slack_user] = profile
        if most is not None and full > most:
            return Everybody(people, is_whole=False)
    return Everybody(people, is_whole=True)


def _team(workspace: Workspace) -> str | None:
    """In an organisation (Enterprise Grid) a token may know several workspaces: this one is meant."""
    return workspace.team_id if workspace.enterprise_id else None


def _pages(ask: Callable[[str | None], object], field: str) -> Iterator[object]:
    """What all pages hold under `field`."""
    cursor, seen = None, set[str]()
    for _ in range(_MOST_PAGES):
        answer = ask(cursor)
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            raise Incomplete("Slack gave no answer that can be read.")
        items, more = answer.get(field), answer.get("response_metadata") or {}
        if not isinstance(items, list) or not isinstance(more, dict):
            raise Incomplete(f"Slack's answer lacks {field}.")
        yield from items
        cursor = more.get("next_cursor") or None
        if cursor is None:
            return
        if not isinstance(cursor, str) or cursor in seen:
            break
        seen.add(cursor)
    raise Incomplete("Slack's list has no end.")
