"""Sends to apps what Slack sends: signed over HTTP or through Socket Mode, with Slack's retries.

https://docs.slack.dev/apis/events-api#retries: an event without a 2xx within three seconds comes again
at once, after a minute and after five minutes, with `X-Slack-Retry-Num` and `X-Slack-Retry-Reason`;
`X-Slack-No-Retry: 1` in the answer ends that. Commands and interactions are sent once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from tests.slackbot.simulator.reading import text
from tests.slackbot.simulator.records import Acknowledgement, App, Object, Route, SignedRequest

EVENT, COMMAND, INTERACTION, VERIFICATION = "event", "command", "interaction", "verification"
TIMEOUT, FAILED, ERROR = "http_timeout", "connection_failed", "http_error"
GOOD: Final = range(200, 300)
OPENER: Final = build_opener(ProxyHandler({}))


@dataclass(slots=True)
class Timing:
    """Seconds. The pauses are Slack's; a test shortens them."""

    acknowledge_within: float = 3.0
    retry_after: tuple[float, ...] = (0.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. `reason` is empty when it was acknowledged, else Slack's word for what went wrong."""

    reason: str
    seconds: float
    answer: Acknowledgement | None = None


@dataclass(eq=False, slots=True)
class Delivery:
    """One thing that was sent, with every try. `name` is the type of the event or interaction."""

    app: App
    kind: str
    name: str
    payload: Object
    attempts: list[Attempt] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def acknowledged(self) -> bool:
        return bool(self.attempts) and not self.attempts[-1].reason

    @property
    def answer(self) -> Acknowledgement | None:
        return self.attempts[-1].answer if self.attempts else None


class NoAnswer(Exception):
    """No acknowledgement; the text is Slack's word for why."""


class Sockets(Protocol):
    """Socket Mode as seen from here. Raises `NoAnswer`."""

    def send(self, delivery: Delivery, attempt: int, reason: str, within: float) -> Acknowledgement: ...


def sign(app: App, body: bytes, content_type: str, *, at: float | None = None) -> SignedRequest:
    """A request signed as https://docs.slack.dev/authentication/verifying-requests-from-slack says.

    `at` is in seconds since the epoch; the real clock counts, since the app compares with it.
    """
    stamp = str(int(time.time() if at is None else at))
    secret = app.signing_secret.encode()
    digest = hmac.new(secret, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return SignedRequest(
        {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest}",
        },
        body,
    )


def encoded(kind: str, payload: Object) -> tuple[str, bytes]:
    """The content type and body of a payload: JSON, a form, or a form with JSON in `payload`."""
    if kind in (EVENT, VERIFICATION):
        return "application/json", json.dumps(payload).encode()
    form = (
        {"payload": json.dumps(payload, ensure_ascii=False)}
        if kind == INTERACTION
        else {name: text(value) for name, value in payload.items()}
    )
    return "application/x-www-form-urlencoded", urlencode(form).encode()


class Deliveries:
    """Everything that was sent, newest last. Threads send; a pause before a retry holds no thread."""

    def __init__(self, timing: Timing, sockets: Sockets, *, workers: int = 16) -> None:
        self.all: list[Delivery] = []
        self._timing = timing
        self._sockets = sockets
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="slack-delivery")
        self._lock = threading.Lock()
        self._closed = False

    def send(self, app: App, kind: str, name: str, payload: Object) -> Delivery:
        """Begins to send and returns at once."""
        delivery = Delivery(app, kind, name, payload)
        with self._lock:
            self.all.append(delivery)
        self._start(delivery, 0, "")
        return delivery

    def again(self, delivery: Delivery) -> Delivery:
        """Sends the same once more, as Slack does when an acknowledgement was lost on its way."""
        delivery.over.clear()
        self._start(delivery, 1, TIMEOUT)
        return delivery

    def settle(self, timeout: float) -> None:
        """Waits until nothing is under way. Raises `TimeoutError` that names what is."""
        until = time.monotonic() + timeout
        while waiting := [each for each in list(self.all) if not each.over.is_set()]:
            if not waiting[0].over.wait(max(0.0, until - time.monotonic())):
                names = ", ".join(f"{each.kind} {each.name}" for each in waiting[:5])
                raise TimeoutError(f"{len(waiting)} deliveries are not over after {timeout} s: {names}")

    def close(self) -> None:
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, delivery: Delivery, attempt: int, reason: str) -> None:
        if not self._closed:
            self._pool.submit(self._tried, delivery, attempt, reason)

    def _tried(self, delivery: Delivery, attempt: int, reason: str) -> None:
        begun, answer, fault = time.monotonic(), None, ""
        try:
            answer = self._sent(delivery, attempt, reason)
        except NoAnswer as error:
            fault = str(error)
        except Exception as error:  # noqa: BLE001 - a route of a test may raise anything; the test sees it
            fault = f"{FAILED}: {error!r}"
        if answer is not None and answer.status not in GOOD:
            fault = ERROR
        delivery.attempts.append(Attempt(fault, time.monotonic() - begun, answer))
        no_retry = answer is not None and answer.headers.get("x-slack-no-retry") == "1"
        if not fault or no_retry or delivery.kind != EVENT or attempt >= len(self._timing.retry_after):
            delivery.over.set()
            return
        after = self._timing.retry_after[attempt]
        timer = threading.Timer(after, self._start, (delivery, attempt + 1, fault.partition(":")[0]))
        timer.daemon = True
        timer.start()

    def _sent(self, delivery: Delivery, attempt: int, reason: str) -> Acknowledgement:
        within = self._timing.acknowledge_within
        if delivery.app.socket_mode and delivery.kind != VERIFICATION:
            return self._sockets.send(delivery, attempt, reason, within)
        if delivery.app.request_url is None:
            raise NoAnswer(FAILED)
        content_type, body = encoded(delivery.kind, delivery.payload)
        request = sign(delivery.app, body, content_type)
        if attempt:
            again = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
            request = SignedRequest({**request.headers, **again}, body)
        return requested(delivery.app.request_url, request, within)


def requested(route: Route, request: SignedRequest, within: float) -> Acknowledgement:
    """The answer of the app. Raises `NoAnswer`."""
    if not isinstance(route, str):
        return route(request)
    outgoing = Request(route, request.body, dict(request.headers), method="POST")
    begun = time.monotonic()
    try:
        with OPENER.open(outgoing, timeout=within) as answer:
            return Acknowledgement(answer.status, _small(answer.headers.items()), answer.read())
    except HTTPError as error:
        with error:
            return Acknowledgement(error.code, _small(error.headers.items()), error.read())
    except TimeoutError as error:
        raise NoAnswer(TIMEOUT) from error
    except (URLError, OSError) as error:
        late = time.monotonic() - begun >= within or isinstance(getattr(error, "reason", None), TimeoutError)
        raise NoAnswer(TIMEOUT if late else FAILED) from error


def _small(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}
