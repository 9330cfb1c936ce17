"""Running turns: each in a thread of the web process, apart from whoever watches.

A turn is claimed by a compare-and-swap, so that two tabs start it once. Every event
is stored before anybody sees it.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from uuid import uuid4

from django.db import connections, transaction
from django.utils import timezone

from assistant.access.door import Passage
from assistant.access.viewer import viewer_for
from assistant.audit.origin import carried
from assistant.audit.trail import Event, record
from assistant.catalogue.entries import ModelNotOffered
from assistant.catalogue.selectors import model_for_turn
from assistant.chat.answering import Answer, ModelUse, answer, named_chat_model
from assistant.chat.events import (
    NAMES,
    Blocked,
    Citations,
    Done,
    Failed,
    Status,
    TurnEvent,
    Withheld,
    to_payload,
)
from assistant.chat.files_asked import asked_over, waited_for
from assistant.chat.models import Citation, StoredEvent, Turn, TurnState
from assistant.chat.styles import manner_of
from assistant.common.errors import GuardrailsDamaged, IndexDamaged, ModelUnavailable, MundapError
from assistant.guardrails.verdict import Stage, Verdict
from assistant.providers.call_failed import failure_code
from assistant.retrieval.filters import as_stored, from_stored

log = logging.getLogger(__name__)
LEASE_S = 60
_ASKED_EVERY_S = 0.3
_SILENT_S = 10
_THREADS = 4

_STATES: dict[type[TurnEvent], TurnState] = {
    Blocked: TurnState.BLOCKED,
    Failed: TurnState.FAILED,
    Withheld: TurnState.DONE,
}


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="turn")


_running: set[int] = set()
_lock = threading.Lock()


def ensure_running(turn_id: int) -> None:
    """Run the turn in this process, unless it runs or has run somewhere."""
    with _lock:
        if turn_id in _running:
            return
        _running.add(turn_id)
    _threads().submit(carried(_run_in_thread), turn_id)


def _run_in_thread(turn_id: int) -> None:
    try:
        run_turn(turn_id)
    except Exception:  # the edge of a thread: nobody waits for its result
        log.exception("turn %s could not be recorded", turn_id)
    finally:
        connections.close_all()
        with _lock:
            _running.discard(turn_id)


def is_idle() -> bool:
    """Whether no turn runs in this process, and none is about to."""
    with _lock:
        return not _running


def run_turn(turn_id: int) -> bool:
    """Carry the turn out and store its events. False if somebody else has it, or it is over."""
    claimed = Turn.objects.filter(pk=turn_id, state=TurnState.PENDING).update(
        state=TurnState.RUNNING, lease_until=timezone.now() + timedelta(seconds=LEASE_S)
    )
    if not claimed:
        return False
    turn = Turn.objects.select_related("conversation__user").get(pk=turn_id)
    writer = _Writer(turn)
    try:
        viewer = viewer_for(turn.conversation.user, beside=turn.seen_by)
        model = named_chat_model(ModelUse(viewer, turn.model, turn_id))
        stop = _Waiting(turn_id)
        for status in waited_for(turn, stop=stop):
            writer.write(status)
        writer.answer.files = asked_over(turn)
        writer.answer.manner = manner_of(turn, viewer=viewer)
        events = answer(
            turn.question,
            viewer=viewer,
            model=model,
            into=writer.answer,
            stop=stop,
        )
        for event in events:
            if isinstance(event, Status) and event.step == "writing":
                model_for_turn(viewer, turn.model)  # the right to use it may have gone while it searched
            writer.write(event)
    except ModelNotOffered as error:
        writer.fail("model_not_offered", error)
    except ModelUnavailable as error:
        writer.fail(failure_code(error), error)
    except IndexDamaged as error:
        writer.fail("index_damaged", error)
    except MundapError as error:
        writer.fail("failed", error)
    except Exception as error:  # the edge of a task: the person must be told, and the log says where
        log.exception("turn %s failed", turn_id)
        writer.fail("internal", error)
    return True


def refuse_turn(turn: Turn, verdict: Verdict) -> None:
    """End a turn that was blocked before it was stored: what it asked is not kept as it was asked."""
    writer = _Writer(turn)
    writer.answer.tally.add(Stage.QUESTION, verdict.hits)
    writer.write(Blocked(verdict.topic, verdict.message))


class _Waiting:
    """Whether the person wants the turn to end.

    While a model is waited for this is asked many times a second, so the database is asked only now
    and then, and is told that the turn still runs.
    """

    def __init__(self, turn_id: int) -> None:
        self._turn_id = turn_id
        self._asked_at = 0.0
        self._stopped = False

    def __call__(self) -> bool:
        now = time.monotonic()
        if not self._stopped and now - self._asked_at >= _ASKED_EVERY_S:
            self._asked_at = now
            turn = Turn.objects.filter(pk=self._turn_id)
            turn.update(lease_until=timezone.now() + timedelta(seconds=LEASE_S))
            self._stopped = turn.filter(stop_requested=True).exists()
        return self._stopped


class _Writer:
    """Stores the events of one turn in order, citations before the sentences that use them."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._seq = 0
        self._stored: dict[int, int] = {}  # citation number -> quotes stored
        self.answer = Answer(from_stored(turn.filters))

    def write(self, event: TurnEvent) -> None:
        """Store one event; the last one settles the turn."""
        with transaction.atomic():
            self._store_carried()
            self._store_citations()
            if isinstance(event, Status) and event.step == "reading":
                read = sorted({passage.document_id for passage in self.answer.read})
                searched = as_stored(self.answer.filters)  # a guardrail may have restricted it
                Turn.objects.filter(pk=self._turn.pk).update(read_documents=read, filters=searched)
            if isinstance(event, Done):
                self._store_uncited()
                self._append(Citations(()))
            self._append(event)
            self._settle(event)

    def fail(self, code: str, error: Exception) -> None:
        """End the turn with an error; the reference finds the log line, which carries no question."""
        reference = uuid4().hex[:8]
        ours = isinstance(error, ModelUnavailable | GuardrailsDamaged)
        why = str(error) if ours else type(error).__name__
        log.error("turn %s failed [%s]: %s: %s", self._turn.pk, reference, code, why)
        self.write(Failed(code, reference))

    def _append(self, event: TurnEvent) -> None:
        self._seq += 1
        StoredEvent.objects.create(
            turn=self._turn, seq=self._seq, kind=NAMES[type(event)], payload=to_payload(event)
        )
        Turn.objects.filter(pk=self._turn.pk).update(lease_until=timezone.now() + timedelta(seconds=LEASE_S))

    def _store_carried(self) -> None:
        """Before anything is stored that may tell of them."""
        carried = sorted(self.answer.carried)
        if carried != self._turn.carried_documents:
            self._turn.carried_documents = carried
            self._turn.save(update_fields=["carried_documents"])

    def _store_citations(self) -> None:
        for cited in self.answer.cited:
            if self._stored.get(cited.n) == len(cited.quotes):
                continue
            self._stored[cited.n] = len(cited.quotes)
            passage = cited.passage
            Citation.objects.update_or_create(
                turn=self._turn,
                n=cited.n,
                defaults={
                    "document_id": passage.document_id,
                    "version": passage.version,
                    "start": passage.start,
                    "end": passage.end,
                    "place": passage.place,
                    "headings": passage.headings,
                    "quotes": cited.quotes,
                    "folded": self._folded(passage),
                },
            )

    def _store_uncited(self) -> None:
        first = len(self.answer.cited) + 1
        Citation.objects.bulk_create(
            [
                Citation(
                    turn=self._turn,
                    n=number,
                    document_id=passage.document_id,
                    version=passage.version,
                    start=passage.start,
                    end=passage.end,
                    place=passage.place,
                    headings=passage.headings,
                    folded=self._folded(passage),
                )
                for number, passage in enumerate(self.answer.uncited(), start=first)
            ]
        )

    def _folded(self, passage: Passage) -> list[tuple[int, int, str]]:
        """What a citation keeps of what its passage stands for: ids only."""
        folded = self.answer.folded.get(passage.chunk_id, ())
        return [(one.passage.document_id, one.passage.version, one.reason.value) for one in folded]

    def _settle(self, event: TurnEvent) -> None:
        state = _STATES.get(type(event))
        if isinstance(event, Done):
            state = TurnState.STOPPED if event.stopped else TurnState.DONE
        if state is None:
            return
        Turn.objects.filter(pk=self._turn.pk).update(state=state, lease_until=None, overheard=[])
        user = self._turn.conversation.user
        self.answer.tally.audit(viewer=viewer_for(user), turn=self._turn.pk)
        if isinstance(event, Blocked):
            record(
                Event.TURN_BLOCKED, actor_id=user.pk, actor=user.email, turn=self._turn.pk, topic=event.topic
            )


def has_fallen_silent(turn: Turn) -> bool:
    """Whether a turn runs of which nothing was heard for so long that its process has probably died.

    While it runs its lease is renewed several times a second. Whoever would rather ask again than wait for
    the lease to end looks here.
    """
    heard = timezone.now() + timedelta(seconds=LEASE_S - _SILENT_S)
    return turn.state == TurnState.RUNNING and (turn.lease_until is None or turn.lease_until < heard)


def fail_if_orphaned(turn_id: int) -> bool:
    """End a turn whose process died while it ran. True if this call ended it."""
    lost = Turn.objects.filter(pk=turn_id, state=TurnState.RUNNING, lease_until__lt=timezone.now())
    with transaction.atomic():
        if not lost.update(state=TurnState.FAILED, lease_until=None):
            return False
        stored = StoredEvent.objects.filter(turn_id=turn_id).order_by("-seq")
        StoredEvent.objects.create(
            turn_id=turn_id,
            seq=(stored.values_list("seq", flat=True).first() or 0) + 1,
            kind="failed",
            payload=to_payload(Failed("interrupted")),
        )
    return True
