"""The four programs that make up a running system, as command lines."""

from __future__ import annotations

import signal
import sys

from django.conf import settings

from assistant.config.supervisor import Program

# Runs over documents may take hours. What is short or must not wait has a worker of its own.
FETCH_PROCESSES = 2


def programs() -> tuple[Program, ...]:
    """Web, workers and scheduler for this installation's settings."""
    logs = settings.MUNDAP_HOME / "logs"
    return (
        Program("web", _web(), logs / "web.log"),
        # SIGQUIT ends its tasks too. A run that is cut off goes on at the next start from what it committed.
        Program("worker", _worker("fetch", FETCH_PROCESSES), logs / "worker.log", stop_signal=signal.SIGQUIT),
        Program(
            "maintenance",
            _worker("ingest,maintenance", 1),
            logs / "maintenance.log",
            stop_signal=signal.SIGQUIT,
        ),
        Program("scheduler", _scheduler(), logs / "scheduler.log"),
    )


def _web() -> tuple[str, ...]:
    return (sys.executable, "-m", "assistant.config.serve")


def _worker(queues: str, processes: int) -> tuple[str, ...]:
    return (
        *_celery("worker"),
        *("--queues", queues, "--pool", "prefork", "--concurrency", str(processes)),
        # Workers find their jobs in the database, so they need not know of each other.
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )


def _scheduler() -> tuple[str, ...]:
    return (*_celery("beat"), "--pidfile=")


def _celery(command: str) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "celery", "--quiet", "--app", "assistant.config.celery", command),
        *("--loglevel", "INFO"),
    )
