"""Connections for HTTP: only to judged addresses, and given up when the work should end."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpcore2

from assistant.common.network import Network, attempts
from assistant.common.pace import Stopped

_LOOK_UP_S = 0.1  # how often a silent connection asks whether the work should end
_IDLE_S = 60.0
_MOST_CONNECTIONS = 20
_WHOLE_BY: ContextVar[float] = ContextVar("_WHOLE_BY", default=float("inf"))

# At its most talkative the library writes headers, and with them credentials, to the log.
logging.getLogger("httpcore2").setLevel(logging.INFO)


@contextmanager
def whole_within(seconds: float) -> Iterator[None]:
    """What is read inside must have come whole after so many seconds, however it trickles."""
    token = _WHOLE_BY.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _WHOLE_BY.reset(token)


def judged_pool(
    network: Network, context: ssl.SSLContext | None, *, stopped: Callable[[], bool]
) -> httpcore2.ConnectionPool:
    """A pool whose connections lead where `network` permits. `context` None: for plain http only."""
    return httpcore2.ConnectionPool(
        ssl_context=context,
        max_connections=_MOST_CONNECTIONS,
        keepalive_expiry=_IDLE_S,
        network_backend=_Connections(network, stopped),
    )


class _Connections(httpcore2.NetworkBackend):
    """Opens connections to permitted addresses only. TLS still checks the name that was asked for."""

    def __init__(self, network: Network, stopped: Callable[[], bool]) -> None:
        self._network = network
        self._stopped = stopped
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first permitted address that answers."""
        assert timeout is not None, "every request has time-outs"
        problem: Exception | None = None
        for address, share_s in attempts(self._network.addresses(host, port), timeout_s=timeout):
            if self._stopped():
                raise Stopped
            try:
                stream = self._inner.connect_tcp(address, port, share_s, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                problem = error
            else:
                return _Patient(stream, self._stopped)
        assert problem is not None, "a host has at least one address"
        raise problem


class _Patient(httpcore2.NetworkStream):
    """A stream that waits for the server, but not once the work should end."""

    def __init__(self, inner: httpcore2.NetworkStream, stopped: Callable[[], bool]) -> None:
        self._inner = inner
        self._stopped = stopped

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        assert timeout is not None, "every request has time-outs"
        end = min(time.monotonic() + timeout, _WHOLE_BY.get())
        while True:
            if self._stopped():
                raise Stopped
            left = end - time.monotonic()
            if left <= 0:
                raise httpcore2.ReadTimeout
            try:
                return self._inner.read(max_bytes, min(left, _LOOK_UP_S))
            except httpcore2.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Patient(self._inner.start_tls(ssl_context, server_hostname, timeout), self._stopped)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)
