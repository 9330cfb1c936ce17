"""The Web API: from a method's name, a token and arguments to Slack's answer, every fault recorded."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from assistant.common.types import Json
from tests.slackbot.simulator.answers_chat import CHAT
from tests.slackbot.simulator.answers_conversations import CONVERSATIONS
from tests.slackbot.simulator.answers_people import PEOPLE
from tests.slackbot.simulator.answers_views import VIEWS
from tests.slackbot.simulator.arguments import Refused, received, validated
from tests.slackbot.simulator.calls import Call, Handler
from tests.slackbot.simulator.events import Events
from tests.slackbot.simulator.limits import RateLimits
from tests.slackbot.simulator.methods import METHODS, Method
from tests.slackbot.simulator.reading import text
from tests.slackbot.simulator.records import Called, Object, Token
from tests.slackbot.simulator.state import State

HANDLERS: Final[Mapping[str, Handler]] = {**CHAT, **CONVERSATIONS, **PEOPLE, **VIEWS}
# What the state of tokens alone says; a product that meets these has made no mistake in its call.
TOKEN_ENDED: Final = frozenset({"token_revoked", "token_expired", "account_inactive"})


@dataclass(frozen=True, slots=True)
class Answer:
    body: Object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class WebApi:
    """Answers calls one after another, under the state's lock."""

    def __init__(self, state: State, events: Events, limits: RateLimits) -> None:
        self._state = state
        self._events = events
        self._limits = limits

    def answer(self, name: str, authorization: str, content_type: str, body: bytes, base: str) -> Answer:
        """What Slack answers. `authorization` is the header: a bearer token, or an app's id and secret."""
        sent: dict[str, Json] = {}
        with self._state.lock:
            try:
                sent = received(content_type, body) | _id_and_secret(authorization)
                answer = self._called(name, authorization.removeprefix("Bearer ").strip(), sent, base)
            except Refused as refused:
                answer = Answer(refused.answer())
                if not refused.expected and refused.error not in TOKEN_ENDED:
                    self._state.fault(name, refused.error, "; ".join(refused.details))
            hidden = ("token", "client_secret", "refresh_token")
            shown = {key: each for key, each in sent.items() if key not in hidden}
            error = text(answer.body.get("error"))
            self._state.calls.append(Called(name, shown, error, self._state.clock.now()))
        return answer

    def _called(self, name: str, bearer: str, sent: dict[str, Json], base: str) -> Answer:
        method = METHODS.get(name)
        if method is None:
            raise Refused("unknown_method", name, req_method=name)
        written = bearer or text(sent.get("token"))
        sent.pop("token", None)
        token = self._token(method, written) if method.tokens else None
        if token is not None:
            seconds = self._limits.wait(method, token.app_id, token.team_id, text(sent.get("channel")))
            if seconds:
                return Answer({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(seconds)})
        self._need_scope(method, token)
        call = Call(method, validated(method, sent), self._state, self._events, base, token)
        headers = {} if token is None else {"X-OAuth-Scopes": ",".join(sorted(token.scopes))}
        return Answer({"ok": True, **HANDLERS[name](call)}, headers=headers)

    def _token(self, method: Method, written: str) -> Token:
        if not written:
            raise Refused("not_authed")
        token = self._state.tokens.get(written)
        if token is None:
            raise Refused("invalid_auth")
        if token.kind not in method.tokens:
            raise Refused("not_allowed_token_type", f"a token of kind {token.kind} is not for {method.name}")
        installed = self._state.installation_of(token)
        if installed is not None and installed.removed:
            raise Refused("account_inactive")
        if token.revoked:
            raise Refused("token_revoked")
        if token.expires_at is not None and self._state.clock.now() >= token.expires_at:
            raise Refused("token_expired")
        return token

    def _need_scope(self, method: Method, token: Token | None) -> None:
        """The scopes of the table; those that depend on a kind of conversation are checked by the method."""
        if token is None or not method.scopes or method.scopes[0].startswith("*"):
            return
        if not token.scopes & set(method.scopes):
            provided = ",".join(sorted(token.scopes))
            raise Refused("missing_scope", needed=method.scopes[0], provided=provided)


def _id_and_secret(authorization: str) -> dict[str, Json]:
    """The arguments that oauth.v2.access takes from a Basic header."""
    kind, _, encoded = authorization.partition(" ")
    if kind != "Basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": client_id, "client_secret": secret}
