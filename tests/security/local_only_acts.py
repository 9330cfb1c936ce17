"""Everything in Mundap that connects, and libraries by themselves, each sent to an own address outside.

Needs settings that were read. `main` writes to MUNDAP_HOME where each is sent, and prints what came of it and
how often the guard of the process said no. It runs where `local_only_proof` has made a network in which
nothing of this leaves the machine; a file `enough-GROUP` in MUNDAP_HOME ends the waiting for those who
are patient with a server that says nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import smtplib
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import kombu
import redis

from assistant.common import guarded_http, local_guard
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Reach
from assistant.common.network import Network, parse_networks
from assistant.identity.kinds import KINDS
from assistant.identity.ldap.directory import person_with
from assistant.identity.ldap.settings import settings_of as directory_of
from assistant.identity.models import IdentityProvider
from assistant.identity.oidc.known import client_of, metadata_for
from assistant.identity.oidc.settings import settings_of as provider_of
from assistant.identity.saml import refreshing
from tests.common.ssrf_askers import Asking, askers
from tests.security.local_only_proof import HOUSE, INSIDE, KNOWN_NAME

_WHOLE_S = 20.0
_WIRE_S = 3.0
_EVERYWHERE = Network(parse_networks("0.0.0.0/0 ::/0"))
Act = Callable[[str], object]
Acts = Iterator[tuple[str, Act]]


def inside() -> Acts:
    """What is to work all the same."""
    yield "server inside", lambda _: _get(f"http://{INSIDE}/")
    yield "server inside by its name in the hosts file", lambda _: _get(f"http://{KNOWN_NAME}/")


def settings() -> Acts:
    """Programs whose database lies outside. libpq connects past the guard."""
    database = "postgresql://a:b@{}/x?connect_timeout=2"
    yield "database", lambda host: _program(database.format(host))
    yield "database by a name", lambda _: _program(database.format("db.example.com"))


def first_line() -> Acts:
    """What goes through `Network`, which is to refuse it in words before the guard has to."""
    for number, (name, ask) in enumerate(askers(), start=1):
        yield f"{number} {name}", partial(_asked, ask)
    yield "SAML metadata", lambda host: refreshing._fetched(f"http://{host}/metadata.xml")
    yield "OpenID configuration", _openid
    yield "LDAP sign-in", _directory
    yield "redirect of a server inside", lambda host: _get(f"http://{INSIDE}/to/{host}")


def names() -> Acts:
    """Look-ups, each a question to the name server outside."""
    yield "name of a source", lambda _: _get("http://source.example.com/")
    yield "name by a library", lambda _: socket.getaddrinfo("library.example.com", 443)
    yield "name by a socket", lambda _: socket.socket().connect(("socket.example.com", 443))
    yield "name of old", lambda _: socket.gethostbyname("old.example.com")
    yield "name of an address", lambda _: socket.gethostbyaddr("93.184.8.1")


def by_themselves() -> Acts:
    """Code that asks nobody first: the guard alone stands before it."""
    yield "urllib", lambda host: urllib.request.urlopen(f"http://{host}/", timeout=_WIRE_S)
    yield "smtplib", lambda host: smtplib.SMTP(host, timeout=_WIRE_S)
    yield "connect", lambda host: socket.create_connection((host, 443), _WIRE_S)
    yield "datagram", lambda host: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", (host, 123))
    yield "IPv6", lambda _: socket.create_connection(("2606:4700::1", 443), _WIRE_S)
    yield "asyncio", lambda host: asyncio.run(asyncio.wait_for(asyncio.open_connection(host, 443), _WIRE_S))
    yield "redis", lambda host: redis.Redis(host, socket_connect_timeout=_WIRE_S).ping()
    yield "amqp", lambda host: kombu.Connection(f"amqp://{host}//", connect_timeout=_WIRE_S).connect()


def _asked(ask: Asking, host: str) -> None:
    ask(host, _EVERYWHERE)


def _get(url: str) -> bytes:
    with GuardedClient(Reach(Network(parse_networks(HOUSE))), timeout_s=2, tries=1) as http:
        return http.get(url).body


def _openid(host: str) -> object:
    wanted = provider_of(_provider("oidc", issuer=f"http://{host}", client_id="a"))
    with client_of(wanted) as client:
        return metadata_for(wanted, client)


def _directory(host: str) -> object:
    wanted = directory_of(_provider("ldap", url=f"ldaps://{host}", base="dc=a"))
    return person_with(wanted, Network(), name="a", password="b", now=datetime.now(UTC))


def _provider(kind: str, **given: str) -> IdentityProvider:
    """A provider with the settings that its form would begin with; it is in no database."""
    usual = {field.name: field.default for field in KINDS[kind].load().FIELDS}
    return IdentityProvider(pk=1, slug="company", kind=kind, settings={**usual, **given})


def _program(database: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from django.db import connection; connection.ensure_connection()"],
        env={**os.environ, "DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip().splitlines()[-1] if done.returncode else "connected"


def _done(act: Act, host: str, name: str, came: dict[str, str]) -> None:
    try:
        came[name] = f"done: {act(host)!r}"[:200]
    except BaseException as error:  # noqa: BLE001 - the edge of a thread: whatever came of it is told
        came[name] = f"{type(error).__name__}: {error}"[:200]


def main() -> None:
    """Do everything, each in a thread of its own."""
    guarded_http._pause = lambda attempt: 0.0
    home = Path(os.environ["MUNDAP_HOME"])
    came: dict[str, str] = {}
    sent: dict[str, dict[str, str]] = {}
    refused: dict[str, int] = {}
    number = 0
    for group in (inside, settings, first_line, names, by_themselves):
        acts = list(group())
        places = [f"93.184.7.{number + each}" for each in range(1, len(acts) + 1)]
        number += len(acts)
        sent[group.__name__] = {name: place for (name, _), place in zip(acts, places, strict=True)}
        draft = home / "sent.draft"
        draft.write_text(json.dumps(sent), encoding="utf-8")
        draft.replace(home / "sent.json")
        before = local_guard.refusals()
        threads = [
            threading.Thread(target=_done, args=(act, place, name, came), daemon=True)
            for (name, act), place in zip(acts, places, strict=True)
        ]
        for each in threads:
            each.start()
        until = time.monotonic() + _WHOLE_S
        while any(each.is_alive() for each in threads) and time.monotonic() < until:
            if (home / f"enough-{group.__name__}").exists():
                break
            time.sleep(0.02)
        refused[group.__name__] = local_guard.refusals() - before
    print(json.dumps({"came": came, "refused by the guard": refused}), flush=True)
    os._exit(0)  # threads may still wait
