"""Asking a web service: its answers become what the engine does next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.guarded_http import GuardedClient
from assistant.common.http_messages import Answer, BadCertificate, Busy, Origin, Reach, TooLarge, Unsendable
from assistant.common.network import AddressRefused, HostUnreachable
from assistant.common.told import said, told
from connectors.sdk.errors import Reconfigure, Retry, Stop
from connectors.sdk.surroundings import Surroundings

_UNREACHABLE_RETRY_S = 60.0
_UNKNOWN_CALLER, _SERVER_ERROR = 401, 500
_COMPRESSED = '-gzip"'


def web_client(surroundings: Surroundings, origin: Origin, *, timeout_s: float = 30.0) -> GuardedClient:
    """A client that keeps to what the engine lends. The caller closes it."""
    reach = Reach(surroundings.network, surroundings.pace, surroundings.stopped)
    return GuardedClient(reach, origin, timeout_s=timeout_s)


def conditional(*, etag: str, modified: str) -> dict[str, str]:
    """The headers that ask for an answer only if it is another than the one that bore these; may be empty.

    Apache marks the tag of what it has compressed, and then knows only the unmarked one again (its
    bug 45023): both are sent. The unmarked one is the tag of the same file as it lies on the server.
    """
    if etag.endswith(_COMPRESSED):
        etag = f'{etag}, {etag.removesuffix(_COMPRESSED)}"'
    headers = {"If-None-Match": etag, "If-Modified-Since": modified}
    return {name: value for name, value in headers.items() if value}


@contextmanager
def network_errors() -> Iterator[None]:
    """Turn errors of the network layer into those that say what the engine does next.

    Raises:
        Retry: busy or silent.
        Reconfigure: an address, certificate or credential that only a person can mend.
        TooLarge: passes through; whether it is one document's trouble or the run's, the caller knows.
    """
    try:
        yield
    except Busy as error:
        raise Retry(said(error), after=error.after) from error
    except HostUnreachable as error:
        raise Retry(said(error), after=_UNREACHABLE_RETRY_S) from error
    except (AddressRefused, BadCertificate, Unsendable) as error:
        raise Reconfigure(said(error)) from error


def needed(ask: Callable[[], Answer], what: str) -> Answer:
    """An answer without which the run cannot go on, such as a page of the listing.

    Args:
        what: what is asked for, as a sentence would name it: "the list of documents".

    Raises:
        Reconfigure: the credentials do not count, or not for this.
        Stop: it is not there any more, or is not what it was.
        Retry: anything else that is no good answer.
    """
    try:
        with network_errors():
            answer = ask()
    except TooLarge as error:
        raise Stop(told("The source does not give {what}: {error}", what=what, error=error)) from error
    return accepted(answer, what)


def accepted(answer: Answer, what: str) -> Answer:
    """The answer, if it is a good one; see `needed`.

    Raises:
        Reconfigure, Stop, Retry: by its status.
    """
    if answer.ok:
        return answer
    answered = told("The source answers {status} when asked for {what}", status=answer.status, what=what)
    if answer.status in (401, 403):
        raise Reconfigure(told("{answered}: check the credentials and their rights.", answered=answered))
    if answer.status in (404, 410):
        raise Stop(told("{answered}: check that it still is where the settings say.", answered=answered))
    raise Retry(told("{answered}.", answered=answered), after=_UNREACHABLE_RETRY_S)


def content_of(surroundings: Surroundings, ask: Callable[[int], Answer]) -> Answer:
    """One document's content: `ask` is given the largest number of bytes to read.

    Raises:
        DocumentFailure: too large, refused, gone, or an answer that is no content.
        Reconfigure: the credentials do not count any more, so every other document would fail alike.
        Retry: see `network_errors`.
    """
    try:
        with network_errors():
            answer = ask(surroundings.max_content_bytes)
    except TooLarge as error:
        raise DocumentFailure(FailureCode.TOO_LARGE, said(error)) from error
    if answer.ok:
        return answer
    if answer.status == _UNKNOWN_CALLER:
        raise Reconfigure(told("The source no longer takes the credentials (401): enter them again."))
    codes = {403: FailureCode.REFUSED, 404: FailureCode.GONE, 410: FailureCode.GONE}
    usual = FailureCode.UNREACHABLE if answer.status >= _SERVER_ERROR else FailureCode.UNREADABLE
    raise DocumentFailure(
        codes.get(answer.status, usual), told("The source answers {status}.", status=answer.status)
    )
