"""Language models behind an OpenAI-compatible server: OpenAI, Azure, vLLM, Ollama, llama.cpp and others.

One streamed request to `chat/completions`. A message that breaks off is an error, never a short answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence

from assistant.common.errors import MundapError
from assistant.common.event_stream import EndlessEvent, event_data
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Ask, Reach, Streamed, TooLarge
from assistant.common.network import HostUnreachable, Network
from assistant.common.told import said, told
from assistant.common.types import Json, JsonObject
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import (
    ChatParts,
    ChatServer,
    Completions,
    Message,
    Outcome,
    Tokens,
    never,
    uncounted,
)
from assistant.providers.dialect import (
    Dialect,
    OtherDialect,
    is_filtered,
    is_too_long,
    known_dialect,
    other_dialect,
    remember,
)
from assistant.providers.limits import limited
from assistant.providers.refusals import broke_off, cut, declined, not_understood, refused, too_long
from assistant.providers.server_address import endpoint, origin_of
from assistant.providers.thoughts import spoken
from assistant.providers.writing import WrittenAnswers

_OK = 200
_DONE = "[DONE]"
_MOST_BYTES = 16_000_000
_MOST_REFUSAL = 16_000  # bytes of a refusal that are read
_MOST_TOKENS = 100_000_000  # a count beyond that is a joke
# Why a message ended (`finish_reason`) where it ended as it should.
_WHOLE = frozenset({"stop", "eos", "end_turn"})
_CUT = frozenset({"length", "max_tokens"})
_HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream"}


def completions(parts: ChatParts) -> Completions:
    """The configured server's model, within its limits."""
    return limited(ChatCompletions(parts.server, parts.network), parts)


def chat_model(parts: ChatParts) -> WrittenAnswers:
    """The configured server's model as one that answers from evidence."""
    return WrittenAnswers(completions(parts), entailment=parts.entailment)


class ChatCompletions:
    """One model on one server, asked once. Threads may share it: each message has a connection of its own."""

    def __init__(self, server: ChatServer, network: Network) -> None:
        self._server = server
        self._network = network

    @property
    def name(self) -> str:
        """The model's name on its server."""
        return self._server.model

    def complete(
        self,
        messages: Sequence[Message],
        *,
        stop: Callable[[], bool] = never,
        counted: Callable[[Tokens], None] = uncounted,
    ) -> Iterator[str]:
        """See `CountingCompletions`.

        Raises:
            CallFailed: no connection, no right to ask, no such model, busy, silent, not understood, cut off,
                or declined by the server's own rules.
            Stopped: once `stop` says so.
        """
        yield from spoken(self._understood(messages, stop, counted))

    def _understood(
        self, messages: Sequence[Message], stop: Callable[[], bool], counted: Callable[[Tokens], None]
    ) -> Iterator[str]:
        dialect = known_dialect(self._server)
        while True:
            try:
                yield from self._asked(messages, dialect, stop, counted)
                return
            except OtherDialect as error:  # before anything was written; each one says less than the last
                dialect = error.dialect

    def _asked(
        self,
        messages: Sequence[Message],
        dialect: Dialect,
        stop: Callable[[], bool],
        counted: Callable[[Tokens], None],
    ) -> Iterator[str]:
        server = self._server
        client = GuardedClient(
            Reach(self._network, stopped=stop),
            origin_of(server),
            timeout_s=server.silence_s,
            longest_s=server.whole_s,
        )
        body = self._body(messages, dialect)
        ask = Ask("POST", endpoint(server, "/chat/completions"), _HEADERS, body, _MOST_BYTES, redirects=0)
        began = time.monotonic()
        try:
            with client, client.streamed(ask) as answer:
                if answer.status != _OK:
                    raise self._refused(answer, dialect)
                remember(server, dialect)
                yield from self._pieces(answer, counted)
        except HostUnreachable as error:
            silent = time.monotonic() - began >= server.silence_s  # nobody waits for that twice
            raise CallFailed(said(error), Outcome.UNREACHABLE, after=None if silent else 0.5) from error
        except (CallFailed, OtherDialect):
            raise
        except MundapError as error:  # an address that is not allowed, a certificate: only a person can mend
            raise CallFailed(said(error), Outcome.REFUSED) from error

    def _body(self, messages: Sequence[Message], dialect: Dialect) -> bytes:
        body: JsonObject = {
            "model": self._server.model,
            "messages": [{"role": each.role.value, "content": each.text} for each in messages],
            "stream": True,
            **dialect.fields(self._server.most_tokens),
        }
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")

    def _pieces(self, answer: Streamed, counted: Callable[[Tokens], None]) -> Iterator[str]:
        ended = ""
        try:
            for data in event_data(answer.blocks):
                if data.strip() == _DONE:
                    break
                event = self._event(data)
                tokens = _tokens(event.get("usage"))
                if tokens is not None:
                    counted(tokens)
                piece, why = self._said(event)
                ended = why or ended
                if piece:
                    yield piece
        except (EndlessEvent, TooLarge) as error:
            raise not_understood(self.name) from error
        self._judge_end(ended)

    def _event(self, data: str) -> JsonObject:
        try:
            found: Json = json.loads(data)
        except ValueError as error:
            raise not_understood(self.name) from error
        if not isinstance(found, dict):
            raise not_understood(self.name)
        if found.get("error"):
            raise CallFailed(
                told("The model '{model}' broke off with an error of its server.", model=self.name),
                Outcome.BROKEN,
                after=0.5,
            )
        return found

    def _said(self, event: JsonObject) -> tuple[str, str]:
        """What an event adds to the message, and why the message ended, if it did."""
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        if not isinstance(choice, dict):
            raise not_understood(self.name)
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        if delta.get("refusal"):
            raise declined(self.name)
        piece, why = delta.get("content"), choice.get("finish_reason")
        return piece if isinstance(piece, str) else "", why if isinstance(why, str) else ""

    def _judge_end(self, ended: str) -> None:
        """
        Raises:
            CallFailed: the message is not whole.
        """
        if ended in _WHOLE:
            return
        if ended == "content_filter":
            raise declined(self.name)
        if ended in _CUT:
            raise cut(self.name, self._server.most_tokens)
        raise broke_off(self.name)

    def _refused(self, answer: Streamed, dialect: Dialect) -> MundapError:
        refusal = _beginning(answer)
        other = other_dialect(dialect, answer.status, refusal)
        if other is not None:
            return OtherDialect(other)
        if is_filtered(answer.status, refusal):
            return declined(self.name)
        if is_too_long(answer.status, refusal):
            return too_long(self.name)
        return refused(self.name, answer.status, answer.headers.get("retry-after", ""))


def _beginning(answer: Streamed) -> str:
    read = b""
    for block in answer.blocks:
        read += block
        if len(read) >= _MOST_REFUSAL:
            break
    return read[:_MOST_REFUSAL].decode("utf-8", "replace")


def _tokens(usage: Json) -> Tokens | None:
    """What a server says that it counted; None where it does not, or nothing that can be."""
    if not isinstance(usage, dict):
        return None
    read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if _is_count(read) and _is_count(written):
        assert isinstance(read, int)
        assert isinstance(written, int)
        return Tokens(read, written)
    return None


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS
