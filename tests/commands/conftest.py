"""Commands are run as a person types them, by way of `manage.py`."""

from __future__ import annotations

import sys

import django
import pytest
from django.db import connections

import manage
from tests.commands.running import Command, Outcome


@pytest.fixture
def command(db: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `manage.py` with these words in this process, inside the test's transaction."""
    monkeypatch.setattr(django, "setup", lambda: None)
    monkeypatch.setattr(connections, "close_all", lambda: None)

    def run(*words: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["manage.py", *words])
        capsys.readouterr()
        try:
            status = manage.main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        printed = capsys.readouterr()
        return Outcome(status, printed.out, printed.err)

    return run
