"""The SDK's Web API client over the one guarded HTTP client, with our errors.

So it connects only where this installation may, follows no redirect with a token, reads no endless answer,
and keeps its connections. The SDK's own log lines hold what was sent: they are written nowhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web import SlackResponse

from assistant.common import local_only
from assistant.common.errors import MundapError
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Ask
from assistant.common.network import HostUnreachable
from assistant.slackbot.failures import (
    BUSY,
    CLOSING,
    UNKNOWN,
    SlackBusy,
    SlackClosed,
    SlackRefused,
    is_unsure,
    plain_code,
)

SILENCE_S = 10.0
_SHORT_WAIT_S = 3  # waited for where one stands; longer, and the work is put off
_LONGEST_WAIT_S = 3_600.0
_LARGEST_ANSWER = 16_000_000
_FIRST_SERVER_ERROR, _TOO_MANY = 500, 429

# What the SDK and Bolt write holds what people wrote: nothing of it is written at any level.
SILENT = logging.getLogger("assistant.slackbot.silent")
SILENT.setLevel(logging.CRITICAL + 1)
SILENT.propagate = False
SILENT.addHandler(logging.NullHandler())


class SlackClient(WebClient):
    """A Web API client for one token. Each failure of a call is one of `failures`.

    `on_closed` says what it means that Slack no longer takes this token: the error to raise.
    """

    def __init__(
        self,
        http: GuardedClient,
        *,
        base_url: str,
        token: str | None,
        on_closed: Callable[[str, str], MundapError] = lambda _token, code: SlackClosed(code),
    ) -> None:
        super().__init__(
            token=token,
            base_url=base_url,
            timeout=int(SILENCE_S),
            logger=SILENT,
            retry_handlers=[_ShortWait(max_retry_count=1)],
        )
        self.proxy = None  # of the environment; the guarded client uses none either
        self._http = http
        self._on_closed = on_closed

    def api_call(self, api_method: str, **given: Any) -> SlackResponse:
        """See `WebClient.api_call`.

        Raises:
            SlackBusy, SlackRefused, SlackClosed: see `failures`. In local-only mode, too, where Slack lies
                outside: refused with `local_only`, and nothing is sent.
        """
        if (why := local_only.refusal_of_any([self.base_url])) is not None:
            raise SlackRefused("local_only", why=why)
        token = self.token or ""
        try:
            return super().api_call(api_method, **given)
        except SlackApiError as error:
            raise self._judged(error, token) from None
        except MundapError as error:
            raise _unsent(error) from None
        except (OSError, ValueError, SlackClientError):
            # An answer that is none. The request was sent before.
            raise SlackBusy(5.0, may_be_done=True) from None

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        """Where the SDK sends a request: `{"status": ..., "headers": ..., "body": ...}`."""
        content = req.data if isinstance(req.data, bytes) else b""
        ask = Ask(
            req.get_method(),
            url,
            headers={name: str(value) for name, value in req.header_items()},
            content=content,
            max_bytes=_LARGEST_ANSWER,
            redirects=0,
        )
        with self._http.streamed(ask) as answer:
            body = b"".join(answer.blocks)
        return {
            "status": answer.status,
            "headers": dict(answer.headers),
            "body": body.decode("utf-8", "replace"),
        }

    def _judged(self, error: SlackApiError, token: str) -> MundapError:
        """What an answer other than ok means."""
        response = error.response
        status = int(response.status_code)
        said = response.data if isinstance(response.data, dict) else {}
        code = plain_code(said.get("error"))
        if status == _TOO_MANY or code in ("ratelimited", "rate_limited"):
            return SlackBusy(seconds_of(response.headers) or 1.0)
        if status >= _FIRST_SERVER_ERROR:
            return SlackBusy(seconds_of(response.headers) or 2.0, may_be_done=True)
        if code in BUSY:
            return SlackBusy(5.0, may_be_done=is_unsure(code))
        if code in CLOSING:
            return self._on_closed(token, code)
        if code == UNKNOWN:
            return SlackRefused(f"http_{status}" if not said else UNKNOWN)
        needed = said.get("needed")
        return SlackRefused(code, needed=needed if isinstance(needed, str) else "")


class _ShortWait(RateLimitErrorRetryHandler):
    """Waits for a rate limit only where that is soon over: a thread that stands still answers nobody."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        limited = super()._can_retry(state=state, request=request, response=response, error=error)
        if not limited or response is None:
            return False
        asked = seconds_of({name: values[0] for name, values in response.headers.items()})
        return asked is not None and asked <= _SHORT_WAIT_S


def seconds_of(headers: Any) -> float | None:
    """What `Retry-After` asks for, within reason. None: it is not there, or no number."""
    found = {str(name).lower(): value for name, value in dict(headers).items()}.get("retry-after")
    text = found[0] if isinstance(found, list) and found else found
    if isinstance(text, str) and text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT_S)
    return None


def _unsent(error: MundapError) -> MundapError:
    """What the guarded client's error means. Where a connection broke off, the request may have come."""
    if isinstance(error, SlackBusy | SlackRefused | SlackClosed):
        return error
    if isinstance(error, HostUnreachable):
        return SlackBusy(5.0, may_be_done=True)
    return SlackRefused("unreachable", why=str(error))
