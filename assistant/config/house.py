"""Local-only mode at the start of a process: the guard, and the two stores that everything needs.

libpq looks names up and connects by itself, past the guard: it is given addresses that were judged. The
libraries of the brokers are held by the guard; what they would be refused is said here, at once.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from assistant.common import local_guard, local_only
from assistant.common.errors import MundapError, UsageError
from assistant.common.network import Network, parse_networks
from assistant.common.quiet_libraries import keep_quiet
from assistant.config.env import Environment

_WHEREVER = Network(parse_networks("0.0.0.0/0 ::/0"))  # the bounds of the mode are judged all the same
_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}
_POSTGRESQL = 5432
# Of libpq: where to connect instead of HOST, or a file that says so.
_ELSEWHERE = ("hostaddr", "service", "host")


def hold_to_it(environment: Environment) -> None:
    """Switch the mode on if it is wanted, for this process and all that it forks; else only quiet libraries.

    Raises:
        UsageError: the broker lies outside.
    """
    keep_quiet()
    if not environment.local_only:
        return
    local_guard.enforce(local_only.Bounds(environment.local_networks, environment.local_names))
    for broker in environment.broker_url.split(";"):
        parts = urlsplit(broker)
        if parts.scheme in _PORTS:
            _inside("MUNDAP_BROKER_URL", parts.hostname or "localhost", parts.port or _PORTS[parts.scheme])


def keep_database_inside(database: MutableMapping[str, Any]) -> None:
    """In local-only mode, tie Django's settings of a database server to addresses inside.

    The name stays beside its address, for the certificate. A server that moves is found after a restart.

    Raises:
        UsageError: it lies outside, or is named in a way that cannot be judged.
    """
    if local_only.in_force() is None:
        return
    options = database.setdefault("OPTIONS", {})
    hidden = [name for name in _ELSEWHERE if options.get(name)]
    hidden += [name for name in ("PGHOSTADDR", "PGSERVICE") if os.environ.get(name)]
    if hidden:
        raise UsageError(
            f"DATABASE_URL: in local-only mode the server stands before the name of the database, not in "
            f"{hidden[0]}. Write postgresql://user:password@host:5432/mundap."
        )
    hosts = str(database.get("HOST") or os.environ.get("PGHOST") or "").split(",")
    if all(not host or host.startswith("/") for host in hosts):
        return  # a socket in a folder of this machine
    ports = str(database.get("PORT") or os.environ.get("PGPORT") or _POSTGRESQL).split(",")
    if len(ports) < len(hosts):
        ports = ports[:1] * len(hosts)
    options["hostaddr"] = ",".join(
        "" if not host or host.startswith("/") else _inside("DATABASE_URL", host, int(port or _POSTGRESQL))
        for host, port in zip(hosts, ports, strict=False)
    )


def _inside(setting: str, host: str, port: int) -> str:
    """The first address of `host` that is inside.

    Raises:
        UsageError: none is, or the name is not known.
    """
    try:
        return _WHEREVER.addresses(host, port)[0]
    except MundapError as error:
        raise UsageError(f"{setting}: {error}") from error
