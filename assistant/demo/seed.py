"""The demo company of a first start: four accounts, one source and one blocked topic."""

from __future__ import annotations

from pathlib import Path

from django.db import transaction

from assistant.accounts.models import Connection, User
from assistant.demo.accounts import add_demo_accounts
from assistant.demo.topic import TOPIC
from assistant.guardrails.services import install_rules
from assistant.sync.models import OPEN_STATES, SyncRun
from assistant.sync.services import add_source, request_run

SOURCE_NAME = "Ondam"
ACTOR = "demo"
COMPANY = Path(__file__).resolve().parent / "company"


def is_first_start() -> bool:
    """Nobody has an account here and no source exists."""
    return not User.objects.exists() and not Connection.objects.exists()


def unfinished_run() -> int | None:
    """The first run, if an earlier start was stopped before a worker had ended it."""
    unfinished = SyncRun.objects.filter(requested_by=ACTOR, state__in=OPEN_STATES)
    return unfinished.values_list("pk", flat=True).first()


def seed(home: Path) -> int:
    """Make the accounts and the source, and ask for its first run. Returns the run's id.

    The run is done by a worker. All rows appear together: an interrupted first
    start is simply a first start again.
    """
    with transaction.atomic():
        add_demo_accounts(home)
        install_rules(
            [
                {
                    "kind": "topic",
                    "name": TOPIC.name,
                    "action": "block",
                    "stages": ["question", "answer"],
                    "message": TOPIC.message,
                    "enabled": True,
                    "settings": {"description": TOPIC.description, "examples": list(TOPIC.examples)},
                }
            ],
            actor=ACTOR,
        )
        source = add_source(
            kind="filesystem",
            name=SOURCE_NAME,
            config={
                "root": str(COMPANY),
                "access_file": str(COMPANY / "access.json"),
                "groups_file": str(COMPANY / "groups.json"),
            },
            secrets={},
            actor=ACTOR,
        )
        return request_run(source_id=source, kind="full", actor=ACTOR)
