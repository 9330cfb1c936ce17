"""The one HTTP client for addresses that somebody configured or a source named.

It connects only where `Network` permits, also after a redirect; ignores proxies of the
environment; sends no credentials to another origin than they were meant for; reads
no more than it was told to; and waits as long as a busy server asks, within reason.
"""

from __future__ import annotations

import random
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self

import httpcore2
import httpx2

from assistant.common.errors import MundapError
from assistant.common.network import AddressRefused, HostUnreachable, Network
from assistant.common.pace import Pace, wait

MAX_BODY_BYTES = 64_000_000
_MAX_REDIRECTS = 5
_LONGEST_WAIT_S = 60.0  # asked to wait longer, a run gives its worker back and comes again
_BUSY = frozenset({429, 502, 503, 504})
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})
# What may go with a redirect to another origin: nothing that could prove who asks.
_HARMLESS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "connection",
        "cookie",
        "host",
        "user-agent",
        "if-none-match",
    }
)


class Busy(MundapError):
    """The server asks for patience: come again after `after` seconds."""

    def __init__(self, message: str, *, after: float) -> None:
        super().__init__(message)
        self.after = after


class TooLarge(MundapError):
    """The answer is larger than the caller takes."""


class BadCertificate(MundapError):
    """The server's certificate does not prove that it is the one asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read whole. `url`: where it came from in the end; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    url: str
    body: bytes

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - what 2xx means

    @property
    def text(self) -> str:
        """The body as UTF-8; what is not is replaced."""
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a client may connect to, how often it may ask, and whether it should stop."""

    network: Network
    pace: Pace = field(default_factory=Pace)
    stopped: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Origin:
    """The configured server.

    `headers` and `auth` (user and password, RFC 7617) go to the origin of `base_url` and to no
    other; `ca_file` names certificates of authorities to trust instead of the system's.
    """

    base_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: tuple[str, str] | None = None
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `redirects`: how many are followed; with 0 a redirect is an answer like any other."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    max_bytes: int = MAX_BODY_BYTES
    redirects: int = _MAX_REDIRECTS


class GuardedClient:
    """An HTTP client for one source. May be used by several threads; the caller closes it.

    `timeout_s` is the longest silence of the server, `tries` how often a request is sent
    when the server is busy or does not answer. Cookies are kept between requests.
    """

    def __init__(
        self, reach: Reach, origin: Origin = Origin(), *, timeout_s: float = 30.0, tries: int = 4
    ) -> None:
        self._reach = reach
        self._tries = tries
        self._base = _origin(origin.base_url)
        self._headers = dict(origin.headers)
        if origin.auth is not None:
            proof = b64encode(":".join(origin.auth).encode()).decode("ascii")
            self._headers["Authorization"] = f"Basic {proof}"
        context = ssl.create_default_context(cafile=origin.ca_file or None)
        self._client = httpx2.Client(
            transport=_Transport(reach.network, context),
            headers={"User-Agent": "Mundap"},
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def forget_cookies(self) -> None:
        """Sign out of whatever the cookies signed in to."""
        self._client.cookies.clear()

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int = MAX_BODY_BYTES
    ) -> Answer:
        """`send` with GET."""
        return self.send(Ask("GET", url, headers=headers or {}, max_bytes=max_bytes))

    def send(self, ask: Ask) -> Answer:
        """Send a request and read the whole answer, whatever its status, unless the server is busy.

        After a silence only methods that change nothing are sent again.

        Raises:
            AddressRefused: the host, or one that a redirect leads to, is not allowed.
            BadCertificate, HostUnreachable: no connection, or none that answers to the end.
            Busy: it asks to wait longer than this client does.
            TooLarge: more than `max_bytes`.
            Stopped: the work was asked to end.
        """
        for attempt in range(1, self._tries + 1):
            self._reach.pace.turn(stopped=self._reach.stopped)
            try:
                answer = self._followed(ask)
            except (httpx2.TransportError, httpx2.DecodingError, httpx2.InvalidURL) as error:
                problem: MundapError = _in_words(error, ask.url)
                if not isinstance(problem, HostUnreachable) or ask.method not in _REPEATABLE:
                    raise problem from error
                pause = _pause(attempt)
            else:
                if answer.status not in _BUSY:
                    return answer
                asked = _retry_after(answer.headers)
                pause = _pause(attempt) if asked is None else asked
                problem = Busy(
                    f"{_origin(ask.url)} answers {answer.status}: it is busy.", after=max(pause, 1.0)
                )
            if attempt == self._tries or pause > _LONGEST_WAIT_S:
                break
            wait(pause, stopped=self._reach.stopped)
        raise problem

    def _followed(self, ask: Ask) -> Answer:
        own = self._headers if _origin(ask.url) == self._base else {}
        request = self._client.build_request(
            ask.method, ask.url, headers={**own, **ask.headers}, content=ask.content
        )
        for _ in range(ask.redirects + 1):
            if request.url.scheme not in ("http", "https"):
                raise AddressRefused(f"'{str(request.url)[:200]}' is no http or https address.")
            response = self._client.send(request, stream=True)
            try:
                following = response.next_request
                if following is None or ask.redirects == 0:
                    return _read(response, ask.max_bytes)
            finally:
                response.close()
            request = _following(request, following)
        raise HostUnreachable(
            f"{_origin(ask.url)} redirects more than {ask.redirects} times: check the address."
        )


def _following(request: httpx2.Request, following: httpx2.Request) -> httpx2.Request:
    """The request that a redirect asks for, without what could prove to a stranger who asks."""
    if request.url.scheme == "https" and following.url.scheme == "http":
        raise AddressRefused(
            f"{_origin(str(request.url))} redirects from https to http: nothing is sent there."
        )
    if _origin(str(following.url)) != _origin(str(request.url)):
        for name in [name for name in following.headers if name.lower() not in _HARMLESS]:
            del following.headers[name]
    return following


def _read(response: httpx2.Response, max_bytes: int) -> Answer:
    blocks, size = [], 0
    for block in response.iter_bytes():
        size += len(block)
        if size > max_bytes:
            raise TooLarge(f"The answer of {_origin(str(response.url))} is larger than {max_bytes} bytes.")
        blocks.append(block)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, str(response.url), b"".join(blocks))


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


def _origin(url: str) -> str:
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL:
        return "The address"
    return f"{parts.scheme}://{parts.netloc.decode('ascii', 'replace')}"[:200]


def _in_words(error: Exception, url: str) -> MundapError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MundapError):
            return cause
        if isinstance(cause, ssl.SSLCertVerificationError):
            return BadCertificate(
                f"The certificate of {_origin(url)} is not trusted: {cause.verify_message}."
            )
        cause = cause.__cause__ or cause.__context__
    return HostUnreachable(f"{_origin(url)} does not answer as it should: {type(error).__name__}.")


class _Connections(httpcore2.NetworkBackend):
    """Opens connections to permitted addresses only. TLS still checks the name that was asked for."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first permitted address that answers."""
        problem: Exception | None = None
        for address in self._network.addresses(host, port):
            try:
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                problem = error
        assert problem is not None, "a host has at least one address"
        raise problem


class _Transport(httpx2.BaseTransport):
    """httpx2 over a pool whose connections are judged."""

    def __init__(self, network: Network, context: ssl.SSLContext) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context, max_connections=20, network_backend=_Connections(network)
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request on a connection of the pool."""
        assert isinstance(request.stream, httpx2.SyncByteStream)
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        sent = httpcore2.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            answer = self._pool.handle_request(sent)
        except _FAILURES as error:
            raise httpx2.TransportError(str(error)) from error
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()


_FAILURES = (
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    AddressRefused,
    HostUnreachable,
)


class _Body(httpx2.SyncByteStream):
    """The body of an answer while it comes in."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._answer.stream, Iterable)
        try:
            yield from self._answer.stream
        except _FAILURES as error:
            raise httpx2.TransportError(str(error)) from error

    def close(self) -> None:
        self._answer.close()
