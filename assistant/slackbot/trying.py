"""What Slack says of credentials: whether they work, where, and what they lack. Stores nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from slack_sdk import WebClient

from assistant.common import known_secrets, local_only
from assistant.common.errors import MundapError
from assistant.common.one_line import one_line
from assistant.common.told import said, told
from assistant.slackbot.credentials import Credentials, opened
from assistant.slackbot.failures import SlackBusy, SlackClosed, SlackRefused, plain_code
from assistant.slackbot.manifest import SCOPES
from assistant.slackbot.models import LONGEST_ID, LONGEST_NAME, Delivery, Workspace
from assistant.slackbot.slack_api import anonymous_client, client_of, client_with

_BOT_TOKEN = re.compile(r"(?:xoxe\.)?xoxb-[A-Za-z0-9-]{6,500}")
_APP_TOKEN = re.compile(r"xapp-[A-Za-z0-9-]{6,500}")
_SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")
_ID = re.compile(rf"[A-Z0-9]{{2,{LONGEST_ID}}}")
_SLACK = ".slack.com"


class Step(StrEnum):
    """What is tried, in this order."""

    TOKEN = "token"  # noqa: S105 - a name
    WORKSPACE = "workspace"
    SCOPES = "scopes"
    SECRET = "secret"  # noqa: S105 - a name; it proves requests
    SOCKET = "socket"  # opens Socket Mode
    REACHED = "reached"


class State(StrEnum):
    """How a step went. `waiting`: it is somebody else's turn; `not_reached`: it could not be tried."""

    PASSED = "passed"
    FAILED = "failed"
    WAITING = "waiting"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class Tried:
    """One step. `detail` is a told sentence: what was found, or what to do."""

    step: Step
    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Whose token it is."""

    team_id: str
    enterprise_id: str
    name: str
    domain: str
    app_id: str
    bot_user_id: str
    bot_id: str
    expires_in: int | None  # seconds; None where the token does not end


@dataclass(frozen=True, slots=True)
class Trial:
    """All steps. `found` is there where a workspace of ours can be made of it."""

    steps: tuple[Tried, ...]
    found: Found | None = None

    @property
    def passed(self) -> bool:
        """Whether nothing failed; what is still waited for fails nothing."""
        return self.found is not None and all(one.state is not State.FAILED for one in self.steps)


_NO_BOT_TOKEN = Tried(
    Step.TOKEN,
    State.FAILED,
    told("A bot token begins with xoxb-. At Slack it stands under OAuth & Permissions."),
)


class _No(Exception):
    """A step failed. The sentence says what to do."""


def try_out(credentials: Credentials, delivery: Delivery) -> Trial:
    """Try what somebody entered, before anything of it is kept."""
    given = (credentials.bot_token, credentials.signing_secret, credentials.app_token)
    known_secrets.remember(*given, credentials.client_secret, credentials.refresh_token)
    found, steps = None, [_NO_BOT_TOKEN]
    if _BOT_TOKEN.fullmatch(credentials.bot_token):
        found, steps = _asked(lambda: client_with(credentials.bot_token))
    proof = _secret(credentials) if delivery is Delivery.HTTP else _socket(credentials, found)
    return _trial(found, [*steps, proof])


def try_again(workspace: Workspace) -> Trial:
    """Try what a workspace is connected with, and whether Slack reaches us."""
    try:
        credentials = opened(workspace)
    except MundapError as error:
        return Trial((Tried(Step.TOKEN, State.FAILED, said(error)),))
    if workspace.failure:
        found, steps = None, [Tried(Step.TOKEN, State.FAILED, failure_words(workspace.failure))]
    else:
        found, steps = _asked(lambda: client_of(workspace))
    if found is not None and found.team_id != workspace.team_id:
        wrong = Tried(Step.WORKSPACE, State.FAILED, told("The token is another workspace's."))
        steps = [wrong if one.step is Step.WORKSPACE else one for one in steps]
    last = reached(workspace)
    if workspace.delivery == Delivery.HTTP:
        proof = _secret(credentials)
    elif last.state is State.PASSED:
        # Slack opens few connections a minute, and one that stands says as much.
        proof = Tried(Step.SOCKET, State.PASSED)
    else:
        proof = _socket(credentials, found)
    return _trial(found, [*steps, proof, last])


def reached(workspace: Workspace) -> Tried:
    """Whether Slack has called, or the connection to it stands."""
    if not workspace.is_open:
        return Tried(Step.REACHED, State.WAITING, told("The workspace is closed: nothing is heard from it."))
    if workspace.delivery == Delivery.SOCKET:
        until = workspace.socket_lease_until
        if workspace.socket_owner and until is not None and until > timezone.now():
            return Tried(Step.REACHED, State.PASSED, told("The connection to Slack is held."))
        return Tried(
            Step.REACHED, State.WAITING, told("The connection opens within a minute. Then test again.")
        )
    if workspace.heard_at is not None:
        return Tried(Step.REACHED, State.PASSED, told("Slack has called."))
    return Tried(
        Step.REACHED,
        State.WAITING,
        told(
            "Slack has not called yet. Open Event Subscriptions at Slack and press Retry beside the request "
            "URL. If it can't be verified, {address} can't be reached from the internet.",
            address=workspace.address,
        ),
    )


def failure_words(code: str) -> str:
    """What it means that Slack no longer lets the app in, and what to do."""
    code = plain_code(code)
    match code:
        case "app_uninstalled":
            return told(
                "The app was removed from the workspace ({code}). Install it anew at Slack and enter its new "
                "token.",
                code=code,
            )
        case "token_revoked" | "account_inactive":
            return told(
                "Somebody took the app's token back ({code}). Install the app anew at Slack and enter its "
                "new token.",
                code=code,
            )
        case "token_expired" | "invalid_refresh_token":
            return told(
                "The token has ended ({code}). Install the app anew at Slack and enter its new token.",
                code=code,
            )
        case "invalid_auth" | "not_authed":
            return told(
                "Slack doesn't know this token ({code}). Copy the Bot User OAuth Token anew, from "
                "OAuth & Permissions.",
                code=code,
            )
        case _:
            return told(
                "Slack no longer lets the app in ({code}). Install it anew at Slack and enter its new token.",
                code=code,
            )


def kept_from() -> str:
    """Why nothing can be sent to Slack in local-only mode; empty where it can."""
    return local_only.refusal_of_any([settings.MUNDAP_SLACK_API_URL]) or ""


def _asked(make: Callable[[], WebClient]) -> tuple[Found | None, list[Tried]]:
    """Whose token it is, and what may be done with it."""
    steps: list[Tried] = []
    try:
        client = make()
        answer = client.auth_test()
        steps.append(Tried(Step.TOKEN, State.PASSED))
        data = answer.data if isinstance(answer.data, dict) else {}
        granted = _granted(answer.headers)
        found = _found(data, client)
    except SlackClosed as error:
        return None, [*steps, Tried(Step.TOKEN, State.FAILED, failure_words(error.code))]
    except SlackBusy:
        return None, [
            Tried(Step.TOKEN, State.FAILED, told("Slack does not answer now. Try again in a moment."))
        ]
    except MundapError as error:
        return None, [*steps, Tried(Step.TOKEN, State.FAILED, said(error))]
    except _No as error:
        return None, [*steps, Tried(Step.WORKSPACE, State.FAILED, error.args[0])]
    where = f"{found.domain}{_SLACK}" if found.domain else found.team_id
    steps.append(Tried(Step.WORKSPACE, State.PASSED, told("{name} ({where})", name=found.name, where=where)))
    steps.append(_scopes(granted))
    return found, steps


def _found(data: Mapping[str, object], client: WebClient) -> Found:
    if data.get("is_enterprise_install"):
        raise _No(
            told(
                "The app is installed for a whole organisation. Install it in one workspace; "
                "each other one gets an app of its own."
            )
        )
    team_id, bot_user_id, bot_id = (_id(data.get(name)) for name in ("team_id", "user_id", "bot_id"))
    if not (team_id and bot_user_id and bot_id):
        raise _No(
            told(
                "Slack does not say whose token it is. Enter the Bot User OAuth Token, "
                "which begins with xoxb-."
            )
        )
    host = urlsplit(str(data.get("url") or "")).hostname or ""
    expires_in = data.get("expires_in")
    return Found(
        team_id=team_id,
        enterprise_id=_id(data.get("enterprise_id")),
        name=one_line(str(data.get("team") or team_id))[:LONGEST_NAME],
        domain=host.removesuffix(_SLACK)[:LONGEST_NAME] if host.endswith(_SLACK) else "",
        app_id=_app_of(client, bot_id),
        bot_user_id=bot_user_id,
        bot_id=bot_id,
        expires_in=expires_in if isinstance(expires_in, int) and not isinstance(expires_in, bool) else None,
    )


def _app_of(client: WebClient, bot_id: str) -> str:
    """The app's id. Without the right to ask it is empty, and the missing scope says so."""
    try:
        bot = client.bots_info(bot=bot_id).get("bot")
    except SlackRefused as error:
        if error.code == "missing_scope":
            return ""
        raise
    found = _id(bot.get("app_id")) if isinstance(bot, dict) else ""
    if not found:
        raise _No(
            told(
                "Slack does not say to which app the token belongs. Enter the token of an app that was "
                "made from the manifest."
            )
        )
    return found


def _granted(headers: Mapping[str, str]) -> frozenset[str] | None:
    """The scopes of the token, as Slack names them with each answer; None: it did not."""
    named = {str(name).lower(): value for name, value in headers.items()}.get("x-oauth-scopes")
    return None if named is None else frozenset(one.strip() for one in named.split(",") if one.strip())


def _scopes(granted: Iterable[str] | None) -> Tried:
    if granted is None:
        return Tried(Step.SCOPES, State.NOT_REACHED, told("Slack did not say which rights the app has."))
    missing = [one for one in SCOPES if one not in set(granted)]
    if not missing:
        return Tried(Step.SCOPES, State.PASSED)
    return Tried(
        Step.SCOPES,
        State.FAILED,
        told(
            "The app lacks {scopes}. Paste the manifest at Slack again (App Manifest), install the app anew "
            "and enter its new token.",
            scopes=", ".join(missing),
        ),
    )


def _trial(found: Found | None, steps: Iterable[Tried]) -> Trial:
    """The steps in their order, with those that were not reached."""
    done = {one.step: one for one in steps}
    for one in (Step.WORKSPACE, Step.SCOPES):
        done.setdefault(one, Tried(one, State.NOT_REACHED))
    return Trial(tuple(done[one] for one in Step if one in done), found)


def _secret(credentials: Credentials) -> Tried:
    if _SIGNING_SECRET.fullmatch(credentials.signing_secret):
        return Tried(Step.SECRET, State.PASSED)
    wrong = told(
        "A signing secret is 32 characters from 0 to 9 and a to f. At Slack it stands under "
        "Basic Information, App Credentials."
    )
    return Tried(Step.SECRET, State.FAILED, wrong)


def _socket(credentials: Credentials, found: Found | None) -> Tried:
    """Whether the app-level token opens a connection, and is the same app's."""
    if not _APP_TOKEN.fullmatch(credentials.app_token):
        wrong = told(
            "An app-level token begins with xapp-. Make one at Slack under Basic Information, "
            "App-Level Tokens, with the scope connections:write."
        )
        return Tried(Step.SOCKET, State.FAILED, wrong)
    try:
        known = _id(client_with(credentials.app_token).auth_test().get("app_id"))
        if found is not None and found.app_id and known and known != found.app_id:
            return Tried(Step.SOCKET, State.FAILED, told("The app-level token is another app's."))
        anonymous_client(0).apps_connections_open(app_token=credentials.app_token)
    except SlackBusy:
        return Tried(Step.SOCKET, State.FAILED, told("Slack does not answer now. Try again in a moment."))
    except SlackClosed as error:
        wrong = told(
            "Slack doesn't know this app-level token ({code}). Make a new one under Basic Information, "
            "App-Level Tokens.",
            code=error.code,
        )
        return Tried(Step.SOCKET, State.FAILED, wrong)
    except SlackRefused as error:
        wrong = told(
            "Slack opens no connection ({code}). Switch Socket Mode on for the app, and give the token "
            "the scope connections:write.",
            code=error.code,
        )
        return Tried(Step.SOCKET, State.FAILED, said(error) if error.code == "local_only" else wrong)
    return Tried(Step.SOCKET, State.PASSED)


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
