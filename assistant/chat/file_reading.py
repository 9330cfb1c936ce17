"""Reading files: each in a thread of the web process, apart from the request that brought it.

A file is claimed by a compare-and-swap with a lease, which its reader renews. A file whose reader died is
taken up again by whoever looks at it next: its owner's page, or a question that waits for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from assistant.audit.origin import carried
from assistant.chat import files_kept
from assistant.chat.file_reasons import MODEL_UNAVAILABLE
from assistant.chat.models import ChatFile, FileState
from assistant.common.errors import DocumentFailure, FailureCode, ModelUnavailable
from assistant.ingest.private import Gone, store_private, understood
from assistant.ingest.sandbox import Limits, ParserProcess

log = logging.getLogger(__name__)
LEASE_S = 20
_RENEWED_EVERY_S = 4
_MOST_ATTEMPTS = 3
_THREADS = 2


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="file")


_running: set[int] = set()
_lock = threading.Lock()


def ensure_read(file_id: int) -> None:
    """Read the file in this process, unless it is read or was read somewhere."""
    with _lock:
        if file_id in _running:
            return
        _running.add(file_id)
    _threads().submit(carried(_read_in_thread), file_id)


def take_up(files: Sequence[ChatFile]) -> None:
    """Read those of the files that nobody reads."""
    now = timezone.now()
    for row in files:
        if row.state == FileState.READING and (row.lease_until is None or row.lease_until < now):
            ensure_read(row.pk)


def is_idle() -> bool:
    """Whether no file is read in this process, and none is about to."""
    with _lock:
        return not _running


def _read_in_thread(file_id: int) -> None:
    try:
        files_kept.sweep()
        read_file(file_id)
    except Exception:  # the edge of a thread: nobody waits for its result, and the lease runs out
        log.exception("file %s could not be read", file_id)
    finally:
        connections.close_all()
        with _lock:
            _running.discard(file_id)


def read_file(file_id: int) -> bool:
    """Read the file and store what it says, or why it cannot be used. False if it is not to be read by us."""
    now = timezone.now()
    free = ChatFile.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), state=FileState.READING)
    until = now + timedelta(seconds=LEASE_S)
    if not free.filter(pk=file_id).update(lease_until=until, attempts=F("attempts") + 1):
        return False
    row = ChatFile.objects.filter(pk=file_id).first()
    if row is None:
        return False
    # The attempt's number says that it is ours: whoever takes the file over raises it.
    ours = ChatFile.objects.filter(pk=file_id, state=FileState.READING, attempts=row.attempts)
    if row.attempts > _MOST_ATTEMPTS:
        _fail(ours, row, FailureCode.CRASHED)
        return True
    try:
        _read(row, ours)
    except Gone:
        log.info("file %s was removed while it was read", file_id)
        if not ChatFile.objects.filter(pk=file_id).exists():  # else another reader has taken it over
            files_kept.drop(row.kept_as)
    except DocumentFailure as failure:
        _fail(ours, row, failure.code)
    except ModelUnavailable as error:
        log.warning("file %s has no vectors: %s", file_id, error)
        _fail(ours, row, MODEL_UNAVAILABLE)
    except Exception as error:  # the edge of a task: the person must be told, and the log says where
        log.exception("file %s failed: %s", file_id, type(error).__name__)
        _fail(ours, row, FailureCode.CRASHED)
    return True


def _read(row: ChatFile, ours: QuerySet[ChatFile]) -> None:
    place = files_kept.place_of(row.kept_as)
    if not place.is_file():
        raise DocumentFailure(FailureCode.UNREADABLE)
    with ParserProcess(Limits(seconds=settings.MUNDAP_PARSE_SECONDS)) as parser, _Lease(ours, parser):
        try:
            prepared = understood(parser, place, name=row.name, media_type=row.media_type)
        except DocumentFailure:
            if not ours.exists():  # its removal ended the parser
                raise Gone from None
            raise
        store_private(
            row.document_id,
            prepared,
            alive=ours.exists,
            settle=lambda: bool(ours.update(state=FileState.READY, failure="", lease_until=None)),
        )
    files_kept.drop(row.kept_as)


def _fail(ours: QuerySet[ChatFile], row: ChatFile, code: str) -> None:
    if ours.update(state=FileState.FAILED, failure=code, lease_until=None):
        files_kept.drop(row.kept_as)


class _Lease:
    """Renews the lease while a file is read, and ends the parser once the file is no longer ours."""

    def __init__(self, ours: QuerySet[ChatFile], parser: ParserProcess) -> None:
        self._ours = ours
        self._parser = parser
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="file-lease", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        try:
            while not self._over.wait(_RENEWED_EVERY_S):
                until = timezone.now() + timedelta(seconds=LEASE_S)
                try:
                    renewed = self._ours.all().update(lease_until=until)
                except DatabaseError as error:  # the next try may come in time
                    log.warning("a file's lease could not be renewed: %s", error)
                    continue
                if not renewed and not self._over.is_set():
                    self._parser.kill()
                    return
        finally:
            connections.close_all()
