"""Every route, asked by everybody with every method: does it answer as `wanted_access` says?

The tests ask what can differ; `python -m tests.security.inventory_run` asks all of it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any
from urllib.parse import urlencode

from django.core.handlers.base import BaseHandler
from django.core.signals import request_finished
from django.db import close_old_connections, connection, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import RequestFactory, override_settings

from assistant.accounts.roles import RIGHTS, Right
from tests.security.crawling import all_routes
from tests.security.grounds import Actor, Grounds
from tests.security.wanted_access import (
    ADMIN,
    ADMIN_NEEDS,
    WANTED,
    WITHOUT_TOKEN,
    Access,
    Call,
    Door,
    Wanted,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # of which no token against forged requests is asked
_WRITES = re.compile(r'^\s*(?:INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO)\s+"(\w+)"')
# What being asked may leave behind: who asked, when their session was used, and how often somebody guessed.
# A sign-in at a company's provider waits in a row from the link on that leads there.
_MAY_WRITE = re.compile(
    r"audit_|accounts_signedinsession|accounts_failedtries|django_session|identity_startedsignin"
)
_SECRET = "s" * 32  # a token against forged requests, in cookie and header
_SAME_AS_OTHERS = frozenset({"ann", "key of ann", "key of ada"})
_OK, _BAD_REQUEST, _REDIRECT = 200, 400, 302
_UNFIT = frozenset({_BAD_REQUEST, 409, 413, 415, 422})  # let in, and told that what was sent does not fit


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is empty for a stream."""

    status: int
    headers: dict[str, str]
    body: bytes
    written: frozenset[str]  # tables


@dataclass(frozen=True, slots=True)
class Asked:
    """One combination. `token`: with the token against forged requests."""

    route: str
    actor: str
    method: str
    token: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.route} as {self.actor}{'' if self.token else ' without a token'}"


@dataclass(slots=True)
class Report:
    """What was asked, and every answer that was not the expected one."""

    combinations: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)


class Probe:
    """Asks, as a server does: all middleware, real cookies, real keys, each time from another address."""

    def __init__(self, grounds: Grounds) -> None:
        self.grounds = grounds
        self._factory = RequestFactory()
        self._handler = BaseHandler()
        self._handler.load_middleware()
        self._asked = 0

    def answer(self, asked: Asked, path: str = "", *, keep: bool = False) -> Answer:
        """One request; what it changes is undone unless `keep`. `path`: another than the actor's own."""
        route, actor = asked.route, self.grounds.actors[asked.actor]
        path = path or self.grounds.path(route, actor.name) + self.grounds.query(route)
        request = self._request(asked, actor, path)
        with self._environment(route), transaction.atomic(), _writes() as written:
            response = self._handler.get_response(request)
            answer = Answer(
                response.status_code, dict(response.headers.items()), _body(response), frozenset(written)
            )
            _close(response)
            transaction.set_rollback(not keep)
        return answer

    def _environment(self, route: str) -> override_settings | nullcontext[None]:
        """Nothing for most routes: a change of settings has everything look them all up anew."""
        settings = self.grounds.settings(route)
        return override_settings(**settings) if settings else nullcontext()

    def _request(self, asked: Asked, actor: Actor, path: str) -> HttpRequest:
        self._asked += 1
        cookies = f"csrftoken={_SECRET}" + (f"; sessionid={actor.cookie}" if actor.cookie else "")
        address = str(IPv4Address("10.0.0.0") + self._asked)  # so that nobody waits for wrong keys of others
        headers = {"HTTP_COOKIE": cookies, "REMOTE_ADDR": address}
        if actor.key:
            headers["HTTP_AUTHORIZATION"] = f"Bearer {actor.key}"
        if asked.token:
            headers["HTTP_X_CSRFTOKEN"] = _SECRET
        if asked.method in SAFE:
            return self._factory.generic(asked.method, path, **headers)  # type: ignore[arg-type]  # names of CGI
        if asked.route.startswith(("api/", "scim/")):
            body, kind = json.dumps(self.grounds.body(asked.route)), "application/json"
        else:
            body, kind = urlencode(self.grounds.fields(asked.route)), "application/x-www-form-urlencoded"
        return self._factory.generic(asked.method, path, body, kind, **headers)  # type: ignore[arg-type]  # as above


@contextmanager
def _writes() -> Iterator[set[str]]:
    """The tables of which rows are written, other than those in which being asked may leave a trace."""
    written: set[str] = set()

    def note(
        execute: Callable[..., object], sql: str, params: object, many: bool, context: dict[str, Any]
    ) -> object:
        outcome = execute(sql, params, many, context)
        found = _WRITES.match(sql)
        if found and not _MAY_WRITE.match(found[1]) and context["cursor"].rowcount != 0:
            written.add(found[1])
        return outcome

    with connection.execute_wrapper(note):
        yield written


def _close(response: HttpResponseBase) -> None:
    """As Django's own test client does: the connection stays, its transaction is ours."""
    request_finished.disconnect(close_old_connections)
    response.close()
    request_finished.connect(close_old_connections)


def _body(response: HttpResponseBase) -> bytes:
    return b"" if response.streaming else bytes(getattr(response, "content", b""))


def wanted(route: str) -> Wanted | None:
    """The line of the table; None for Django's admin, which answers everything alike."""
    if route in WANTED:
        return WANTED[route]
    if route.startswith(ADMIN):
        return None
    raise KeyError(f"{route} has no line in wanted_access.py: write down who may do what there.")


def combinations(grounds: Grounds, *, everything: bool, routes: Collection[str] = ()) -> Iterator[Asked]:
    """Every route x actor x method, unsafe ones of pages with and without a token.

    Not `everything`: of those who come with a key one is sent to the pages, and with a cookie one to the API,
    where all of them are nobody. A page refuses methods other than its own before it asks who is there: those
    beside GET and POST are tried by nobody, by somebody without a right and by somebody with all of them.
    """
    for route in routes or dict.fromkeys(all_routes()):
        api = route.startswith(("api/", "scim/"))
        strangers = {"key of ada"} if not api else {"ada"}
        for actor in grounds.actors.values():
            foreign = bool(actor.cookie) if api else bool(actor.key)
            if foreign and not everything and actor.name not in strangers:
                continue
            for method in METHODS:
                if not everything and method not in ("GET", "POST") and _asks_less(route, actor, method):
                    continue
                yield Asked(route, actor.name, method)
                if api or method in SAFE:
                    continue
                if everything or actor.name == "ada" or method in (wanted(route) or ()):
                    yield Asked(route, actor.name, method, token=False)


def _asks_less(route: str, actor: Actor, method: str) -> bool:
    """Whether others, who are answered by the same lines of code, ask this way."""
    if route.startswith(ADMIN):  # knows but two roles
        return actor.name not in ("nobody", "con", "ada")
    if not route.startswith(("api/", "scim/")) and method not in (wanted(route) or ()):
        return actor.name not in ("nobody", "sam", "ada")
    return actor.name in _SAME_AS_OTHERS


# What everybody here is answered where nobody here is who is wanted.
_MET_BY_NOBODY: Mapping[Access, str] = {
    Door.OTHER_PROVIDER: "not there",
    Door.SLACK: "not there",
    Door.HALFWAY: "to sign in",
    Door.OVER_TLS: "forbidden",
}


def expected(asked: Asked, actor: Actor) -> str:
    """What the table makes of it, in the words of `outcome`."""
    route, line = asked.route, wanted(asked.route)
    if route.startswith(("api/", "scim/")):
        return _expected_of_call(asked, actor, line or {})
    if not asked.token and asked.method not in SAFE and route not in WITHOUT_TOKEN:
        return "no token"
    signed_in = actor.user is not None and bool(actor.cookie)
    if line is None:
        staff = signed_in and actor.user is not None and actor.user.has_right(ADMIN_NEEDS)
        return "in the admin" if staff else "to sign in"
    if asked.method not in line:
        return _other_method(line)
    access = line[asked.method]
    if access in (Door.ANYONE, Door.PROVIDER):
        return "let in"
    if access in _MET_BY_NOBODY:
        return _MET_BY_NOBODY[access]
    if not signed_in:
        return "unauthorized" if route.endswith("/stream/") else "to sign in"
    if access is Door.SIGNED_IN or (actor.user is not None and actor.user.has_right(access)):  # type: ignore[arg-type]
        return "let in"
    return "not there"


def _expected_of_call(asked: Asked, actor: Actor, line: Wanted) -> str:
    accesses = set(line.values())
    access = accesses.pop()
    assert not accesses, f"{asked.route} wants one thing of all its methods"
    outcome = _expected_of_key(access, actor)
    if outcome == "let in" and asked.method not in line:
        return _other_method(line)
    return outcome


def _expected_of_key(access: Access, actor: Actor) -> str:
    owner = actor.user if actor.key else None
    if access is Door.ANYONE:
        return "let in"
    if access in (Door.PROVISIONING_KEY, Door.ANY_PROVISIONING_KEY):
        if actor.name != "provisioning key":
            return "unauthorized"
        return "let in" if access is Door.PROVISIONING_KEY else "not there"
    if access is Door.PUSH_KEY:
        if not actor.source_id:
            return "unauthorized"
        return "let in" if actor.name == "push key" else "not there"
    if owner is None:
        return "unauthorized"
    if access is Door.KEY:
        return "not there"
    assert isinstance(access, Call)
    if access.right is not None and not owner.has_right(access.right):
        return "not there"
    return "let in" if access.scope in actor.scopes else "out of scope"


def outcome(asked: Asked, answer: Answer) -> str:
    """What happened, in the words of `expected`."""
    status, to = answer.status, answer.headers.get("Location", "")
    if status == 403:
        if "insufficient_scope" in answer.headers.get("WWW-Authenticate", ""):
            return "out of scope"
        return "no token" if b"csrf" in answer.body.lower() or not asked.token else "forbidden"
    if status == _REDIRECT and _leads_to_sign_in(asked.route, to):
        return "to sign in"
    if status == 405:
        return _other_method(answer.headers.get("Allow", "").split(", "))
    if status == 401:
        return "unauthorized"
    if status == 404:
        return "not there"
    if _OK <= status < _BAD_REQUEST or status in _UNFIT:
        return "let in"
    return f"status {status}"


def _leads_to_sign_in(route: str, to: str) -> bool:
    if route == "admin/logout/":
        return to == "/admin/"  # which leads there
    if route in ("admin/login/", "sign-out/"):
        return to.startswith("/sign-in/?next=")
    return re.match(r"/(?:admin/log|sign-)in/", to) is not None


def _other_method(allowed: Iterable[str]) -> str:
    return "other method: " + ", ".join(sorted(allowed))


def judged(asked: Asked, answer: Answer, want: str) -> str:
    """What is wrong with the answer; empty for nothing."""
    got = outcome(asked, answer)
    fine = not got.startswith("status") if want == "in the admin" else got == want
    if not fine:
        return f"{asked}: {got}, not {want}"
    if answer.written and (got != "let in" or asked.method in SAFE) and want != "in the admin":
        return f"{asked}: {got}, and yet it wrote to {', '.join(sorted(answer.written))}"
    return ""


def run(grounds: Grounds, *, everything: bool = False, routes: Collection[str] = ()) -> Report:
    """Ask everything, or of these routes alone."""
    probe, report = Probe(grounds), Report()
    with silence():
        for asked in combinations(grounds, everything=everything, routes=routes):
            want = expected(asked, grounds.actors[asked.actor])
            refused = want not in ("let in", "in the admin")
            problem = judged(asked, probe.answer(asked, keep=refused), want)
            report.combinations += 1
            report.outcomes[want.partition(":")[0]] += 1
            if problem:
                report.surprises.append(problem)
    return report


@contextmanager
def silence() -> Iterator[None]:
    """Thousands of refusals are no news."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def digest_of_tables() -> dict[str, str]:
    """By table, a digest of its rows; without those that being asked may write to."""
    found: dict[str, str] = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if not _MAY_WRITE.match(table):
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
                rows = sorted(repr(row) for row in cursor.fetchall())
                found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def rights_as_markdown() -> str:
    """Which role has which right, a line for each role: SECURITY.md holds this very table."""
    lines = ["| role | rights |", "|---|---|"]
    for role, rights in RIGHTS.items():
        named = ", ".join(f"`{right}`" for right in Right if right in rights)
        lines.append(f"| `{role}` | {named or 'none: asks, and keeps what is their own'} |")
    return "\n".join(lines)


def as_markdown() -> str:
    """The table for reviewers: a line for each route and what it wants, with the roles that have it."""
    lines = ["| route | method | wants | roles |", "|---|---|---|---|"]
    for route, line in WANTED.items():
        by_access: dict[Access, list[str]] = {}
        for method, access in line.items():
            by_access.setdefault(access, []).append(method)
        for access, methods in by_access.items():
            right = (
                access if isinstance(access, Right) else access.right if isinstance(access, Call) else None
            )
            roles = [role for role, rights in RIGHTS.items() if right in rights] if right else []
            lines.append(f"| `/{route}` | {', '.join(methods)} | {access} | {', '.join(roles) or 'all'} |")
    return "\n".join([*lines, f"| `/{ADMIN}...` | all | {ADMIN_NEEDS} | administrator |"])
