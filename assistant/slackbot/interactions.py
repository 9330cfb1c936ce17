"""What is pressed in Slack and answered at once: windows, which open only within three seconds, and feedback.

Whoever presses is asked for anew: a value that comes back from Slack names a turn and gives no right to it.
The sources of an answer are those that the one who looks may read, also below an answer in a channel.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import override
from slack_sdk import WebClient

from assistant.access.viewer import Viewer, viewer_for
from assistant.chat.feedback import LONGEST_COMMENT, give_feedback
from assistant.chat.models import FeedbackReason, Turn
from assistant.chat.reading import TurnView
from assistant.chat.selectors import turn as own_turn
from assistant.chat.selectors import turn_for_reader
from assistant.common.errors import MundapError, NotFound
from assistant.slackbot import actions as ids
from assistant.slackbot.delivering import address_of
from assistant.slackbot.joining import Asker, Reason, asker_of, link_for
from assistant.slackbot.models import Post, PostState, Workspace
from assistant.slackbot.posting import Place, tell
from assistant.slackbot.pressed import NO_TURN, turn_id_of
from assistant.slackbot.rendering import notices
from assistant.slackbot.rendering.messages import Message
from assistant.slackbot.rendering.sources import quotes_of
from assistant.slackbot.rendering.views import View, ask_about_modal, feedback_modal, sources_modal
from assistant.slackbot.shapes import plain_text as storable
from assistant.slackbot.slack_api import client_of
from assistant.slackbot.threads import plain_text

_LONGEST_QUOTED = 600  # what is told to a model of the message that is asked about


@dataclass(frozen=True, slots=True)
class Gesture:
    """What somebody who is known here pressed or sent. `body` is Slack's request."""

    workspace: Workspace
    client: WebClient
    asker: Asker
    body: Mapping[str, Any]

    @property
    def viewer(self) -> Viewer:
        """Who pressed, alone."""
        return viewer_for(self.asker.user)

    @property
    def turn_id(self) -> int:
        """The turn whose button it was; nobody's where it came back as something else."""
        pressed = self.body.get("actions")
        first = _mapping(pressed[0]) if isinstance(pressed, list) and pressed else {}
        return turn_id_of(first.get("value")) if first else NO_TURN

    def tell(self, message: Message) -> None:
        """Show them this, and nobody else.

        Raises:
            SlackBusy, SlackRefused, SlackClosed.
        """
        tell(self.client, self.workspace, message, _place(self.body))

    def open(self, view: View) -> None:
        """Open a window for them.

        Raises:
            SlackBusy, SlackRefused, SlackClosed.
        """
        self.client.views_open(trigger_id=_text(self.body, "trigger_id"), view=view)


def react(workspace: Workspace, what: str, body: Mapping[str, Any]) -> None:
    """Do what was pressed or sent; `what` is an id of `actions`, `body` the request of Slack's.

    Who is not known here is shown how to sign in, or nothing.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    client = client_of(workspace)
    asker = asker_of(workspace, user_of(body), client=client)
    with override(asker.language):
        if isinstance(asker, Asker):
            _VERBS[what](Gesture(workspace, client, asker, body))
        elif asker.reason is Reason.UNKNOWN and what != ids.FEEDBACK_SUBMIT:  # whose window was ours
            link = link_for(workspace, user_of(body))
            tell(client, workspace, notices.sign_in_first(link), _place(body))


def open_sources(pressed: Gesture) -> None:
    """Show the sources of an answer to whoever pressed, as they may read them.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    workspace = pressed.workspace
    try:
        shown, conversation = _sources(workspace, pressed.viewer, pressed.turn_id)
    except NotFound:
        pressed.tell(notices.not_yours())
        return
    address = address_of(workspace, conversation) if conversation else workspace.address
    pressed.open(sources_modal(shown.passages, address=address, quotes=quotes_of(shown.sentences)))


def keep_useful(pressed: Gesture) -> None:
    """Keep that the asker finds the answer useful, and thank them.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    try:
        give_feedback(viewer=pressed.viewer, turn_id=pressed.turn_id, useful=True)
    except MundapError:
        pressed.tell(notices.not_yours())
    else:
        pressed.tell(notices.feedback_kept())


def open_feedback(pressed: Gesture) -> None:
    """Ask what was wrong with the answer.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    turn_id = pressed.turn_id
    if Turn.objects.filter(pk=turn_id, conversation__user=pressed.asker.user).exists():
        pressed.open(feedback_modal(turn_id))
    else:
        pressed.tell(notices.not_yours())


def keep_feedback(sent: Gesture) -> None:
    """Keep what was entered. What is not theirs, or no longer there, is dropped."""
    view = _mapping(sent.body.get("view"))
    chosen = _entered(view, ids.REASONS_BLOCK).get("selected_options") or ()
    reasons = {str(_mapping(one).get("value")) for one in chosen} & set(FeedbackReason.values)
    comment = storable(_entered(view, ids.COMMENT_BLOCK).get("value"))[:LONGEST_COMMENT]
    with suppress(MundapError):
        give_feedback(
            viewer=sent.viewer,
            turn_id=turn_id_of(view.get("private_metadata")),
            useful=False,
            reasons=reasons,
            comment=comment,
        )


def open_ask_about(pressed: Gesture) -> None:
    """Ask what somebody wants to know about a message.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    message = _mapping(pressed.body.get("message"))
    quoted = plain_text(_text(message, "text"), bot=pressed.workspace.bot_user_id)[:_LONGEST_QUOTED]
    about = {
        "channel": _text(_mapping(pressed.body.get("channel")), "id"),
        "ts": _text(message, "ts"),
        "thread_ts": _text(message, "thread_ts"),
        "by": _text(message, "user"),
        "quoted": quoted,
    }
    pressed.open(ask_about_modal(quoted, json.dumps(about, ensure_ascii=False)))


_VERBS: Final[Mapping[str, Callable[[Gesture], None]]] = {
    ids.SOURCES: open_sources,
    ids.USEFUL: keep_useful,
    ids.NOT_USEFUL: open_feedback,
    ids.FEEDBACK_SUBMIT: keep_feedback,
    ids.ASK_ABOUT: open_ask_about,
}


def user_of(body: Mapping[str, Any]) -> str:
    """Who pressed or sent."""
    return _text(_mapping(body.get("user")), "id")


def _sources(workspace: Workspace, viewer: Viewer, turn_id: int) -> tuple[TurnView, int]:
    """The answer with the sources that the viewer may read, and the conversation if it is theirs; 0 if not.

    Raises:
        NotFound: it is neither theirs nor posted where others see it, or they may not see it.
    """
    row = Turn.objects.filter(pk=turn_id).select_related("conversation").first()
    if row is not None and row.conversation.user_id == viewer.user_id:
        return own_turn(viewer=viewer, turn_id=turn_id), row.conversation_id
    posted = Post.objects.filter(workspace=workspace, turn=turn_id, in_channel=True)
    posted = posted.exclude(state=PostState.WITHDRAWN)  # a message that was open before still has its button
    if row is None or not posted.exists():
        raise NotFound("There is no such question.")
    row = Turn.objects.prefetch_related("events", "citations").get(pk=turn_id)
    return turn_for_reader(viewer, row), 0


def _place(body: Mapping[str, Any]) -> Place:
    return Place(
        channel=_text(_mapping(body.get("channel")), "id"),
        user=user_of(body),
        thread=_text(_mapping(body.get("message")), "thread_ts"),
        response_url=_text(body, "response_url"),
    )


def _entered(view: Mapping[str, Any], block: str) -> Mapping[str, Any]:
    values = _mapping(_mapping(view.get("state")).get("values"))
    return _mapping(_mapping(values.get(block)).get(ids.FIELD))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
