"""Clients that may reach this machine, with and without something that proves who asks."""

from __future__ import annotations

from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Origin, Reach
from assistant.common.network import Network, parse_networks
from tests.common.scripted_server import ScriptedServer

LOCAL = Network(parse_networks("127.0.0.0/8"))
NOWHERE = Origin()
SECRETS = Origin(headers={"X-Api-Key": "sesame"}, auth=("ann", "sesame"))


def client(origin: Origin = NOWHERE) -> GuardedClient:
    """A client with little patience."""
    return GuardedClient(Reach(LOCAL), origin, timeout_s=2)


def at(server: ScriptedServer) -> Origin:
    """The configured origin on `server`."""
    return Origin(server.url + "/wiki", SECRETS.headers, SECRETS.auth)
