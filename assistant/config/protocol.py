"""HTTP as uvicorn reads it, where a client sends what is none and no answer with words can be given."""

from __future__ import annotations

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class Protocol(H11Protocol):
    """Uvicorn would say so after a HEAD, or after an answer that was given, and log an error of its own."""

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, with words where there may be some."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.close()
