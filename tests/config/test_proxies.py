"""Only a proxy that is named is believed about where a request comes from, and whether it came over TLS."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from django.conf import LazySettings
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from assistant.config import checks, serve

BROWSER, PROXY, STRANGER = "198.51.100.7", "10.1.0.5", "203.0.113.9"


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> list[str]:
    """Whom the server that `serve` starts believes."""
    started: dict[str, Any] = {}
    settings.MUNDAP_TRUSTED_PROXIES = ("10.1.0.0/16",)
    monkeypatch.setattr(checks, "require_readiness", lambda: None)
    monkeypatch.setattr(serve, "_warm_up", lambda: None)
    monkeypatch.setattr(serve, "_serve_slack", lambda: None)  # its threads would look into other tests' jobs
    monkeypatch.setattr(uvicorn, "run", lambda _app, **options: started.update(options))
    assert serve.main() == 0
    config = uvicorn.Config("none:none", **{**started, "log_config": None})
    assert config.proxy_headers
    assert not config.access_log
    return list(started["forwarded_allow_ips"])


def seen(believed: list[str], peer: str, **headers: str) -> tuple[str, str]:
    """Which address and scheme the application is given for a request that `peer` sends."""
    given: dict[str, Any] = {}

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        given.update(scope)

    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "client": (peer, 1), "scheme": "http", "headers": sent}
    asyncio.run(ProxyHeadersMiddleware(application, believed)(scope, None, None))  # type: ignore[arg-type]
    return str(given["client"][0]), str(given["scheme"])


def test_a_stranger_is_believed_in_nothing(believed: list[str]) -> None:
    said = {"x_forwarded_for": BROWSER, "x_forwarded_proto": "https"}
    assert seen(believed, STRANGER, **said) == (STRANGER, "http")
    assert seen(believed, "127.0.0.1", **said) == ("127.0.0.1", "http")


def test_a_named_proxy_is_believed(believed: list[str]) -> None:
    said = {"x_forwarded_for": BROWSER, "x_forwarded_proto": "https"}
    assert seen(believed, PROXY, **said) == (BROWSER, "https")


def test_what_a_browser_wrote_before_the_proxy_counts_for_nothing(believed: list[str]) -> None:
    assert seen(believed, PROXY, x_forwarded_for=f"192.0.2.1, {BROWSER}, 10.1.0.9")[0] == BROWSER
    assert seen(believed, PROXY, x_forwarded_proto="https, http")[1] == "http"
