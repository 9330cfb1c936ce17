"""Deciding how a workspace and its channels are answered. Only for who has `selectors.RIGHT`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.one_line import one_line
from assistant.common.told import told
from assistant.slackbot import jobs
from assistant.slackbot.models import LONGEST_NAME, Channel, Policy, Workspace
from assistant.slackbot.selectors import RIGHT

_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{1,31}")


def set_workspace_policy(*, workspace_id: int, policy: str, actor: User) -> None:
    """How questions in channels of a workspace are answered, where a channel has no policy of its own.

    Raises:
        UsageError: no such policy, or the actor may not decide.
        NotFound: no such workspace.
    """
    require_right(actor)
    policy = _known(policy)
    with transaction.atomic():
        row = _workspace(workspace_id)
        Workspace.objects.filter(pk=row.pk).update(policy=policy)
        if policy == Policy.OFF:
            judge_again(row)
        record(
            Event.SLACK_POLICY_CHANGED,
            actor_id=actor.pk,
            actor=actor.email,
            workspace=row.name,
            policy=policy,
            before=row.policy,
        )


@dataclass(frozen=True, slots=True)
class ChannelForm:
    """What is decided about one channel. `policy` empty: as in the workspace.

    `accepts_apps`: other apps in the channel may read along. `name`, `is_private`: as the channel was then;
    they are shown and decide nothing.
    """

    channel_id: str
    policy: str = ""
    accepts_apps: bool = False
    name: str = ""
    is_private: bool = True


def set_channel_policy(*, workspace_id: int, form: ChannelForm, actor: User) -> None:
    """How questions in one channel are answered.

    Raises:
        UsageError: no such policy, no id of a channel, or the actor may not decide.
        NotFound: no such workspace.
    """
    require_right(actor)
    policy = _known(form.policy) if form.policy else ""
    if not _CHANNEL_ID.fullmatch(form.channel_id):
        raise UsageError(
            told(
                "'{id}' is no id of a channel in Slack. Those begin with C or G, as C0123ABCD.",
                id=form.channel_id[:40],
            )
        )
    with transaction.atomic():
        workspace = _workspace(workspace_id)
        former = Channel.objects.filter(workspace=workspace, channel_id=form.channel_id).first()
        Channel.objects.update_or_create(
            workspace=workspace,
            channel_id=form.channel_id,
            defaults={
                "policy": policy,
                "accepts_apps": form.accepts_apps,
                "name": one_line(form.name)[:LONGEST_NAME],
                "is_private": form.is_private,
                "seen_at": timezone.now(),
            },
        )
        if policy == Policy.OFF or (former is not None and former.accepts_apps and not form.accepts_apps):
            judge_again(workspace, channel=form.channel_id)
        record(
            Event.SLACK_POLICY_CHANGED,
            actor_id=actor.pk,
            actor=actor.email,
            workspace=workspace.name,
            channel=form.channel_id,
            policy=policy,
            before=former.policy if former else "",
            accepts_apps=form.accepts_apps,
        )


def judge_again(workspace: Workspace, *, channel: str = "") -> None:
    """Let the answers that stand in a channel, or in all, be judged by what holds now."""
    jobs.take_in(workspace, kind="recheck", key=f"r:decided:{uuid4().hex}", payload={"channel": channel})


def _workspace(workspace_id: int) -> Workspace:
    row = Workspace.objects.select_for_update().filter(pk=workspace_id).first()
    if row is None:
        raise NotFound("There is no such Slack workspace.")
    return row


def _known(policy: str) -> str:
    if policy not in Policy.values:
        raise UsageError(
            told(
                "'{policy}' is no policy. Known policies: {known}.",
                policy=policy[:40],
                known=", ".join(Policy.values),
            )
        )
    return policy


def require_right(actor: User) -> None:
    """Only these decide what is believed of Slack.

    Raises:
        UsageError: somebody else.
    """
    if not actor.has_right(RIGHT):
        raise UsageError(
            told("Only administrators and security administrators decide how Slack is answered.")
        )
