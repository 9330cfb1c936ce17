"""Reading who is joined to whom, and which channels the bot is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max
from django.db.models.functions import Lower
from slack_sdk import WebClient

from assistant.accounts.models import User
from assistant.accounts.roles import Right
from assistant.slackbot import slack_api
from assistant.slackbot.directory import channels_now
from assistant.slackbot.jobs import TAKEN_AWAY
from assistant.slackbot.joining import is_open_person
from assistant.slackbot.models import (
    LONGEST_NAME,
    Channel,
    Job,
    JobState,
    JoinedPerson,
    Policy,
    Workspace,
)

# A workspace is believed about who somebody is and who reads along, as an identity provider is: those who say
# whom to believe say it of Slack, too. That is the security administrators' work, not the content's.
RIGHT = Right.MANAGE_SIGN_IN
_MOST_UNFINISHED = 20


@dataclass(frozen=True, slots=True)
class Joined:
    """A Slack user and an account. What its address joined counts while Slack and Mundap agree on it."""

    id: int
    slack_user: str
    workspace: str
    domain: str
    user_id: int
    email: str
    name: str
    by_link: bool
    since: datetime
    account_is_open: bool


@dataclass(frozen=True, slots=True)
class SeenChannel:
    """A channel that the bot is in. `name`: empty where the person who looks may not know it.

    `own_policy`: what was decided about it; empty: the workspace's holds, which `policy` says.
    """

    channel_id: str
    name: str
    is_private: bool
    is_archived: bool
    is_shared: bool
    own_policy: str
    policy: Policy
    accepts_apps: bool


def identities_of(user_id: int) -> tuple[Joined, ...]:
    """Which Slack users the account is, by the workspace's name."""
    return _joined(user_id=user_id)


def people_of(workspace: Workspace) -> tuple[Joined, ...]:
    """Who of a workspace is joined to whom, by the account's address. For who manages them (`RIGHT`)."""
    return _joined(workspace=workspace)


def channels_seen(
    workspace: Workspace, *, user: User, client: WebClient | None = None
) -> tuple[SeenChannel, ...]:
    """The channels that the bot is in, as Slack lists them now, by name; private ones last.

    That a private channel exists and what it is called is its members' own: only who may decide about
    channels (`RIGHT`) is told its name.

    Raises:
        Incomplete, SlackBusy, SlackRefused, SlackClosed.
    """
    told = channels_now(client or slack_api.client_of(workspace), workspace)
    rows = {row.channel_id: row for row in Channel.objects.filter(workspace=workspace)}
    may_know = user.has_right(RIGHT)
    seen = [_seen(workspace, one, rows.get(str(one["id"])), may_know=may_know) for one in told]
    return tuple(sorted(seen, key=lambda one: (one.is_private, one.name.lower(), one.channel_id)))


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What could not be carried out in a workspace, for one reason. `code`: Slack's word for it, or ours."""

    kind: str
    code: str
    times: int
    last: datetime


def unfinished(workspace: Workspace) -> tuple[Unfinished, ...]:
    """What failed for good in the last two days, the newest first. What was asked is gone by then."""
    failed = Job.objects.filter(workspace=workspace, state=JobState.FAILED, finished_at__isnull=False)
    rows = (
        failed.exclude(failure__in=TAKEN_AWAY)
        .values_list("kind", "failure")
        .annotate(times=Count("pk"), last=Max("finished_at"))
        .order_by("-last", "kind", "failure")
    )
    return tuple(Unfinished(*row) for row in rows[:_MOST_UNFINISHED])


def _seen(
    workspace: Workspace, told: Mapping[str, object], row: Channel | None, *, may_know: bool
) -> SeenChannel:
    is_private, name = told.get("is_private") is not False, told.get("name")
    own = row.policy if row is not None else ""
    return SeenChannel(
        channel_id=str(told["id"]),
        name=name[:LONGEST_NAME] if isinstance(name, str) and (may_know or not is_private) else "",
        is_private=is_private,
        is_archived=bool(told.get("is_archived")),
        is_shared=any(told.get(flag) for flag in ("is_shared", "is_ext_shared", "is_org_shared")),
        own_policy=own,
        policy=Policy(own or workspace.policy),
        accepts_apps=row is not None and row.accepts_apps,
    )


def _joined(**which: object) -> tuple[Joined, ...]:
    rows = JoinedPerson.objects.filter(left_at=None, **which).select_related("user", "workspace")
    return tuple(
        Joined(
            id=row.pk,
            slack_user=row.slack_user,
            workspace=row.workspace.name,
            domain=row.workspace.domain,
            user_id=row.user_id,
            email=row.user.email,
            name=row.user.name,
            by_link=row.by_link,
            since=row.joined_at,
            account_is_open=is_open_person(row.user),
        )
        for row in rows.order_by(Lower("workspace__name"), "user__email", "pk")
    )
