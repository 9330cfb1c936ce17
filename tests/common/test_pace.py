"""Turns are spaced, shared by threads, and given up when the work should end."""

from __future__ import annotations

import threading
import time

import pytest

from assistant.common.pace import Pace, Stopped, wait


def test_turns_are_spaced_from_the_first_on() -> None:
    pace = Pace(100)
    begin = time.monotonic()
    for _ in range(11):
        pace.turn()
    assert 0.1 <= time.monotonic() - begin < 1


def test_idle_time_saves_no_turns_up() -> None:
    pace = Pace(50)
    pace.turn()
    wait(0.1, stopped=lambda: False)
    begin = time.monotonic()
    for _ in range(3):
        pace.turn()
    assert time.monotonic() - begin >= 0.039


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_without_a_rate_nobody_waits(rate: float) -> None:
    pace = Pace(rate)
    begin = time.monotonic()
    for _ in range(1000):
        pace.turn()
    assert time.monotonic() - begin < 0.5


def test_threads_share_one_pace() -> None:
    pace = Pace(200)
    moments: list[float] = []

    def work() -> None:
        for _ in range(10):
            pace.turn()
            moments.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(6)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moments) == 60
    for number, moment in enumerate(sorted(moments)):
        assert moment - begin >= number / 200 - 0.001, "a turn came before its time"


def test_a_waiting_turn_notices_within_a_second_that_it_should_stop() -> None:
    pace = Pace(0.01)
    pace.turn()
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    begin = time.monotonic()
    with pytest.raises(Stopped):
        pace.turn(stopped=stop.is_set)
    assert 0.05 < time.monotonic() - begin < 1


@pytest.mark.parametrize("rate", [0.0, 1000.0])
def test_no_turn_is_given_once_the_work_should_stop(rate: float) -> None:
    with pytest.raises(Stopped):
        Pace(rate).turn(stopped=lambda: True)


def test_a_wait_of_no_time_still_notices_the_stop() -> None:
    with pytest.raises(Stopped):
        wait(-1, stopped=lambda: True)


def test_a_held_pace_lets_nobody_through_before_its_time() -> None:
    pace = Pace()
    pace.hold(0.15)
    pace.hold(0.01)  # a shorter hold does not shorten the longer one
    begin = time.monotonic()
    pace.turn()
    assert time.monotonic() - begin >= 0.14
    pace.turn()
    assert time.monotonic() - begin < 1
