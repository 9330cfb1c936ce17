"""Celery messages as files in one folder: the transport behind `filesystem://`, with no server.

kombu's own filesystem transport publishes a message before it is written and keeps
its bindings in files that are read while another process truncates them; either
ends a worker with a JSON error as soon as web, worker and scheduler run side by
side. Here a message appears by an atomic rename and is taken by another one, and
bindings stay in memory, as every publisher declares its queue itself.

Limits, all harmless because a message only wakes a worker up (the job is a row in
the database): one machine; no fan-out, so no remote control and no events; a
message dies with the worker that took it; a queue keeps its newest 1,000 messages.
"""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from queue import Empty
from urllib.parse import quote

from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES, virtual

from assistant.common.types import JsonObject

MAX_WAITING = 1000
LONGEST_WAIT_S = 0.5


class FileQueue:
    """One queue: a folder with one file a message. Any number of processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, message: JsonObject) -> None:
        """Append one message; the oldest go when nobody has read for long."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}"
        draft = self._folder / f"{name}.draft"
        draft.write_text(json.dumps(message), encoding="utf-8")
        draft.rename(self._folder / f"{name}.message")
        for surplus in self._waiting()[:-MAX_WAITING]:
            surplus.unlink(missing_ok=True)

    def take(self) -> JsonObject | None:
        """Remove and return the oldest message; None if there is none."""
        for file in self._waiting():
            taken = file.with_suffix(".taken")
            try:
                file.rename(taken)
            except FileNotFoundError:
                continue  # another worker was faster
            try:
                message = json.loads(taken.read_text(encoding="utf-8"))
            except ValueError:
                continue  # torn by a power failure; the database still holds the job
            finally:
                taken.unlink(missing_ok=True)
            assert isinstance(message, dict)
            return message
        return None

    def clear(self) -> int:
        """Remove every message, also half-written ones; return how many were waiting."""
        count = len(self._waiting())
        if self._folder.is_dir():
            for file in self._folder.iterdir():
                file.unlink(missing_ok=True)
        return count

    def __len__(self) -> int:
        return len(self._waiting())

    def _waiting(self) -> list[Path]:
        return sorted(self._folder.glob("*.message"))


class Channel(virtual.Channel):
    """kombu's virtual channel on `FileQueue`s below the option `data_folder_in`."""

    supports_fanout = False

    def _queue(self, queue: str) -> FileQueue:
        client = self.connection.client
        assert client is not None
        assert client.transport_options is not None
        return FileQueue(Path(client.transport_options["data_folder_in"]) / quote(queue, safe="@"))

    def _put(self, queue: str, message: JsonObject, **kwargs: object) -> None:  # noqa: ARG002 - kombu's shape
        self._queue(queue).put(message)

    def _get(self, queue: str, timeout: float | None = None) -> JsonObject:  # noqa: ARG002 - kombu's shape
        message = self._queue(queue).take()
        if message is None:
            raise Empty
        return message

    def _purge(self, queue: str) -> int:
        return self._queue(queue).clear()

    def _size(self, queue: str) -> int:
        return len(self._queue(queue))


class Transport(virtual.Transport):
    """`filesystem://` on this machine."""

    Channel = Channel
    implements = virtual.Transport.implements.extend(asynchronous=False, exchange_type=frozenset(["direct"]))
    polling_interval = 0.3
    default_port = 0
    driver_type = driver_name = "filesystem"

    # Bindings of this process; nobody else needs them.
    global_state = virtual.BrokerState()

    def __init__(self, client: Connection, **kwargs: object) -> None:
        super().__init__(client, **kwargs)
        self.state = self.global_state

    def drain_events(  # type: ignore[override]  # kombu's two base classes disagree
        self, connection: Connection, timeout: float | None = None
    ) -> None:
        """Wait for a message, but never long: a worker notices a request to stop only in between."""
        super().drain_events(connection, timeout=min(timeout or LONGEST_WAIT_S, LONGEST_WAIT_S))

    def driver_version(self) -> str:
        """Asked for by kombu; there is no driver."""
        return "1"


def install() -> None:
    """Make `filesystem://` mean this transport in this process."""
    TRANSPORT_ALIASES["filesystem"] = "assistant.config.file_broker:Transport"


def forget_messages(folder: Path) -> None:
    """Drop what earlier runs left: the database knows what is to be done."""
    if folder.is_dir():
        for queue in folder.iterdir():
            if queue.is_dir():
                FileQueue(queue).clear()
