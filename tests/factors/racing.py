"""Several threads, each with a database connection of its own, do the same thing at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections


def race(runners: int, act: Callable[[], bool]) -> list[bool]:
    """What each of them got."""
    start = threading.Barrier(runners)

    def run() -> bool:
        try:
            start.wait(timeout=10)
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(runners) as pool:
        return [one.result() for one in [pool.submit(run) for _ in range(runners)]]
