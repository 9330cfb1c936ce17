"""What a Slack workspace is made of. Ids are made by `State`; a test changes the fields as a person would."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from assistant.common.types import Json

Object = dict[str, Json]


class Kind(Enum):
    """The four kinds of conversation."""

    PUBLIC = "public_channel"
    PRIVATE = "private_channel"
    IM = "im"
    MPIM = "mpim"


@dataclass(eq=False, slots=True)
class Workspace:
    id: str
    name: str
    domain: str
    enterprise_id: str | None = None


@dataclass(eq=False, slots=True)
class User:
    """A person or a bot's user. `workspace` is where the account lives, whoever looks at it."""

    id: str
    workspace: Workspace
    name: str
    email: str | None = None
    locale: str = "ko-KR"
    tz: str = "Asia/Seoul"
    is_email_confirmed: bool = True
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_admin: bool = False
    bot_id: str | None = None
    app_id: str | None = None

    @property
    def is_guest(self) -> bool:
        return self.is_restricted or self.is_ultra_restricted


@dataclass(eq=False, slots=True)
class Channel:
    """`members` are user ids in the order of joining; `connected` are the other workspaces that share it."""

    id: str
    name: str
    kind: Kind
    workspace: Workspace
    members: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)
    is_ext_shared: bool = False
    is_pending_ext_shared: bool = False
    is_org_shared: bool = False
    is_archived: bool = False

    @property
    def is_private(self) -> bool:
        return self.kind is not Kind.PUBLIC


@dataclass(eq=False, slots=True)
class File:
    """A file with its bytes. `channels` are the ids of the conversations that it was shared in."""

    id: str
    workspace: Workspace
    user: User
    name: str
    mimetype: str
    content: bytes
    mode: str = "hosted"
    channels: list[str] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Message:
    """A message as it is now. `shown` holds each earlier (text, blocks), oldest first."""

    ts: str
    channel: Channel
    user: User
    text: str
    blocks: Sequence[Json] = ()
    thread_ts: str | None = None
    broadcast: bool = False
    app_id: str | None = None
    files: list[File] = field(default_factory=list)
    ephemeral_to: str | None = None
    edited: str | None = None
    deleted: bool = False
    streaming: bool = False
    unfurl_links: bool | None = None
    unfurl_media: bool | None = None
    metadata: Mapping[str, Json] | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    shown: list[tuple[str, Sequence[Json]]] = field(default_factory=list)

    @property
    def root(self) -> str:
        """The timestamp of the thread that the message is in, or would begin."""
        return self.thread_ts or self.ts


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as Slack sends it to an app. Header names are in Slack's own spelling."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the app answered: an HTTP status, headers in small letters, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# An address, or a function in its place (for a test that drives the product without a web server).
Route = str | Callable[[SignedRequest], Acknowledgement]


@dataclass(eq=False, slots=True)
class Token:
    """`kind` is bot, app or user. `expires_at` is seconds since the epoch, `None` for a token that stays."""

    value: str
    kind: str
    app_id: str
    team_id: str | None
    scopes: frozenset[str]
    revoked: bool = False
    expires_at: float | None = None


@dataclass(eq=False, slots=True)
class Installation:
    """An app in one workspace. `token` is the newest bot token; `refresh_token` is empty without rotation."""

    app: App
    workspace: Workspace
    bot: User
    token: str
    scopes: frozenset[str]
    refresh_token: str = ""
    removed: bool = False


@dataclass(eq=False, slots=True)
class App:
    """An app as its settings page describes it.

    `events` are subscriptions by their names in an app manifest (`app_mention`, `message.im`, ...);
    `commands` are names with their slash. With `socket_mode` nothing is sent to `request_url`.
    """

    id: str
    name: str
    client_id: str
    client_secret: str
    signing_secret: str
    app_token: str
    scopes: frozenset[str]
    events: frozenset[str]
    commands: frozenset[str]
    request_url: Route | None = None
    socket_mode: bool = False
    token_rotation: bool = False
    home_tab: bool = True
    installations: dict[str, Installation] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class View:
    """A modal or a home tab. `content` is what the app sent; `previous` is the id of the modal below it."""

    id: str
    app: App
    user: User
    team_id: str
    content: Mapping[str, Json]
    hash: str
    root: str = ""
    previous: str | None = None
    shown: list[Mapping[str, Json]] = field(default_factory=list)

    @property
    def is_home(self) -> bool:
        return self.content.get("type") == "home"


@dataclass(eq=False, slots=True)
class Trigger:
    """What opens a modal: counts three seconds, once. `view` is the modal that it came from, if any."""

    id: str
    app: App
    user: User
    team_id: str
    issued_at: float
    view: View | None = None
    used: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """A call that Slack would refuse, or that Slack ignores though it shows a mistake."""

    method: str
    error: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.method}: {self.error}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Called:
    """One call of the Web API: its arguments as they arrived, and the error, empty where it went well."""

    method: str
    arguments: Mapping[str, Json]
    error: str
    at: float
