"""`manage.py index status` and `manage.py index build`."""

from __future__ import annotations

import sys

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand, say
from assistant.ingest.building import advance
from assistant.ingest.index_status import Progress, status


class Command(JsonCommand):
    """Says which model answers and how far the wanted one is; builds it here instead of in a worker."""

    help = "Show which embedding model answers, or build the index of the wanted one."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do."""
        parser.add_argument("action", choices=["status", "build"])

    def handle(self, *, action: str, **_: object) -> None:
        """Build if asked to, then say how it stands."""
        while action == "build" and advance():
            found = status()
            say(f"{found.wanted}: {found.built} of {found.total} passages")
        found = status()
        self.emit(
            {
                "engine": found.engine,
                "answering": found.answering,
                "wanted": found.wanted,
                "state": found.state,
                "built": found.built,
                "total": found.total,
                "eta_s": found.eta_s,
                "former": list(found.former),
                "problems": list(found.problems),
            }
        )
        if action == "build" and found.state is not Progress.READY:
            sys.exit(1)
