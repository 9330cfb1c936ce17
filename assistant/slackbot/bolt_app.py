"""The Bolt app of a workspace: what is listened to, by requests and by Socket Mode alike.

A listener writes a job down and acknowledges; it answers nothing. What needs the trigger of a click, which
holds three seconds, is done at once in a thread (`interactions`). Bolt's own log lines repeat what people
wrote, so none is written.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache, lru_cache
from typing import Any, Final

from django.db import close_old_connections
from django.utils import timezone
from slack_bolt import Ack, App, BoltContext, BoltRequest, BoltResponse
from slack_bolt.adapter.django.handler import DjangoThreadLazyListenerRunner
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.authorize import Authorize
from slack_sdk import WebClient

from assistant.slackbot import actions, incoming, jobs
from assistant.slackbot.credentials import opened
from assistant.slackbot.incoming import Incoming
from assistant.slackbot.models import Workspace
from assistant.slackbot.shapes import NotARequest, checked
from assistant.slackbot.tokens import close
from assistant.slackbot.transport import SILENT

log = logging.getLogger(__name__)

INTERACT = (
    "assistant.slackbot.interactions.react"  # (workspace, what was clicked or opened, the request's body)
)
_APPS_KEPT = 64
_LAZY_THREADS = 8
_HEARD_EVERY = timedelta(minutes=1)
_UNSIGNED = "signed elsewhere"  # Bolt wants some text where Socket Mode needs no secret

Listener = Callable[..., BoltResponse | None]
Next = Callable[[], BoltResponse]

# Acknowledged, and nothing more: Slack tells us of clicks on links, too.
_LINKS: Final = re.compile(
    "|".join(
        [
            *map(re.escape, (actions.OPEN, actions.JOIN, actions.HOME)),
            rf"{re.escape(actions.SOURCE)}(?:\.\d+)?",
        ]
    )
)
_AT_ONCE: Final = (actions.SOURCES, actions.USEFUL, actions.NOT_USEFUL)
_AS_JOBS: Final = {actions.AGAIN: "again", actions.SHARE: "share"}


def app_of(workspace: Workspace) -> App:
    """The app of this revision of the workspace. It is made without a word to Slack."""
    return _app(workspace.pk, workspace.revision)


def forget() -> None:
    """Make every app anew, for tests."""
    _app.cache_clear()


@lru_cache(maxsize=_APPS_KEPT)
def _app(workspace_id: int, revision: int) -> App:
    workspace = Workspace.objects.get(pk=workspace_id, revision=revision)
    ours = _Listeners(workspace)
    app = App(
        name="mundap",
        logger=SILENT,
        client=WebClient(token="", logger=SILENT, retry_handlers=[]),  # nothing here calls Slack with it
        signing_secret=opened(workspace).signing_secret or _UNSIGNED,
        authorize=_Known(workspace),
        before_authorize=ours.only_ours,
        process_before_response=True,  # acknowledged is what is written down
        ssl_check_enabled=False,  # it would be answered without a signature
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
        listener_executor=_threads(),
    )
    app.listener_runner.lazy_listener_runner = DjangoThreadLazyListenerRunner(SILENT, _threads())
    app.error(_failed)
    app.event(re.compile(r".*"))(ours.event)
    for command in (incoming.ASK, incoming.NEW):
        app.command(command)(ours.command)
    for action_id, kind in _AS_JOBS.items():
        app.action(action_id)(ours.click(kind))
    app.action(_LINKS)(_acknowledged)
    for action_id in _AT_ONCE:
        app.action(action_id)(ack=_acknowledged, lazy=[ours.at_once(action_id)])
    app.shortcut(actions.ASK_ABOUT)(ack=_acknowledged, lazy=[ours.at_once(actions.ASK_ABOUT)])
    app.view(actions.ASK_ABOUT_SUBMIT)(ours.dialog)
    app.view(actions.FEEDBACK_SUBMIT)(ack=_acknowledged, lazy=[ours.at_once(actions.FEEDBACK_SUBMIT)])
    return app


class _Known(Authorize):
    """Who we are in the workspace, from its row; by it Bolt knows what we said ourselves."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def __call__(  # noqa: PLR0913 - as Bolt calls it
        self,
        *,
        context: BoltContext,  # noqa: ARG002
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,  # noqa: ARG002
        actor_enterprise_id: str | None = None,  # noqa: ARG002
        actor_team_id: str | None = None,  # noqa: ARG002
        actor_user_id: str | None = None,  # noqa: ARG002
    ) -> AuthorizeResult:
        """See the class."""
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_id=self._workspace.bot_id or None,
            bot_user_id=self._workspace.bot_user_id,
        )


class _Listeners:
    """Bolt's listeners for one workspace. The names of their parameters tell Bolt what to give."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def only_ours(self, body: dict[str, Any], next: Next) -> BoltResponse:  # noqa: A002 - Bolt's name for it
        """Whatever another workspace or app says is acknowledged, and not heard."""
        try:
            checked(body)
        except NotARequest:
            return BoltResponse(status=400, body="")
        if body.get("type") == "url_verification":
            _heard(self._workspace)
            return next()
        if not _is_for(self._workspace, body):
            log.warning("slack workspace %s: a request for another team or app", self._workspace.pk)
            return BoltResponse(status=200, body="")
        _heard(self._workspace)
        return next()

    def event(self, body: dict[str, Any], ack: Ack) -> BoltResponse:
        """Any event."""
        if why := incoming.ends(body):
            # Its job is carried out all the same, for what is left to be done here.
            close(self._workspace, why)
        return self._taken(incoming.of_event(body, bot_user=self._workspace.bot_user_id), ack)

    def command(self, body: dict[str, Any], ack: Ack) -> BoltResponse:
        """A slash command."""
        return self._taken(incoming.of_command(body), ack)

    def click(self, kind: str) -> Listener:
        """A button whose work waits in the queue."""

        def clicked(body: dict[str, Any], ack: Ack) -> BoltResponse:
            return self._taken(incoming.of_click(body, kind), ack)

        return clicked

    def dialog(self, body: dict[str, Any], ack: Ack) -> BoltResponse:
        """The dialog of "ask about this" was sent."""
        return self._taken(incoming.of_dialog(body), ack)

    def at_once(self, what: str) -> Callable[[dict[str, Any]], None]:
        """What must be done while the trigger holds. In a thread, after the acknowledgement."""
        workspace_id = self._workspace.pk

        def reacted(body: dict[str, Any]) -> None:
            from assistant.slackbot.interactions import react  # noqa: PLC0415 - loads the answering

            try:
                workspace = Workspace.objects.filter(pk=workspace_id, is_open=True, failure="").first()
                if workspace is not None:
                    react(workspace, what, body)
            except Exception as error:  # noqa: BLE001 - the edge of a thread; the words may hold what was asked
                log.warning("slack interaction %s failed: %s", what, type(error).__name__)
            finally:
                close_old_connections()

        reacted.__name__ = f"reacted_to_{what}"  # Bolt tells lazy listeners apart by it
        return reacted

    def _taken(self, found: Incoming | None, ack: Ack) -> BoltResponse:
        if found is not None:
            jobs.take_in(
                self._workspace,
                kind=found.kind,
                key=found.key,
                payload=found.payload,
                after_s=found.after_s,
            )
        return ack()


def _acknowledged(ack: Ack) -> BoltResponse:
    return ack()


def _failed(error: Exception, request: BoltRequest) -> BoltResponse:
    """Not acknowledged, so Slack sends it again. The words of the error may hold what somebody wrote."""
    log.error("slack request (%s) failed: %s", request.mode, type(error).__name__)
    return BoltResponse(status=500, body="")


def _is_for(workspace: Workspace, body: dict[str, Any]) -> bool:
    """Whether this was said in our workspace, or in a channel that it shares, to our app."""
    if workspace.app_id and body.get("api_app_id") != workspace.app_id:
        return False
    authorizations = body.get("authorizations") or []
    if authorizations:
        return any(one.get("team_id") == workspace.team_id for one in authorizations)
    view, team, user = body.get("view") or {}, body.get("team"), body.get("user")
    named = (
        view.get("app_installed_team_id")
        or (team.get("id") if isinstance(team, dict) else team)
        or body.get("team_id")
        or (user.get("team_id") if isinstance(user, dict) else None)
    )
    return bool(named == workspace.team_id)


def _heard(workspace: Workspace) -> None:
    """Keep when Slack last reached us, to the minute."""
    now = timezone.now()
    if workspace.heard_at is None or now - workspace.heard_at > _HEARD_EVERY:
        workspace.heard_at = now
        Workspace.objects.filter(pk=workspace.pk).update(heard_at=now)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_LAZY_THREADS, thread_name_prefix="slack-click")
