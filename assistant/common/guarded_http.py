"""The one HTTP client for addresses that somebody configured or a source named.

It connects only where `Network` permits, also after a redirect; ignores proxies of the
environment; sends no credentials to another origin than they were meant for; reads
no more than it was told to; and waits as long as a busy server asks, within reason.
"""

from __future__ import annotations

import random
import re
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Self

import httpcore2

from assistant.common.content_coding import ACCEPTED, BrokenCoding, decoded
from assistant.common.errors import MundapError
from assistant.common.http_messages import (
    MAX_BODY_BYTES,
    Answer,
    Ask,
    BadCertificate,
    Busy,
    Origin,
    Reach,
    Streamed,
    TooLarge,
    Unsendable,
)
from assistant.common.judged_connections import judged_pool, whole_within
from assistant.common.network import AddressRefused, HostUnreachable
from assistant.common.origin_cookies import OriginCookies
from assistant.common.os_reasons import os_reason
from assistant.common.pace import wait
from assistant.common.told import said, told
from assistant.common.web_target import WebTarget, parse_target

_LONGEST_WAIT_S = 60.0  # asked to wait longer, a run gives its worker back and comes again
_LONGEST_ASKED_S = 86_400.0  # a date years ahead is a clock that is wrong
_LONGEST_ANSWER_S = 900.0
_LONGEST_CONNECT_S = 10.0
_BUSY = frozenset({429, 502, 503, 504})
_NOT_BEGUN = frozenset({429, 503})  # a busy server that says so has not done what it was asked
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEPS_CONTENT = frozenset({307, 308})
# All that may go with a redirect to another origin.
_HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "user-agent", "if-none-match"})


_NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class _Hop:
    """One request as it is sent. Header names are lower case."""

    method: str
    target: WebTarget
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(repr=False)


class _Endless(HostUnreachable):
    """More redirects than are followed. Asking again would not help."""


class GuardedClient:
    """An HTTP client for one source. May be used by several threads; the caller closes it.

    `timeout_s` is the longest silence of the server, `tries` how often a request is sent
    when the server is busy or does not answer, `longest_s` how long one answer may take to
    come whole. Cookies are kept between requests. Nothing is opened before the first one.
    """

    def __init__(
        self,
        reach: Reach,
        origin: Origin = _NOWHERE,
        *,
        timeout_s: float = 30.0,
        tries: int = 4,
        longest_s: float = _LONGEST_ANSWER_S,
    ) -> None:
        self._reach = reach
        self._tries = tries
        self._longest_s = longest_s
        self._origin = origin
        self._timeouts = {
            "connect": min(timeout_s, _LONGEST_CONNECT_S),
            "read": timeout_s,
            "write": timeout_s,
            "pool": longest_s,
        }
        self._cookies = OriginCookies()
        self._pools: dict[str, httpcore2.ConnectionPool] = {}  # by scheme
        self._opening = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        with self._opening:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def forget_cookies(self) -> None:
        """Sign out of whatever the cookies signed in to."""
        self._cookies.clear()

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int = MAX_BODY_BYTES
    ) -> Answer:
        """`send` with GET."""
        return self.send(Ask("GET", url, headers=headers or {}, max_bytes=max_bytes))

    def send(self, ask: Ask) -> Answer:
        """Send a request and read the whole answer, whatever its status, unless the server is busy.

        After a silence only what changes nothing is sent again.

        Raises:
            AddressRefused: the host, or one that a redirect leads to, is not allowed or no web address.
            BadCertificate, HostUnreachable: no connection, or none that answers to the end.
            Busy: it asks to wait longer than this client does.
            TooLarge: more than `max_bytes`.
            Unsendable: a header holds a line break or another control character.
            Stopped: the work was asked to end.
        """
        first = self._first_hop(ask)
        repeatable = ask.only_asks or ask.method in _REPEATABLE
        problem: MundapError
        for attempt in range(1, self._tries + 1):
            try:
                answer = self._followed(first, ask)
            except _Endless:
                raise
            except HostUnreachable as error:
                if not repeatable:
                    raise
                problem, pause, again = error, _pause(attempt), True
            else:
                if answer.status not in _BUSY:
                    return answer
                asked = _retry_after(answer.headers)
                pause = _pause(attempt) if asked is None else min(asked, _LONGEST_ASKED_S)
                problem = Busy(
                    told(
                        "{shown} answers {status}: it is busy.",
                        shown=first.target.shown,
                        status=answer.status,
                    ),
                    after=max(pause, 1.0),
                )
                again = repeatable or answer.status in _NOT_BEGUN
                if asked is not None:
                    self._reach.pace.hold(min(pause, _LONGEST_WAIT_S))
            if attempt == self._tries or pause > _LONGEST_WAIT_S or not again:
                break
            wait(pause, stopped=self._reach.stopped)
        raise problem

    @contextmanager
    def streamed(self, ask: Ask) -> Iterator[Streamed]:
        """Send a request once and hand its answer over while it comes, whatever its status.

        Redirects are answers like any other. What has not come whole after `longest_s` is broken off.

        Raises:
            AddressRefused, BadCertificate, HostUnreachable, TooLarge, Unsendable, Stopped: see `send`,
                also while the body is read.
        """
        hop = self._first_hop(ask)
        self._reach.pace.turn(stopped=self._reach.stopped)
        end = time.monotonic() + self._longest_s
        with _failures_in_words(hop.target):
            with whole_within(self._longest_s):
                response = self._begun(hop)
            try:
                headers = self._headers_from(response, hop)
                yield Streamed(response.status, headers, self._bounded(response, headers, hop, ask, end))
            finally:
                response.close()

    @cached_property
    def _base(self) -> str:
        return parse_target(self._origin.base_url).origin if self._origin.base_url else ""

    @cached_property
    def _proof(self) -> Mapping[str, str]:
        """What tells the configured server who asks."""
        headers = _lowered(self._origin.headers)
        if self._origin.auth is not None:
            secret = ":".join(self._origin.auth).encode()
            headers["authorization"] = f"Basic {b64encode(secret).decode('ascii')}"
        return headers

    def _first_hop(self, ask: Ask) -> _Hop:
        target = parse_target(ask.url)
        own = self._proof if target.origin == self._base else {}
        usual = {"accept": "*/*", "accept-encoding": ACCEPTED, "user-agent": "Mundap"}
        headers = {**usual, **own, **_lowered(ask.headers)}
        return _Hop(ask.method, target, headers, ask.content)

    def _followed(self, hop: _Hop, ask: Ask) -> Answer:
        for _ in range(ask.redirects + 1):
            self._reach.pace.turn(stopped=self._reach.stopped)
            answer = self._exchanged(hop, ask)
            place = answer.headers.get("location")
            if not ask.redirects or answer.status not in _REDIRECTS or not place:
                return answer
            hop = _following(hop, answer.status, place)
        raise _Endless(
            told(
                "{shown} redirects more than {redirects} times: check the address.",
                shown=hop.target.shown,
                redirects=ask.redirects,
            )
        )

    def _exchanged(self, hop: _Hop, ask: Ask) -> Answer:
        with _failures_in_words(hop.target), whole_within(self._longest_s):
            response = self._begun(hop)
            try:
                return self._read(response, hop, ask)
            finally:
                response.close()

    def _begun(self, hop: _Hop) -> httpcore2.Response:
        """The answer as far as its headers."""
        request = httpcore2.Request(
            hop.method,
            hop.target.for_pool(),
            headers=self._headers_of(hop),
            content=hop.content,
            extensions={"timeout": self._timeouts},
        )
        return self._opened(hop.target.scheme).handle_request(request)

    def _headers_of(self, hop: _Hop) -> list[tuple[bytes, bytes]]:
        headers = {"host": hop.target.authority, **hop.headers}
        cookies = self._cookies.header(hop.target.url)
        if cookies:
            headers["cookie"] = "; ".join(filter(None, (headers.get("cookie", ""), cookies)))
        if hop.content is not None or hop.method in ("POST", "PUT"):
            headers["content-length"] = str(len(hop.content or b""))
        return [(name.encode("ascii"), value.encode()) for name, value in headers.items()]

    def _opened(self, scheme: str) -> httpcore2.ConnectionPool:
        with self._opening:
            if scheme not in self._pools:
                context = self._trusting() if scheme == "https" else None
                self._pools[scheme] = judged_pool(self._reach.network, context, stopped=self._reach.stopped)
            return self._pools[scheme]

    def _trusting(self) -> ssl.SSLContext:
        """Reading the system's authorities takes longer than many a request, so it is done where needed."""
        try:
            return ssl.create_default_context(cafile=self._origin.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or told("it is no PEM file")
            raise BadCertificate(
                told("'{ca_file}' cannot be read: {reason}.", ca_file=self._origin.ca_file, reason=reason)
            ) from error

    def _read(self, response: httpcore2.Response, hop: _Hop, ask: Ask) -> Answer:
        headers = self._headers_from(response, hop)
        end = time.monotonic() + self._longest_s
        body = b"".join(self._bounded(response, headers, hop, ask, end))
        return Answer(response.status, headers, hop.target.url, body)

    def _headers_from(self, response: httpcore2.Response, hop: _Hop) -> dict[str, str]:
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers]
        self._cookies.take(hop.target.url, pairs)
        headers: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        return headers

    def _bounded(
        self, response: httpcore2.Response, headers: Mapping[str, str], hop: _Hop, ask: Ask, end: float
    ) -> Iterator[bytes]:
        """The body in pieces without its coding: at most `ask.max_bytes`, and none after `end`."""
        assert isinstance(response.stream, Iterable)
        size = 0
        for block in decoded(iter(response.stream), headers.get("content-encoding", "")):
            size += len(block)
            if size > ask.max_bytes:
                raise TooLarge(
                    told(
                        "The answer of {shown} is larger than {most} bytes.",
                        shown=hop.target.shown,
                        most=ask.max_bytes,
                    )
                )
            if time.monotonic() > end:
                raise httpcore2.ReadTimeout
            yield block


@contextmanager
def _failures_in_words(target: WebTarget) -> Iterator[None]:
    try:
        yield
    except httpcore2.LocalProtocolError:
        # The library quotes what it refuses, and that may be a password.
        raise Unsendable(
            told(
                "The request to {shown} cannot be sent: check the settings and credentials.",
                shown=target.shown,
            )
        ) from None
    except (*_FAILURES, BrokenCoding) as error:
        raise _in_words(error, target) from error


def _following(hop: _Hop, status: int, place: str) -> _Hop:
    """The request that a redirect asks for, without what could prove to a stranger who asks."""
    target = hop.target.joined(place)
    if hop.target.origin.startswith("https:") and not target.origin.startswith("https:"):
        raise AddressRefused(
            told("{shown} redirects from https to http: nothing is sent there.", shown=hop.target.shown)
        )
    method, content, headers = hop.method, hop.content, hop.headers
    becomes_get = status == 303 or (method == "POST" and status not in _KEEPS_CONTENT)  # noqa: PLR2004 - See Other
    if becomes_get and method != "HEAD":
        method, content = "GET", None
        headers = {name: value for name, value in headers.items() if not name.startswith("content-")}
    if target.origin != hop.target.origin:
        if content is not None:
            raise AddressRefused(
                told(
                    "{shown} redirects to {place}, and what was to be sent may hold secrets: enter "
                    "that address instead if it is right.",
                    shown=hop.target.shown,
                    place=target.shown,
                )
            )
        headers = {name: value for name, value in headers.items() if name in _HARMLESS}
    return _Hop(method, target, headers, content)


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers ready to be sent; a line break at the end, as files have it, is no part of a token.

    Raises:
        Unsendable: says which header, never its value.
    """
    clean = {name.lower(): value.strip() for name, value in headers.items()}
    for name, value in clean.items():
        if not name.isascii() or _CONTROL.search(value):
            raise Unsendable(
                told("The header '{name}' holds a control character: enter its value again.", name=name[:80])
            )
    return clean


def _pause(attempt: int) -> float:
    """Exponential backoff with full jitter, in seconds."""
    return random.uniform(0.1, min(30.0, 0.5 * 2**attempt))  # noqa: S311 - no secret


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either form of Retry-After (RFC 9110, 10.2.3); None: not said, or not understood."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


_FAILURES = (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError)


def _in_words(error: Exception, target: WebTarget) -> MundapError:
    """What happened, never in the words of the server: they may be part of a document."""
    cause: BaseException | None = error
    reason = ""
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return BadCertificate(
                told(
                    "The certificate of {shown} is not trusted: {reason}.",
                    shown=target.shown,
                    reason=cause.verify_message,
                )
            )
        if isinstance(cause, ssl.SSLError):
            reason = told(
                "no secure connection ({reason})", reason=str(cause.reason).lower().replace("_", " ")
            )
        elif isinstance(cause, OSError) and not reason:
            reason = os_reason(cause) if cause.strerror else ""
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, BrokenCoding):
        reason = said(error)
    elif isinstance(error, httpcore2.TimeoutException):
        reason = told("it was silent or slow for too long")
    elif isinstance(error, httpcore2.ProtocolError):
        reason = told("its answer breaks off or is not HTTP")
    return HostUnreachable(
        told(
            "{shown} does not answer as it should: {reason}.",
            shown=target.shown,
            reason=reason or told("no connection"),
        )
    )
