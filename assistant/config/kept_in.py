"""What the guard of local-only mode refused goes to the audit log: one entry an hour in all.

Something tried to leave that should not even have tried, so somebody should hear of it. The guard may be
called amid anything, also while the database is being connected to: a thread of its own writes.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event, record

_LOG = logging.getLogger(__name__)
_AGAIN = timedelta(hours=1)


def record_soon(what: str, where: str) -> None:
    """Have it recorded by a thread; returns at once. `what`: Python's name for it; `where`: a host."""
    threading.Thread(target=_record, args=(what, where), name="kept-in", daemon=True).start()


def _record(what: str, where: str) -> None:
    try:
        record_hourly(what, where)
    except DatabaseError as error:  # it is in the log; a new database has no table yet
        _LOG.warning("A refusal of local-only mode is not in the audit log: %s", type(error).__name__)
    finally:
        connection.close()


def record_hourly(what: str, where: str) -> bool:
    """Record it unless an entry of the last hour says the like; whether it was recorded."""
    since = timezone.now() - _AGAIN
    with transaction.atomic():
        if AuditEvent.objects.filter(event=Event.LOCAL_ONLY_REFUSED, at__gte=since).exists():
            return False
        record(Event.LOCAL_ONLY_REFUSED, kind=what.removeprefix("socket."), host=where)
    return True
