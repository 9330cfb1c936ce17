"""An answer that one person saw, shown to a channel: only if everybody who can read it there may."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import override

from assistant.access.viewer import viewer_for
from assistant.audit.trail import Event, record
from assistant.chat.models import Turn
from assistant.chat.services import owned_turn
from assistant.common.errors import NotFound
from assistant.common.types import JsonObject
from assistant.slackbot.delivering import drawn
from assistant.slackbot.joining import NotJoined, asker_of
from assistant.slackbot.judging import marks_now, marks_of, shows, viewer_in
from assistant.slackbot.models import Job, Post
from assistant.slackbot.posting import show, take_back, tell
from assistant.slackbot.pressed import pressed_of
from assistant.slackbot.rendering import notices
from assistant.slackbot.rendering.messages import Where
from assistant.slackbot.slack_api import client_of


def share_answer(job: Job, payload: JsonObject) -> None:
    """Post the answer to the channel in which it was given, in the name of whoever asked.

    It is not asked anew: what they saw is what is shared, or nothing.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    workspace, pressed = job.workspace, pressed_of(payload)
    client = client_of(workspace)
    asker = asker_of(workspace, pressed.user, client=client)
    if isinstance(asker, NotJoined):
        return
    with override(asker.language):
        try:
            turn = owned_turn(viewer_for(asker.user), pressed.turn)
        except NotFound:
            tell(client, workspace, notices.not_yours(), pressed.place)
            return
        marks = marks_now()
        viewer = viewer_in(client, workspace, pressed.channel, asker)
        if viewer is None or turn.files or not shows(viewer, turn):
            begun = Post.objects.filter(job=job).first()
            if begun is not None:  # an attempt before this one may have reached Slack
                take_back(client, begun, notices.withdrawn(for_everybody=True))
            tell(client, workspace, notices.not_shared(), pressed.place)
            return
        with transaction.atomic():
            Turn.objects.filter(pk=turn.pk).update(seen_by=sorted({*turn.seen_by, *viewer.beside}))
            post, is_new = Post.objects.get_or_create(
                job=job,
                defaults={
                    "workspace": workspace,
                    "turn": turn,
                    "channel_id": pressed.channel,
                    "thread": pressed.thread,
                    "in_channel": True,
                    "language": asker.language,
                    "slack_user": asker.slack_user,
                    **marks_of(workspace, marks, asker.user.pk, viewer.beside),
                },
            )
            if is_new:
                record(
                    Event.SHARED_IN_SLACK,
                    actor_id=asker.user.pk,
                    actor=asker.user.email,
                    turn=turn.pk,
                    workspace=workspace.team_id,
                    channel=pressed.channel,
                )
        message = drawn(turn, viewer, workspace, asker=asker.slack_user, where=Where.CHANNEL)
        show(client, post, message, final=True, is_new=is_new)
        tell(client, workspace, notices.shared(), pressed.place)
