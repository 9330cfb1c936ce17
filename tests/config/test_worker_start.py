"""What a Celery worker does before its first task, and what it leaves out."""

from __future__ import annotations

import pytest
from celery.fixups import django as fixups
from django.core import checks

from assistant.common.errors import MundapError
from assistant.config import celery


def test_a_worker_does_not_import_every_page_to_check_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(checks, "run_checks", lambda *args, **given: asked.append(args))
    fixups.DjangoWorkerFixup(celery.app).validate_models()  # type: ignore[attr-defined]  # the stubs lack it
    assert asked == []


def test_a_worker_stops_at_what_must_hold_before_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing() -> None:
        raise MundapError("The key is too short.")

    monkeypatch.setattr("assistant.config.checks.require_readiness", refusing)
    with pytest.raises(SystemExit, match="The key is too short"):
        celery._refuse_a_bad_start()
