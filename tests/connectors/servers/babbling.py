"""A port at which something answers that is none of our protocols."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def garbage(answers: list[bytes]) -> Iterator[int]:
    """A port on which each line hears these, one for what it sends, and is then cut off."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = server.accept()
                    line.settimeout(0.05)  # who waits for the rest of half an answer hears the end of it
                    with line, contextlib.suppress(OSError):
                        for one in answers:
                            if not line.recv(65_536):
                                break
                            line.sendall(one)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
