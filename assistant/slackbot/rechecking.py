"""Posted answers, judged again: when somebody joins a channel, and when permissions have changed.

What may no longer be seen by everybody who can see it is taken back. A message whose turn is gone, because
its conversation was deleted or its person erased, is deleted. What is being written at that moment is judged
by whoever writes it, and here once it is written: the last look may have been before somebody joined.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import override
from slack_sdk import WebClient

from assistant.access.viewer import viewer_for
from assistant.accounts.revisions import Counter, current
from assistant.chat.models import Citation, Turn
from assistant.common.errors import MundapError
from assistant.common.types import JsonObject
from assistant.slackbot import jobs
from assistant.slackbot.failures import SlackBusy, SlackClosed, SlackRefused
from assistant.slackbot.joining import Asker, asker_of
from assistant.slackbot.judging import Readers, digest_of, marks_now, marks_of, readers_now, shows
from assistant.slackbot.models import SHOWN, Job, JobState, Post, Workspace
from assistant.slackbot.posting import take_back
from assistant.slackbot.pressed import pressed_of
from assistant.slackbot.rendering import notices
from assistant.slackbot.slack_api import client_of

log = logging.getLogger(__name__)

JUDGED_FOR = timedelta(days=90)  # after that a message is as old as a print
AT_LEAST_EVERY = timedelta(hours=24)  # events of Slack may be lost
_AT_ONCE = 200
_WRITTEN_S = 5.0
_MOST_BUSY = 3  # channels about which Slack does not answer, before the others wait as well
# Those that were never tried first, the newest of them; then what has waited longest.
_IN_TURN = (F("tried_at").asc(nulls_first=True), F("created_at").desc())


def recheck_channel(job: Job, payload: JsonObject) -> None:
    """Judge all answers that stand in a channel, or in any, because others can read it now.

    Raises:
        SlackBusy, SlackClosed.
    """
    posts = Post.objects.filter(workspace=job.workspace, in_channel=True, state__in=SHOWN)
    if channel := pressed_of(payload).channel:
        posts = posts.filter(channel_id=channel)
    if written := payload.get("post"):
        posts = posts.filter(pk=str(written))
    # Looked for first: what is finished from now on is judged below or later, or both.
    for post_id in posts.filter(job__state=JobState.RUNNING).values_list("pk", flat=True):
        _judge_when_written(job, post_id)
    client = client_of(job.workspace)
    settled = posts.exclude(job__state=JobState.RUNNING).select_related(
        "workspace", "turn__conversation__user"
    )
    _judge_all(settled.order_by(*_IN_TURN), partial(judge, client))


def _judge_when_written(job: Job, post_id: UUID) -> None:
    """Once for each post and moment, however many events there are."""
    moment = int(timezone.now().timestamp() // _WRITTEN_S)
    key, payload = f"r:written:{post_id}:{moment}", {"channel": "", "post": str(post_id)}
    jobs.take_in(job.workspace, kind="recheck", key=key, payload=payload, after_s=_WRITTEN_S)


def recheck_all() -> int:
    """Judge what was last judged before permissions changed, or long ago. How many there were."""
    judged = 0
    for workspace in Workspace.objects.filter(is_open=True, failure=""):
        due = list(
            _shown(Post.objects.filter(workspace=workspace)).filter(_due()).order_by(*_IN_TURN)[:_AT_ONCE]
        )
        judged += len(due)
        try:
            client = client_of(workspace)
            _judge_all(due, partial(_judged_as_due, client))
        except (SlackBusy, SlackClosed) as error:
            log.warning("answers in %s are judged later: %s", workspace.team_id, error)
        except MundapError as error:  # a secret key that opens nothing: no other workspace waits for that
            log.warning("answers in %s cannot be judged: %s", workspace.team_id, type(error).__name__)
    Post.objects.filter(created_at__lt=timezone.now() - JUDGED_FOR).delete()
    return judged


def _judge_all(posts: Iterable[Post], by: Callable[[Post], None]) -> None:
    """Judge each. What Slack does not say of one channel holds up no other, until it says nothing of several.

    Raises:
        SlackBusy: some are still to be judged.
        SlackClosed.
    """
    busy: dict[str, SlackBusy] = {}
    for post in posts:
        if post.channel_id in busy:
            continue
        Post.objects.filter(pk=post.pk).update(tried_at=timezone.now())
        try:
            by(post)
        except SlackBusy as error:
            busy[post.channel_id] = error
            if len(busy) >= _MOST_BUSY:
                break
    if busy:
        raise next(iter(busy.values()))


def _judged_as_due(client: WebClient, post: Post) -> None:
    is_old = post.judged_at < timezone.now() - AT_LEAST_EVERY
    if is_old or post.turn is None or not _are_the_same(post, post.turn):
        judge(client, post)
    else:
        judge_by_documents(client, post, post.turn)


def judge(client: WebClient, post: Post) -> None:
    """Take the answer back unless everybody who can see it now, by what Slack says now, may.

    Raises:
        SlackBusy, SlackClosed.
    """
    marks, turn = marks_now(), post.turn
    if turn is None:
        _take_back(client, post, None, marks)
        return
    found = Readers(None)
    asker = _asker(client, post)
    if asker is not None and asker.user.pk == turn.conversation.user_id:
        found = readers_now(client, post, asker)
    kept: dict[str, Any] = {**marks, "judged_kind": found.kind}
    viewer = found.viewer
    if viewer is None or not shows(viewer, turn):
        _take_back(client, post, turn, kept)
        return
    kept |= marks_of(post.workspace, marks, turn.conversation.user_id, viewer.beside)
    Post.objects.filter(pk=post.pk).update(judged_at=timezone.now(), **kept)


def judge_by_documents(client: WebClient, post: Post, turn: Turn) -> None:
    """Take the answer back unless everybody who could read it when Slack was last asked may still read what
    it stands on.

    Slack is not asked who can see it: its events say when that changes, `watching` asks for the kind of its
    channel, and `judge` asks for all once a day.

    Raises:
        SlackBusy, SlackClosed.
    """
    marks = marks_now()
    if shows(viewer_for(turn.conversation.user, beside=post.judged_beside), turn):
        Post.objects.filter(pk=post.pk).update(judged_at=timezone.now(), **marks)
    else:
        _take_back(client, post, turn, marks)


def _are_the_same(post: Post, turn: Turn) -> bool:
    """Whether the accounts that were its readers still are, and are still those of the same Slack users."""
    own = turn.conversation.user_id
    return post.judged_people == digest_of(post.workspace, {own, *post.judged_beside})


def _asker(client: WebClient, post: Post) -> Asker | None:
    """Whose question it is, by what Slack says now; None: nobody's here, or Slack knows no such user."""
    try:
        found = asker_of(post.workspace, post.slack_user, client=client)
    except SlackRefused as refused:
        log.warning("Slack does not say who asked turn %s: %s", post.turn_id, refused.code)
        return None
    return found if isinstance(found, Asker) else None


def _take_back(client: WebClient, post: Post, turn: Turn | None, marks: dict[str, Any]) -> None:
    """Slack may refuse that, in an archived channel or in one that we were taken out of: tried again when
    something changes, and once a day.
    """
    try:
        with override(post.language):
            notice = None if turn is None else notices.withdrawn(for_everybody=post.in_channel)
            take_back(client, post, notice)
    except SlackRefused as refused:
        log.warning("the answer of turn %s could not be taken back: %s", post.turn_id, refused.code)
        Post.objects.filter(pk=post.pk).update(judged_at=timezone.now(), **marks)
    else:
        log.info("the answer of turn %s was taken back", post.turn_id)


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
        posts.filter(state__in=SHOWN)
        .exclude(being_written)
        .select_related("workspace", "turn__conversation__user")
    )
