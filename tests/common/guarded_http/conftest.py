"""Pauses between tries are short."""

from __future__ import annotations

import pytest

from assistant.common import guarded_http


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "_pause", lambda attempt: 0.01)
