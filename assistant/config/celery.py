"""The Celery application. The broker is chosen by MUNDAP_BROKER_URL alone (filesystem://, redis://, amqp://)."""

from __future__ import annotations

import logging
import os

from celery import Celery
from celery.signals import beat_init, worker_init, worker_process_init
from django.conf import settings

from assistant.common.errors import MundapError
from assistant.config import file_broker
from assistant.config.tether import die_with

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.config.settings")
# Celery would run all of Django's checks and drop what they say; they import every page, which no task needs.
# What must hold before a start is asked below.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

file_broker.install()
app = Celery("mundap")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
if settings.CELERY_BROKER_URL.startswith("filesystem:"):
    app.conf.update(
        worker_enable_remote_control=False,  # needs fan-out, which the embedded transport has not
        broker_url="filesystem://localhost",  # without a host kombu warns at every start
    )
_NICENESS = 10
for _name in ("celery.worker.strategy", "celery.app.trace", "celery.beat"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # the sweep would fill the log every five seconds


@worker_init.connect
@beat_init.connect
def _refuse_a_bad_start(**_arguments: object) -> None:
    """Worker and scheduler stop at the same problems that the web server does."""
    from assistant.config.checks import require_readiness  # noqa: PLC0415 - needs loaded apps

    try:
        require_readiness()
    except MundapError as error:
        # Celery swallows every other kind of exception from a signal's receiver and goes on.
        raise SystemExit(f"ERROR {error}") from error


@worker_init.connect
def _let_questions_go_first(**_arguments: object) -> None:
    """Embedding takes every core; whoever waits for an answer on the same machine must not notice."""
    os.nice(max(0, _NICENESS - os.nice(0)))


@worker_process_init.connect
def _tie_pool_process(**_arguments: object) -> None:
    """A pool process must not go on alone when the worker was killed; what it records came from a worker."""
    from assistant.audit.origin import Origin, Via, process_comes_from  # noqa: PLC0415 - needs loaded apps

    die_with(os.getppid())
    process_comes_from(Origin(Via.WORKER))
