"""Channels in which answers stand, looked at every few minutes: were they made public, shared, archived?

Slack tells of a channel that was made public only those apps that are sent every message of it. So the kind
of each channel is asked for, the longest not asked for first, and where an answer was judged for another kind
a job judges what stands there. Slack answers `conversations.info` some 50 times a minute for all that we do
(tier 3): this takes less than a third of it.
"""

from __future__ import annotations

import logging
from typing import Final

from django.db.models import Min
from django.utils import timezone
from slack_sdk import WebClient

from assistant.common.errors import MundapError
from assistant.slackbot import jobs
from assistant.slackbot.audience import GONE, OutOfReach, channel_now, kind_of
from assistant.slackbot.failures import SlackBusy, SlackClosed
from assistant.slackbot.models import SHOWN, Post, Workspace
from assistant.slackbot.slack_api import client_of

log = logging.getLogger(__name__)

A_TURN: Final = 15  # channels of a workspace that are asked about each minute


def watch_channels() -> int:
    """Ask for the kinds of the channels whose turn it is. How many had another one."""
    changed = 0
    for workspace in Workspace.objects.filter(is_open=True, failure=""):
        try:
            client = client_of(workspace)
            changed += sum(_has_changed(client, workspace, one) for one in _next(workspace))
        except (SlackBusy, SlackClosed) as error:
            log.warning("channels of %s are looked at later: %s", workspace.team_id, error)
        except MundapError as error:  # local-only mode, or a secret key that opens nothing
            log.warning("channels of %s cannot be looked at: %s", workspace.team_id, type(error).__name__)
    return changed


def _next(workspace: Workspace) -> list[str]:
    """The channels that have waited longest, of those in which answers for all stand."""
    posts = Post.objects.filter(workspace=workspace, in_channel=True, state__in=SHOWN)
    waiting = posts.values("channel_id").annotate(asked=Min("kind_asked_at")).order_by("asked", "channel_id")
    return [row["channel_id"] for row in waiting[:A_TURN]]


def _has_changed(client: WebClient, workspace: Workspace, channel_id: str) -> bool:
    """Whether an answer there was judged for another kind; then all that stand there are judged soon.

    Raises:
        SlackBusy, SlackClosed.
    """
    posts = Post.objects.filter(workspace=workspace, channel_id=channel_id, in_channel=True, state__in=SHOWN)
    now = timezone.now()
    posts.update(kind_asked_at=now)  # before it is asked for: whatever goes wrong, others have their turn
    try:
        kind = kind_of(workspace, channel_now(client, channel_id))
    except OutOfReach:
        kind = GONE
    except (SlackBusy, SlackClosed):
        raise
    except MundapError as error:
        log.warning("Slack does not say of which kind a channel is: %s", type(error).__name__)
        return False
    if not posts.exclude(judged_kind=kind).exists():
        return False
    key = f"r:kind:{channel_id}:{int(now.timestamp())}"
    jobs.take_in(workspace, kind="recheck", key=key, payload={"channel": channel_id})
    return True
