"""What does it cost to record an audit event, and to examine the log? Prints JSON.

    python -m tests.bench.audit_log [--entries N]

The peer of the same run is the insert of the same row alone: no code over its content, no number, no
link to the entry before it, no file beside the database. Each is one transaction of its own; both
alternate, in milliseconds. Uses `DATABASE_URL` where it is set (an empty database), else SQLite in a
folder of its own. Ends with 1 where the log is not whole afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import uuid
from pathlib import Path

import django

from tests.bench.visible_set import figures, milliseconds, set_up


def main(arguments: list[str]) -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="audit_log", description=__doc__)
    parser.add_argument("--entries", type=int, default=3_000)
    given = parser.parse_args(arguments)
    database = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as home:
        if database:
            os.environ.update({"MUNDAP_HOME": home, "DJANGO_SETTINGS_MODULE": "assistant.config.settings"})
            django.setup()
        else:
            set_up(Path(home))
        result, whole = measured(given.entries)
    print(json.dumps(result, indent=1))
    return 0 if whole else 1


def measured(entries: int) -> tuple[dict[str, object], bool]:
    """The figures, and whether the log is whole."""
    from django.core.management import call_command  # noqa: PLC0415 - needs loaded apps
    from django.db import connection, models  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from assistant.audit.trail import Event, record  # noqa: PLC0415
    from assistant.audit.verifying import verify  # noqa: PLC0415

    call_command("migrate", verbosity=0)

    class Plain(models.Model):
        """The row of before: what was done, by whom, when."""

        at = models.DateTimeField(db_index=True)
        event = models.CharField(max_length=60, db_index=True)
        actor_id = models.BigIntegerField(null=True)
        actor = models.CharField(max_length=254)
        data = models.JSONField()
        uid = models.CharField(max_length=32, unique=True)

        class Meta:
            app_label = "audit"

        def __str__(self) -> str:
            return self.event

    with connection.schema_editor() as editor:
        editor.create_model(Plain)

    def insert() -> None:
        Plain(  # beside the chain, by the same way as its rows
            at=timezone.now(),
            event="role_changed",
            actor="ada@example.com",
            data={"user": "bob@example.com", "role": "auditor"},
            uid=uuid.uuid4().hex,
        ).save(force_insert=True)

    def recorded() -> None:
        record(Event.ROLE_CHANGED, actor="ada@example.com", user="bob@example.com", role="auditor")

    plain, chained = [], []
    for _ in range(entries):
        plain.append(milliseconds(insert))
        chained.append(milliseconds(recorded))
    began = time.perf_counter()
    verdict = verify(actor="bench")
    seconds = time.perf_counter() - began
    insert_ms, record_ms = figures(plain), figures(chained)
    return {
        "machine": platform.processor() or platform.machine(),
        "database": connection.vendor,
        "insert_ms": insert_ms,
        "record_ms": record_ms,
        "ratio_p50": round(record_ms["p50"] / insert_ms["p50"], 2),
        "verify_entries_per_s": round(verdict.entries / seconds),
        "whole": verdict.ok,
    }, verdict.ok


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
