"""What runs beside the web server: jobs are carried out, and Socket Mode is connected."""

from __future__ import annotations

from assistant.slackbot.runner import Runner
from assistant.slackbot.socket_mode import Sockets


def start() -> tuple[Runner, Sockets]:
    """Begin both; returns at once. Their threads end with the process: rows say how far everything is."""
    runner, sockets = Runner(), Sockets()
    runner.start()
    sockets.start()
    return runner, sockets
