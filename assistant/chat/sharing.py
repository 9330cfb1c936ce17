"""Who may open what of somebody else's conversation?

A link is made and ended by the conversation's owner. What its reader sees is decided for
the reader, when they look and answer by answer; questions are the owner's own words. A link
that is unknown, ended, or whose owner's account is closed answers like one that never was.
"""

from __future__ import annotations

import secrets

from django.db import transaction
from django.db.models import QuerySet

from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.audit.trail import Event, record
from assistant.chat.models import Conversation, Share, Turn, TurnState
from assistant.chat.reading import CitedSource, SharedConversation, ShareState
from assistant.chat.selectors import cited_numbers, noted_numbers, open_citation, turn_for_reader
from assistant.chat.services import owned_conversation
from assistant.common.errors import NotFound, UsageError

_TOKEN_BYTES = 32
_OPEN = (TurnState.PENDING, TurnState.RUNNING)


def share_conversation(*, viewer: Viewer, conversation_id: int) -> None:
    """Open a link to the conversation, or move the open one on to its newest finished turn.

    Raises:
        NotFound: no such conversation of this person.
        UsageError: no turn is finished yet.
    """
    with transaction.atomic():
        conversation = _locked(viewer, conversation_id)
        newest = _finished(conversation).order_by("-pk").first()
        if newest is None:
            raise UsageError("Nothing can be shared yet: wait until the first answer is finished.")
        share, made = Share.objects.get_or_create(
            conversation=conversation,
            defaults={"token": secrets.token_urlsafe(_TOKEN_BYTES), "until": newest},
        )
        if not made and share.until_id >= newest.pk:
            return
        share.until = newest
        share.save(update_fields=["until"])
        record(
            Event.CONVERSATION_SHARED,
            actor_id=viewer.user_id,
            actor=viewer.email,
            conversation=conversation.pk,
            share=share.pk,
            until=newest.pk,
        )


def stop_sharing(*, viewer: Viewer, conversation_id: int) -> None:
    """End the link at once. Sharing again makes another one. Without a link nothing happens.

    Raises:
        NotFound: no such conversation of this person.
    """
    with transaction.atomic():
        conversation = _locked(viewer, conversation_id)
        share = Share.objects.filter(conversation=conversation).first()
        if share is None:
            return
        record(
            Event.SHARE_REVOKED,
            actor_id=viewer.user_id,
            actor=viewer.email,
            conversation=conversation.pk,
            share=share.pk,
        )
        share.delete()


def share_state(*, viewer: Viewer, conversation_id: int) -> ShareState:
    """Whether and how far the viewer's conversation is shared.

    Raises:
        NotFound: no such conversation of this person.
    """
    conversation = owned_conversation(viewer, conversation_id)
    share = Share.objects.filter(conversation=conversation).first()
    finished = _finished(conversation)
    until = share.until_id if share else 0
    return ShareState(
        conversation_id=conversation.pk,
        title=conversation.title,
        token=share.token if share else "",
        shared_at=share.created_at if share else None,
        covered=finished.filter(pk__lte=until).count(),
        newer=finished.filter(pk__gt=until).count(),
    )


def shared_conversation(*, viewer: Viewer, token: str) -> SharedConversation:
    """The conversation behind a link, as the viewer may see it now.

    Raises:
        NotFound: no such link is open, or the viewer's account is closed.
    """
    share = opened_share(viewer, token)
    owner = share.conversation.user
    turns = _shared_turns(share).prefetch_related("events", "citations").order_by("pk")
    return SharedConversation(
        token=share.token,
        title=share.conversation.title,
        owner=owner.name or owner.email,
        shared_at=share.created_at,
        is_mine=owner.pk == viewer.user_id,
        turns=tuple(turn_for_reader(viewer, row) for row in turns),
    )


def shared_source(*, viewer: Viewer, token: str, turn_id: int, n: int) -> CitedSource:
    """What citation `n` of a shared answer points at, if the viewer is shown the answer.

    Raises:
        NotFound: no such link is open, or no such citation is shown to this person.
    """
    row = _shared_turn(viewer, token, turn_id)
    shown = turn_for_reader(viewer, row)
    if n not in cited_numbers(shown.sentences) | noted_numbers(shown.notes):
        raise NotFound("There is no such source.")
    return open_citation(viewer, row, n)


def shared_question(*, viewer: Viewer, token: str, turn_id: int) -> str:
    """The question of a shared turn, for the reader to ask it themselves.

    Raises:
        NotFound: no such link is open, or no such turn is in it.
    """
    return _shared_turn(viewer, token, turn_id).question


def opened_share(viewer: Viewer, token: str) -> Share:
    """The open share with this token.

    Raises:
        NotFound: there is none, or its owner's or the viewer's account is closed.
    """
    found = (
        Share.objects.filter(token=token, conversation__user__is_active=True)
        .select_related("conversation__user")
        .first()
    )
    people = viewer.everybody
    if found is None or User.objects.filter(pk__in=people, is_active=True).count() < len(people):
        raise NotFound("There is no such shared conversation.")
    return found


def _shared_turn(viewer: Viewer, token: str, turn_id: int) -> Turn:
    turns = _shared_turns(opened_share(viewer, token)).prefetch_related("events", "citations")
    found = turns.filter(pk=turn_id).first()
    if found is None:
        raise NotFound("There is no such question.")
    return found


def _shared_turns(share: Share) -> QuerySet[Turn]:
    return _finished(share.conversation).filter(pk__lte=share.until_id)


def _finished(conversation: Conversation) -> QuerySet[Turn]:
    return Turn.objects.filter(conversation=conversation).exclude(state__in=_OPEN)


def _locked(viewer: Viewer, conversation_id: int) -> Conversation:
    """The viewer's conversation; two changes of its share wait for each other."""
    owned_conversation(viewer, conversation_id)
    row = Conversation.objects.select_for_update().filter(pk=conversation_id).first()
    if row is None:
        raise NotFound("There is no such conversation.")
    return row
