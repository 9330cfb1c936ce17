"""Telling whoever asked that their question will not be answered: nobody else, and by whatever way is open.

A job of its own, since what kept the answer back often keeps this back, too. Where the app may do nothing any
more in a workspace, the address counts that a command or a click came with. Who is nobody here is told
nothing, as when they ask.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.translation import override
from slack_sdk import WebClient

from assistant.common.types import JsonObject
from assistant.slackbot import jobs
from assistant.slackbot.failures import CLOSING, SlackRefused
from assistant.slackbot.joining import Asker, asker_of, is_open_person
from assistant.slackbot.models import Job, JoinedPerson, Post, PostState
from assistant.slackbot.posting import responded, take_back, tell
from assistant.slackbot.pressed import pressed_of
from assistant.slackbot.questions import asked_of, place_of
from assistant.slackbot.rendering import notices
from assistant.slackbot.rendering.messages import Message
from assistant.slackbot.slack_api import client_of

# What is not the server's own mistake.
_LATE: Final = CLOSING | {"busy", jobs.WAITED}


def apologise(job: Job, payload: JsonObject) -> None:
    """Say it once, in place of the message that was begun, else to the asker alone.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    workspace, asked, pressed = job.workspace, asked_of(payload), pressed_of(payload)
    place = place_of(asked) if asked.via else pressed.place
    if workspace.failure:
        if place.response_url and _is_known(job, asked.user):
            with override(settings.LANGUAGE_CODE):
                responded(workspace, _message(payload), place)
        return
    client = client_of(workspace)
    language = _language(client, job, asked.user)
    if not language:
        return
    with override(language):
        message = _message(payload)
        if not _stands_in_its_place(client, payload, message):
            tell(client, workspace, message, place)


def _message(payload: JsonObject) -> Message:
    if payload.get("code") in _LATE:
        return notices.not_in_time()
    return notices.failed(str(payload.get("job") or "")[:8])


def _stands_in_its_place(client: WebClient, payload: JsonObject, message: Message) -> bool:
    """Whether it stands where the answer was begun; nobody else is told, since nobody else was answered."""
    unfinished = (PostState.SENDING, PostState.OPEN)
    begun = Post.objects.filter(job_id=str(payload["job"]), state__in=unfinished).first()
    if begun is None:
        return False
    try:
        take_back(client, begun, message)
    except SlackRefused:
        return False
    return bool(begun.ts)


def _language(client: WebClient, job: Job, slack_user: str) -> str:
    """In which they are told; empty: not at all. Of a closed workspace Slack's word counts for nobody."""
    if not job.workspace.is_open:
        return settings.LANGUAGE_CODE if _is_known(job, slack_user) else ""
    asker = asker_of(job.workspace, slack_user, client=client)
    return asker.language if isinstance(asker, Asker) else ""


def _is_known(job: Job, slack_user: str) -> bool:
    """Whether they were somebody here when they last asked."""
    rows = JoinedPerson.objects.filter(workspace=job.workspace, slack_user=slack_user, left_at=None)
    row = rows.select_related("user").first()
    return row is not None and is_open_person(row.user)
