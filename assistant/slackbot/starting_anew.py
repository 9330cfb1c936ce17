"""`/new`: what somebody asks next belongs to a conversation of its own."""

from __future__ import annotations

from django.utils.translation import override

from assistant.access.viewer import viewer_for
from assistant.common.types import JsonObject
from assistant.slackbot import threads
from assistant.slackbot.joining import NotJoined, asker_of
from assistant.slackbot.models import Job
from assistant.slackbot.posting import tell
from assistant.slackbot.pressed import pressed_of
from assistant.slackbot.rendering import notices
from assistant.slackbot.slack_api import client_of


def start_anew(job: Job, payload: JsonObject) -> None:
    """Begin anew in this channel, outside its threads.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    workspace, pressed = job.workspace, pressed_of(payload)
    client = client_of(workspace)
    asker = asker_of(workspace, pressed.user, client=client)
    if isinstance(asker, NotJoined):
        return
    threads.begin_anew(workspace, pressed.channel, viewer_for(asker.user))
    with override(asker.language):
        tell(client, workspace, notices.new_conversation(), pressed.place)
