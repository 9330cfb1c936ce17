"""Sharing one search among the cores, for work that lets go of the interpreter's lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]

_MOST_THREADS = 4

_lock = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}


def threads() -> int:
    """How many threads one search may use: the cores that this process may run on, at most four."""
    return min(_MOST_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def run_all(tasks: Sequence[Callable[[], None]]) -> None:
    """Run the tasks, the first one in this thread; an error of any of them is raised."""
    if len(tasks) == 1:
        tasks[0]()
        return
    waiting = [_pool().submit(task) for task in tasks[1:]]
    tasks[0]()
    for future in waiting:
        future.result()


def by_worker(tasks: Sequence[Callable[[], None]]) -> list[Callable[[], None]]:
    """Many small tasks as one list for each thread."""
    workers = max(1, min(threads(), len(tasks)))
    return [partial(_one_after_another, tasks[worker::workers]) for worker in range(workers)]


def _one_after_another(tasks: Sequence[Callable[[], None]]) -> None:
    for task in tasks:
        task()


def _pool() -> ThreadPoolExecutor:
    """The pool of this process: threads do not survive a fork."""
    with _lock:
        pool = _pools.get(os.getpid())
        if pool is None:
            _pools.clear()
            pool = _pools[os.getpid()] = ThreadPoolExecutor(max(1, threads() - 1), thread_name_prefix="index")
        return pool


def split(begins: Places, ends: Places, *, parts: int, least: int) -> list[tuple[Places, Places]]:
    """Ranges as up to `parts` lists of about equal width, one part for each `least` rows at most."""
    bounds = np.concatenate(([0], np.cumsum(ends - begins)))
    total = int(bounds[-1])
    if not total:
        return []
    wanted = max(1, min(parts, total // max(least, 1)))
    if wanted == 1:
        return [(begins, ends)]
    cuts = [total * part // wanted for part in range(wanted + 1)]
    found: list[tuple[Places, Places]] = []
    for low, high in pairwise(cuts):
        first = int(np.searchsorted(bounds, low, side="right")) - 1
        last = int(np.searchsorted(bounds, high, side="left"))
        own_begins, own_ends = begins[first:last].copy(), ends[first:last].copy()
        own_begins[0] += low - bounds[first]
        own_ends[-1] -= bounds[last] - high
        found.append((own_begins, own_ends))
    return found
