"""What opens a workspace's Slack app: sealed in its row, and shown by nothing that prints it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from django.conf import settings

from assistant.common.sealing import seal, unseal
from assistant.slackbot.models import Workspace


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of one Slack app. `signing_secret` proves requests over HTTP, `app_token` opens Socket Mode.

    The last three are there where the app rotates its tokens.
    """

    bot_token: str = field(repr=False)
    signing_secret: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    client_id: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)

    @property
    def rotates(self) -> bool:
        """Whether the bot token ends after some hours and is exchanged for another one before."""
        return bool(self.refresh_token and self.client_id and self.client_secret)


def opened(workspace: Workspace) -> Credentials:
    """What is sealed with the workspace.

    Raises:
        MundapError: it was sealed with another secret key, or nothing is sealed there.
    """
    found = unseal(
        bytes(workspace.sealed_secrets),
        key=settings.SECRET_KEY,
        older=settings.SECRET_KEY_FALLBACKS,
        purpose=_purpose(workspace.pk),
    )
    return Credentials(**{str(name): str(value) for name, value in json.loads(found).items()})


def sealed(credentials: Credentials, workspace_id: int) -> bytes:
    """The value of `Workspace.sealed_secrets`."""
    return seal(json.dumps(asdict(credentials)), key=settings.SECRET_KEY, purpose=_purpose(workspace_id))


def _purpose(workspace_id: int) -> str:
    return f"slack workspace {workspace_id}"
