"""Building the index of another model beside the one that answers, a slice at a time.

First every stored chunk gets its vector, batch after batch; then every document is
published. Vectors outlive a killed process and what the index lacks is the difference
of two sets, so that a slice goes on where the last one ended, however it ended.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from assistant.accounts.revisions import Counter, current
from assistant.common.errors import IndexDamaged, ModelUnavailable, MundapError
from assistant.documents.embedding import place_of
from assistant.documents.models import Chunk, IndexState, ModelIndex
from assistant.ingest.indexing import index_at, missing_at, publish_at
from assistant.ingest.storing import embedded_text, keep_vectors, without_vector
from assistant.ingest.switching import next_build, remove_retired, switch

log = logging.getLogger(__name__)

SLICE_S = 10.0  # so that a worker's other work never waits for longer
CLAIM_S = 120  # how long a slice may be silent before another process goes on
BATCH = 32  # chunks embedded between two stores: what a killed process loses
_WINDOW = 256  # chunks looked at together
_SMOOTHING = 0.2
_HOST = socket.gethostname()
_PROC = Path("/proc")


class _Lost(Exception):
    """The build is another process's now, or is no longer wanted."""


def advance(*, seconds: float = SLICE_S) -> bool:
    """Work for about this long on what the environment wants. True if there is more to do at once.

    A model that cannot be loaded is noted with the build and tried again later; questions go on being
    answered by the other.

    Raises:
        ModelUnavailable: the wanted model's folder is missing.
        UsageError: the environment names what does not exist.
    """
    remove_retired(until=time.monotonic() + seconds)
    row = next_build()
    claim = f"{_HOST}:{os.getpid()}:{uuid4().hex[:12]}"
    if row is None or not _take(row, claim):
        return False
    try:
        return not _Build(row, claim, seconds).go_on()
    except _Lost:
        return False
    except IndexDamaged as error:
        log.warning("the index that is being built is damaged, and its rest is kept: %s", error)
        index_at(place_of(row)).discard_damaged()
        return True
    except MundapError as error:
        log.warning("the index of %s cannot be built: %s", row.name, error)
        ModelIndex.objects.filter(pk=row.pk, claim=claim).update(problem=str(error))
        return False
    finally:
        ModelIndex.objects.filter(pk=row.pk, claim=claim).update(claim="", claimed_until=None)


def _take(row: ModelIndex, claim: str) -> bool:
    """Claim the build. A claim of a process of this host that has died does not count."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    if _has_died(row.claim):
        free |= Q(claim=row.claim)
    return bool(
        ModelIndex.objects.filter(free, pk=row.pk, state=IndexState.BUILDING).update(
            claim=claim, claimed_until=now + timedelta(seconds=CLAIM_S)
        )
    )


def _has_died(claim: str) -> bool:
    """Whether the claim names a process of this host that is gone, or dead and not yet buried."""
    host, _, rest = claim.partition(":")
    process = rest.partition(":")[0]
    if host != _HOST or not process.isdigit() or not _PROC.is_dir():
        return False
    try:
        stat = (_PROC / process / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[:1] in (["Z"], ["X"])


class _Build:
    """One slice of a build that this process has claimed."""

    def __init__(self, row: ModelIndex, claim: str, seconds: float) -> None:
        self._row = row
        self._ours = ModelIndex.objects.filter(pk=row.pk, claim=claim, state=IndexState.BUILDING)
        self._claim = claim
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._rate = row.rate
        self._loaded = False
        self._place = place_of(row)

    def go_on(self) -> bool:
        """Whether it is finished and answers now."""
        if not self._row.dimension:
            self._row.dimension = self._place.embedder().dimension
            self._keep(dimension=self._row.dimension)
            self._place = place_of(self._row)
        as_of = current(Counter.DOCUMENTS)
        return (
            self._embed()
            and self._publish()
            and switch(self._place, claim=self._claim, as_of=as_of, complete=self._is_complete)
        )

    def _embed(self) -> bool:
        """Whether every stored chunk has its vector."""
        position = self._row.position
        built = _company_chunks().filter(pk__lte=position).count()
        self._keep(total=_company_chunks().count())
        while window := _chunks(position):
            texts = {
                digest: embedded_text(title, headings, context, text)
                for _, digest, title, headings, context, text in window
            }
            missing = without_vector(self._place.name, texts)
            known = len(window) - len(missing)
            if missing:
                self._load()
            for start in range(0, len(missing), BATCH):
                part = missing[start : start + BATCH]
                self._embed_batch({digest: texts[digest] for digest in part})
                known += len(part)
                self._keep(built=built + known, rate=self._rate)
                if self._is_over():  # after at least one batch
                    return False
            position = window[-1][0]
            built += len(window)
            self._keep(built=built, position=position)
        self._keep(total=built)
        return True

    def _load(self) -> None:
        """The slice begins when the model is there, so that a large one does not use it up."""
        if self._place.embedder().dimension != self._place.dimension:
            raise ModelUnavailable(f"The model {self._place.name} changed the length of its vectors.")
        if not self._loaded:
            self._loaded, self._until = True, time.monotonic() + self._seconds

    def _embed_batch(self, texts: dict[str, str]) -> None:
        model = self._place.embedder()
        began = time.perf_counter()
        vectors = model.embed(list(texts.values()))
        keep_vectors(self._place.name, list(texts), vectors)
        rate = len(texts) / max(time.perf_counter() - began, 1e-6)
        self._rate = rate if not self._rate else self._rate + _SMOOTHING * (rate - self._rate)

    def _publish(self) -> bool:
        """Whether the index holds every document that can be published."""
        missing = _with_chunks(missing_at(self._place))
        for _ in publish_at(self._place, missing):
            self._keep()
            if self._is_over():
                return False
        return True

    def _is_complete(self) -> bool:
        """Whether nothing is left to publish; what lacks its text can be published nowhere."""
        return not _with_chunks(missing_at(self._place))

    def _is_over(self) -> bool:
        return time.monotonic() > self._until

    def _keep(self, **values: float) -> None:
        """Store how far it is and renew the claim.

        Raises:
            _Lost: it is no longer ours.
        """
        now = timezone.now()
        until = now + timedelta(seconds=CLAIM_S)
        if not self._ours.update(worked_at=now, claimed_until=until, problem="", **values):
            raise _Lost


def _company_chunks() -> QuerySet[Chunk]:
    """Chunks of private documents are in no index."""
    return Chunk.objects.filter(document__owner=None)


def _chunks(position: int) -> list[tuple[int, str, str, str, str, str]]:
    """(number, digest, title, headings, context, text) of the next chunks after `position`."""
    rows = _company_chunks().filter(pk__gt=position).order_by("pk")
    return list(rows.values_list("pk", "digest", "document__title", "headings", "context", "text")[:_WINDOW])


def _with_chunks(document_ids: list[int]) -> list[int]:
    """Those whose text is there."""
    found: set[int] = set()
    for start in range(0, len(document_ids), _WINDOW):
        part = document_ids[start : start + _WINDOW]
        rows = Chunk.objects.filter(document__in=part, version=F("document__version"))
        found.update(rows.values_list("document_id", flat=True))
    return [pk for pk in document_ids if pk in found]
