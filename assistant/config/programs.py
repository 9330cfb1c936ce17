"""The three programs that make up a running system, as command lines."""

from __future__ import annotations

import signal
import sys

from django.conf import settings

from assistant.config.supervisor import Program

# Two, so that a long sync never keeps the sweeper waiting.
WORKER_PROCESSES = 2


def programs() -> tuple[Program, ...]:
    """Web, worker and scheduler for this installation's settings."""
    logs = settings.MUNDAP_HOME / "logs"
    return (
        Program("web", _web(), logs / "web.log"),
        # SIGQUIT ends its tasks too. A run that is cut off goes on at the next start from what it committed.
        Program("worker", _worker(), logs / "worker.log", stop_signal=signal.SIGQUIT),
        Program("scheduler", _scheduler(), logs / "scheduler.log"),
    )


def _web() -> tuple[str, ...]:
    return (sys.executable, "-m", "assistant.config.serve")


def _worker() -> tuple[str, ...]:
    return (
        *_celery("worker"),
        *("--pool", "prefork", "--concurrency", str(WORKER_PROCESSES)),
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
