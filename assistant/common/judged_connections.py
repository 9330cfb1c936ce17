"""Connections for HTTP: only to judged addresses, and given up when the work should end."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

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


def _unless_stopped(
    begin: Callable[[], httpcore2.NetworkStream], stopped: Callable[[], bool]
) -> httpcore2.NetworkStream:
    """What `begin` opens. It cannot be interrupted, so a thread waits for it where the caller need not.

    Raises:
        Stopped: the work should end; what is opened after that is closed at once.
    """
    opening = Future[httpcore2.NetworkStream]()

    def open_it() -> None:
        try:
            opening.set_result(begin())
        except BaseException as error:  # noqa: BLE001 - the edge of a thread: the caller raises it
            opening.set_exception(error)

    threading.Thread(target=open_it, name="connecting", daemon=True).start()
    while True:
        wait([opening], timeout=_LOOK_UP_S)
        if opening.done():
            return opening.result()
        if stopped():
            opening.add_done_callback(_close)
            raise Stopped


def _close(opening: Future[httpcore2.NetworkStream]) -> None:
    if opening.exception() is None:
        opening.result().close()


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
            open_one = partial(self._inner.connect_tcp, address, port, share_s, local_address, socket_options)
            try:
                stream = _unless_stopped(open_one, self._stopped)
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
        shake_hands = partial(self._inner.start_tls, ssl_context, server_hostname, timeout)
        return _Patient(_unless_stopped(shake_hands, self._stopped), self._stopped)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)
