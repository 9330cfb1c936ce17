"""What a web service answers becomes what the engine does next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assistant.common.errors import DocumentFailure, FailureCode, MundapError
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Answer, BadCertificate, Busy, Origin, TooLarge, Unsendable
from assistant.common.network import AddressRefused, HostUnreachable, Network, parse_networks
from assistant.common.pace import Stopped
from connectors.sdk.errors import ConnectorError, Reconfigure, Retry, Stop
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import content_of, needed, network_errors, web_client
from tests.common.scripted_server import ScriptedServer, reply, serving

HERE = Surroundings(network=Network(parse_networks("127.0.0.0/8")), max_content_bytes=100)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as server:
        yield server


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[GuardedClient]:
    with web_client(HERE, Origin(server.url)) as client:
        yield client


@pytest.mark.parametrize(
    ("error", "becomes", "seconds"),
    [
        (Busy("busy", after=7), Retry, 7),
        (HostUnreachable("silent"), Retry, 60),
        (AddressRefused("inside"), Reconfigure, None),
        (BadCertificate("expired"), Reconfigure, None),
        (Unsendable("line break"), Reconfigure, None),
    ],
)
def test_trouble_of_the_network_says_what_the_engine_does(
    error: MundapError, becomes: type[ConnectorError], seconds: float | None
) -> None:
    with pytest.raises(becomes, match=str(error)) as raised, network_errors():
        raise error
    assert getattr(raised.value, "after", None) == seconds


@pytest.mark.parametrize("error", [TooLarge("large"), Stopped(), ValueError("ours")])
def test_what_is_no_trouble_of_the_network_passes_through(error: Exception) -> None:
    with pytest.raises(type(error)), network_errors():
        raise error


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        (401, Reconfigure),
        (403, Reconfigure),
        (404, Stop),
        (410, Stop),
        (400, Retry),
        (302, Retry),
        (500, Retry),
    ],
)
def test_a_run_cannot_go_on_without_a_page_of_its_listing(
    server: ScriptedServer, client: GuardedClient, status: int, becomes: type[ConnectorError]
) -> None:
    url = server.on("/list", reply(status))
    with pytest.raises(becomes, match=f"{status} when asked for the list"):
        needed(lambda: client.get(url), "the list")


def test_a_page_that_is_too_large_ends_the_run(server: ScriptedServer, client: GuardedClient) -> None:
    url = server.on("/list", reply(body=b"x" * 11))
    with pytest.raises(Stop, match="the list"):
        needed(lambda: client.get(url, max_bytes=10), "the list")
    assert needed(lambda: client.get(url, max_bytes=11), "the list").body == b"x" * 11


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, FailureCode.REFUSED),
        (404, FailureCode.GONE),
        (410, FailureCode.GONE),
        (500, FailureCode.UNREACHABLE),
        (418, FailureCode.UNREADABLE),
    ],
)
def test_a_content_that_is_not_handed_over_is_one_documents_trouble(
    server: ScriptedServer, client: GuardedClient, status: int, code: FailureCode
) -> None:
    url = server.on("/content", reply(status, b"not the content"))
    with pytest.raises(DocumentFailure) as failed:
        content_of(HERE, lambda most: client.get(url, max_bytes=most))
    assert failed.value.code is code


def test_a_content_that_is_refused_because_of_who_asks_ends_the_run(
    server: ScriptedServer, client: GuardedClient
) -> None:
    url = server.on("/content", reply(401))
    with pytest.raises(Reconfigure, match="credentials"):
        content_of(HERE, lambda most: client.get(url, max_bytes=most))


def test_a_content_is_read_up_to_the_limit_that_the_engine_lends(
    server: ScriptedServer, client: GuardedClient
) -> None:
    whole = server.on("/whole", reply(body=b"x" * 100))
    large = server.on("/large", reply(body=b"x" * 101))
    answer: Answer = content_of(HERE, lambda most: client.get(whole, max_bytes=most))
    assert len(answer.body) == 100
    with pytest.raises(DocumentFailure) as failed:
        content_of(HERE, lambda most: client.get(large, max_bytes=most))
    assert failed.value.code is FailureCode.TOO_LARGE
