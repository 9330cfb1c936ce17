"""Where a language model's server is asked, by which key, and whose certificates it may show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.common.errors import ModelUnavailable
from assistant.providers.contract import ChatServer, Message, Role
from assistant.providers.server_address import endpoint, is_azure, origin_of
from tests.common.scripted_server import TestAuthority, serving
from tests.providers.scripted_model import PATH, model_at, model_server, server_of, writes

ASKED = [Message(Role.USER, "How many days?")]
DEPLOYMENT = "/openai/deployments/helper"


def test_a_deployment_of_azure_is_asked_under_its_version_with_the_key_in_its_own_header() -> None:
    with model_server() as server:
        server.on(f"{DEPLOYMENT}/chat/completions?api-version=2024-10-21", writes("Three."))
        here = replace(server_of(server), url=f"{server.url}{DEPLOYMENT}?api-version=2024-10-21")
        assert list(model_at(here).complete(ASKED)) == ["Three."]
        (seen,) = server.seen
    assert seen.headers["api-key"] == "sk-test"
    assert "authorization" not in seen.headers


@pytest.mark.parametrize(
    ("url", "azure"),
    [
        ("https://house.openai.azure.com/openai/v1", True),
        ("https://house.openai.azure.com/openai/deployments/gpt?api-version=1", True),
        ("https://house.services.ai.azure.com/openai/v1/", True),
        ("https://gateway.example/openai/deployments/gpt", True),
        ("https://openai.azure.com.example/v1", False),
        ("https://api.openai.com/v1", False),
        ("http://127.0.0.1:8000/v1", False),
    ],
)
def test_only_azure_takes_keys_in_the_way_of_azure(url: str, azure: bool) -> None:
    assert is_azure(url) is azure
    headers = origin_of(ChatServer(url, "m", "k")).headers
    assert headers == ({"api-key": "k"} if azure else {"Authorization": "Bearer k"})
    assert origin_of(ChatServer(url, "m")).headers == {}


def test_an_address_may_end_in_a_slash() -> None:
    for url in ("http://x/v1", "http://x/v1/", "http://x/v1//"):
        assert endpoint(ChatServer(url, "m"), "/chat/completions") == "http://x/v1/chat/completions"


def test_a_server_of_the_house_shows_a_certificate_of_the_house(tmp_path: Path) -> None:
    authority = TestAuthority(tmp_path)
    with serving(authority.context("127.0.0.1")) as server:
        server.on(PATH, writes("Three."))
        here = server_of(server)
        with pytest.raises(ModelUnavailable, match="is not trusted"):
            list(model_at(here).complete(ASKED))
        assert list(model_at(replace(here, ca_file=str(authority.file))).complete(ASKED)) == ["Three."]
        with pytest.raises(ModelUnavailable, match="cannot be read"):
            list(model_at(replace(here, ca_file=str(tmp_path / "missing.pem"))).complete(ASKED))
