"""What is asked of a web server and answered by it, and the ways in which that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from assistant.common.errors import MundapError
from assistant.common.network import Network
from assistant.common.pace import Pace

MAX_BODY_BYTES = 64_000_000
_MAX_REDIRECTS = 5


class Busy(MundapError):
    """The server asks for patience: come again after `after` seconds."""

    def __init__(self, message: str, *, after: float) -> None:
        super().__init__(message)
        self.after = after


class TooLarge(MundapError):
    """The answer is larger than the caller takes."""


class BadCertificate(MundapError):
    """The server's certificate does not prove that it is the one asked for, or ours cannot be read."""


class Unsendable(MundapError):
    """A header, perhaps a password or token in it, holds what no request can carry."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read whole. `url`: where it came from in the end; header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    url: str
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - what 2xx means

    @property
    def text(self) -> str:
        """The body as UTF-8; what is not is replaced."""
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer whose body is still coming: pieces without their coding. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    blocks: Iterator[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a client may connect to, how often it may ask, and whether it should stop."""

    network: Network
    pace: Pace = field(default_factory=Pace)
    stopped: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Origin:
    """The configured server.

    `headers` and `auth` (user and password, RFC 7617) go to the origin of `base_url` and to no
    other; `ca_file` names certificates of authorities to trust instead of the system's.
    """

    base_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `redirects`: how many are followed; with 0 a redirect is an answer like any other.

    `headers` go to the origin of `url`, and to no other that it redirects to. `only_asks`: changes
    nothing at the server, whatever its method, so that it may be sent again after a silence.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    max_bytes: int = MAX_BODY_BYTES
    redirects: int = _MAX_REDIRECTS
    only_asks: bool = False
