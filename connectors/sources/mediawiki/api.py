"""Asking a MediaWiki's api.php, signed in, and what its answers mean for the run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Answer, Ask, Origin, TooLarge
from assistant.common.network import HostUnreachable
from assistant.common.pace import wait
from assistant.common.told import said, told
from assistant.common.types import Json, JsonObject
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.exact_json import MalformedError, as_list, as_object, decode_json
from connectors.sdk.surroundings import Surroundings
from connectors.sdk.web import network_errors, web_client

Parameters = Mapping[str, str | int]

_TRIES = 4
_BUSY = frozenset({"maxlag", "ratelimited", "readonly"})
_SIGNED_OUT = frozenset({"assertuserfailed", "badtoken"})
_MARKUP_FACTOR, _MARKUP_BYTES = 6, 100_000  # a character of text is at most \uXXXX in JSON
_BUSY_S = 60.0


class WikiApi:
    """One wiki as one of its users sees it. May be used by several threads; the caller closes it."""

    def __init__(
        self, surroundings: Surroundings, *, url: str, user: str, password: str, ca_file: str = ""
    ) -> None:
        self._surroundings = surroundings
        self._url = url if url.endswith(".php") else f"{url.rstrip('/')}/api.php"
        self._user, self._password, self._ca_file = user, password, ca_file
        self._made: GuardedClient | None = None
        self._signed_in = False
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            if self._made is not None:
                self._made.close()
            self._made, self._signed_in = None, False

    def sign_in(self) -> None:
        """Sign in, unless that has been done.

        Raises:
            Reconfigure: the wiki does not take the credentials.
        """
        with self._lock:
            if self._signed_in:
                return
            try:
                outcome = self._login()
            except Retry as error:
                if not isinstance(error.__cause__, HostUnreachable):
                    raise
                outcome = self._login()
            if outcome == "Throttled":
                raise Retry(told("The wiki has had too many sign-ins."), after=300)
            if outcome != "Success":
                raise Reconfigure(
                    told(
                        "The wiki does not let '{user}' in. Make a bot password for it "
                        "(Special:BotPasswords) and check both in this source.",
                        user=self._user,
                    )
                )
            self._signed_in = True

    def _login(self) -> Json:
        """What the wiki says of a sign-in. A token serves once: without an answer, a new one is needed."""
        asked = self._ask({"action": "query", "meta": "tokens", "type": "login"})
        token = _text(_at(asked, "query", "tokens"), "logintoken")
        given = {
            "action": "login",
            "lgname": self._user,
            "lgpassword": self._password,
            "lgtoken": token,
        }
        return _at(self._ask(given, post=True), "login").get("result")

    def pages_of(self, question: Parameters) -> Iterator[tuple[JsonObject, JsonObject | None]]:
        """The answers to a query, part by part, each with what the next part continues from."""
        going_on: JsonObject | None = {}
        while going_on is not None:
            carried = {name: str(value) for name, value in going_on.items()}
            answer = self.query({**question, **carried})
            found = answer.get("continue")
            going_on = as_object(found, "continue") if found is not None else None
            yield answer, going_on

    def query(self, question: Parameters, *, max_bytes: int | None = None) -> JsonObject:
        """The answer to one query as the user.

        Raises:
            Retry, Reconfigure, Stop: no answer, no right, or no wiki.
            TooLarge: more than `max_bytes`.
        """
        self.sign_in()
        asked = {"action": "query", "assert": "user", "maxlag": 5, **question}
        answer = self._ask(asked, max_bytes=max_bytes)
        if not {"batchcomplete", "continue"} & answer.keys():
            # Without one of the two, what it lacks may be missing and not empty.
            raise Stop(told("The wiki's answer does not say whether it is whole. Nothing was deleted."))
        return answer

    def content(self, page_id: str) -> JsonObject:
        """A page with its latest revision and that one's text.

        Raises:
            DocumentFailure: too large.
        """
        question: Parameters = {
            "pageids": page_id,
            "prop": "revisions",
            "rvprop": "ids|content",
            "rvslots": "main",
        }
        limit = self._surroundings.max_content_bytes * _MARKUP_FACTOR + _MARKUP_BYTES
        try:
            answer = self.query(question, max_bytes=limit)
        except TooLarge as error:
            raise DocumentFailure(FailureCode.TOO_LARGE, said(error)) from error
        pages = rows(answer, "pages")
        if not pages:
            raise DocumentFailure(FailureCode.GONE)
        return pages[0]

    def _ask(self, asked: Parameters, *, post: bool = False, max_bytes: int | None = None) -> JsonObject:
        """One question, again while the wiki says that it is busy, and once more after signing in anew."""
        for attempt in range(_TRIES):
            value = self._answer(asked, post=post, max_bytes=max_bytes)
            code = _error_code(value)
            if code is None:
                return value
            if code in _SIGNED_OUT and attempt == 0:
                with self._lock:
                    self._signed_in = False
                self.sign_in()
            elif code in _BUSY:
                wait(min(5.0, 0.5 * 2**attempt), stopped=self._surroundings.stopped)
            else:
                raise _refusal(code)
        raise Retry(told("The wiki says that it is busy."), after=_BUSY_S)

    def _answer(self, asked: Parameters, *, post: bool, max_bytes: int | None) -> JsonObject:
        form = urlencode({**asked, "format": "json", "formatversion": 2})
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if post else {}
        ask = Ask(
            "POST" if post else "GET",
            self._url if post else f"{self._url}?{form}",
            headers=headers,
            content=form.encode("ascii") if post else None,
            redirects=0,
        )
        if max_bytes is not None:
            ask = Ask(ask.method, ask.url, ask.headers, ask.content, max_bytes, 0)
        with network_errors():
            return _value(self._client().send(ask), self._url)

    def _client(self) -> GuardedClient:
        with self._lock:
            if self._made is None:
                origin = Origin(self._url, ca_file=self._ca_file)
                self._made = web_client(self._surroundings, origin, timeout_s=60.0)
            return self._made


def rows(answer: JsonObject, name: str) -> list[JsonObject]:
    """The rows of one list in the answer to a query; none where it has no such list.

    Raises:
        Stop: the answer has another shape than it should.
    """
    try:
        found = as_object(answer.get("query", {}), "query")
        return [as_object(row, name) for row in as_list(found.get(name, []), name)]
    except MalformedError as error:
        raise Stop(
            told("The wiki's answer is not understood: {error}. Nothing was deleted.", error=error)
        ) from error


def _value(answer: Answer, url: str) -> JsonObject:
    if answer.status >= 500:  # noqa: PLR2004 - an error of the server
        raise Retry(
            told("{url} answers {status}: see the wiki's error log.", url=url, status=answer.status),
            after=300,
        )
    if answer.status in (401, 403):
        raise Reconfigure(
            told(
                "{url} answers {status}: something before the wiki refuses this source.",
                url=url,
                status=answer.status,
            )
        )
    if answer.status in (301, 302, 303, 307, 308):
        raise Reconfigure(told("{url} leads elsewhere: write the address at which api.php answers.", url=url))
    try:
        if answer.ok:
            return as_object(decode_json(answer.body), told("the answer"))
    except MalformedError:
        pass
    raise Stop(
        told(
            "{url} answers, but not as a MediaWiki's api.php: check the address. Nothing was deleted.",
            url=url,
        )
    )


def _error_code(value: JsonObject) -> str | None:
    error = value.get("error")
    return None if error is None else str(as_object(error, "error").get("code"))


def _refusal(code: str) -> Exception:
    if code in ("readapidenied", "permissiondenied", "apidisabled", "blocked", *_SIGNED_OUT):
        return Reconfigure(
            told("The wiki refuses this to the user ({code}): give it the right to read.", code=code)
        )
    if code.startswith("internal_api_error"):
        return Retry(told("The wiki fails ({code}): see its error log.", code=code), after=300)
    return Stop(
        told("The wiki does not understand what it is asked ({code}). Nothing was deleted.", code=code[:80])
    )


def _at(value: JsonObject, *path: str) -> JsonObject:
    found: Json = value
    try:
        for name in path:
            found = as_object(found, told("the answer")).get(name)
        return as_object(found, told("the answer"))
    except MalformedError as error:
        raise Stop(told("The wiki's answer is not understood: {error}.", error=error)) from error


def _text(value: JsonObject, name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise Stop(told("The wiki's answer lacks '{name}'.", name=name))
    return found
