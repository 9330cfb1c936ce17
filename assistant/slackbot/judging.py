"""May a posted answer stay where it is, for everybody who can read it there now?"""

from __future__ import annotations

from slack_sdk import WebClient

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.revisions import Counter, current
from assistant.chat.events import Withheld
from assistant.chat.models import Turn
from assistant.chat.selectors import turn_for_reader
from assistant.slackbot.audience import Audience, Why, audience_of
from assistant.slackbot.failures import SlackBusy
from assistant.slackbot.joining import Asker
from assistant.slackbot.models import Job, Post, Workspace

_LATER_S = 5.0


def marks_now() -> dict[str, int]:
    """Counters that tell later whether anything has changed since; asked for before it is judged."""
    return {"judged_for": current(Counter.PERMISSIONS), "judged_documents": current(Counter.DOCUMENTS)}


def heard_since(job: Job) -> bool:
    """Whether since the job came in anything was heard that may change who reads an answer."""
    since = Job.objects.filter(workspace=job.workspace, created_at__gte=job.created_at)
    return since.filter(kind="recheck").exists()


def may_stay(client: WebClient, post: Post, turn: Turn, asker: Asker) -> bool:
    """Whether the asker and everybody who can read the post may read what its answer stands on.

    Raises:
        SlackBusy, SlackClosed: who can read it is not known now.
    """
    viewer = viewer_now(client, post, asker)
    return viewer is not None and shows(viewer, turn)


def viewer_now(client: WebClient, post: Post, asker: Asker) -> Viewer | None:
    """The asker with everybody who can read the post now; None: some of them are nobody here.

    Raises:
        SlackBusy, SlackClosed.
    """
    if not post.in_channel:
        return viewer_for(asker.user)
    found = _audience(client, post.workspace, post.channel_id, asker)
    if found.why is Why.ARCHIVED and post.turn is not None:  # nobody joins it any more
        return viewer_for(asker.user, beside=post.turn.seen_by)
    return _viewer(found, asker)


def viewer_in(client: WebClient, workspace: Workspace, channel: str, asker: Asker) -> Viewer | None:
    """The asker with everybody who can read the channel now; None: that is not known of all of them.

    Raises:
        SlackBusy: Slack does not say who they are.
    """
    return _viewer(_audience(client, workspace, channel, asker), asker)


def _audience(client: WebClient, workspace: Workspace, channel: str, asker: Asker) -> Audience:
    found = audience_of(workspace, channel, asker, fresh=True, client=client)
    if found.why is Why.NO_ANSWER:
        raise SlackBusy(_LATER_S)
    return found


def _viewer(found: Audience, asker: Asker) -> Viewer | None:
    return None if found.beside is None else viewer_for(asker.user, beside=found.beside)


def shows(viewer: Viewer, turn: Turn) -> bool:
    """Whether the finished turn may be shown to them, as it may to the reader of a shared link."""
    row = Turn.objects.prefetch_related("events", "citations").get(pk=turn.pk)
    return not isinstance(turn_for_reader(viewer, row).outcome, Withheld)
