"""One job that came in, carried out. Carried out twice it does the same once.

The runner of the process calls this with a job that is its own; whatever Slack cannot do now is put off, and
whatever it refuses for good is over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from assistant.audit.origin import Origin, Via, coming_from
from assistant.common.errors import NotFound
from assistant.common.types import JsonObject
from assistant.slackbot import jobs
from assistant.slackbot.again import answer_again
from assistant.slackbot.apologising import apologise
from assistant.slackbot.delivering import Lost
from assistant.slackbot.homes import publish_home
from assistant.slackbot.models import Job
from assistant.slackbot.questions import answer_question
from assistant.slackbot.rechecking import recheck_channel
from assistant.slackbot.sharing import share_answer
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
    jobs.APOLOGY: apologise,
}
