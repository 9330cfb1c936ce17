"""One question to a model on a server that is answered whole: what embedders and rerankers ask.

Around each stand the same parts as around language models: attempts, a circuit breaker, places, accounts.
What the server says in words reaches nobody.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from assistant.common.errors import MundapError
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Ask, Reach, Streamed, TooLarge
from assistant.common.network import HostUnreachable
from assistant.common.pace import wait
from assistant.common.told import said, told
from assistant.common.types import Json, JsonObject
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import Outcome, Served, Usage, never
from assistant.providers.dialect import is_too_long
from assistant.providers.limits import state_of
from assistant.providers.metered import estimated_tokens
from assistant.providers.refusals import not_understood, refused
from assistant.providers.resting import resting
from assistant.providers.retrying import LOOK_UP_S, pause_before
from assistant.providers.server_address import endpoint, origin_of

_T = TypeVar("_T")
_OK = 200
_MOST_BYTES = 64_000_000
_MOST_REFUSAL = 16_000  # bytes of a refusal that are read
_MOST_TOKENS = 100_000_000  # a count beyond that is a joke
_REFUSED = frozenset({400, 422})
_TOO_LONG = re.compile(
    r"(?i)too (?:long|large)|max(?:imum)?[ _](?:context|input|model)|token(?:s)? (?:limit|exceed)"
)
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class TextTooLong(CallFailed):
    """The model reads less than it was given."""


class ServedCalls:
    """One model on one server. Threads may share it; connections are kept open between calls."""

    def __init__(self, served: Served) -> None:
        server = served.server
        self._server = server
        self._spent = served.spent
        self._state = state_of(server)
        self._client = GuardedClient(
            Reach(served.network),
            origin_of(server),
            timeout_s=server.silence_s,
            longest_s=server.whole_s,
        )

    @property
    def name(self) -> str:
        """The model's name on its server."""
        return self._server.model

    def asked(
        self, path: str, body: JsonObject, *, texts: Sequence[str], read: Callable[[JsonObject], _T]
    ) -> _T:
        """What `read` makes of the answer, below the server's address. `texts` are those in the `body`.

        Raises:
            CallFailed: no connection, no right to ask, no such model, busy, silent, not understood, or what
                `read` raised.
            TextTooLong: the model reads less.
        """
        began = time.perf_counter()
        outcome, counted = Outcome.BROKEN, None
        try:
            answer = self._until_answered(path, body, read)
            outcome, counted = Outcome.DONE, _tokens(answer[0])
            return answer[1]
        except CallFailed as error:
            outcome, error.of_search = error.outcome, True
            raise
        finally:
            done = outcome is Outcome.DONE
            reckoned = sum(map(estimated_tokens, texts)) if done and counted is None else 0
            self._spent(
                Usage(
                    input_tokens=reckoned if counted is None else counted,
                    output_tokens=0,
                    estimated=counted is None,
                    ms=round((time.perf_counter() - began) * 1000),
                    first_token_ms=None,
                    outcome=outcome.value,
                )
            )

    def _until_answered(
        self, path: str, body: JsonObject, read: Callable[[JsonObject], _T]
    ) -> tuple[JsonObject, _T]:
        attempt = 1
        while True:
            try:
                with self._allowed():
                    found = self._once(path, body)
                    return found, read(found)
            except CallFailed as error:
                pause = pause_before(attempt, error)
                if attempt >= self._server.attempts or pause is None:
                    raise
            wait(pause, stopped=never, step_s=LOOK_UP_S)
            attempt += 1

    @contextmanager
    def _allowed(self) -> Iterator[None]:
        """
        Raises:
            CallFailed: the model rests, or no place became free in time.
        """
        server, circuit, places = self._server, self._state.circuit, self._state.places
        rest, probe = circuit.entered()
        if rest:
            raise resting(self.name, rest)
        outcome = Outcome.STOPPED
        try:
            if not places.enter(most=server.most_at_once, within_s=server.place_s, stop=never):
                raise _full(self.name, server.most_at_once)
            try:
                yield
                outcome = Outcome.DONE
            finally:
                places.leave()
        except CallFailed as error:
            outcome = error.outcome
            raise
        finally:
            circuit.left(outcome, probe=probe, failures=server.failures, rest_s=server.rest_s)

    def _once(self, path: str, body: JsonObject) -> JsonObject:
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        ask = Ask("POST", endpoint(self._server, path), _HEADERS, content, _MOST_BYTES, redirects=0)
        began = time.monotonic()
        try:
            with self._client.streamed(ask) as answer:
                if answer.status != _OK:
                    raise self._refused(answer)
                return self._object(b"".join(answer.blocks))
        except HostUnreachable as error:
            silent = time.monotonic() - began >= self._server.silence_s  # nobody waits for that twice
            raise CallFailed(said(error), Outcome.UNREACHABLE, after=None if silent else 0.5) from error
        except CallFailed:
            raise
        except TooLarge as error:
            raise not_understood(self.name) from error
        except MundapError as error:  # an address that is not allowed, a certificate: only a person can mend
            raise CallFailed(said(error), Outcome.REFUSED) from error

    def _object(self, body: bytes) -> JsonObject:
        try:
            found: Json = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise not_understood(self.name) from error
        if not isinstance(found, dict):
            raise not_understood(self.name)
        return found

    def _refused(self, answer: Streamed) -> CallFailed:
        beginning = b""
        for block in answer.blocks:
            beginning += block
            if len(beginning) >= _MOST_REFUSAL:
                break
        refusal = beginning[:_MOST_REFUSAL].decode("utf-8", "replace")
        if is_too_long(answer.status, refusal) or (answer.status in _REFUSED and _TOO_LONG.search(refusal)):
            message = told("A text is longer than the model '{model}' reads.", model=self.name)
            return TextTooLong(message, Outcome.REFUSED)
        return refused(self.name, answer.status, answer.headers.get("retry-after", ""))


def in_order(items: Json, number: int, model: str) -> list[JsonObject]:
    """The items of an answer by their `index`, which names each of the `number` texts once.

    Raises:
        CallFailed: it does not.
    """
    if not isinstance(items, list):
        raise not_understood(model)
    found: dict[int, JsonObject] = {}
    for item in items:
        at = item.get("index") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(at, int) or isinstance(at, bool):
            raise not_understood(model)
        found[at] = item
    if len(items) != number or set(found) != set(range(number)):
        raise CallFailed(
            told(
                "The server of '{model}' was given {asked} texts and answers for others: check what runs "
                "there.",
                model=model,
                asked=number,
            ),
            Outcome.BROKEN,
        )
    return [found[at] for at in range(number)]


def is_number(value: Json) -> bool:
    """Whether this is a finite number."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _tokens(answer: JsonObject) -> int | None:
    """How many tokens the server says that it read; None where it does not, or nothing that can be."""
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return None
    for name in ("prompt_tokens", "total_tokens"):
        count = usage.get(name)
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _MOST_TOKENS:
            return count
    return None


def _full(model: str, most: int) -> CallFailed:
    return CallFailed(
        told(
            "The model '{model}' is being asked {most} times at once, which is as many as it may: try again "
            "in a moment.",
            model=model,
            most=most,
        ),
        Outcome.FULL,
        after=1.0,
    )
