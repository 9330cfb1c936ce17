"""`manage.py sync N [--full|--permissions] [--wait] [--approve-deletions]`."""

from __future__ import annotations

import sys
import time

from django.core.management.base import CommandParser

from assistant.accounts.command import JsonCommand, say
from assistant.sync.engine import execute_run
from assistant.sync.models import RunKind, RunState, SyncRun
from assistant.sync.reading import RunView
from assistant.sync.selectors import run_progress
from assistant.sync.services import approve_deletions, find_source, request_run

_ACTOR = "command line"
_FAILED = (RunState.FAILED, RunState.CANCELLED)


class Command(JsonCommand):
    """Runs a sync. With --wait this process does the work, unless a worker has it already."""

    help = "Sync a source, by name or number."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which source, how much, and whether to wait."""
        parser.add_argument("source", metavar="N")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--full", action="store_true", help="Read every document anew.")
        how.add_argument("--permissions", action="store_true", help="Groups and access lists only.")
        how.add_argument(
            "--approve-deletions", action="store_true", help="Delete what the last run asked about."
        )
        parser.add_argument("--wait", action="store_true", help="Return when the run has ended.")

    def handle(self, *, source: str, wait: bool, **options: object) -> None:
        """Request the run, and with --wait see it through."""
        source_id = find_source(source)
        if options["approve_deletions"]:
            run_id = _waiting_run(source_id)
            approve_deletions(run_id=run_id, actor=_ACTOR)
            self._report(run_progress(run_id))
            return
        kind = RunKind.FULL if options["full"] else RunKind.INCREMENTAL
        kind = RunKind.PERMISSIONS if options["permissions"] else kind
        run_id = request_run(source_id=source_id, kind=kind, actor=_ACTOR)
        while wait and run_progress(run_id).is_open:
            if not execute_run(run_id):
                time.sleep(0.3)
        self._report(run_progress(run_id))

    def _report(self, run: RunView) -> None:
        began, ended = run.started_at, run.finished_at
        seconds = round((ended - began).total_seconds(), 3) if began and ended else 0.0
        if run.detail:
            say(run.detail)
        self.emit(
            {
                "run": run.id,
                "state": run.state,
                "added": run.added,
                "updated": run.updated,
                "deleted": run.deleted,
                "unchanged": run.unchanged,
                "failed": run.failed,
                "seconds": seconds,
            }
        )
        if run.state in _FAILED:
            sys.exit(1)


def _waiting_run(source_id: int) -> int:
    waiting = SyncRun.objects.filter(source_id=source_id, state=RunState.WAITING_FOR_APPROVAL)
    return waiting.order_by("-pk").values_list("pk", flat=True).first() or 0
