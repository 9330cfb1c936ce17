"""Asking a web service: its answers become what the engine does next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from assistant.common.errors import DocumentFailure, FailureCode
from assistant.common.guarded_http import (
    Answer,
    BadCertificate,
    Busy,
    GuardedClient,
    Origin,
    Reach,
    TooLarge,
)
from assistant.common.network import AddressRefused, HostUnreachable
from connectors.sdk.errors import Reconfigure, Retry
from connectors.sdk.surroundings import Surroundings

_UNREACHABLE_RETRY_S = 60.0


def web_client(surroundings: Surroundings, origin: Origin, *, timeout_s: float = 30.0) -> GuardedClient:
    """A client that keeps to what the engine lends. The caller closes it."""
    reach = Reach(surroundings.network, surroundings.pace, surroundings.stopped)
    return GuardedClient(reach, origin, timeout_s=timeout_s)


@contextmanager
def network_errors() -> Iterator[None]:
    """Turn errors of the network layer into those that say what the engine does next.

    Raises:
        Retry: busy or silent.
        Reconfigure: an address or certificate that only a person can mend.
    """
    try:
        yield
    except Busy as error:
        raise Retry(str(error), after=error.after) from error
    except HostUnreachable as error:
        raise Retry(str(error), after=_UNREACHABLE_RETRY_S) from error
    except (AddressRefused, BadCertificate) as error:
        raise Reconfigure(str(error)) from error


def content_of(surroundings: Surroundings, ask: Callable[[int], Answer]) -> Answer:
    """One document's content: `ask` is given the largest number of bytes to read.

    Raises:
        DocumentFailure: too large, refused, gone, or an answer that is no content.
        Retry, Reconfigure: see `network_errors`.
    """
    try:
        with network_errors():
            answer = ask(surroundings.max_content_bytes)
    except TooLarge as error:
        raise DocumentFailure(FailureCode.TOO_LARGE, str(error)) from error
    if answer.ok:
        return answer
    codes = {401: FailureCode.REFUSED, 403: FailureCode.REFUSED, 404: FailureCode.GONE, 410: FailureCode.GONE}
    raise DocumentFailure(
        codes.get(answer.status, FailureCode.UNREADABLE), f"The source answers {answer.status}."
    )
