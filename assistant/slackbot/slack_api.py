"""Everything that is sent to Slack goes through here: calls, files, and answers to an address of Slack's."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from assistant.common import local_only
from assistant.common.errors import MundapError
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Answer, Ask, Busy, Reach, TooLarge
from assistant.common.network import AddressRefused, Block, HostUnreachable, Network, parse_networks
from assistant.common.types import JsonObject
from assistant.common.web_target import parse_target
from assistant.slackbot.failures import SlackBusy, SlackClosed, SlackRefused
from assistant.slackbot.models import Workspace
from assistant.slackbot.tokens import current, meaning_of_closed
from assistant.slackbot.transport import SILENCE_S, SlackClient, seconds_of

__all__ = [
    "SlackBusy",
    "SlackClosed",
    "SlackRefused",
    "anonymous_client",
    "client_of",
    "client_with",
    "download",
    "is_slack_address",
    "network",
    "respond",
]

SLACK: Final = "https://slack.com/api/"
_DOMAIN = "slack.com"
_LONGEST_FILE_S = 120.0
_MOST_HOPS = 3
_WORKSPACES_KEPT = 64
_TOO_MANY, _FIRST_SERVER_ERROR, _FIRST_REFUSAL, _FIRST_REDIRECT = 429, 500, 400, 300
_LOOPBACK = parse_networks("127.0.0.0/8 ::1/128")


def client_of(workspace: Workspace) -> SlackClient:
    """A client with the workspace's token of now. Made anew for each piece of work: tokens change.

    Not to be called within a transaction.

    Raises:
        SlackClosed: Slack no longer lets the app in.
        SlackBusy: its token has ended, and Slack gave no other one yet.
        SlackRefused: local-only mode.
    """
    if workspace.failure:
        raise SlackClosed(workspace.failure)
    credentials = current(workspace, anonymous=lambda: anonymous_client(workspace.pk))
    return SlackClient(
        _http_of(workspace.pk),
        base_url=settings.MUNDAP_SLACK_API_URL,
        token=credentials.bot_token,
        on_closed=lambda token, code: meaning_of_closed(workspace, token, code),
    )


def client_with(token: str) -> SlackClient:
    """A client for a token that belongs to no stored workspace yet: what somebody enters is tried with it."""
    return SlackClient(_http_of(0), base_url=settings.MUNDAP_SLACK_API_URL, token=token)


def anonymous_client(workspace_id: int) -> SlackClient:
    """A client without a token, for the calls that carry their own proof."""
    return SlackClient(_http_of(workspace_id), base_url=settings.MUNDAP_SLACK_API_URL, token=None)


def is_slack_address(url: str) -> bool:
    """Whether this is an address of Slack's, or of the server that stands for it in the settings."""
    try:
        target = parse_target(url)
        parts = urlsplit(target.url)
    except (MundapError, ValueError):
        return False
    if parts.username is not None or parts.password is not None:
        return False
    if target.origin == parse_target(settings.MUNDAP_SLACK_API_URL).origin:
        return True
    host = (parts.hostname or "").lower()
    return target.origin == f"https://{host}:443" and (host == _DOMAIN or host.endswith(f".{_DOMAIN}"))


def download(workspace: Workspace, url: str, most_bytes: int, *, size: int | None = None) -> bytes:
    """The bytes of a file that somebody shared. The token goes to Slack's own hosts, and nowhere else.

    `size`: how long Slack said that it is. Without the right to it Slack answers with a page for signing in,
    and only its length tells that from a file that is a page itself.

    Raises:
        SlackRefused: `not_slack` (another host, or a redirect to one), `file_too_large`, `file_not_given`
            (a page in its place, or another length), or what Slack answers.
        SlackBusy, SlackClosed: see `client_of`.
    """
    token = client_of(workspace).token or ""
    for _ in range(_MOST_HOPS):
        headers = {"Authorization": f"Bearer {token}"}
        answer = _asked(workspace, Ask("GET", url, headers=headers, max_bytes=most_bytes, redirects=0))
        if not _FIRST_REDIRECT <= answer.status < _FIRST_REFUSAL:
            break
        try:
            url = parse_target(url).joined(answer.headers.get("location", "")).url
        except MundapError:
            raise SlackRefused("not_slack") from None
    else:
        raise SlackRefused("file_not_given")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if size is not None and len(answer.body) != size:
        raise SlackRefused("file_not_given")
    if size is None and kind in ("text/html", "application/xhtml+xml"):
        raise SlackRefused("file_not_given")
    return answer.body


def respond(workspace: Workspace, response_url: str, message: JsonObject) -> None:
    """Answer at the address that a command or a click came with: half an hour long, five times.

    Raises:
        SlackRefused: `not_slack`, or it is used up.
        SlackBusy: Slack did not answer; it may have taken the message all the same.
    """
    content = json.dumps(message).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    _asked(workspace, Ask("POST", response_url, headers=headers, content=content, redirects=0))


def _asked(workspace: Workspace, ask: Ask) -> Answer:
    if not is_slack_address(ask.url):
        raise SlackRefused("not_slack")
    if (why := local_only.refusal_of_any([ask.url])) is not None:
        raise SlackRefused("local_only", why=why)
    try:
        answer = _http_of(workspace.pk).send(ask)
    except Busy as error:
        raise SlackBusy(error.after) from None
    except TooLarge:
        raise SlackRefused("file_too_large") from None
    except AddressRefused as error:
        raise SlackRefused("unreachable", why=str(error)) from None
    except HostUnreachable:
        raise SlackBusy(5.0, may_be_done=True) from None
    except MundapError as error:
        raise SlackRefused("unreachable", why=str(error)) from None
    if answer.status == _TOO_MANY or answer.status >= _FIRST_SERVER_ERROR:
        raise SlackBusy(seconds_of(answer.headers) or 2.0, may_be_done=answer.status != _TOO_MANY)
    if answer.status >= _FIRST_REFUSAL:
        raise SlackRefused(f"http_{answer.status}")
    return answer


def _http_of(workspace_id: int) -> GuardedClient:
    return _client(workspace_id, settings.MUNDAP_SLACK_API_URL, settings.MUNDAP_ALLOWED_NETWORKS)


@lru_cache(maxsize=_WORKSPACES_KEPT)
def _client(workspace_id: int, url: str, allowed: tuple[Block, ...]) -> GuardedClient:
    """Connections of one workspace: cookies of one are no business of another's."""
    del workspace_id
    return GuardedClient(
        Reach(_network(url, allowed)), timeout_s=SILENCE_S, tries=1, longest_s=_LONGEST_FILE_S
    )


def network() -> Network:
    """Where this installation may connect to, with the machine itself where Slack is set to be there."""
    return _network(settings.MUNDAP_SLACK_API_URL, settings.MUNDAP_ALLOWED_NETWORKS)


def _network(url: str, allowed: tuple[Block, ...]) -> Network:
    here = urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")
    return Network((*allowed, *(_LOOPBACK if here else ())))
