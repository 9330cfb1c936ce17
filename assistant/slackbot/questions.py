"""A question that came from Slack, on its way to its answer.

Where somebody asked decides who will see the answer, and that is decided before anything is searched: the
turn is asked for the asker together with everybody who can read along, or for the asker alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import override
from slack_sdk import WebClient

from assistant.access.viewer import viewer_for
from assistant.accounts.rate_limits import Holder, Limit, spend
from assistant.catalogue.entries import ModelNotOffered
from assistant.chat.answering import MAX_QUESTION
from assistant.chat.condensing import Overheard
from assistant.chat.file_scope import is_about_files
from assistant.chat.models import Conversation, FilesAsked, Turn
from assistant.chat.services import start_turn
from assistant.common.errors import GuardrailsDamaged, ModelUnavailable
from assistant.common.types import JsonObject
from assistant.slackbot import threads
from assistant.slackbot.audience import audience_of
from assistant.slackbot.delivering import deliver
from assistant.slackbot.failures import SlackRefused
from assistant.slackbot.files import taken_along
from assistant.slackbot.joining import Asker, NotJoined, Reason, asker_of, link_for
from assistant.slackbot.judging import marks_now, marks_of
from assistant.slackbot.models import Job, Policy, Post, Workspace
from assistant.slackbot.posting import Place, tell
from assistant.slackbot.rendering import notices
from assistant.slackbot.rendering.messages import Message
from assistant.slackbot.slack_api import client_of

MESSAGE, MENTION, COMMAND, DIALOG = "message", "mention", "command", "dialog"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked where. `ts` and `thread` are empty for what is no message."""

    via: str
    channel: str
    user: str
    text: str
    ts: str = ""
    thread: str = ""
    response_url: str = ""
    quoted: str = ""
    quoted_by: str = ""
    files: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def is_direct(self) -> bool:
        """Whether it was written to us in a direct message."""
        return self.via == MESSAGE

    @property
    def stands_under(self) -> str:
        """The thread in which its answer belongs; empty: below it."""
        if self.via == MENTION:
            return self.thread or self.ts
        return self.thread

    @property
    def conversation_key(self) -> str:
        """Which of the person's conversations in this channel it belongs to."""
        return threads.BY_COMMAND if self.via in (COMMAND, DIALOG) else self.stands_under


def asked_of(payload: JsonObject) -> Asked:
    """The question that a job holds. What is missing is empty."""

    def text(name: str) -> str:
        value = payload.get(name)
        return value if isinstance(value, str) else ""

    files = payload.get("files")
    return Asked(
        via=text("via"),
        channel=text("channel"),
        user=text("user"),
        text=text("text"),
        ts=text("ts"),
        thread=text("thread_ts"),
        response_url=text("response_url"),
        quoted=text("quoted"),
        quoted_by=text("quoted_by"),
        files=tuple(one for one in files if isinstance(one, Mapping)) if isinstance(files, list) else (),
    )


def answer_question(job: Job, payload: JsonObject) -> None:
    """Answer it once, as far as the asker may be answered.

    Raises:
        SlackBusy, SlackRefused, SlackClosed: not now.
    """
    workspace, asked = job.workspace, asked_of(payload)
    client = client_of(workspace)
    asker = asker_of(workspace, asked.user, client=client)
    if isinstance(asker, NotJoined):
        tell_not_joined(client, workspace, asked, asker)
        return
    with override(asker.language):
        turn = job.turn or _begun(client, job, asked, asker)
        if turn is not None:
            deliver(client, job, turn, asker, place=place_of(asked))


def tell_not_joined(client: WebClient, workspace: Workspace, asked: Asked, who: NotJoined) -> None:
    """A link for members, a word for whose account is closed, silence for everybody else.

    Guests, people of other organisations and apps are told nothing: they learn not even that they are not
    answered.
    """
    with override(who.language):
        if who.reason is Reason.UNKNOWN:
            message = notices.sign_in_first(link_for(workspace, asked.user))
        elif who.reason is Reason.CLOSED_ACCOUNT:
            message = notices.account_closed()
        else:
            return
        _tell(client, workspace, asked, message)


def _begun(client: WebClient, job: Job, asked: Asked, asker: Asker) -> Turn | None:
    """The turn that answers it, stored with the post that will show it; None: the asker was told why not."""
    workspace = job.workspace
    refusal, question = _checked(asked, workspace, asker)
    if refusal is not None:
        _tell(client, workspace, asked, refusal)
        return None
    beside: tuple[int, ...] | None = None
    marks, kind = marks_now(), ""  # before anybody is asked what they may read
    if asked.via == MENTION:
        audience = audience_of(workspace, asked.channel, asker, client=client)
        if audience.policy == Policy.OFF:
            _tell(client, workspace, asked, notices.switched_off())
            return None
        beside, kind = audience.beside, audience.kind
    overheard, files = _around(client, workspace, asked)
    conversation = threads.conversation_of(workspace, asked.channel, asked.conversation_key, asker.user.pk)
    if files and _wants_files(question, asked, files):
        beside = None  # a file is the asker's own document here, and nobody else's
        conversation, unread = taken_along(
            workspace, asker, conversation, files, began=lambda begun: _remember(workspace, asked, begun)
        )
        for notice in unread:
            _tell(client, workspace, asked, notice)
    try:
        with transaction.atomic():
            turn = start_turn(
                viewer=viewer_for(asker.user, beside=beside or ()),
                question=question,
                conversation_id=conversation,
                files=FilesAsked.JOINED,
                overheard=overheard,
            )
            threads.remember(workspace, asked.channel, asked.conversation_key, turn.conversation)
            Job.objects.filter(pk=job.pk).update(turn=turn)
            if asked.is_direct or beside is not None:
                Post.objects.update_or_create(
                    job=job,
                    defaults={
                        "workspace": workspace,
                        "turn": turn,
                        "channel_id": asked.channel,
                        "thread": asked.stands_under,
                        "in_channel": beside is not None,
                        "language": asker.language,
                        "slack_user": asked.user,
                        "judged_kind": kind,
                        **marks_of(workspace, marks, asker.user.pk, beside or ()),
                    },
                )
    except (ModelNotOffered, GuardrailsDamaged, ModelUnavailable):
        _tell(client, workspace, asked, notices.failed())
        return None
    job.turn = turn
    return turn


def _remember(workspace: Workspace, asked: Asked, conversation_id: int) -> None:
    conversation = Conversation.objects.get(pk=conversation_id)
    threads.remember(workspace, asked.channel, asked.conversation_key, conversation)


def _checked(asked: Asked, workspace: Workspace, asker: Asker) -> tuple[Message | None, str]:
    """Why it cannot be asked, if it cannot, and the question in plain text."""
    question = threads.plain_text(asked.text, bot=workspace.bot_user_id)
    if not threads.says_something(question):
        return (notices.how_to_ask() if asked.via == COMMAND else notices.empty_question()), ""
    if len(question) > MAX_QUESTION:
        return notices.too_long(len(question), most=MAX_QUESTION), ""
    wait = spend(Limit.QUESTIONS, Holder(asker.user.pk, asker.user))
    if wait is not None:
        return notices.too_fast(wait.seconds), ""
    return None, question


def _around(
    client: WebClient, workspace: Workspace, asked: Asked
) -> tuple[list[Overheard], list[Mapping[str, Any]]]:
    """What others said where it was asked, and the files that are there."""
    if asked.quoted:
        said = threads.plain_text(asked.quoted, bot=workspace.bot_user_id)
        return [Overheard(asked.quoted_by, said[: threads.LONGEST_OVERHEARD])], list(asked.files)
    if not asked.thread or asked.via not in (MENTION, MESSAGE):
        return [], list(asked.files)
    try:
        before = threads.messages_before(client, channel=asked.channel, thread=asked.thread, before=asked.ts)
    except SlackRefused:  # we may not read it, or it is gone: the question stands by itself
        return [], list(asked.files)
    overheard = threads.overheard_in(client, workspace, before, asker=asked.user)
    files = threads.files_of([*before, {"files": asked.files}])
    return overheard, files


def _wants_files(question: str, asked: Asked, files: list[Mapping[str, Any]]) -> bool:
    """Whether it brings files, or is about those that others put into the thread."""
    names = [str(file.get("name") or "") for file in files]
    return bool(asked.files) or is_about_files(question, [name for name in names if name])


def place_of(asked: Asked) -> Place:
    """Where the asker alone is answered."""
    return Place(
        channel=asked.channel,
        user=asked.user,
        thread=asked.thread if asked.via in (MENTION, MESSAGE) else "",
        response_url=asked.response_url,
    )


def _tell(client: WebClient, workspace: Workspace, asked: Asked, message: Message) -> None:
    tell(client, workspace, message, place_of(asked))
