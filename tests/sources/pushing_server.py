"""The real server over HTTP on a port of its own, with a worker beside it, both in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from django.core.asgi import get_asgi_application
from django.db import connections

from assistant.sync.engine import execute_run
from assistant.sync.models import RunState, SyncRun


@contextmanager
def running_server() -> Iterator[str]:
    """The server's address, until the block ends."""
    config = uvicorn.Config(get_asgi_application(), port=0, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    serving = threading.Thread(target=server.run, args=([listening],))
    stop = threading.Event()
    working = threading.Thread(target=_work, args=(stop,))
    serving.start()
    working.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        stop.set()
        serving.join()
        working.join()
        listening.close()


def _work(stop: threading.Event) -> None:
    """What a worker that is woken does."""
    try:
        while not stop.wait(0.05):
            for run in SyncRun.objects.filter(state=RunState.PENDING):
                execute_run(run.pk)
    finally:
        connections.close_all()
