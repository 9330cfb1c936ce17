"""A turn as it is written, shown in Slack: by edits of one message, or at once to one person.

What is shown passes the door each time for everybody who can read it (`chat.services.followed`). Who that is
is asked again when the answer is finished, if it was long in coming, or if anything was heard meanwhile after
which others may read along (a job "recheck"); from then on no draft is shown either.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from slack_sdk import WebClient

from assistant.access.viewer import Viewer, viewer_for
from assistant.chat.events import Failed, Withheld
from assistant.chat.models import FilesAsked, Turn, TurnMode
from assistant.chat.runner import has_fallen_silent
from assistant.chat.services import ask_again, followed
from assistant.common.errors import MundapError, NotFound
from assistant.slackbot.jobs import is_ours
from assistant.slackbot.joining import Asker, asker_of
from assistant.slackbot.judging import heard_since, may_stay
from assistant.slackbot.models import Job, Post, Workspace
from assistant.slackbot.posting import Place, show, tell
from assistant.slackbot.rendering.messages import Drawing, Message, Where

FIRST_AFTER_S: Final = 0.8  # a quick answer comes as one message
EDITED_EVERY_S: Final = 1.5  # Slack lets a message be edited about once a second
_LOOKED_EVERY_S: Final = 0.25
_JUDGED_AGAIN_AFTER_S: Final = 5.0
_INTERRUPTED: Final = "interrupted"


class Lost(Exception):
    """Somebody else has the job by now, and shows the answer."""


class Interrupted(MundapError):
    """Nobody is left who writes the answer: the job is to be tried again."""


@dataclass(slots=True)
class _Shown:
    """What Slack shows of the turn by now."""

    message: Message | None = None
    at: float = field(default_factory=time.monotonic)

    def is_due(self, message: Message) -> bool:
        """Whether it is time for an edit that changes something."""
        pause = FIRST_AFTER_S if self.message is None else EDITED_EVERY_S
        return message != self.message and time.monotonic() - self.at >= pause


def deliver(client: WebClient, job: Job, turn: Turn, asker: Asker, *, place: Place) -> None:
    """Follow the turn to its end and let Slack show it. Carried out twice it shows the same once.

    A turn whose process died is asked again in its place: nobody saw it end.

    Raises:
        Lost: the job is somebody else's.
        NotFound: the turn was removed.
        Interrupted: the other one's process died, too.
        SlackBusy, SlackRefused, SlackClosed.
    """
    delivery = _Delivery(client, job, asker, place)
    if has_fallen_silent(turn):
        turn = delivery.ask_anew(turn)
    if not delivery.follow(turn) and not delivery.follow(delivery.ask_anew(turn)):
        raise Interrupted("The process that wrote the answer died, twice.")


def viewer_of(turn: Turn, asker: Asker) -> Viewer:
    """The asker, with everybody who was to see the answer."""
    return viewer_for(asker.user, beside=turn.seen_by)


def drawing_of(turn: Turn, workspace: Workspace, *, asker: str, where: Where) -> Drawing:
    """An empty drawing of the turn."""
    return Drawing(
        turn_id=turn.pk,
        question=turn.question,
        asker=asker,
        where=where,
        address=address_of(workspace, turn.conversation_id),
        is_draft=turn.mode != TurnMode.ANSWER,
        masked=turn.masked,
        files_only=turn.files == FilesAsked.ONLY,
    )


def drawn(turn: Turn, viewer: Viewer, workspace: Workspace, *, asker: str, where: Where) -> Message:
    """A finished turn as these people may see it now."""
    drawing = drawing_of(turn, workspace, asker=asker, where=where)
    for event in followed(viewer=viewer, turn_id=turn.pk, every_s=_LOOKED_EVERY_S):
        if event is not None:
            drawing.take(event)
    return drawing.message()


def address_of(workspace: Workspace, conversation_id: int) -> str:
    """The conversation in Mundap."""
    return urljoin(workspace.address, reverse("web:conversation", args=[conversation_id]))


class _Delivery:
    """One turn on its way to one message, or to one person."""

    def __init__(self, client: WebClient, job: Job, asker: Asker, place: Place) -> None:
        self._client = client
        self._job = job
        self._asker = asker
        self._place = place
        self._post = Post.objects.filter(job=job).first()
        self._where = Where.PRIVATE
        if self._post is not None:
            self._where = Where.CHANNEL if self._post.in_channel else Where.DIRECT

    def follow(self, turn: Turn) -> bool:
        """Whether it came to its end, and Slack shows it; False: its process died."""
        drawing, shown = self._drawing(turn), _Shown()
        for event in followed(viewer=viewer_of(turn, self._asker), turn_id=turn.pk, every_s=_LOOKED_EVERY_S):
            if isinstance(event, Failed) and event.code == _INTERRUPTED:
                return False
            if event is not None:
                drawing.take(event)
            if self._post is None or drawing.over or not shown.is_due(message := drawing.message()):
                continue
            if not self._others_may_read():
                self._show(self._post, message, final=False)
                shown = _Shown(message)
        if not drawing.over:
            raise NotFound("The question was removed.")
        self._end(turn, drawing)
        return True

    def ask_anew(self, turn: Turn) -> Turn:
        """The same question, as a new turn of the same job, for the same people.

        Raises:
            NotFound: it was removed meanwhile.
        """
        with transaction.atomic():
            anew = ask_again(viewer=viewer_of(turn, self._asker), turn_id=turn.pk, in_its_place=True)
            Job.objects.filter(pk=self._job.pk).update(turn=anew)
            Post.objects.filter(job=self._job).update(turn=anew)
        self._job.turn = anew
        return anew

    def _end(self, turn: Turn, drawing: Drawing) -> None:
        if not self._may_be_shown(turn):
            drawing = self._drawing(turn)
            drawing.take(Withheld())
        if self._post is None:
            self._require()
            tell(self._client, self._job.workspace, drawing.message(), self._place)
            return
        self._show(self._post, drawing.message(), final=True)

    def _may_be_shown(self, turn: Turn) -> bool:
        """Whether those who can read it now are still those for whom it was asked, or may read it, too."""
        others_may_read = self._others_may_read()
        if others_may_read:
            who = asker_of(self._job.workspace, self._asker.slack_user, client=self._client)
            if not isinstance(who, Asker) or who.user.pk != self._asker.user.pk:
                return False
        if self._post is None or not self._post.in_channel:
            return True
        # Counted from when it was begun: another process may have begun it, long ago.
        age_s = (timezone.now() - self._post.created_at).total_seconds()
        if not others_may_read and age_s <= _JUDGED_AGAIN_AFTER_S:
            return True
        return may_stay(self._client, self._post, turn, self._asker)

    def _others_may_read(self) -> bool:
        """Whether since the question came anything was heard that may change who reads the answer.

        Of what an attempt before this one began, it is not known who reads by now.
        """
        if self._job.attempts > 1:
            return True
        return heard_since(self._job)

    def _show(self, post: Post, message: Message, *, final: bool) -> None:
        self._require()
        show(self._client, post, message, final=final, is_new=self._job.attempts == 1)

    def _drawing(self, turn: Turn) -> Drawing:
        return drawing_of(turn, self._job.workspace, asker=self._asker.slack_user, where=self._where)

    def _require(self) -> None:
        if not is_ours(self._job):
            raise Lost
