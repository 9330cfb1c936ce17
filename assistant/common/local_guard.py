"""The second line of local-only mode: whatever code of this process connects, sends or looks a name up.

Python tells an audit hook of each of these before it happens, whichever library asks, and a hook cannot
be taken off again. What it says no to never begins. Code that does not go through Python's sockets (libpq,
programs that are started) does not come by here: SECURITY.md says what holds each of those.
"""

from __future__ import annotations

import errno
import functools
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from assistant.common import local_only
from assistant.common.errors import MundapError
from assistant.common.local_only import Bounds
from assistant.common.told import Told, told

_LOG = logging.getLogger(__name__)
_TELL_AGAIN_S = 3600.0
_MOST_REMEMBERED = 1_000
_OF_THIS_MACHINE = frozenset(
    getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK") if hasattr(socket, name)
)
_VERSIONS: dict[object, int] = {socket.AF_INET: 4, socket.AF_INET6: 6}  # of IP, by family of sockets
_SENDING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_ASKING = frozenset(
    {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
)
_WATCHED = _SENDING | _ASKING


class LeftTheHouse(MundapError, OSError):
    """Something in this process tried to speak with what is outside; nothing was sent.

    To libraries it is an error of the network like any other.
    """

    def __init__(self, sentence: Told) -> None:
        super().__init__(sentence)
        self.errno = errno.EACCES

    def __str__(self) -> str:
        return str(self.args[0])


class _Guard:
    """What was refused, and who is told of it: at once each hour and kind of try, then not again."""

    def __init__(self) -> None:
        self.refused = 0
        self.tell: Callable[[str, str], None] | None = None
        self._told_at: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def note(self, event: str, where: str) -> None:
        """Count a refusal, and say it where it was not said within the hour."""
        now = time.monotonic()
        with self._lock:
            self.refused += 1
            last = self._told_at.get((event, where))
            if last is not None and now - last < _TELL_AGAIN_S:
                return
            if len(self._told_at) >= _MOST_REMEMBERED:
                self._told_at.clear()
            self._told_at[event, where] = now
        _LOG.warning("Local-only mode refused %s to %s", event, where)
        if self.tell is not None:
            self.tell(event, where)


_guard = _Guard()
_installed = threading.Lock()


def enforce(bounds: Bounds) -> None:
    """Hold this process to `bounds` for good, whichever library of it connects."""
    local_only.bind(bounds)
    if _installed.acquire(blocking=False):  # a process has one hook, however often settings are read
        sys.addaudithook(_hook)
        _judge_names_first()


def _judge_names_first() -> None:
    """Let no socket look a name up by itself.

    Given a name instead of an address, a socket asks a name server before Python tells the hook.
    """
    for name in ("connect", "connect_ex", "sendto", "sendmsg", "bind"):
        setattr(socket.socket, name, _judging(name, getattr(socket.socket, name)))


def _judging(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def judged(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1] if arguments else None
        if local_only.in_force() is not None and self.family in _VERSIONS and isinstance(address, tuple):
            host = _text(address[0]) if address else ""
            if host and local_only.literal(host) is None:
                _refuse_unless(f"socket.{name}", *_sending(self, address))
        return original(self, *arguments)

    return judged


def on_refusal(tell: Callable[[str, str], None] | None) -> None:
    """Have `tell(event, where)` called, at most hourly for the same; it must neither wait nor connect."""
    _guard.tell = tell


def refusals() -> int:
    """How many tries of this process were refused here so far."""
    return _guard.refused


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    """The audit hook.

    Raises:
        LeftTheHouse: for anything that would reach what is outside.
    """
    if event not in _WATCHED or local_only.in_force() is None:
        return
    _refuse_unless(event, *_judged(event, arguments))


def _refuse_unless(event: str, where: str, sentence: Told | None) -> None:
    if sentence is not None:
        _guard.note(event, where)
        raise LeftTheHouse(sentence)


def _judged(event: str, arguments: tuple[object, ...]) -> tuple[str, Told | None]:
    """Where it would go, and why it may not."""
    if event in _SENDING:
        return _sending(arguments[0], arguments[1])
    if event == "socket.getnameinfo":
        first = arguments[0]
        return _asking_back(_text(first[0]) if isinstance(first, tuple) and first else "")
    host = arguments[0]
    if host is None:  # an address of this machine to listen on
        return "", None
    where = _text(host)
    if event == "socket.gethostbyaddr" and local_only.literal(where) is not None:
        return _asking_back(where)
    family: object = socket.AF_INET if event == "socket.gethostbyname" else 0
    if event == "socket.getaddrinfo":
        family = arguments[2]
    return local_only.shown(where), local_only.refusal(where, version=_VERSIONS.get(family, 0))


def _sending(sender: object, address: object) -> tuple[str, Told | None]:
    family = getattr(sender, "family", None)
    if address is None or family in _OF_THIS_MACHINE:  # None: over a connection that was judged
        return "", None
    if family not in _VERSIONS or not isinstance(address, tuple) or not address:
        return str(family), told("Local-only mode: sockets of the kind {kind} are not used.", kind=family)
    host = _text(address[0])
    if not host:  # to this machine
        return "", None
    found = local_only.literal(host)
    if found is None:  # the system is about to look it up by itself, and nobody could judge what it finds
        known = local_only.in_hosts_file(host, version=_VERSIONS[family])
        inside = bool(known) and all(map(local_only.holds, known))
        return local_only.shown(host), None if inside else _unjudged(host)
    return str(found), None if local_only.holds(found) else local_only.outside(host, (found,))


def _asking_back(address: str) -> tuple[str, Told | None]:
    """The name of an address is asked of a name server."""
    known = local_only.literal(address)
    bounds = local_only.in_force()
    if known is not None and bounds is not None and bounds.holds(known):
        servers = [local_only.literal(each) for each in local_only.name_servers()]
        if known.is_loopback or all(each is not None and bounds.holds(each) for each in servers):
            return address, None
    return address, _unjudged(address)


def _unjudged(host: str) -> Told:
    return told("Local-only mode: '{host}' is not looked up.", host=local_only.shown(host))


def _text(host: object) -> str:
    return host.decode("latin-1") if isinstance(host, bytes | bytearray) else str(host)
