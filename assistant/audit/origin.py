"""From where is something done? The way in, and the address of the request that is answered."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import ParamSpec, TypeVar

from django.http import HttpRequest


class Via(StrEnum):
    """The ways in."""

    PAGE = "page"
    API = "api"
    COMMAND = "command"
    SLACK = "slack"
    WORKER = "worker"
    UNKNOWN = ""  # of before it was recorded, and what a process does by itself


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something came from. `address` is empty for what did not come over the network."""

    via: Via = Via.UNKNOWN
    address: str = ""


P = ParamSpec("P")
T = TypeVar("T")
_CURRENT: ContextVar[Origin | None] = ContextVar("origin", default=None)
_of_process = Origin()


def current_origin() -> Origin:
    """From where the program is asked at this moment."""
    return _CURRENT.get() or _of_process


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Whatever is recorded inside came from there."""
    token = _CURRENT.set(origin)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def carried(work: Callable[P, T]) -> Callable[P, T]:
    """The work as another thread does it for whoever asks now."""
    origin = current_origin()

    def done(*args: P.args, **kwargs: P.kwargs) -> T:
        with coming_from(origin):
            return work(*args, **kwargs)

    return done


def process_comes_from(origin: Origin) -> None:
    """For a process that does one kind of thing only: whatever it records came from there."""
    global _of_process  # noqa: PLW0603 - one process, one value
    _of_process = origin


def origin_of(request: HttpRequest) -> Origin:
    """Of a request. The server has put the caller's address in the place of trusted proxies'."""
    via = Via.API if request.path_info.startswith(("/api/", "/scim/")) else Via.PAGE
    return Origin(via, address_of(request))


def address_of(request: HttpRequest) -> str:
    """The caller's address in its shortest form; empty where there is none, as behind a socket file."""
    try:
        address = ipaddress.ip_address(str(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).compressed.partition("%")[0]
