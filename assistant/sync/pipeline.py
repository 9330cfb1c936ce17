"""Fetching and parsing ahead of the thread that embeds and commits, in the order of the listing.

So neither network nor processor waits for the other, and a checkpoint between two
documents still means that everything before it was dealt with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_LONGEST_QUEUE = 2_000  # of items of any kind
_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Todo(Generic[T_co]):
    """Something that a thread of the pipeline does; in its place comes what it returns."""

    work: Callable[[], T_co]


class Pipeline:
    """A pool of threads. `ahead`: how many pieces of work are begun before the first is wanted."""

    def __init__(self, *, threads: int, ahead: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="reading")
        self._ahead = ahead

    def in_order(self, items: Iterable[T | Todo[T]], *, check: Callable[[], None]) -> Iterator[T]:
        """Everything in its order, each `Todo` replaced by its result.

        `check` is called while waiting; what it raises, or what a piece of work raised, ends the iteration.
        """
        waiting: deque[T | Future[T]] = deque()
        begun = 0
        for item in items:
            if isinstance(item, Todo):
                waiting.append(self._pool.submit(item.work))
                begun += 1
            else:
                waiting.append(item)
            while waiting and (begun > self._ahead or len(waiting) > _LONGEST_QUEUE or _ready(waiting[0])):
                first = waiting.popleft()
                begun -= isinstance(first, Future)
                yield _result(first, check)
        while waiting:
            yield _result(waiting.popleft(), check)

    def close(self) -> None:
        """Begin nothing more. Threads that are at work end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _ready(item: T | Future[T]) -> bool:
    return not isinstance(item, Future) or item.done()


def _result(item: T | Future[T], check: Callable[[], None]) -> T:
    if not isinstance(item, Future):
        return item
    while True:
        try:
            return item.result(timeout=_POLL_S)
        except NotYet:
            if item.done():  # the work itself timed out
                raise
            check()
