"""What a scripted model was told, request by request."""

from __future__ import annotations

import json

from tests.common.scripted_server import ScriptedServer


def told(server: ScriptedServer) -> list[list[tuple[str, str]]]:
    """(role, text) of each message of each request."""
    return [
        [(str(message["role"]), str(message["content"])) for message in json.loads(seen.body)["messages"]]
        for seen in server.seen
    ]
