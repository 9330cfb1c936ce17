"""Settings of models for tests."""

from __future__ import annotations

from dataclasses import replace

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.models import User
from assistant.catalogue.fitting import ModelSettings
from tests.common.scripted_server import ScriptedServer
from tests.providers.scripted_model import MODEL


def settings_of(server: ScriptedServer, name: str, **given: object) -> ModelSettings:
    """A model on the server; named `people` make it open to them alone."""
    plain = ModelSettings(
        name=name,
        kind="openai-compatible",
        address=f"{server.url}/v1",
        server_model=MODEL,
        purpose=f"For {name}",
    )
    return replace(plain, for_everyone="people" not in given, **given)  # type: ignore[arg-type]


def viewer(name: str) -> Viewer:
    """Somebody of the small world."""
    return viewer_for(User.objects.get(email=f"{name}@example.com"))
