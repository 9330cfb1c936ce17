"""What can be done in a conversation. A view or command calls exactly one of these."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from asgiref.sync import sync_to_async
from django.db import transaction
from django.utils import timezone

from assistant.access.door import may_still_read
from assistant.access.viewer import Viewer, alone
from assistant.catalogue.entries import Origin
from assistant.catalogue.selectors import model_for_turn
from assistant.chat.answering import checked_question
from assistant.chat.condensing import Overheard
from assistant.chat.events import (
    KINDS,
    LAST,
    Citations,
    NoAnswer,
    NumberedEvent,
    TurnEvent,
    Withheld,
    stored_note,
    stored_token,
)
from assistant.chat.file_scope import is_about_files
from assistant.chat.models import (
    ChatFile,
    Citation,
    Conversation,
    FilesAsked,
    StoredEvent,
    Turn,
    TurnMode,
    TurnState,
)
from assistant.chat.runner import ensure_running, fail_if_orphaned, refuse_turn
from assistant.chat.selectors import cited_passages, count_searched, stands_on
from assistant.chat.styles import has_language_model, policy_in_force
from assistant.common.analysis import language_of
from assistant.common.errors import NotFound, UsageError
from assistant.guardrails.inspect import screen
from assistant.guardrails.tally import Tally
from assistant.guardrails.verdict import Stage
from assistant.retrieval.filters import NO_FILTERS, Filters, as_stored, from_stored

_POLL_S = 0.08
_ADMITTED_AGAIN_S = 1.0
_TITLE = 80


def start_turn(  # noqa: PLR0913 - what a form sends
    *,
    viewer: Viewer,
    question: str,
    conversation_id: int | None,
    filters: Filters = NO_FILTERS,
    mode: str = TurnMode.ANSWER,
    model: str = "",
    files: str = FilesAsked.JOINED,
    overheard: Sequence[Overheard] = (),
) -> Turn:
    """Store a question and start to answer it. Without a conversation a new one begins.

    `model` is a name or key (empty: the person's default); whether they may use it is asked again when the
    turn runs. What guardrails mask in the question is masked before anything is stored. `files`: whether a
    conversation's own files are searched with the company's documents or alone; a question that is about
    them alone is asked of them alone. `overheard`: what others wrote before it in the same place. Where
    others read along (`viewer.beside`), no file is asked, and of documents what all of them may read.

    Raises:
        ModelNotOffered: there is no such model for this person.
        UsageError: the question is empty or too long, or a draft is wanted where none are offered.
        NotFound: no such conversation of this person.
        GuardrailsDamaged, ModelUnavailable: what must be masked cannot be known; nothing is stored.
    """
    question = checked_question(question)
    chosen = model_for_turn(viewer, model)
    if mode != TurnMode.ANSWER:
        writes = policy_in_force().drafts and chosen.origin is not Origin.BUILT_IN
        if mode not in TurnMode.values or not writes:
            raise UsageError("Drafts are not offered here. Ask for an answer instead.")
    screened = screen(question, viewer=viewer)
    question = screened.text
    with transaction.atomic():
        if conversation_id is None:
            conversation = Conversation.objects.create(user_id=viewer.user_id, title=_title(question))
        else:
            conversation = owned_conversation(viewer, conversation_id)
            Conversation.objects.filter(pk=conversation.pk).update(updated_at=timezone.now())
            if not conversation.turns.exists():  # it began with a file
                Conversation.objects.filter(pk=conversation.pk).update(title=_title(question))
        turn = Turn.objects.create(
            conversation=conversation,
            question=question,
            language=language_of(question),
            model=chosen.key,
            filters=as_stored(filters),
            mode=mode,
            masked=screened.shown.changed,
            files=FilesAsked.NONE if viewer.beside else _files_asked(conversation, question, files),
            overheard=_screened(overheard, viewer),
            seen_by=list(viewer.beside),
        )
        if screened.blocked:
            refuse_turn(turn, screened)
            return turn
        masked = Tally()
        masked.add(Stage.QUESTION, screened.hits)
        masked.audit(viewer=viewer, turn=turn.pk)
        transaction.on_commit(lambda: ensure_running(turn.pk))
    return turn


def ask_again(*, viewer: Viewer, turn_id: int, in_its_place: bool = False) -> Turn:
    """Ask the same once more, as a new turn of its conversation, for whoever is beside the viewer.

    `in_its_place`: the former one, whose process died, goes; nothing of it may be shown any more.

    Raises:
        NotFound: no such turn of this person.
        ModelNotOffered, GuardrailsDamaged, ModelUnavailable: as `start_turn`.
    """
    with transaction.atomic():
        former = owned_turn(alone(viewer), turn_id)  # who reads along may be others than then
        turn = start_turn(
            viewer=viewer,
            question=former.question,
            conversation_id=former.conversation_id,
            filters=from_stored(former.filters),
            mode=former.mode,
            model=former.model,
            files=former.files,
            overheard=[Overheard(said["by"], said["text"]) for said in former.overheard],
        )
        if in_its_place:
            former.delete()
    return turn


def _screened(overheard: Sequence[Overheard], viewer: Viewer) -> list[dict[str, str]]:
    """As it is stored: what must be masked in questions is masked in it, what must be blocked is left out."""
    judged = [(said.by, screen(said.text, viewer=viewer)) for said in overheard]
    return [{"by": by, "text": verdict.text} for by, verdict in judged if not verdict.blocked]


def _files_asked(conversation: Conversation, question: str, wanted: str) -> FilesAsked:
    """What part the conversation's files have; none where it has none."""
    names = list(ChatFile.objects.filter(conversation=conversation).values_list("name", flat=True))
    if not names:
        return FilesAsked.NONE
    alone = wanted == FilesAsked.ONLY or is_about_files(question, names)
    return FilesAsked.ONLY if alone else FilesAsked.JOINED


def is_first(turn: Turn) -> bool:
    """Whether nothing was asked in its conversation before."""
    return not Turn.objects.filter(conversation=turn.conversation_id, pk__lt=turn.pk).exists()


def offers_drafts(viewer: Viewer) -> bool:
    """Whether the person may ask for drafts: an administrator allows it, and a language model is theirs."""
    return policy_in_force().drafts and has_language_model(viewer)


async def answer_turn(
    *, viewer: Viewer, conversation: int | None, question: str, model: str = ""
) -> AsyncIterator[TurnEvent]:
    """Ask and follow in one: the events of a new turn as they happen."""
    turn = await sync_to_async(start_turn)(
        viewer=viewer, question=question, conversation_id=conversation, model=model
    )
    async for numbered in follow_turn(viewer=viewer, turn_id=turn.pk, after=0):
        yield numbered.event


async def follow_turn(
    *, viewer: Viewer, turn_id: int, after: int, admitted: Callable[[], bool] | None = None
) -> AsyncIterator[NumberedEvent]:
    """The turn's events with a number above `after`, as they come, until the last one.

    What the answer stands on passes the door again before each event and at least
    every 80 ms while the turn runs: once any of it may no longer be read, the stream
    ends with Withheld. So it does once `admitted`, which is asked at least every second, says no: the session
    that follows was ended.

    Raises:
        NotFound: no such turn of this person.
    """
    await sync_to_async(_begin_following)(viewer, turn_id)
    asked_again = 0.0
    while True:
        # One event at a time: the next one passes the door again, however slow the reader is.
        if admitted is not None and time.monotonic() >= asked_again:
            if not await sync_to_async(admitted)():
                yield NumberedEvent(after + 1, Withheld())
                return
            asked_again = time.monotonic() + _ADMITTED_AGAIN_S
        numbered, is_over = await sync_to_async(_step)(viewer, turn_id, after)
        if numbered is not None:
            yield numbered
            after = numbered.seq
        if is_over:
            return
        if numbered is None:
            await asyncio.sleep(_POLL_S)


def followed(*, viewer: Viewer, turn_id: int, every_s: float) -> Iterator[TurnEvent | None]:
    """All events of the turn, as `follow_turn` gives them, for a thread that may wait.

    None each time when nothing came for `every_s` seconds.

    Raises:
        NotFound: no such turn of this person.
    """
    _begin_following(viewer, turn_id)
    after = 0
    while True:
        numbered, is_over = _step(viewer, turn_id, after)
        if numbered is not None:
            yield numbered.event
            after = numbered.seq
        if is_over:
            return
        if numbered is None:
            yield None
            time.sleep(every_s)


def _begin_following(viewer: Viewer, turn_id: int) -> None:
    if owned_turn(viewer, turn_id).state == TurnState.PENDING:
        ensure_running(turn_id)


def _step(viewer: Viewer, turn_id: int, after: int) -> tuple[NumberedEvent | None, bool]:
    """The next event, if there is one, and whether none can come any more."""
    numbered = _next(viewer, turn_id, after)
    if numbered is not None:
        return numbered, isinstance(numbered.event, LAST)
    fail_if_orphaned(turn_id)
    return None, _is_over(turn_id, after)


def stop_turn(*, viewer: Viewer, turn_id: int) -> None:
    """Ask a turn to stop; what was released stays.

    Raises:
        NotFound: no such turn of this person.
    """
    owned_turn(viewer, turn_id)
    Turn.objects.filter(pk=turn_id).update(stop_requested=True)


def delete_conversation(*, viewer: Viewer, conversation_id: int) -> None:
    """Delete a conversation with all its turns.

    Raises:
        NotFound: no such conversation of this person.
    """
    owned_conversation(viewer, conversation_id).delete()


def owned_conversation(viewer: Viewer, conversation_id: int) -> Conversation:
    """The viewer's conversation.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    mine = Conversation.objects.filter(user_id=viewer.user_id, user__is_active=True)
    found = mine.filter(pk=conversation_id).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def owned_turn(viewer: Viewer, turn_id: int) -> Turn:
    """The viewer's turn.

    Raises:
        NotFound: there is none, or it is somebody else's, or was not asked before all who read along.
    """
    mine = Turn.objects.filter(conversation__user_id=viewer.user_id, conversation__user__is_active=True)
    found = mine.filter(pk=turn_id).first()
    if found is None or not found.was_seen_by(viewer.beside):
        raise NotFound("There is no such question.")
    return found


def _is_over(turn_id: int, after: int) -> bool:
    """Whether nothing can come after event `after`. The state, which settles last, is read first.

    A note that is still there was left out.
    """
    settled = not Turn.objects.filter(pk=turn_id, state__in=(TurnState.PENDING, TurnState.RUNNING)).exists()
    left = StoredEvent.objects.filter(turn_id=turn_id, seq__gt=after).exclude(kind="note")
    return settled and not left.exists()


def _next(viewer: Viewer, turn_id: int, after: int) -> NumberedEvent | None:
    """The first event after `after`, or Withheld in its place."""
    turn = owned_turn(viewer, turn_id)  # an account that was closed sees no more of its stream either
    stored = list(StoredEvent.objects.filter(turn_id=turn_id))
    citations = list(Citation.objects.filter(turn_id=turn_id))
    spoken = [stored_token(event.payload, model=turn.model) for event in stored if event.kind == "token"]
    needed = stands_on(spoken, citations, turn.read_documents) | set(turn.carried_documents)
    if not may_still_read(viewer, needed):
        return NumberedEvent(max([after, *(event.seq for event in stored)]) + 1, Withheld())
    coming = next((event for event in stored if event.seq > after and _may_be_told(viewer, event)), None)
    return None if coming is None else NumberedEvent(coming.seq, _event(viewer, turn, coming))


def _may_be_told(viewer: Viewer, stored: StoredEvent) -> bool:
    """A note is left out of the stream once one of its sources may no longer be read."""
    if stored.kind != "note":
        return True
    return may_still_read(viewer, {source.document for source in stored_note(stored.payload).sources})


def _event(viewer: Viewer, turn: Turn, stored: StoredEvent) -> TurnEvent:
    if stored.kind == "citations":
        return Citations(cited_passages(viewer, turn.pk))
    if stored.kind == "token":
        return stored_token(stored.payload, model=turn.model)
    if stored.kind == "note":
        return stored_note(stored.payload)
    if stored.kind == "no_answer":
        return NoAnswer(count_searched(viewer, turn))
    return KINDS[stored.kind](**stored.payload)


def _title(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= _TITLE else line[: _TITLE - 1].rstrip() + "…"
