"""One job that came in, carried out. Carried out twice it does the same once.

The runner of the process calls this with a job that is its own; whatever Slack cannot do now is put off, and
whatever it refuses for good is over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from django.utils.translation import override

from assistant.audit.origin import Origin, Via, coming_from
from assistant.common.errors import MundapError, NotFound
from assistant.common.types import JsonObject
from assistant.slackbot import jobs
from assistant.slackbot.again import answer_again
from assistant.slackbot.delivering import Lost
from assistant.slackbot.failures import SlackBusy, SlackClosed, SlackRefused
from assistant.slackbot.homes import publish_home
from assistant.slackbot.joining import Asker, asker_of
from assistant.slackbot.models import Job
from assistant.slackbot.posting import tell
from assistant.slackbot.questions import answer_question, asked_of, place_of
from assistant.slackbot.rechecking import recheck_channel
from assistant.slackbot.rendering import notices
from assistant.slackbot.sharing import share_answer
from assistant.slackbot.slack_api import client_of
from assistant.slackbot.starting_anew import start_anew

log = logging.getLogger(__name__)


def carry_out(job: Job) -> None:
    """Do it. Returns when it is done.

    Raises:
        SlackBusy, SlackRefused, SlackClosed: not now, or never; see `failures`.
    """
    payload = jobs.payload_of(job)
    try:
        with coming_from(Origin(Via.SLACK)):
            _VERBS[job.kind](job, payload)
    except NotFound:  # the conversation or the person is gone meanwhile, and with them whom to tell
        jobs.fail(job, "gone")
    except Lost:
        log.info("%s is carried out by another process", job)
    except (SlackBusy, SlackClosed):
        raise
    except SlackRefused as refused:
        if job.kind in ANSWERING and refused.code not in _TAKEN_AWAY:
            _say_that_it_failed(job, payload)
        raise
    except Exception:
        if job.kind in ANSWERING and job.attempts >= jobs.MOST_ATTEMPTS:
            _say_that_it_failed(job, payload)
        raise


def _say_that_it_failed(job: Job, payload: JsonObject) -> None:
    """Whoever asked is told, as far as that is possible now; nobody else."""
    asked = asked_of(payload)
    try:
        asker = asker_of(job.workspace, asked.user)
        if isinstance(asker, Asker):
            with override(asker.language):
                reference = str(job.pk)[:8]
                tell(
                    client_of(job.workspace),
                    job.workspace,
                    notices.failed(reference),
                    place_of(asked),
                )
    except MundapError as error:
        log.warning("whoever asked %s could not be told that it failed: %s", job, type(error).__name__)


def _closed(job: Job, payload: JsonObject) -> None:
    """The app was removed, or its token taken back. The workspace is marked already."""
    log.warning("Slack workspace %s ended its connection: %s", job.workspace.team_id, payload.get("why"))


_VERBS: Final[Mapping[str, Callable[[Job, JsonObject], None]]] = {
    "question": answer_question,
    "again": answer_again,
    "share": share_answer,
    "new": start_anew,
    "home": publish_home,
    "recheck": recheck_channel,
    "closed": _closed,
}
ANSWERING: Final = ("question", "again")
# Somebody deleted the question, or our message, while it was answered: they want none.
_TAKEN_AWAY: Final = frozenset({"message_not_found", "thread_not_found"})
