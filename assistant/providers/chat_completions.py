"""Language models behind an OpenAI-compatible server: OpenAI, Azure, vLLM, Ollama, llama.cpp and others.

One streamed request to `chat/completions`. What is busy or does not answer is asked again
as long as nothing was written yet; a message that breaks off is an error, never a short answer.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence

from assistant.common.errors import ModelUnavailable, MundapError
from assistant.common.event_stream import EndlessEvent, event_data
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Ask, Origin, Reach, Streamed, TooLarge
from assistant.common.network import HostUnreachable, Network
from assistant.common.pace import Stopped, wait
from assistant.common.told import said, told
from assistant.common.types import Json
from assistant.providers.contract import ChatParts, ChatServer, Message, never
from assistant.providers.writing import WrittenAnswers

_TRIES = 3
_LONGEST_PAUSE_S = 8.0  # somebody waits
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
_UNKNOWN_CALLER, _NOT_THERE, _OK = frozenset({401, 403}), 404, 200
_DONE = "[DONE]"
_MOST_BYTES = 16_000_000
# Why a message ended (`finish_reason`) where it ended as it should.
_WHOLE = frozenset({"stop", "eos", "end_turn"})
_CUT = frozenset({"length", "max_tokens"})


def chat_model(parts: ChatParts) -> WrittenAnswers:
    """The configured server's model as one that answers from evidence."""
    return WrittenAnswers(ChatCompletions(parts.server, parts.network))


class ChatCompletions:
    """One model on one server. Threads may share it: each message has a connection of its own."""

    def __init__(self, server: ChatServer, network: Network) -> None:
        self._server = server
        self._network = network

    @property
    def name(self) -> str:
        """The model's name on its server."""
        return self._server.model

    def complete(self, messages: Sequence[Message], *, stop: Callable[[], bool] = never) -> Iterator[str]:
        """See `Completions`.

        Raises:
            ModelUnavailable: no connection, no right to ask, no such model, busy for too long, silent, not
                understood, cut off, or declined by the server's own rules.
        """
        try:
            for attempt in range(1, _TRIES + 1):
                begun = False
                try:
                    for piece in self._asked(messages, stop):
                        begun = True
                        yield piece
                    return
                except _Again as error:
                    if begun or attempt == _TRIES or error.after > _LONGEST_PAUSE_S:
                        raise ModelUnavailable(said(error)) from error
                    wait(error.after + random.uniform(0, 0.5 * attempt), stopped=stop)  # noqa: S311 - no secret
        except Stopped:
            return

    def _asked(self, messages: Sequence[Message], stop: Callable[[], bool]) -> Iterator[str]:
        server = self._server
        headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
        origin = Origin(server.url, headers)
        client = GuardedClient(
            Reach(self._network, stopped=stop), origin, timeout_s=server.silence_s, longest_s=server.whole_s
        )
        address = server.url.rstrip("/") + "/chat/completions"
        ask = Ask("POST", address, _HEADERS, self._body(messages), _MOST_BYTES, redirects=0)
        try:
            with client, client.streamed(ask) as answer:
                if answer.status != _OK:
                    raise self._refused(answer)
                yield from self._pieces(answer)
        except HostUnreachable as error:
            raise _Again(said(error), after=0.5) from error
        except (ModelUnavailable, _Again):
            raise
        except MundapError as error:  # an address that is not allowed, a certificate: only a person can mend
            raise ModelUnavailable(said(error)) from error

    def _body(self, messages: Sequence[Message]) -> bytes:
        return json.dumps(
            {
                "model": self._server.model,
                "messages": [{"role": each.role.value, "content": each.text} for each in messages],
                "max_tokens": self._server.most_tokens,
                "temperature": 0,
                "stream": True,
            },
            ensure_ascii=False,
        ).encode("utf-8", "replace")

    def _pieces(self, answer: Streamed) -> Iterator[str]:
        ended = ""
        try:
            for data in event_data(answer.blocks):
                if data.strip() == _DONE:
                    break
                piece, why = self._understood(data)
                ended = why or ended
                if piece:
                    yield piece
        except (EndlessEvent, TooLarge) as error:
            raise self._odd() from error
        self._judge_end(ended)

    def _understood(self, data: str) -> tuple[str, str]:
        """What an event adds to the message, and why the message ended, if it did."""
        try:
            found: Json = json.loads(data)
        except ValueError as error:
            raise self._odd() from error
        if not isinstance(found, dict):
            raise self._odd()
        if found.get("error"):
            raise _Again(
                told("The model '{model}' broke off with an error of its server.", model=self._server.model),
                after=0.5,
            )
        choices = found.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        if not isinstance(choice, dict):
            raise self._odd()
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        if delta.get("refusal"):
            raise self._declined()
        piece, why = delta.get("content"), choice.get("finish_reason")
        return piece if isinstance(piece, str) else "", why if isinstance(why, str) else ""

    def _judge_end(self, ended: str) -> None:
        """
        Raises:
            ModelUnavailable: the message is not whole.
        """
        if ended in _WHOLE:
            return
        model = self._server.model
        if ended == "content_filter":
            raise self._declined()
        if ended in _CUT:
            raise ModelUnavailable(
                told(
                    "The model '{model}' used up its {most} tokens before its answer was whole: raise the "
                    "limit, or ask for less.",
                    model=model,
                    most=self._server.most_tokens,
                )
            )
        raise _Again(told("The model '{model}' broke off in the middle.", model=model), after=0.5)

    def _refused(self, answer: Streamed) -> MundapError:
        server, status = self._server, answer.status
        if status in _UNKNOWN_CALLER:
            return ModelUnavailable(
                told("The server of '{model}' does not take the API key ({status}): enter it again.",
                     model=server.model, status=status)
            )  # fmt: skip
        if status == _NOT_THERE:
            return ModelUnavailable(
                told("The server knows no model '{model}', or nothing is at this address (404): check both.",
                     model=server.model)
            )  # fmt: skip
        message = told("The server of '{model}' answers {status}.", model=server.model, status=status)
        if status in _BUSY:
            return _Again(message, after=_seconds(answer.headers.get("retry-after", "")))
        return ModelUnavailable(message)

    def _odd(self) -> ModelUnavailable:
        model = self._server.model
        return ModelUnavailable(
            told(
                "The server of '{model}' answers in a way that is not understood: check its address.",
                model=model,
            )
        )

    def _declined(self) -> ModelUnavailable:
        return ModelUnavailable(
            told("The server of '{model}' declined to answer by rules of its own.", model=self._server.model)
        )


_HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream"}


class _Again(MundapError):
    """Asking again may help, after so many seconds."""

    def __init__(self, message: str, *, after: float) -> None:
        super().__init__(message)
        self.after = after


def _seconds(text: str) -> float:
    """What Retry-After says, where it is a number; a moment otherwise."""
    return float(text[:6]) if text.isascii() and text.isdigit() else 1.0
