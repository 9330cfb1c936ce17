"""A port at which something answers on command: what no real server says, or no protocol of ours."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.connectors.servers.certificates import Certified

_FIRST_S = 5.0  # a caller under load may take its time to ask
_NEXT_S = 0.05  # who waits for the rest of half an answer hears the end of it


@contextmanager
def garbage(answers: Sequence[bytes], *, certified: Certified | None = None) -> Iterator[int]:
    """A port on which each line hears these, one for what it sends, and is then cut off.

    `certified`: TLS is spoken on every line, and the answers within it.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = server.accept()
                    line.settimeout(_FIRST_S)
                    with contextlib.suppress(OSError), _encrypted(line, certified) as speaking:
                        for one in answers:
                            if not speaking.recv(65_536):
                                break
                            speaking.sendall(one)
                            speaking.settimeout(_NEXT_S)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(_FIRST_S + 1)
    assert not thread.is_alive()


def _encrypted(line: socket.socket, certified: Certified | None) -> socket.socket:
    if certified is None:
        return line
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified.certificate, certified.key)
    with line:
        return context.wrap_socket(line, server_side=True)
