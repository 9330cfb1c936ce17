"""PRIVACY.md names every table and every folder that may hold something of a person."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps

from assistant.privacy.sweeping import LEFT_ALONE, swept_columns

REPOSITORY = Path(__file__).resolve().parents[2]
MAP = (REPOSITORY / "PRIVACY.md").read_text(encoding="utf-8")
ROWS = [line for line in MAP.splitlines() if line.startswith("| `")]
NAMELESS = MAP.partition("No person is in:")[2].partition("\n\n")[0]
MODELS = sorted(model._meta.label for model in apps.get_models())


@pytest.mark.parametrize("label", MODELS)
def test_every_table_is_on_the_map(label: str) -> None:
    in_rows = [row for row in ROWS if f"`{label}`" in row.split("|")[1]]
    assert in_rows or f"`{label}`" in NAMELESS
    assert not (in_rows and f"`{label}`" in NAMELESS)


def test_the_map_names_no_table_that_is_gone() -> None:
    named = set(re.findall(r"`([a-z_]+\.[A-Z]\w+)`", MAP))
    assert named <= set(MODELS)


def test_every_row_says_what_why_how_long_and_how_it_is_erased() -> None:
    assert all(len([cell for cell in row.strip("|").split("|") if cell.strip()]) == 5 for row in ROWS)


def test_every_folder_of_the_home_is_on_the_map() -> None:
    settings = (REPOSITORY / "assistant" / "config" / "settings.py").read_text(encoding="utf-8")
    folders = set(re.findall(r'MUNDAP_HOME / "([a-z]+)"', settings)) - {"static"}
    assert {"index", "files", "sync", "audit", "broker"} <= folders
    assert [name for name in folders if f"`MUNDAP_HOME/{name}`" not in MAP] == []


def test_a_table_with_a_person_and_texts_is_swept_or_left_alone_knowingly() -> None:
    swept = {model._meta.label for model, _ in swept_columns()}
    assert {"guardrails.BenchCase", "sync.SyncRun", "sync.Source", "sync.RunFinding"} <= swept
    assert not swept & LEFT_ALONE
