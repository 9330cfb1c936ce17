"""Does the web server of this machine answer? `python -m assistant.config.health` for container engines."""

from __future__ import annotations

import http.client
import sys
from http import HTTPStatus

from assistant.common.errors import MundapError
from assistant.config.env import Environment, read_environment

_TIMEOUT_S = 2.0
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


def main() -> int:
    """0 if the server answers, else 1."""
    try:
        healthy = web_answers(read_environment())
    except MundapError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the engine shows it
        return 1
    return 0 if healthy else 1


def web_answers(environment: Environment) -> bool:
    """Whether /healthz says ok, asked by an allowed name."""
    host = _ANY_ADDRESS.get(environment.host, environment.host)
    headers = {"Host": _own_name(environment)}
    connection = http.client.HTTPConnection(host, environment.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz", headers=headers)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _own_name(environment: Environment) -> str:
    for name in environment.allowed_hosts:
        if name != "*":
            return name.removeprefix(".")
    return "localhost"


if __name__ == "__main__":
    sys.exit(main())
