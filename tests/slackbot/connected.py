"""A workspace of ours for an app that is installed in the simulator."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import LazySettings
from django.utils import timezone

from assistant.slackbot.credentials import Credentials, sealed
from assistant.slackbot.models import Delivery, Workspace
from tests.slackbot.simulator.records import Installation
from tests.slackbot.simulator.simulator import Simulator


def connected(slack: Simulator, installed: Installation, settings: LazySettings, **given: Any) -> Workspace:
    """The row, as the console would have made it; `settings` leads to the simulator from now on."""
    settings.MUNDAP_SLACK_API_URL = slack.api_url
    app = installed.app
    workspace = Workspace.objects.create(
        **{
            "handle": f"h-{installed.workspace.id.lower()}",
            "team_id": installed.workspace.id,
            "app_id": app.id,
            "bot_user_id": installed.bot.id,
            "bot_id": installed.bot.bot_id or "",
            "name": installed.workspace.name,
            "domain": installed.workspace.domain,
            "address": "https://ask.example.com",
            "delivery": Delivery.SOCKET if app.socket_mode else Delivery.HTTP,
            "token_expires_at": timezone.now() + timedelta(hours=12) if app.token_rotation else None,
            **given,
        }
    )
    secrets = Credentials(
        installed.token,
        app.signing_secret,
        app.app_token,
        *((app.client_id, app.client_secret, installed.refresh_token) if app.token_rotation else ()),
    )
    workspace.sealed_secrets = sealed(secrets, workspace.pk)
    workspace.save(update_fields=["sealed_secrets"])
    return workspace
