"""May this account or key go on now? Counted in rows that all processes share, and never for several people.

Every limit is a leaky bucket (`throttle_rules.Leaking`): so much at once, and it flows off at a steady
rate. A question, an upload and what is pushed are counted in their row each time. Of requests there are too
many for that: a process takes some of what the bucket has left, spends it in memory within `LEASE_S`, and
comes back for more. It takes less the fuller the bucket is, so that near the limit each request is counted
by itself. What is taken counts at once, also when it is never spent; since it may be spent up to `LEASE_S`
later, the row's bucket is smaller than the limit by what flows off meanwhile. So no more than the limit is
ever let through, in however many processes.

Nobody can use up what is somebody else's, and a limit tells nobody about others.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from assistant.accounts.models import User
from assistant.accounts.rate_models import RateCounter
from assistant.accounts.throttle_rules import CLOSED, Count, Leaking
from assistant.audit.trail import Event, record

LEASE_S = 15.0
_MINUTE_S, _DAY_S = 60.0, 24 * 3600.0
_TOLD_EVERY = timedelta(hours=1)
_SHARE = 16  # of what a bucket has left, one process takes one part in so many
_MOST_REMEMBERED = 20_000  # counters in the memory of one process


class Limit(StrEnum):
    """What is limited, and of whom. The setting of each is in `_SETTINGS`."""

    QUESTIONS = "questions"  # of a person, on the pages
    REQUESTS = "requests"  # of a person, on the pages
    KEY_QUESTIONS = "key-questions"  # of an account, by all its keys together
    KEYS = "keys"  # calls of an account, by all its keys together
    KEY = "key"  # calls by one key
    PUSHES = "pushes"  # calls by one key for pushing
    UPLOADED_FILES = "uploaded-files"  # of a person in a day
    UPLOADED_BYTES = "uploaded-bytes"
    PUSHED_BYTES = "pushed-bytes"  # into one source in a day


_SETTINGS: dict[Limit, tuple[str, float]] = {
    Limit.QUESTIONS: ("MUNDAP_QUESTIONS_PER_MINUTE", _MINUTE_S),
    Limit.REQUESTS: ("MUNDAP_REQUESTS_PER_MINUTE", _MINUTE_S),
    Limit.KEY_QUESTIONS: ("MUNDAP_QUESTIONS_PER_MINUTE", _MINUTE_S),
    Limit.KEYS: ("MUNDAP_REQUESTS_PER_MINUTE", _MINUTE_S),
    Limit.KEY: ("MUNDAP_KEY_REQUESTS_PER_MINUTE", _MINUTE_S),
    Limit.PUSHES: ("MUNDAP_PUSHES_PER_MINUTE", _MINUTE_S),
    Limit.UPLOADED_FILES: ("MUNDAP_UPLOAD_FILES_PER_DAY", _DAY_S),
    Limit.UPLOADED_BYTES: ("MUNDAP_UPLOAD_BYTES_PER_DAY", _DAY_S),
    Limit.PUSHED_BYTES: ("MUNDAP_PUSH_BYTES_PER_DAY", _DAY_S),
}
_LEASED = frozenset({Limit.REQUESTS, Limit.KEYS, Limit.KEY, Limit.PUSHES})


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose count it is. `number` is that of the account, or of the key or source where the limit is theirs.

    `user`: the person behind it, if there is one; the counter goes with them.
    """

    number: int
    user: User | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A request that was held back, with the whole seconds after which there is room for it."""

    seconds: int


@dataclass(slots=True)
class _Lease:
    left: float
    until: float  # of the monotonic clock


_lock = threading.Lock()
_leases: dict[str, _Lease] = {}
_full: dict[str, float] = {}  # until when a bucket is known to be full, by the monotonic clock


def spend(limit: Limit, holder: Holder, *, weight: float = 1) -> Wait | None:
    """Count what somebody asks for. Wait: the limit is reached, and nothing was counted."""
    rule = rule_of(limit)
    if rule is None:
        return None
    key = _key(limit, holder)
    now = monotonic()
    with _lock:
        lease = _leases.get(key)
        if lease is not None and now < lease.until and lease.left >= weight:
            lease.left -= weight
            return None
        if now < (until := _full.get(key, 0.0)):
            return Wait(max(1, math.ceil(until - now)))
    taken = _taken(limit, holder, rule, weight)
    if isinstance(taken, Wait):
        with _lock:
            _bound_memory(now)
            if weight <= 1:  # a smaller file may still fit
                _full[key] = now + taken.seconds
        return taken
    if limit in _LEASED:
        with _lock:
            _bound_memory(now)
            lease = _leases.get(key)
            if lease is not None and now < lease.until:  # another thread came back for more, too
                _leases[key] = _Lease(lease.left + taken, lease.until)
            else:
                _leases[key] = _Lease(taken, now + LEASE_S)
    return None


class LimitReached(Exception):
    """What was asked for is held back."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(wait.seconds)
        self.wait = wait


@contextmanager
def counted(holder: Holder, amounts: Mapping[Limit, float]) -> Iterator[None]:
    """Count all of these, unless what stands inside fails: then it did not happen.

    Raises:
        LimitReached: one of the limits is reached; nothing was counted.
    """
    spent: list[tuple[Limit, float]] = []
    try:
        for limit, weight in amounts.items():
            if (wait := spend(limit, holder, weight=weight)) is not None:
                raise LimitReached(wait)
            spent.append((limit, weight))
        yield
    except BaseException:
        for limit, weight in spent:
            give_back(limit, holder, weight=weight)
        raise


def give_back(limit: Limit, holder: Holder, *, weight: float = 1) -> None:
    """What was counted did not happen."""
    rule = rule_of(limit)
    if rule is None:
        return
    with transaction.atomic():
        row = RateCounter.objects.select_for_update().filter(pk=_key(limit, holder)).first()
        if row is not None:
            after = rule.counted(Count(row.level, row.at), timezone.now(), -weight)
            RateCounter.objects.filter(pk=row.pk).update(level=after.failures, at=after.at)
    with _lock:
        _full.pop(_key(limit, holder), None)


def rule_of(limit: Limit) -> Leaking | None:
    """The bucket of a limit as its row keeps it; None: unlimited."""
    name, span_s = _SETTINGS[limit]
    most: int = getattr(settings, name)
    if not most:
        return None
    if limit is Limit.UPLOADED_BYTES:  # one file of the greatest size must fit
        most = max(most, settings.MUNDAP_MAX_FILE_BYTES)
    each_s = span_s / most
    late = LEASE_S / each_s if limit in _LEASED else 0
    return Leaking(capacity=max(1, most - late), each_s=each_s)


def forget_old_counters() -> int:
    """Remove the counters that say nothing any more. How many."""
    now = timezone.now()
    removed = 0
    for limit in Limit:
        rows = RateCounter.objects.filter(key__startswith=f"{limit}:", at__lt=now - timedelta(hours=1))
        rule = rule_of(limit)
        for row in rows.iterator():
            if rule is None or rule.is_spent(Count(row.level, row.at), now):
                # Only as it was read: something may be counted at this moment.
                removed += RateCounter.objects.filter(key=row.key, at=row.at).delete()[0]
    return removed


def forget_leases() -> None:
    """Let this process know of nothing that it took or was refused."""
    with _lock:
        _leases.clear()
        _full.clear()


def _taken(limit: Limit, holder: Holder, rule: Leaking, weight: float) -> float | Wait:
    """What may be spent beyond `weight` until the lease ends."""
    key, now = _key(limit, holder), timezone.now()
    with transaction.atomic():
        row = _locked(key)
        if row is None:
            new = RateCounter(key=key, user=holder.user, at=now)
            RateCounter.objects.bulk_create([new], ignore_conflicts=True)
            row = _locked(key) or new
        count = Count(row.level, row.at)
        wait_s = rule.wait_s(count, now, weight)
        if wait_s:
            _tell(row, limit, holder, now)
            return Wait(int(_DAY_S) if wait_s == CLOSED else max(1, math.ceil(wait_s)))
        more = 0.0
        if limit in _LEASED:
            more = max(0.0, math.floor(rule.room(count, now) / _SHARE) - weight)
        after = rule.counted(count, now, weight + more)
        RateCounter.objects.filter(pk=key).update(level=after.failures, at=after.at)
    return more


def _locked(key: str) -> RateCounter | None:
    return RateCounter.objects.select_for_update().filter(pk=key).first()


def _tell(row: RateCounter, limit: Limit, holder: Holder, now: datetime) -> None:
    """The trail hears of somebody once an hour, however much they ask for."""
    if row.told_at is not None and row.told_at > now - _TOLD_EVERY:
        return
    RateCounter.objects.filter(pk=row.pk).update(told_at=now)
    user = holder.user
    named = {} if user is not None and limit is not Limit.KEY else {"number": holder.number}
    record(
        Event.RATE_LIMITED,
        actor_id=user.pk if user is not None else None,
        actor=user.email if user is not None else "",
        held=limit,
        **named,
    )


def _bound_memory(now: float) -> None:
    if len(_leases) + len(_full) < _MOST_REMEMBERED:
        return
    for key in [key for key, lease in _leases.items() if lease.until <= now]:
        del _leases[key]
    for key in [key for key, until in _full.items() if until <= now]:
        del _full[key]


def _key(limit: Limit, holder: Holder) -> str:
    return f"{limit}:{holder.number}"
