"""The token that a workspace's app works with now, exchanged for another one before it ends.

A refresh token counts once. So one process exchanges it, under a lock of the row, and what it got is stored
before it is used. Who dies between the two loses the new pair; the old token goes on until it ends, and then
the workspace has to be connected anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone
from slack_sdk import WebClient
from slack_sdk.oauth.installation_store import Bot
from slack_sdk.oauth.token_rotation import TokenRotator

from assistant.common.errors import MundapError
from assistant.slackbot.credentials import Credentials, opened, sealed
from assistant.slackbot.failures import SlackBusy, SlackClosed, SlackRefused
from assistant.slackbot.models import Workspace

log = logging.getLogger(__name__)

BEFORE_S = 2 * 3600  # of the 12 hours that a token holds
_PAUSE_S = 60.0  # after an exchange that failed, while the old token still holds
_not_before: dict[int, float] = {}  # workspace -> the moment of this process's clock

# Makes the client for the exchange, which has no token of its own.
Anonymous = Callable[[], WebClient]


def current(workspace: Workspace, *, anonymous: Anonymous) -> Credentials:
    """The credentials to work with now. Not to be called within a transaction: what is exchanged must stay.

    Raises:
        SlackBusy, SlackRefused, SlackClosed: the token has ended, and there is no other one.
    """
    if not _is_due(workspace):
        return opened(workspace)
    credentials = opened(workspace)
    if not credentials.rotates:
        return credentials
    if _holds(workspace) and time.monotonic() < _not_before.get(workspace.pk, 0.0):
        return credentials
    return exchanged(workspace, anonymous=anonymous)


def exchanged(workspace: Workspace, *, anonymous: Anonymous) -> Credentials:
    """The same after an exchange, unless another process was first.

    Raises:
        SlackBusy, SlackRefused, SlackClosed: see `current`.
    """
    try:
        with transaction.atomic(durable=True):
            row = Workspace.objects.select_for_update().get(pk=workspace.pk)
            credentials = opened(row)
            if _is_due(row) and credentials.rotates:
                credentials = _exchange(row, credentials, anonymous())
    except (SlackBusy, SlackRefused, SlackClosed) as error:
        _not_before[workspace.pk] = time.monotonic() + _PAUSE_S
        log.warning("slack workspace %s: no new token: %s", workspace.pk, getattr(error, "code", "busy"))
        if _holds(workspace):
            return opened(workspace)
        if isinstance(error, SlackRefused):
            error = SlackClosed(error.code)
        if isinstance(error, SlackClosed):
            close(workspace, error.code)
        raise error from None
    workspace.sealed_secrets, workspace.token_expires_at = row.sealed_secrets, row.token_expires_at
    return credentials


def close(workspace: Workspace, code: str) -> None:
    """Try nothing more in this workspace until it is connected anew, which is another revision of it."""
    unmarked = Workspace.objects.filter(pk=workspace.pk, revision=workspace.revision, failure="")
    if unmarked.update(failure=code):
        log.error("slack workspace %s: Slack no longer lets the app in: %s", workspace.pk, code)


def meaning_of_closed(workspace: Workspace, token: str, code: str) -> MundapError:
    """What it means that Slack no longer takes `token`. The workspace is marked if that was its newest."""
    row = Workspace.objects.filter(pk=workspace.pk).first()
    if row is None or row.revision != workspace.revision or opened(row).bot_token != token:
        return SlackBusy(1.0)  # another token is there by now
    if code == "token_expired" and opened(row).rotates:
        Workspace.objects.filter(pk=row.pk, sealed_secrets=row.sealed_secrets).update(
            token_expires_at=timezone.now()
        )
        _not_before.pop(row.pk, None)
        return SlackBusy(1.0)  # the next client exchanges it
    close(row, code)
    return SlackClosed(code)


def _exchange(row: Workspace, credentials: Credentials, client: WebClient) -> Credentials:
    rotator = TokenRotator(
        client_id=credentials.client_id, client_secret=credentials.client_secret, client=client
    )
    bot = Bot(
        team_id=row.team_id,
        bot_token=credentials.bot_token,
        bot_id=row.bot_id,
        bot_user_id=row.bot_user_id,
        bot_refresh_token=credentials.refresh_token,
        bot_token_expires_at=0,  # it is due, and that was decided here
        installed_at=time.time(),
    )
    found = rotator.perform_bot_token_rotation(bot=bot)
    if found is None or not found.bot_token or not found.bot_refresh_token or not found.bot_token_expires_at:
        raise SlackRefused("invalid_refresh_token")
    fresh = replace(credentials, bot_token=found.bot_token, refresh_token=found.bot_refresh_token)
    row.sealed_secrets = sealed(fresh, row.pk)
    row.token_expires_at = datetime.fromtimestamp(int(found.bot_token_expires_at), UTC)
    row.save(update_fields=["sealed_secrets", "token_expires_at"])
    return fresh


def _is_due(workspace: Workspace) -> bool:
    ends = workspace.token_expires_at
    # Without a known end a token that rotates may end at any moment.
    return ends is None or (ends - timezone.now()).total_seconds() < BEFORE_S


def _holds(workspace: Workspace) -> bool:
    return workspace.token_expires_at is None or workspace.token_expires_at > timezone.now()
