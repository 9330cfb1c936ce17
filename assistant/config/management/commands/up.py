"""`manage.py up`: everything in one terminal: database, demo, web, worker and scheduler."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from django.conf import settings
from django.core.checks import run_checks
from django.core.management.base import BaseCommand
from django.db import connection

from assistant.common.errors import MundapError
from assistant.config import file_broker, startup
from assistant.config.announcing import Announcer, Welcome
from assistant.config.checks import CHECKS, one_line, require_readiness
from assistant.config.health import web_answers
from assistant.config.programs import programs
from assistant.config.supervisor import Supervisor
from assistant.config.terminal import Terminal
from assistant.demo.accounts import usable_sign_ins
from assistant.demo.seed import is_first_start, seed, unfinished_run


class Command(BaseCommand):
    """Runs until Ctrl-C. Exit status: 0 stopped on request, 1 it could not start or kept dying."""

    help = "Starts Mundap: prepares the database, then runs web, worker and scheduler until Ctrl-C."
    requires_system_checks = []  # noqa: RUF012 - Django's attribute

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One switch."""
        parser.add_argument("--no-demo", action="store_true", help="start empty, without the demo company")

    def handle(self, *_args: object, **options: object) -> None:
        """Start, and stay until told to stop."""
        os.umask(0o077)  # text of documents lies below MUNDAP_HOME
        terminal = Terminal()
        try:
            with startup.claimed(settings.MUNDAP_HOME):
                status = _run(terminal, demo=settings.MUNDAP_DEMO and not options["no_demo"])
        except KeyboardInterrupt:
            status = 130
        terminal.say("Stopped.")
        sys.exit(status)


def _run(terminal: Terminal, *, demo: bool) -> int:
    home: Path = settings.MUNDAP_HOME
    _require_good_settings()
    startup.require_free_port(settings.MUNDAP_HOST, settings.MUNDAP_PORT)
    terminal.show("Preparing the database…")
    applied = startup.migrate(home)
    if applied:
        terminal.say(f"Database prepared: {applied} migrations applied.")
    require_readiness()
    if settings.CELERY_BROKER_URL.startswith("filesystem:"):
        file_broker.forget_messages(settings.MUNDAP_BROKER_DIR / "queue")
    if demo and is_first_start():
        terminal.say("First start: adding the demo company (four accounts, one folder of documents).")
        seed(home)
    welcome = Welcome(
        address=f"http://{_reachable(settings.MUNDAP_HOST)}:{settings.MUNDAP_PORT}/",
        sign_ins=usable_sign_ins(home),
    )
    announcer = Announcer(
        terminal, welcome, run_id=unfinished_run(), answers=partial(web_answers, settings.ENVIRONMENT)
    )
    connection.close()  # the children have their own
    terminal.show("Starting web, worker and scheduler…")
    return Supervisor(programs(), say=terminal.say).run(each_round=announcer.look)


def _require_good_settings() -> None:
    """Say what is wrong before the port, the database or anything else is touched.

    Raises:
        MundapError: one line for each error.
    """
    errors = [one_line(message) for message in run_checks(tags=[CHECKS]) if message.is_serious()]
    if errors:
        raise MundapError("\n".join(errors))


def _reachable(host: str) -> str:
    """How a browser on this machine names a server that listens on `host`."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host
