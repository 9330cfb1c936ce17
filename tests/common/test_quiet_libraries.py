"""Libraries of models are told once, in one place, to keep still."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant.common.quiet_libraries import keep_quiet

REPOSITORY = Path(__file__).resolve().parents[2]


def test_what_keeps_libraries_offline_is_said_and_the_rest_only_where_nobody_said_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_DISABLE_PROGRESS_BARS", raising=False)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    keep_quiet()
    assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"
    assert os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] == "1"
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"


def test_one_module_says_so() -> None:
    saying = [
        file.name
        for file in (REPOSITORY / "assistant").rglob("*.py")
        if "HF_HUB_OFFLINE" in file.read_text(encoding="utf-8")
    ]
    assert saying == ["quiet_libraries.py"]
