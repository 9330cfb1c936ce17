"""Reading a connector's listing ahead of the work, so that the total is known early."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Generic, TypeVar

T = TypeVar("T")
_AHEAD = 2_000
_END = object()
_TICK_S = 0.5


class ReadAhead(Generic[T]):
    """Iterates over `items` from a thread of its own, at most 2,000 ahead.

    `found` counts the items for which `counts` is true, `finished` says that the end was reached. An error
    of the iterator is raised where its item would have come. While nothing comes, None comes twice a second.
    `read_at`: when the item that came last was read, which may be long before it is wanted.
    """

    def __init__(self, items: Iterator[T], *, counts: Callable[[T], bool]) -> None:
        self._items = items
        self._counts = counts
        self._queue: queue.Queue[tuple[T | BaseException | object, datetime]] = queue.Queue(maxsize=_AHEAD)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read, name="listing", daemon=True)
        self.found = 0
        self.finished = False
        self.read_at = datetime.now(tz=UTC)
        self._thread.start()

    def __iter__(self) -> Iterator[T | None]:
        while True:
            try:
                item, self.read_at = self._queue.get(timeout=_TICK_S)
            except queue.Empty:
                yield None
                continue
            if item is _END:
                return
            if isinstance(item, BaseException):
                raise item
            yield item  # type: ignore[misc]  # only items are left

    def close(self) -> None:
        """Let the thread end, whatever is left to read."""
        self._closed.set()
        self._thread.join(timeout=5)

    def _read(self) -> None:
        try:
            for item in self._items:
                self.found += self._counts(item)
                if not self._put(item):
                    return
            self.finished = True
        except BaseException as error:  # noqa: BLE001 - handed to the reader, which raises it
            self._put(error)
        finally:
            self._put(_END)

    def _put(self, item: object) -> bool:
        read_at = datetime.now(tz=UTC)
        while not self._closed.is_set():
            try:
                self._queue.put((item, read_at), timeout=0.2)
            except queue.Full:
                continue
            return True
        return False
