"""A go-between that cuts connections off, or lets them fall silent, after so many bytes of answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Self

_BLOCK = 65_536


class CuttingProxy:
    """Stands before a server on this machine, on a `port` of its own.

    `cut_after` has the bytes of answer that the first connections live for, `later` those of all
    others; None: they are left whole. `silent`: what would be cut stays open, and nothing more comes.
    """

    def __init__(
        self,
        server_port: int,
        *,
        cut_after: Sequence[int] = (),
        later: int | None = None,
        silent: bool = False,
    ) -> None:
        self._server_port = server_port
        self._limits = list(cut_after)
        self._later = later
        self._end = threading.Event()
        if not silent:
            self._end.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cuts = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        # A thread in accept keeps a closed listener alive; shutting it down wakes it.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            limit = self._limits.pop(0) if self._limits else self._later
            server = socket.create_connection(("127.0.0.1", self._server_port))
            threading.Thread(target=self._pass_on, args=(client, server, None), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(server, client, limit), daemon=True).start()

    def _pass_on(self, origin: socket.socket, target: socket.socket, left: int | None) -> None:
        with suppress(OSError):
            while left != 0 and (data := origin.recv(_BLOCK if left is None else min(left, _BLOCK))):
                target.sendall(data)
                left = None if left is None else left - len(data)
        self.cuts += left == 0
        self._end.wait()
        for each in (origin, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def cutting_proxy(port: int, *, after_bytes: int, silent: bool = False) -> Iterator[int]:
    """A port that leads to `port`; every connection ends, or falls silent, after so many bytes of answer."""
    with CuttingProxy(port, later=after_bytes, silent=silent) as proxy:
        yield proxy.port
