"""Language models of Amazon Bedrock, by its Converse API, which is the same for all of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Protocol, cast

from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.eventstream import ParserError
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from assistant.common.aws_client import aws_client, request_headers
from assistant.common.errors import MundapError
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Ask, Origin, Reach, TooLarge
from assistant.common.network import HostUnreachable, Network
from assistant.common.told import said, told
from assistant.providers.bedrock_errors import failure
from assistant.providers.call_failed import CallFailed
from assistant.providers.contract import (
    ChatParts,
    ChatServer,
    Completions,
    Message,
    Outcome,
    Role,
    Tokens,
    never,
    uncounted,
)
from assistant.providers.dialect import OtherDialect, known_dialect, remember
from assistant.providers.limits import limited
from assistant.providers.refusals import broke_off, cut, declined, not_understood, too_long
from assistant.providers.thoughts import spoken
from assistant.providers.writing import WrittenAnswers

_MOST_BYTES = 16_000_000
_REGION = re.compile(r"\bbedrock-runtime(?:-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-\d)\b")
_WHOLE = frozenset({"end_turn", "stop_sequence"})
_DECLINED = frozenset({"guardrail_intervened", "content_filtered"})
_CUT, _TOO_LONG = "max_tokens", "model_context_window_exceeded"
_PARTS = (2, 3)  # of a key: id and secret, perhaps with the token of a session


class _Api(Protocol):
    """The one operation of botocore's generated client that is needed."""

    def converse_stream(self, **arguments: object) -> Mapping[str, object]: ...


def completions(parts: ChatParts) -> Completions:
    """The configured model, within its limits."""
    return limited(BedrockCompletions(parts.server, parts.network), parts)


def chat_model(parts: ChatParts) -> WrittenAnswers:
    """The configured model as one that answers from evidence."""
    return WrittenAnswers(completions(parts), entailment=parts.entailment)


class BedrockCompletions:
    """One model of Bedrock, asked once. Threads may share it.

    The key is `ID:SECRET`, `ID:SECRET:SESSION` or an API key of Bedrock's; no other is looked for on this
    machine. `url` empty: Amazon's own address in `region`.
    """

    def __init__(self, server: ChatServer, network: Network) -> None:
        self._server = server
        self._network = network

    @property
    def name(self) -> str:
        """The model's or inference profile's id."""
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
                or declined by Bedrock's own rules.
            Stopped: once `stop` says so.
        """
        yield from spoken(self._understood(messages, stop, counted))

    def _understood(
        self, messages: Sequence[Message], stop: Callable[[], bool], counted: Callable[[Tokens], None]
    ) -> Iterator[str]:
        try:
            yield from self._asked(messages, stop, counted)
        except OtherDialect as error:
            remember(self._server, error.dialect)
            yield from self._asked(messages, stop, counted)

    def _asked(
        self, messages: Sequence[Message], stop: Callable[[], bool], counted: Callable[[Tokens], None]
    ) -> Iterator[str]:
        server = self._server
        guarded = GuardedClient(
            Reach(self._network, stopped=stop),
            Origin(ca_file=server.ca_file),
            timeout_s=server.silence_s,
            longest_s=server.whole_s,
        )
        began = time.monotonic()
        try:
            with guarded, ExitStack() as connection:
                api = self._api(guarded, connection)
                answer = api.converse_stream(**self._request(messages))
                yield from self._pieces(cast("Iterable[Mapping[str, object]]", answer["stream"]), counted)
        except HostUnreachable as error:
            silent = time.monotonic() - began >= server.silence_s  # nobody waits for that twice
            raise CallFailed(said(error), Outcome.UNREACHABLE, after=None if silent else 0.5) from error
        except (CallFailed, OtherDialect):
            raise
        except TooLarge as error:
            raise not_understood(self.name) from error
        except MundapError as error:  # an address that is not allowed, a certificate: only a person can mend
            raise CallFailed(said(error), Outcome.REFUSED) from error
        except ClientError as error:
            raise failure(error, server) from error
        except (ParserError, ResponseParserError, KeyError) as error:
            raise not_understood(self.name) from error
        except (BotoCoreError, ValueError) as error:
            raise CallFailed(
                told(
                    "Amazon Bedrock cannot be asked ({kind}): check address, region, key and the model's id.",
                    kind=type(error).__name__,
                ),
                Outcome.REFUSED,
            ) from error

    def _request(self, messages: Sequence[Message]) -> dict[str, object]:
        inference: dict[str, object] = {"maxTokens": self._server.most_tokens}
        if known_dialect(self._server).temperature:
            inference["temperature"] = 0.0
        return {
            "modelId": self._server.model,
            "system": [{"text": each.text} for each in messages if each.role is Role.SYSTEM],
            "messages": [
                {"role": each.role.value, "content": [{"text": each.text}]}
                for each in messages
                if each.role is not Role.SYSTEM
            ],
            "inferenceConfig": inference,
        }

    def _api(self, guarded: GuardedClient, connection: ExitStack) -> _Api:
        """botocore's client; the answer's body comes over `connection` until that is closed."""
        server = self._server
        parts = server.api_key.split(":") if ":" in server.api_key else []
        if not server.api_key or (parts and (len(parts) not in _PARTS or not all(parts))):
            raise CallFailed(
                told(
                    "The model '{model}' has no usable key: enter ID:SECRET of an access key, or an API key "
                    "of Amazon Bedrock.",
                    model=self.name,
                ),
                Outcome.REFUSED,
            )
        bearer = {} if parts else {"Authorization": f"Bearer {server.api_key}"}

        def send(request: AWSPreparedRequest) -> AWSResponse:
            body = request.body
            ask = Ask(
                str(request.method),
                str(request.url),
                headers={**request_headers(request), **bearer},
                content=body if isinstance(body, bytes) else str(body or "").encode(),
                max_bytes=_MOST_BYTES,
                redirects=0,
            )
            answer = connection.enter_context(guarded.streamed(ask))
            kept = HTTPHeaders()
            for name, value in answer.headers.items():
                # The body is decoded on its way: its length and coding are no longer those of the answer.
                if name not in ("content-encoding", "content-length", "transfer-encoding"):
                    kept[name] = value
            return AWSResponse(str(request.url), answer.status, kept, _Body(answer.blocks))

        key_id, secret, *session = parts or ("none", "none")
        return cast(
            "_Api",
            aws_client(
                "bedrock-runtime",
                access_key_id=key_id,
                secret_access_key=secret,
                session_token=session[0] if session else "",
                endpoint=server.url,
                region=server.region or region_in(server.url),
                config=Config(
                    signature_version="v4" if parts else UNSIGNED,
                    retries={"total_max_attempts": 1, "mode": "standard"},
                ),
                send=send,
            ),
        )

    def _pieces(
        self, events: Iterable[Mapping[str, object]], counted: Callable[[Tokens], None]
    ) -> Iterator[str]:
        ended = ""
        for event in events:
            match event:
                case {"contentBlockDelta": {"delta": {"text": str(piece)}}} if piece:
                    yield piece
                case {"messageStop": {"stopReason": str(why)}}:
                    ended = why
                case {"metadata": {"usage": {"inputTokens": int(read), "outputTokens": int(written)}}}:
                    if read >= 0 and written >= 0:
                        counted(Tokens(read, written))
        self._judge_end(ended)

    def _judge_end(self, ended: str) -> None:
        """
        Raises:
            CallFailed: the message is not whole.
        """
        if ended in _WHOLE:
            return
        if ended in _DECLINED:
            raise declined(self.name)
        if ended == _CUT:
            raise cut(self.name, self._server.most_tokens)
        if ended == _TOO_LONG:
            raise too_long(self.name)
        raise broke_off(self.name)


class _Body:
    """What botocore reads of a socket's answer: pieces as they come."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks

    def stream(self, _amount: int = 0, *, decode_content: bool = False) -> Iterator[bytes]:  # noqa: ARG002
        """Pieces of any length."""
        yield from self._blocks

    def close(self) -> None:
        """The connection is closed by whoever opened it."""


def region_in(url: str) -> str:
    """The region that an address of Amazon's names; empty: none."""
    found = _REGION.search(url)
    return found[1] if found else ""
