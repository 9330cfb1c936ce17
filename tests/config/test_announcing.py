"""The person at the terminal sees progress, then the address once."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from assistant.config import announcing
from assistant.config.announcing import Announcer, Welcome, outcome_line, progress_line
from assistant.config.terminal import Terminal
from assistant.demo.accounts import SignIn
from assistant.sync.reading import RunView

NOW = datetime(2026, 11, 21, tzinfo=UTC)
RUN = RunView(
    id=1,
    kind="full",
    state="pending",
    requested_by="demo",
    created_at=NOW,
    started_at=None,
    finished_at=None,
    phase="",
    found=0,
    fetched=0,
    total=None,
    done=0,
    added=0,
    updated=0,
    unchanged=0,
    deleted=0,
    failed=0,
    missing=0,
    current_item="",
    rate=0.0,
    eta_s=None,
    heartbeat_age_s=None,
    progress_age_s=None,
    code="",
    detail="",
    cause="",
)
READING = replace(RUN, state="running", started_at=NOW, total=66, done=33)


@pytest.fixture
def look_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcing, "LOOK_EVERY_S", 0.0)


def views(*seen: RunView) -> Callable[[int], RunView]:
    remaining = iter(seen)
    return lambda _run_id: next(remaining)


def test_progress_counts_the_document_at_hand() -> None:
    assert progress_line(RUN) == "Waiting for the worker…"
    assert progress_line(READING) == "Reading 34 of 66 documents…"
    assert progress_line(replace(READING, done=66)) == "Reading 66 of 66 documents…"


def test_the_outcome_names_failures_and_a_failed_run() -> None:
    done = replace(READING, state="succeeded_with_errors", added=64, failed=2)
    assert outcome_line(done) == "64 documents read; 2 could not be read (the console says why)."
    assert "could not be read (failed): disk full" in outcome_line(
        replace(READING, state="failed", detail="disk full")
    )


@pytest.mark.usefixtures("look_again_at_once")
def test_the_address_comes_after_the_first_sync_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done = replace(READING, state="succeeded", added=66)
    monkeypatch.setattr(announcing, "run_progress", views(RUN, READING, done))
    screen = io.StringIO()
    answers = iter([False, True])

    welcome = Welcome("http://127.0.0.1:8000/", (SignIn("jiwoo@ondam.example", "employee", "ba-be-bi"),))
    announcer = Announcer(Terminal(screen), welcome, run_id=1, answers=lambda: next(answers))
    for _ in range(8):
        announcer.look()
    shown = screen.getvalue()
    assert shown.index("66 documents read.") < shown.index("Mundap is ready:  http://127.0.0.1:8000/")
    assert shown.count("Mundap is ready") == 1
    assert "ba-be-bi" in shown
    assert "jiwoo@ondam.example  employee" in shown


@pytest.mark.usefixtures("look_again_at_once")
def test_without_demo_accounts_no_sign_ins_are_shown() -> None:
    screen = io.StringIO()
    Announcer(Terminal(screen), Welcome("http://x/"), answers=lambda: True).look()
    assert "Mundap is ready:  http://x/" in screen.getvalue()
    assert "sign-ins" not in screen.getvalue()
