"""`manage.py verify [--repair]`."""

from __future__ import annotations

import sys

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand
from assistant.ingest.indexing import verify


class Command(JsonCommand):
    """Compares database, index and files."""

    help = "Check that database, index and files agree."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to mend."""
        parser.add_argument(
            "--repair", action="store_true", help="Rebuild what is damaged from the database."
        )

    def handle(self, *, repair: bool, **_: object) -> None:
        """Check, and with --repair mend."""
        problems = verify(repair=repair)
        self.emit(
            {
                "ok": not problems,
                "problems": [{"code": p.code, "where": p.where, "detail": p.detail} for p in problems],
            }
        )
        if problems:
            sys.exit(1)
