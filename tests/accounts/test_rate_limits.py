"""How much one account or key may ask for: by all processes together, and nobody else's share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from assistant.accounts import rate_limits
from assistant.accounts.models import User
from assistant.accounts.rate_limits import (
    LEASE_S,
    Holder,
    Limit,
    Wait,
    forget_leases,
    forget_old_counters,
    give_back,
    rule_of,
    spend,
)
from assistant.accounts.rate_models import RateCounter
from assistant.accounts.throttle_rules import CLOSED, Count, Leaking
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event

BEGAN = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Clock:
    """Both clocks, which stand until they are moved."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def later(self, seconds: float) -> None:
        self.passed_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: BEGAN + timedelta(seconds=clock.passed_s))
    monkeypatch.setattr(rate_limits, "monotonic", lambda: clock.passed_s)
    return clock


@pytest.fixture
def ann(people: dict[str, User]) -> Holder:
    return Holder(people["ann"].pk, people["ann"])


@pytest.fixture
def bob(people: dict[str, User]) -> Holder:
    return Holder(people["bob"].pk, people["bob"])


def let_through(limit: Limit, holder: Holder, times: int) -> int:
    return sum(spend(limit, holder) is None for _ in range(times))


def test_twenty_questions_at_once_and_then_one_every_three_seconds(
    clock: Clock, ann: Holder, bob: Holder, settings: LazySettings
) -> None:
    settings.MUNDAP_QUESTIONS_PER_MINUTE = 20
    assert let_through(Limit.QUESTIONS, ann, 30) == 20
    assert spend(Limit.QUESTIONS, ann) == Wait(3)
    assert spend(Limit.QUESTIONS, bob) is None  # nobody else is held
    assert spend(Limit.KEY_QUESTIONS, ann) is None  # nor are her programs
    clock.later(2)
    assert spend(Limit.QUESTIONS, ann) == Wait(1)
    clock.later(1)
    assert let_through(Limit.QUESTIONS, ann, 5) == 1  # what was said to be the wait was it
    clock.later(3600)
    assert let_through(Limit.QUESTIONS, ann, 30) == 20


def test_zero_is_unlimited_and_writes_nothing(ann: Holder) -> None:
    for limit in Limit:
        assert let_through(limit, ann, 50) == 50
    assert not RateCounter.objects.exists()


def test_the_trail_hears_of_it_once_an_hour(clock: Clock, ann: Holder, settings: LazySettings) -> None:
    settings.MUNDAP_QUESTIONS_PER_MINUTE = 2
    for _ in range(3):
        let_through(Limit.QUESTIONS, ann, 50)
        clock.later(60)
    said = AuditEvent.objects.get(event=Event.RATE_LIMITED)
    assert (said.actor, said.data) == ("ann@example.com", {"held": "questions"})
    clock.later(3600)
    let_through(Limit.QUESTIONS, ann, 50)
    assert AuditEvent.objects.filter(event=Event.RATE_LIMITED).count() == 2


def test_somebody_who_reads_writes_a_row_now_and_then(
    clock: Clock, ann: Holder, settings: LazySettings
) -> None:
    settings.MUNDAP_REQUESTS_PER_MINUTE = 600
    written = set()
    for _ in range(120):  # two minutes, a page each second
        assert spend(Limit.REQUESTS, ann) is None
        written.add(RateCounter.objects.get().at)
        clock.later(1)
    assert len(written) <= 120 / LEASE_S + 1


def test_a_busy_reader_in_many_processes_is_never_held_below_the_rate(
    clock: Clock, ann: Holder, settings: LazySettings
) -> None:
    settings.MUNDAP_REQUESTS_PER_MINUTE = 600
    leases: list[dict[str, rate_limits._Lease]] = [{} for _ in range(12)]
    for n in range(600):  # four a second, spread over twelve processes
        rate_limits._leases = leases[n % 12]
        assert spend(Limit.REQUESTS, ann) is None, n
        clock.later(0.25)


@pytest.mark.django_db
@effort(max_examples=12, deadline=None)
@given(
    asked=st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 60), st.floats(0, 25)), min_size=1, max_size=25
    )
)
def test_no_stretch_of_time_has_more_than_the_limit_in_however_many_processes(
    asked: list[tuple[int, int, float]],
) -> None:
    clock, most = Clock(), 120
    leases: list[dict[str, rate_limits._Lease]] = [{} for _ in range(4)]
    with pytest.MonkeyPatch.context() as patch:
        from django.conf import settings  # noqa: PLC0415 - the fixture is of one example only

        patch.setattr(settings, "MUNDAP_REQUESTS_PER_MINUTE", most)
        patch.setattr(timezone, "now", lambda: BEGAN + timedelta(seconds=clock.passed_s))
        patch.setattr(rate_limits, "monotonic", lambda: clock.passed_s)
        RateCounter.objects.all().delete()
        moments: list[float] = []
        for process, times, pause in asked:
            patch.setattr(rate_limits, "_leases", leases[process])
            patch.setattr(rate_limits, "_full", {})
            moments += [clock.passed_s] * let_through(Limit.REQUESTS, Holder(7), times)
            clock.later(pause)
    for first, begin in enumerate(moments):
        for last, end in enumerate(moments[first:], start=first):
            assert last - first + 1 <= most + (end - begin) * most / 60 + 1e-6


def test_what_did_not_happen_is_given_back(clock: Clock, ann: Holder, settings: LazySettings) -> None:
    settings.MUNDAP_UPLOAD_FILES_PER_DAY = 3
    assert let_through(Limit.UPLOADED_FILES, ann, 5) == 3
    give_back(Limit.UPLOADED_FILES, ann)
    assert let_through(Limit.UPLOADED_FILES, ann, 5) == 1
    for _ in range(9):
        give_back(Limit.UPLOADED_FILES, ann)
    assert let_through(Limit.UPLOADED_FILES, ann, 9) == 3  # never more than the limit


def test_bytes_come_back_over_the_day_and_the_greatest_file_always_fits(
    clock: Clock, ann: Holder, settings: LazySettings
) -> None:
    settings.MUNDAP_UPLOAD_BYTES_PER_DAY = 1_000
    settings.MUNDAP_MAX_FILE_BYTES = 100
    assert spend(Limit.UPLOADED_BYTES, ann, weight=950) is None
    assert spend(Limit.UPLOADED_BYTES, ann, weight=100) == Wait(4_320)
    assert spend(Limit.UPLOADED_BYTES, ann, weight=50) is None  # a smaller one still fits
    clock.later(8_640)
    assert spend(Limit.UPLOADED_BYTES, ann, weight=100) is None
    settings.MUNDAP_MAX_FILE_BYTES = 5_000
    clock.later(24 * 3600)
    assert spend(Limit.UPLOADED_BYTES, ann, weight=5_000) is None


def test_what_is_larger_than_a_bucket_never_fits() -> None:
    rule = Leaking(capacity=10, each_s=1)
    assert rule.wait_s(Count(0, BEGAN), BEGAN, 11) == CLOSED
    assert rule.wait_s(Count(5, BEGAN), BEGAN, 10) == 5


def test_counters_go_once_they_say_nothing_and_with_their_person(
    clock: Clock, ann: Holder, bob: Holder, settings: LazySettings
) -> None:
    settings.MUNDAP_QUESTIONS_PER_MINUTE, settings.MUNDAP_UPLOAD_FILES_PER_DAY = 20, 10
    let_through(Limit.QUESTIONS, ann, 5)
    let_through(Limit.UPLOADED_FILES, ann, 9)
    let_through(Limit.QUESTIONS, bob, 1)
    clock.later(2 * 3600)
    assert forget_old_counters() == 2
    assert [row.key for row in RateCounter.objects.all()] == [f"uploaded-files:{ann.number}"]
    assert ann.user is not None
    ann.user.delete()
    assert not RateCounter.objects.exists()


def test_every_limit_has_room_for_one_when_it_is_set_to_one(ann: Holder, settings: LazySettings) -> None:
    settings.MUNDAP_MAX_FILE_BYTES = 1
    for limit in Limit:
        name, _ = rate_limits._SETTINGS[limit]
        setattr(settings, name, 1)
        rule = rule_of(limit)
        assert rule is not None
        assert rule.capacity >= 1
        assert let_through(limit, ann, 3) == 1, limit


@pytest.mark.django_db(transaction=True)
def test_parallel_processes_let_no_more_through_than_the_limit(
    clock: Clock, people: dict[str, User], settings: LazySettings
) -> None:
    settings.MUNDAP_QUESTIONS_PER_MINUTE = settings.MUNDAP_REQUESTS_PER_MINUTE = 20
    holder = Holder(people["ann"].pk, people["ann"])

    def ask(limit: Limit) -> bool:
        forget_leases()  # as another process, which knows of nothing
        try:
            return spend(limit, holder) is None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, [Limit.QUESTIONS] * 60)) == 20
        # Of these a process takes several at a time, and here forgets the rest of them.
        assert 0 < sum(threads.map(ask, [Limit.REQUESTS] * 60)) <= 20
    assert RateCounter.objects.filter(user=people["ann"]).count() == 2
