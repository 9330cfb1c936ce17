"""Passes a TCP connection on, until so many bytes have come back, and then cuts it off."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.connectors.servers.programs import free_port


@contextmanager
def cutting_proxy(port: int, *, after_bytes: int) -> Iterator[int]:
    """A port that leads to `port` of the loopback; each connection is cut after so many bytes of answer."""
    own = free_port()
    with socket.create_server(("127.0.0.1", own)) as server:
        threading.Thread(target=_serve, args=(server, port, after_bytes), daemon=True).start()
        yield own
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, port: int, after_bytes: int) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        target = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=_pass_on, args=(client, target, 2**62), daemon=True).start()
        threading.Thread(target=_pass_on, args=(target, client, after_bytes), daemon=True).start()


def _pass_on(source: socket.socket, to: socket.socket, left: int) -> None:
    with suppress(OSError):
        while left > 0 and (data := source.recv(min(left, 65_536))):
            to.sendall(data)
            left -= len(data)
    for each in (source, to):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
