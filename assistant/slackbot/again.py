"""The same question once more, for whoever asked it."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import override

from assistant.access.viewer import viewer_for
from assistant.accounts.rate_limits import Holder, Limit, spend
from assistant.chat.models import Turn
from assistant.chat.services import ask_again, owned_turn
from assistant.common.errors import MundapError, NotFound
from assistant.common.types import JsonObject
from assistant.slackbot.audience import audience_of
from assistant.slackbot.delivering import deliver
from assistant.slackbot.joining import Asker, NotJoined, asker_of
from assistant.slackbot.models import Job, Policy, Post
from assistant.slackbot.posting import tell
from assistant.slackbot.pressed import pressed_of
from assistant.slackbot.rendering import notices
from assistant.slackbot.slack_api import client_of


def answer_again(job: Job, payload: JsonObject) -> None:
    """Ask the turn's question anew and show the answer as a message of its own, where the former one stands.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
        NotFound: it was removed while it was answered.
    """
    workspace, pressed = job.workspace, pressed_of(payload)
    client = client_of(workspace)
    asker = asker_of(workspace, pressed.user, client=client)
    if isinstance(asker, NotJoined):
        return
    with override(asker.language):
        if job.turn is not None:
            deliver(client, job, job.turn, asker, place=pressed.place)
            return
        try:
            former = owned_turn(viewer_for(asker.user), pressed.turn)
        except NotFound:
            tell(client, workspace, notices.not_yours(), pressed.place)
            return
        wait = spend(Limit.QUESTIONS, Holder(asker.user.pk, asker.user))
        if wait is not None:
            tell(client, workspace, notices.too_fast(wait.seconds), pressed.place)
            return
        # The one that was pressed: an answer that one person saw may have been shared to channels since.
        shown = Post.objects.filter(
            workspace=workspace, turn=former, channel_id=pressed.channel, ts=pressed.message or None
        ).first()
        beside: tuple[int, ...] | None = ()
        if shown is not None and shown.in_channel:
            audience = audience_of(workspace, shown.channel_id, asker, client=client)
            if audience.policy is Policy.OFF:
                tell(client, workspace, notices.switched_off(), pressed.place)
                return
            beside = audience.beside
        elif shown is None:
            beside = None  # only the asker saw it
        try:
            turn = _begun(job, former, shown, asker, beside)
        except MundapError:  # what may be asked cannot be checked, or the model is not theirs any more
            tell(client, workspace, notices.failed(), pressed.place)
            return
        deliver(client, job, turn, asker, place=pressed.place)


def _begun(job: Job, former: Turn, shown: Post | None, asker: Asker, beside: tuple[int, ...] | None) -> Turn:
    with transaction.atomic():
        turn = ask_again(viewer=viewer_for(asker.user, beside=beside or ()), turn_id=former.pk)
        Job.objects.filter(pk=job.pk).update(turn=turn)
        if shown is not None and beside is not None:
            Post.objects.create(
                workspace=job.workspace,
                job=job,
                turn=turn,
                channel_id=shown.channel_id,
                thread=shown.thread,
                in_channel=shown.in_channel,
                language=asker.language,
                slack_user=asker.slack_user,
            )
    job.turn = turn
    return turn
