"""Passes a TCP connection on, until so many bytes have come back, and then cuts it off or falls silent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.connectors.servers.programs import free_port


@contextmanager
def cutting_proxy(port: int, *, after_bytes: int, silent: bool = False) -> Iterator[int]:
    """A port that leads to `port` of the loopback; each connection is cut after so many bytes of answer.

    With `silent` it stays open until the end of the block, and nothing more comes.
    """
    own = free_port()
    end = threading.Event()
    if not silent:
        end.set()
    with socket.create_server(("127.0.0.1", own)) as server:
        threading.Thread(target=_serve, args=(server, port, after_bytes, end), daemon=True).start()
        yield own
        end.set()
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, port: int, after_bytes: int, end: threading.Event) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        target = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=_pass_on, args=(client, target, 2**62, end), daemon=True).start()
        threading.Thread(target=_pass_on, args=(target, client, after_bytes, end), daemon=True).start()


def _pass_on(source: socket.socket, to: socket.socket, left: int, end: threading.Event) -> None:
    with suppress(OSError):
        while left > 0 and (data := source.recv(min(left, 65_536))):
            to.sendall(data)
            left -= len(data)
    end.wait()
    for each in (source, to):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
