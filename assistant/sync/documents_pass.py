"""One pass over a connector's documents: look up, decide, read ahead, commit in batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.utils import timezone

from assistant.accounts.models import Connection
from assistant.common.acl import Acl
from assistant.common.errors import FailureCode
from assistant.common.told import told
from assistant.documents.acls import intern_acls
from assistant.documents.models import Document
from assistant.sync.committing import Batch, Outcome, Reached, commit, hide_missing
from assistant.sync.doubts import Named, record_failure
from assistant.sync.lease import Heartbeat
from assistant.sync.listing import ReadAhead
from assistant.sync.lists_amid import ListsAmid, ListsRead
from assistant.sync.models import RunKind, SyncRun
from assistant.sync.pipeline import Pipeline, Todo
from assistant.sync.plan import KNOWN_COLUMNS, Known, is_news, plan_document
from assistant.sync.progress import Progress
from assistant.sync.reading_content import ContentReader
from assistant.sync.seen import Seen
from assistant.sync.treatment import Treatment
from connectors.sdk.contract import CaughtUp, Checkpoint, Complete, Event, Failure, Tombstone, Upsert

_WINDOW = 500  # documents looked up together
_BATCH_CHUNKS = 64  # chunks embedded and committed together; small enough to show progress
_BATCH_DOCUMENTS = 500  # committed together where nothing is embedded
_BATCH_SECONDS = 2.0  # progress is committed at least this often


@dataclass(frozen=True, slots=True)
class Gone:
    """The source says that the document is no longer there, or a rule leaves it out from now on."""

    external_id: str


Item = Outcome | Reached | Failure | Gone | None


@dataclass(frozen=True, slots=True)
class Tools:
    """What a pass works with.

    `amid` is called after each commit, for what must not wait for the pass's end; it returns the access
    lists that it has read anew, if it did.
    """

    reader: ContentReader
    pipeline: Pipeline
    heartbeat: Heartbeat
    treatment: Treatment
    amid: Callable[[], ListsRead | None] = lambda: None


class DocumentsPass:
    """Carries every reported document into the database. Remembers what the run's end must know."""

    def __init__(self, run: SyncRun, connection: Connection, tools: Tools) -> None:
        self._run = run
        self._connection = connection
        self._tools = tools
        self._last_commit = time.monotonic()
        self._reported: dict[str, int] = {}
        self._acl_ids: dict[Acl, int] = {}
        self._doubts = Named.by_run(run, hides=True)
        self._batch: list[Outcome] = []
        self._chunks = 0
        self._gone: dict[str, None] = {}  # in the order in which they were named
        self._called_gone: set[str] = set()  # by a change feed, committed or not
        self._reached: Reached | None = None
        listing = run.listing or {}
        # Before the checkpoint from which the run goes on.
        self._before = self._named = listing.get("named", 0)
        self._first: str | None = listing.get("first")
        self._lists_amid = ListsAmid()
        self._reported_at = timezone.now()
        self._progress = Progress(run)
        self.seen = Seen()

    def take_all(self, listing: ReadAhead[Event]) -> Seen:
        """Work through the listing.

        Raises:
            Cancelled, Paused: somebody asked to stop; what was committed stays.
            LostLease: another worker has the run.
            OverBudget: too many documents failed.
        """
        for item in self._tools.pipeline.in_order(self._items(listing), check=self._while_waiting):
            self._tools.heartbeat.stop_if_asked()
            self._take(item)
            self._progress.note(found=self._before + listing.found, whole=listing.finished)
        self._flush()
        self._progress.note(found=self._before + listing.found, whole=listing.finished, now=True)
        self._progress.check_budget(now=True)
        return self.seen

    def _take(self, item: Item) -> None:
        match item:
            case Outcome():
                if item.upsert.external_id in self._gone:
                    self._flush()  # it is back: what was said first must not be carried out last
                self._batch.append(item)
                self._chunks += len(item.prepared.chunks) if item.prepared else 0
            case Reached():
                self._reached = item
            case Failure():
                self._flush()  # what it doubts may be among what was reported before it
                record_failure(self._run, self._connection, item)
                if item.hide:
                    self._doubts.add(item.external_id, is_prefix=item.is_prefix)
                self._progress.check_budget()
            case Gone(external_id):
                self._gone[external_id] = None
        full = self._chunks >= _BATCH_CHUNKS or len(self._batch) + len(self._gone) >= _BATCH_DOCUMENTS
        if full or self._is_late():
            self._flush()

    def _while_waiting(self) -> None:
        """What is ready does not wait for a document that takes long."""
        self._tools.heartbeat.stop_if_asked()
        if (self._batch or self._gone) and self._is_late():
            self._flush()

    def _is_late(self) -> bool:
        return time.monotonic() - self._last_commit > _BATCH_SECONDS

    def _flush(self) -> None:
        self._last_commit = time.monotonic()
        batch = [self._as_of_now(outcome) for outcome in self._batch]
        gone, reached = list(self._gone), self._reached
        self._batch, self._gone, self._reached, self._chunks = [], {}, None, 0
        if batch or reached is not None:
            commit(self._run, self._connection, Batch(batch, reached, self._progress.rate(len(batch))))
            self._tools.reader.forget(outcome.upsert for outcome in batch)
        if gone:
            hide_missing(self._run, self._connection, gone)
        if batch or gone:
            self._progress.check_budget()
            if (read := self._tools.amid()) is not None:
                self._lists_amid.add(read)
                self._doubts = Named.by_run(self._run, hides=True)  # also what that reading doubts

    def _as_of_now(self, outcome: Outcome) -> Outcome:
        """The outcome with what was learnt since its document was listed."""
        doubted = self._doubts.name(outcome.upsert.external_id)
        outcome = self._lists_amid.as_of_now(outcome)
        return replace(outcome, doubted=True) if doubted else outcome

    def _items(self, listing: ReadAhead[Event]) -> Iterator[Item | Todo[Outcome]]:
        """What the listing means for the database, in its order; runs ahead of what is committed."""
        window: list[Upsert] = []
        for event in listing:
            if isinstance(event, Upsert | Failure):
                self._count(event.external_id)
            # The first one's moment stands for all that are looked up with it.
            self._reported_at = self._reported_at if window else listing.read_at
            if isinstance(event, Upsert):
                window.append(event)
                if len(window) < _WINDOW:
                    continue
            yield from self._decided(window)
            window = []
            match event:
                case Tombstone(external_id):
                    self._called_gone.add(external_id)
                    yield Gone(external_id)
                case Failure() | None:
                    yield event
                case Checkpoint(state):
                    yield Reached(state, self._named, self._first or "")
                case Complete(cursor):
                    self.seen.complete, self.seen.cursor = True, cursor
                case CaughtUp(cursor):
                    self.seen.caught_up, self.seen.cursor = True, cursor
                case _:
                    pass
        yield from self._decided(window)

    def _count(self, external_id: str) -> None:
        """Count what is named. Where the first document comes again, the connector lists everything anew.

        Not where changes are reported, which may name a document as often as it has changed.
        """
        if self._changing():
            pass
        elif external_id == self._first:
            self._before = self._named = 0
        elif self._first is None:
            self._first = external_id
        self._named += 1

    def _decided(self, reported: Sequence[Upsert]) -> Iterator[Item | Todo[Outcome]]:
        """Each document with something to do, with its plan; those without content to read are ready."""
        if self._changing():  # a document may have changed several times: then its last state counts
            reported = list({upsert.external_id: upsert for upsert in reported}.values())
        taken: list[Upsert] = []
        left_out: list[Gone] = []
        for upsert in reported:
            treated = self._tools.treatment.document(upsert)
            if treated is None:
                left_out.append(Gone(upsert.external_id))
                if self._changing():
                    self._called_gone.add(upsert.external_id)
            else:
                taken.append(treated)
        fresh, doubts = self._without_repeated(taken)
        yield from doubts
        acl_ids = self._acls(fresh)
        known = self._known(fresh)
        for upsert in fresh:
            row = known.get(upsert.external_id)
            outcome = self._planned(upsert, row, acl_ids[upsert.external_id])
            if outcome is None:
                continue
            if outcome.plan.fetch and outcome.failure is None:
                digest = row.content_digest if row else ""
                yield Todo(partial(self._tools.reader.read, outcome, digest))
            else:
                yield outcome
        yield from left_out  # after what bears the same id and is taken: in doubt nobody sees it

    def _planned(self, upsert: Upsert, row: Known | None, acl_id: int | None) -> Outcome | None:
        """What to do with it; None: this run has done it, and has not called it gone since."""
        again = row is not None and row.seen_in_run == self._run.pk
        done = again and upsert.external_id not in self._called_gone
        if row and done and not is_news(row, source_version=upsert.version, acl_id=acl_id):
            return None  # committed before this worker took the run over
        plan = plan_document(
            row,
            source_version=upsert.version,
            acl_id=acl_id,
            full=self._run.kind in (RunKind.FULL, RunKind.RETRY) and not again,
        )
        return Outcome(
            upsert=upsert,
            plan=plan,
            document_id=row.id if row else None,
            acl_id=acl_id,
            failure=plan.failed_before,
            again=again,
            reported_at=self._reported_at,
        )

    def _known(self, upserts: Sequence[Upsert]) -> dict[str, Known]:
        rows = Document.objects.filter(
            connection=self._connection, external_id__in=[upsert.external_id for upsert in upserts]
        )
        return {values[0]: Known(*values[1:]) for values in rows.values_list("external_id", *KNOWN_COLUMNS)}

    def _without_repeated(self, upserts: Sequence[Upsert]) -> tuple[list[Upsert], list[Failure]]:
        """Whoever carries an id that stood for something else is hidden: which permissions hold is not known.

        A listing that shifts while it is paged through names the same document twice; that is no doubt.
        """
        if self._changing():
            return list(upserts), []
        marks: dict[str, set[int]] = {}
        for upsert in upserts:
            marks.setdefault(upsert.external_id, set()).add(hash((upsert.version, upsert.acl)))
        fresh, doubted = [], []
        for upsert in {upsert.external_id: upsert for upsert in upserts}.values():
            name = upsert.external_id
            mark, *others = marks[name]
            before = self._reported.get(name)
            if others or before not in (None, mark):
                doubted.append(Failure(name, FailureCode.DUPLICATE_ID, told("reported twice"), hide=True))
            elif before is None:
                fresh.append(upsert)
            self._reported.setdefault(name, mark)
        return fresh, doubted

    def _changing(self) -> bool:
        """Whether changes are reported, not everything there is."""
        listing = self._run.listing or {}
        return self._run.kind == RunKind.RETRY or listing.get("cursor") is not None

    def _acls(self, upserts: Sequence[Upsert]) -> dict[str, int | None]:
        limited = {upsert.external_id: self._tools.treatment.acl(upsert.acl) for upsert in upserts}
        new = [acl for acl in limited.values() if acl is not None and acl not in self._acl_ids]
        if new:
            self._acl_ids.update(intern_acls(new, connection=self._connection))
        return {name: self._acl_ids[acl] if acl is not None else None for name, acl in limited.items()}
