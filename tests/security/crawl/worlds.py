"""What is crawled: a world with everything that a route can name, or the small one of the browser's tests."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.browser import world as small
from tests.browser.server import REPOSITORY, environment_of
from tests.security.crawl.crawler import Visitor, sign_in

_LONGEST_S = 300
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
_NAMES = {"kind": "jsonl", "job": "reranker", "email": "ann@example.com", "slug": "company", "name": "User"}


@dataclass(frozen=True, slots=True)
class World:
    """Who crawls, and what no answer may show. `kept_people`: ids of accounts that the crawl leaves alone."""

    visitors: list[Visitor]
    password: str
    kept_people: frozenset[int] = frozenset()
    secrets: tuple[str, ...] = ()
    redirects: tuple[str, ...] = ()


def whole_world(home: Path) -> World:
    """Each role, each sort of key and a thing of each kind, in an empty home. Takes half a minute."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.security.crawl.world"],
        cwd=REPOSITORY,
        env=environment_of(home) | {"MUNDAP_ALLOWED_HOSTS": "testserver", "MUNDAP_LOG_LEVEL": "ERROR"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=_LONGEST_S,
    )
    told = json.loads(made.stdout)
    visitors = [
        Visitor(
            actor["name"],
            cookies={"sessionid": actor["cookie"]} if actor["cookie"] else {},
            key=actor["key"],
            email=actor["email"],
            manages=actor["manages"],
            source=f"127.0.{number + 1}.1",
            paths=told["paths"][actor["name"]],
        )
        for number, actor in enumerate(told["actors"])
    ]
    return World(
        visitors,
        told["password"],
        frozenset(told["kept_people"]),
        tuple(told["secrets"]),
        tuple(told["redirects"]),
    )


def small_world(home: Path, address: str) -> World:
    """The visitors of a server over the browser tests' world: nobody, an employee and an administrator."""
    from tests.security.crawling import ROUTES  # noqa: PLC0415 - needs loaded apps

    paths = {route: "/" + _PARAMETER.sub(_value, route) for route in ROUTES if "(?P<" not in route}
    visitors = [
        Visitor("nobody", source="127.0.1.1", paths=paths),
        Visitor("ann", email="ann@example.com", source="127.0.2.1", paths=paths),
        Visitor("ada", email="ada@example.com", manages=True, source="127.0.3.1", paths=paths),
    ]
    for visitor in visitors[1:]:
        sign_in(address, visitor, small.PASSWORD)
    cookies = tuple(visitor.cookies["sessionid"] for visitor in visitors[1:])
    key = (home / "secret.key").read_text(encoding="utf-8").strip()
    return World(visitors, small.PASSWORD, frozenset({1, 2}), (key, *cookies))


def _value(parameter: re.Match[str]) -> str:
    return "1" if parameter[1] == "int" else _NAMES.get(parameter[2], "nothing")
