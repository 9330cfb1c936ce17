"""The test of a model: what it finds out, how long it may take, and what it never shows."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from django.conf import LazySettings

from assistant.accounts.models import User
from assistant.catalogue.models import ModelCall
from assistant.catalogue.trying import ModelTrial, try_environment, try_settings
from assistant.common.errors import NotFound
from tests.catalogue.conftest import Adding
from tests.catalogue.models import settings_of, viewer
from tests.common.scripted_server import Script, ScriptedServer
from tests.connectors.servers.programs import free_port
from tests.providers.scripted_model import PATH, asked_of, refuses, sends, writes

pytestmark = pytest.mark.django_db
KEY = "sk-9f4e-canary-of-a-key"


def tried(server: ScriptedServer, *scripts: Script, seconds: float = 10.0) -> ModelTrial:
    if scripts:
        server.on(PATH, *scripts)
    return try_settings(settings_of(server, "Swift"), key=KEY, viewer=viewer("ada"), seconds=seconds)


def states(trial: ModelTrial) -> list[str]:
    return [each.state.value for each in trial.steps]


@pytest.fixture(autouse=True)
def _somebody(people: dict[str, User]) -> None:
    """The people of the small world; nobody's documents."""


def test_a_model_that_answers_passes_with_its_times_and_tokens(server: ScriptedServer) -> None:
    trial = tried(server)
    assert trial.passed
    assert trial.usage is not None
    assert trial.usage.first_token_ms is not None
    assert trial.usage.input_tokens > 0
    (seen,) = server.seen
    assert seen.headers["authorization"] == f"Bearer {KEY}"


def test_it_sends_a_made_up_sentence_and_counts_as_no_use(server: ScriptedServer) -> None:
    tried(server)
    (asked,) = asked_of(server)
    assert "lantern" in str(asked["messages"])
    assert not ModelCall.objects.exists()


@pytest.mark.parametrize(
    ("script", "found", "says"),
    [
        (refuses(401), ["good", "bad", "unknown", "unknown"], "does not take the API key"),
        (refuses(404), ["good", "good", "bad", "unknown"], "knows no model"),
        (refuses(429), ["good", "unknown", "unknown", "unknown"], "429"),
        (refuses(500), ["good", "unknown", "unknown", "unknown"], "500"),
        (writes("Lantern", end="length"), ["good", "good", "good", "bad"], "tokens"),
        (writes(end="content_filter"), ["good", "good", "good", "bad"], "declined"),
        (writes("Half a", end="", done=False), ["good", "good", "good", "bad"], "broke off"),
        (sends("<html>hello</html>"), ["good", "unknown", "unknown", "unknown"], ""),
    ],
)
def test_each_failure_is_told_at_its_step_in_plain_words(
    server: ScriptedServer, script: Script, found: list[str], says: str
) -> None:
    trial = tried(server, script)
    assert not trial.passed
    assert states(trial) == found
    assert says in trial.problem
    for secret in (KEY, "internal: secret detail"):
        assert secret not in repr(trial)


def test_a_server_that_is_not_there_is_not_reached(server: ScriptedServer) -> None:
    away = replace(settings_of(server, "Swift"), address=f"http://127.0.0.1:{free_port()}/v1")
    trial = try_settings(away, key=KEY, viewer=viewer("ada"))
    assert states(trial) == ["bad", "unknown", "unknown", "unknown"]
    assert "does not answer" in trial.problem


def test_an_address_that_the_network_does_not_allow_is_never_asked(
    server: ScriptedServer, settings: LazySettings
) -> None:
    settings.MUNDAP_ALLOWED_NETWORKS = ()
    trial = tried(server)
    assert states(trial)[0] == "bad"
    assert "MUNDAP_ALLOWED_NETWORKS" in trial.problem
    assert not server.seen


def test_whoever_says_nothing_is_left_after_the_time(server: ScriptedServer) -> None:
    over = threading.Event()

    def hold(_sent: int) -> None:
        over.wait(30)

    began = time.monotonic()
    trial = tried(server, writes("never", between=hold), seconds=0.5)
    took = time.monotonic() - began
    over.set()
    assert took < 5
    assert "within" in trial.problem
    assert set(states(trial)) == {"unknown"}


def test_the_environments_model_can_be_tried(server: ScriptedServer, settings: LazySettings) -> None:
    with pytest.raises(NotFound):
        try_environment(viewer=viewer("ada"))
    settings.MUNDAP_CHAT_MODEL = "openai-compatible"
    settings.MUNDAP_CHAT_URL = f"{server.url}/v1"
    settings.MUNDAP_CHAT_MODEL_NAME = "scripted"
    assert try_environment(viewer=viewer("ada")).passed


def test_a_stored_key_is_used_where_the_server_is_the_same(server: ScriptedServer, adding: Adding) -> None:
    pk = adding("Swift", key=KEY)
    assert try_settings(settings_of(server, "Swift"), model_id=pk, viewer=viewer("ada")).passed
    assert server.seen[0].headers["authorization"] == f"Bearer {KEY}"
