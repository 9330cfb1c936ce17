"""A mail server that says what a script tells it: for answers that no real one gives."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self


class ScriptedServer:
    """`script` has the lines of the answer by command; `{tag}` stands for the command's tag.

    A line `+ ` waits for a line of the client. The key "" is said instead of the greeting. A
    command that the script does not know is answered with OK.
    """

    def __init__(self, script: Mapping[str, Sequence[str]], *, greeting: str) -> None:
        self.heard: list[str] = []
        heard = self.heard

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("".join(script.get("", [greeting])))
                while line := self.rfile.readline().decode("utf-8", "replace").rstrip("\r\n"):
                    heard.append(line)
                    tag, _, rest = line.partition(" ")
                    for answer in script.get(rest.partition(" ")[0], ["{tag} OK done"]):
                        self._say(answer.format(tag=tag))
                        if answer.startswith("+"):
                            self.rfile.readline()
                        if answer.startswith("* BYE"):
                            return

            def _say(self, line: str) -> None:
                self.wfile.write(line.encode() + b"\r\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
