"""Requests as Slack signs them, and a workspace to send them to."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http.response import HttpResponseBase
from django.test import Client

from assistant.slackbot.credentials import Credentials, sealed
from assistant.slackbot.models import Workspace

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TEAM, APP, BOT_USER, BOT = "T0MUNDAP1", "A0MUNDAP1", "U0MUNDAP1", "B0MUNDAP1"


def new_workspace(
    handle: str = "h-1", *, team: str = TEAM, credentials: Credentials | None = None, **given: Any
) -> Workspace:
    """A workspace that is open, with its secrets sealed."""
    defaults = {"app_id": APP, "bot_user_id": BOT_USER, "bot_id": BOT, "name": "Hanbit", "domain": "hanbit"}
    workspace = Workspace.objects.create(
        handle=handle, team_id=team, **{**defaults, "address": "https://ask.example.com", **given}
    )
    secrets = credentials or Credentials("xoxb-1-token-of-the-bot", SECRET)
    workspace.sealed_secrets = sealed(secrets, workspace.pk)
    workspace.save(update_fields=["sealed_secrets"])
    return workspace


def signature_of(body: bytes, timestamp: str, secret: str = SECRET) -> str:
    """Slack's signature, version 0."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as it is sent."""

    body: bytes
    timestamp: str
    signature: str
    content_type: str = "application/json"
    handle: str = "h-1"
    more: Mapping[str, str] = field(default_factory=dict)

    def send(self, client: Client) -> HttpResponseBase:
        """Send it."""
        return client.post(
            f"/slack/{self.handle}/",
            data=self.body,
            content_type=self.content_type,
            headers={
                "X-Slack-Request-Timestamp": self.timestamp,
                "X-Slack-Signature": self.signature,
                **self.more,
            },
        )


def signed(
    body: object, *, secret: str = SECRET, handle: str = "h-1", more: Mapping[str, str] | None = None
) -> Signed:
    """A request with this body: bytes as they are, a text as a form, anything else as JSON."""
    content_type = "application/json"
    if isinstance(body, bytes):
        raw = body
    elif isinstance(body, str):
        raw, content_type = body.encode(), "application/x-www-form-urlencoded"
    else:
        raw = json.dumps(body).encode()
    timestamp = str(int(time.time()))
    return Signed(raw, timestamp, signature_of(raw, timestamp, secret), content_type, handle, more or {})


def event(
    event: Mapping[str, object], *, event_id: str = "Ev1", team: str = TEAM, app: str = APP
) -> dict[str, Any]:
    """The envelope of an event."""
    return {
        "type": "event_callback",
        "token": "unused",
        "team_id": team,
        "api_app_id": app,
        "event_id": event_id,
        "event_time": int(time.time()),
        "authorizations": [{"team_id": team, "user_id": BOT_USER, "is_bot": True, "enterprise_id": None}],
        "event": event,
    }


def said(
    text: str, *, ts: str = "1767225600.000100", channel: str = "D01", user: str = "U0ANN", **more: Any
) -> dict[str, Any]:
    """A direct message."""
    message = {
        "type": "message",
        "channel_type": "im",
        "channel": channel,
        "user": user,
        "text": text,
        "ts": ts,
    }
    return event({**message, **more}, event_id=f"Ev{ts}")


def command(name: str, text: str, *, trigger: str = "1.2.abc", **more: str) -> str:
    """The form of a slash command."""
    fields = {"command": name, "text": text, "trigger_id": trigger, "team_id": TEAM, "api_app_id": APP}
    return urlencode(
        {
            **fields,
            "user_id": "U0ANN",
            "channel_id": "C01",
            "response_url": "https://hooks.slack.com/commands/T0/1/x",
            **more,
        }
    )


def clicked(action: str, *, trigger: str = "1.2.abc", turn: str = "7", **more: Any) -> str:
    """The form of a click on a button."""
    payload = {
        "type": "block_actions",
        "team": {"id": TEAM, "domain": "hanbit"},
        "user": {"id": "U0ANN", "team_id": TEAM},
        "api_app_id": APP,
        "trigger_id": trigger,
        "channel": {"id": "C01"},
        "container": {"type": "message", "channel_id": "C01", "message_ts": "1767225600.000200"},
        "response_url": "https://hooks.slack.com/actions/T0/1/x",
        "actions": [{"action_id": action, "block_id": "b", "type": "button", "value": turn}],
    }
    return urlencode({"payload": json.dumps({**payload, **more})})


def interaction(kind: str, **more: Any) -> str:
    """The form of a shortcut or of a dialog that was sent."""
    payload = {
        "type": kind,
        "team": {"id": TEAM},
        "user": {"id": "U0ANN", "team_id": TEAM},
        "api_app_id": APP,
        "trigger_id": "1.2.abc",
    }
    return urlencode({"payload": json.dumps({**payload, **more})})
