"""Wrong passwords are counted before they are tried, by all processes together."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from assistant.accounts.door_models import FailedTries
from assistant.accounts.throttle import (
    ACCOUNT,
    Held,
    Kind,
    Try,
    admit,
    forget_old,
    lift,
    network_of,
    was_right,
)
from assistant.audit.models import AuditEvent

HERE = "203.0.113.7"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 9, tzinfo=UTC)

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


def fail(name: str, times: int, *, address: str = HERE, device: str = "") -> list[Try | Held]:
    return [admit(name=name, address=address, device=device) for _ in range(times)]


def tried(outcomes: list[Try | Held]) -> int:
    return sum(isinstance(outcome, Try) for outcome in outcomes)


@pytest.mark.django_db
def test_the_sixth_try_waits_and_is_let_through_afterwards(clock: Clock) -> None:
    assert tried(fail("ann@example.com", 5)) == 5
    assert fail("ann@example.com", 1) == [Held(4)]
    assert tried(fail("bob@example.com", 1)) == 1
    clock.later(seconds=4)
    assert tried(fail("ann@example.com", 1)) == 1
    assert fail("ann@example.com", 1) == [Held(8)]


@pytest.mark.django_db
def test_all_spellings_of_an_address_share_a_counter(clock: Clock) -> None:
    for spelling in (
        "ann@example.com",
        " ANN@example.com",
        "Ann@Example.COM",
        "\uff41nn@example.com",
        "ann@example.com ",
    ):
        assert isinstance(admit(name=spelling, address=HERE), Try)
    assert fail("aNN@example.com", 1) == [Held(4)]


@pytest.mark.django_db
def test_the_right_password_takes_back_what_was_counted(clock: Clock) -> None:
    outcomes = fail("ann@example.com", 5)
    assert isinstance(outcomes[-1], Try)
    was_right(outcomes[-1])
    assert tried(fail("ann@example.com", 6)) == 5
    address = FailedTries.objects.get(kind=Kind.ADDRESS)
    assert address.failures == 9  # the four wrong ones of before, and five now


@pytest.mark.django_db
def test_nobody_keeps_the_owner_of_a_known_device_out(clock: Clock) -> None:
    for n in range(300):
        fail("ann@example.com", 1, address=f"198.51.100.{n % 250}")
        clock.later(minutes=1)
    for _ in range(600):
        fail("nobody@example.com", 1, address=HERE)
    assert isinstance(admit(name="ann@example.com", address=HERE), Held)
    assert isinstance(admit(name="ann@example.com", address=HERE, device="one"), Try)


@pytest.mark.django_db
def test_a_known_device_is_a_stranger_after_twenty_failures(clock: Clock) -> None:
    for _ in range(20):
        assert isinstance(admit(name="ann@example.com", address=HERE, device="one"), Try)
        clock.later(minutes=15)
    assert not FailedTries.objects.filter(kind=Kind.ACCOUNT).exists()
    assert isinstance(admit(name="ann@example.com", address=HERE, device="one"), Try)
    assert FailedTries.objects.get(kind=Kind.ACCOUNT).failures == 1


@pytest.mark.django_db
def test_a_closed_account_opens_by_a_known_device_or_an_administrator_and_not_by_time(clock: Clock) -> None:
    for again in range(2):
        fail("ann@example.com", 1)
        FailedTries.objects.filter(kind=Kind.ACCOUNT).update(failures=ACCOUNT.most)
        clock.later(days=400)
        forget_old()
        assert fail("ann@example.com", 1) == [Held(None)]
        if again:
            assert lift(name="ann@example.com", actor="ada@example.com")
        else:
            known = admit(name="ann@example.com", address=HERE, device="one")
            assert isinstance(known, Try)
            was_right(known)
        assert tried(fail("ann@example.com", 1)) == 1


@pytest.mark.django_db
def test_one_address_is_held_over_all_names_by_subscriber(clock: Clock) -> None:
    names = [f"person{n}@example.com" for n in range(70)]
    outcomes = [admit(name=name, address=f"2001:db8:1:2::{n:x}") for n, name in enumerate(names)]
    assert tried(outcomes) == 60
    assert outcomes[-1] == Held(30)
    assert isinstance(admit(name="ann@example.com", address="2001:db8:1:3::1"), Try)


@pytest.mark.django_db
def test_spraying_from_many_addresses_is_held_for_the_installation(clock: Clock) -> None:
    outcomes = [
        admit(name=f"person{n}@example.com", address=f"198.51.{n // 200}.{n % 200}") for n in range(520)
    ]
    assert tried(outcomes) == 500


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no address", ""),
    ],
)
def test_an_address_is_that_of_a_subscriber(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.django_db
def test_a_wave_is_told_once_an_hour_and_never_by_what_was_guessed(clock: Clock) -> None:
    fail("ann@example.com", 200)
    events = list(AuditEvent.objects.filter(event="sign_in_throttled"))
    assert [event.actor for event in events] == ["ann@example.com"]
    assert events[0].data == {"held": "account"}
    clock.later(hours=1)
    fail("ann@example.com", 50)
    assert AuditEvent.objects.filter(event="sign_in_throttled").count() == 2


@pytest.mark.django_db
def test_names_that_were_tried_are_not_kept_readably(clock: Clock) -> None:
    fail("ann@example.com", 3)
    assert "ann" not in repr(list(FailedTries.objects.values()))
    assert HERE not in repr(list(FailedTries.objects.values()))


@pytest.mark.django_db
def test_old_counters_are_removed_and_those_that_still_hold_stay(clock: Clock) -> None:
    fail("ann@example.com", 3)
    clock.later(hours=2)
    assert forget_old() == 2  # of the address and the installation
    clock.later(days=29)
    assert forget_old() == 0
    clock.later(days=1)
    assert forget_old() == 1
    assert not FailedTries.objects.exists()


@pytest.mark.django_db
def test_a_closed_counter_goes_only_with_the_word_of_its_device(clock: Clock) -> None:
    fail("ann@example.com", 1, device="one")
    FailedTries.objects.filter(kind=Kind.DEVICE).update(failures=20)
    clock.later(days=179)
    assert forget_old() == 0
    clock.later(days=1)
    assert forget_old() == 1


def _at_once(guess: Callable[[int], Try | Held], times: int) -> list[Try | Held]:
    def one(n: int) -> Try | Held:
        try:
            return guess(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(one, range(times)))


@pytest.mark.django_db(transaction=True)
def test_of_a_thousand_guesses_at_once_five_are_tried(clock: Clock) -> None:
    outcomes = _at_once(
        lambda n: admit(name="ann@example.com", address=f"198.51.{n // 250}.{n % 250}"), 1_000
    )
    assert tried(outcomes) == ACCOUNT.free
    assert FailedTries.objects.get(kind=Kind.ACCOUNT).failures == ACCOUNT.free


@pytest.mark.django_db(transaction=True)
def test_of_a_thousand_names_from_one_address_at_once_sixty_are_tried(clock: Clock) -> None:
    outcomes = _at_once(lambda n: admit(name=f"person{n % 50}@example.com", address=HERE), 1_000)
    assert tried(outcomes) == 60
