"""Posted answers, judged again: when somebody joins a channel, and when permissions have changed.

What may no longer be seen by everybody who can see it is taken back. A message whose turn is gone, because
its conversation was deleted or its person erased, is deleted. What is being written at that moment is judged
by whoever writes it, and here once it is written: the last look may have been before somebody joined.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import override
from slack_sdk import WebClient

from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.revisions import Counter, current
from assistant.chat.models import Citation, Turn
from assistant.common.types import JsonObject
from assistant.slackbot import jobs
from assistant.slackbot.failures import SlackBusy, SlackClosed, SlackRefused
from assistant.slackbot.joining import NotJoined, asker_of
from assistant.slackbot.judging import marks_now, shows, viewer_now
from assistant.slackbot.models import Job, JobState, Post, PostState, Workspace
from assistant.slackbot.posting import take_back
from assistant.slackbot.pressed import pressed_of
from assistant.slackbot.rendering import notices
from assistant.slackbot.slack_api import client_of

log = logging.getLogger(__name__)

JUDGED_FOR = timedelta(days=90)  # after that a message is as old as a print
AT_LEAST_EVERY = timedelta(hours=24)  # events of Slack may be lost
_AT_ONCE = 200
_WRITTEN_S = 5.0
_SHOWN = (PostState.OPEN, PostState.FINAL, PostState.SENDING)


def recheck_channel(job: Job, payload: JsonObject) -> None:
    """Judge all answers that stand in a channel, or in any, because others can read it now.

    Raises:
        SlackBusy, SlackClosed.
    """
    posts = Post.objects.filter(workspace=job.workspace, in_channel=True, state__in=_SHOWN)
    if channel := pressed_of(payload).channel:
        posts = posts.filter(channel_id=channel)
    if written := payload.get("post"):
        posts = posts.filter(pk=str(written))
    # Looked for first: what is finished from now on is judged below or later, or both.
    for post_id in posts.filter(job__state=JobState.RUNNING).values_list("pk", flat=True):
        _judge_when_written(job, post_id)
    client = client_of(job.workspace)
    settled = posts.exclude(job__state=JobState.RUNNING)
    for post in settled.select_related("workspace", "turn__conversation__user").order_by("-created_at"):
        _judged_alone(client, post, judge)


def _judge_when_written(job: Job, post_id: UUID) -> None:
    """Once for each post and moment, however many events there are."""
    moment = int(timezone.now().timestamp() // _WRITTEN_S)
    key, payload = f"r:written:{post_id}:{moment}", {"channel": "", "post": str(post_id)}
    jobs.take_in(job.workspace, kind="recheck", key=key, payload=payload, after_s=_WRITTEN_S)


def recheck_all() -> int:
    """Judge what was last judged before permissions changed, or long ago. How many there were."""
    judged = 0
    for workspace in Workspace.objects.filter(is_open=True, failure=""):
        due = _shown(Post.objects.filter(workspace=workspace)).filter(_due())
        try:
            client = client_of(workspace)
            for post in due.order_by("judged_at")[:_AT_ONCE]:
                judged += 1
                is_old = post.judged_at < timezone.now() - AT_LEAST_EVERY
                _judged_alone(client, post, judge if is_old else judge_by_documents)
        except (SlackBusy, SlackClosed) as error:
            log.warning("answers in %s are judged later: %s", workspace.team_id, error)
    Post.objects.filter(created_at__lt=timezone.now() - JUDGED_FOR).delete()
    return judged


def judge(client: WebClient, post: Post) -> None:
    """Take the answer back unless everybody who can see it now, by what Slack says now, may.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    marks = marks_now()
    if post.turn is None:
        take_back(client, post, None)
        return
    asker = asker_of(post.workspace, post.slack_user, client=client)
    viewer = None
    if not isinstance(asker, NotJoined) and asker.user.pk == post.turn.conversation.user_id:
        viewer = viewer_now(client, post, asker)
    _settle(client, post, post.turn, viewer, marks)


def judge_by_documents(client: WebClient, post: Post) -> None:
    """Take the answer back unless everybody for whom it was made may still read what it stands on.

    Slack is not asked who can see it: its events say when that changes, and `judge` asks it once a day.

    Raises:
        SlackBusy, SlackRefused, SlackClosed.
    """
    turn, marks = post.turn, marks_now()
    if turn is None:
        judge(client, post)
        return
    _settle(client, post, turn, viewer_for(turn.conversation.user, beside=turn.seen_by), marks)


def _settle(
    client: WebClient, post: Post, turn: Turn, viewer: Viewer | None, marks: Mapping[str, int]
) -> None:
    if viewer is not None and shows(viewer, turn):
        Post.objects.filter(pk=post.pk).update(judged_at=timezone.now(), **marks)
        return
    with override(post.language):
        take_back(client, post, notices.withdrawn(for_everybody=post.in_channel))
    log.info("the answer of turn %s was taken back", turn.pk)


def _judged_alone(client: WebClient, post: Post, by: Callable[[WebClient, Post], None]) -> None:
    """Slack's refusal of one holds up no other: an archived channel, or one that we were taken out of."""
    try:
        by(client, post)
    except SlackRefused as refused:
        log.warning("the answer of turn %s could not be taken back: %s", post.turn_id, refused.code)
        Post.objects.filter(pk=post.pk).update(judged_at=timezone.now())


def _due() -> Q:
    """What permissions, a document that was read for it, or a day have passed over."""
    changed = Citation.objects.filter(
        turn=OuterRef("turn"), document__revision__gt=OuterRef("judged_documents")
    )
    documents = current(Counter.DOCUMENTS)
    return (
        Q(turn=None)
        | Q(judged_at__lt=timezone.now() - AT_LEAST_EVERY)
        | ~Q(judged_for=current(Counter.PERMISSIONS))
        | Exists(changed)
        | (~Q(turn__carried_documents=[]) & Q(judged_documents__lt=documents))
    )


def _shown(posts: QuerySet[Post]) -> QuerySet[Post]:
    """Those that show something and are not being written: who writes judges too."""
    being_written = Q(job__state__in=(JobState.PENDING, JobState.RUNNING))
    return (
        posts.filter(state__in=_SHOWN)
        .exclude(being_written)
        .select_related("workspace", "turn__conversation__user")
    )
