"""Messages as files: nothing torn, nothing twice, nothing without bound."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from kombu import Connection

from assistant.config import file_broker
from assistant.config.file_broker import FileQueue, forget_messages


def _put_many(folder: Path, writer: int, count: int) -> None:
    queue = FileQueue(folder)
    for number in range(count):
        queue.put({"writer": writer, "number": number, "padding": "x" * 2000})


def test_messages_of_several_writers_arrive_whole_and_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_put_many, args=(tmp_path, writer, 150)) for writer in range(3)]
    for process in writers:
        process.start()
    queue, seen = FileQueue(tmp_path), []
    while any(process.is_alive() for process in writers) or len(queue):
        message = queue.take()
        if message is not None:
            seen.append((message["writer"], message["number"]))
    for process in writers:
        process.join()
    assert sorted(seen) == [(writer, number) for writer in range(3) for number in range(150)]
    assert list(tmp_path.iterdir()) == []


def test_messages_come_in_the_order_they_were_put(tmp_path: Path) -> None:
    queue = FileQueue(tmp_path)
    for number in range(5):
        queue.put({"n": number})
    taken = [message["n"] for message in iter(queue.take, None) if message is not None]
    assert taken == [0, 1, 2, 3, 4]


def test_a_torn_message_is_dropped_and_the_next_one_arrives(tmp_path: Path) -> None:
    queue = FileQueue(tmp_path)
    (tmp_path / "0.message").write_text('{"half":', encoding="utf-8")
    queue.put({"n": 1})
    assert queue.take() == {"n": 1}
    assert queue.take() is None


def test_a_queue_that_nobody_reads_keeps_only_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_broker, "MAX_WAITING", 3)
    queue = FileQueue(tmp_path)
    for number in range(10):
        queue.put({"n": number})
    assert len(queue) == 3
    assert queue.take() == {"n": 7}


def test_a_start_forgets_messages_of_earlier_runs(tmp_path: Path) -> None:
    FileQueue(tmp_path / "celery").put({"n": 1})
    forget_messages(tmp_path)
    forget_messages(tmp_path / "absent")
    assert len(FileQueue(tmp_path / "celery")) == 0


def test_kombu_publishes_and_consumes_through_it(tmp_path: Path) -> None:
    file_broker.install()
    options = {"data_folder_in": str(tmp_path)}
    with (
        Connection("filesystem://localhost", transport_options=options) as connection,
        connection.SimpleQueue("wake") as queue,
    ):
        queue.put({"run": 7})
        assert queue.qsize() == 1
        message = queue.get(timeout=5)
        assert message.payload == {"run": 7}
        message.ack()
        assert queue.qsize() == 0
