"""A server in between that drops the connection after a number of bytes of the answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cut_after(port: int, answered_bytes: int) -> Iterator[int]:
    """A port of 127.0.0.1 that leads to `port`, until it has handed back that many bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_serve, args=(listener, port, answered_bytes), daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()


def _serve(listener: socket.socket, port: int, answered_bytes: int) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        with near, socket.create_connection(("127.0.0.1", port)) as far:
            forward = threading.Thread(target=_copy, args=(near, far, None), daemon=True)
            forward.start()
            _copy(far, near, answered_bytes)
            for each in (near, far):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


def _copy(source: socket.socket, target: socket.socket, most: int | None) -> None:
    left = most
    while left is None or left > 0:
        try:
            data = source.recv(65_536 if left is None else min(left, 65_536))
            target.sendall(data)
        except OSError:
            return
        if not data:
            return
        left = None if left is None else left - len(data)
