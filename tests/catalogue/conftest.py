"""A server on this machine whose model says what a test tells it, and models that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.catalogue.services import add_model
from tests.catalogue.models import settings_of, viewer
from tests.common.scripted_server import ScriptedServer
from tests.providers.scripted_model import LOCAL, model_server, writes

Adding = Callable[..., int]


@pytest.fixture
def server(settings: LazySettings) -> Iterator[ScriptedServer]:
    """It says that remote work is allowed three days a week."""
    settings.MUNDAP_ALLOWED_NETWORKS = LOCAL.allowed
    with model_server(writes("Remote work is allowed ", "three days a week [1].")) as serving:
        yield serving


@pytest.fixture
def adding(server: ScriptedServer, people: dict[str, User]) -> Adding:
    """Add a model on that server, as the administrator: `adding("Swift", people=("ann@example.com",))`."""

    def add(name: str, *, key: str = "", **given: object) -> int:
        return add_model(settings_of(server, name, **given), key=key, viewer=viewer("ada"))

    return add
