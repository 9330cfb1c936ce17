"""Importing the pages loads no model library: a web process starts in seconds and a command in less."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "numba", "sentence_transformers", "transformers", "docx", "pptx", "openpyxl", "pypdfium2")


@pytest.mark.parametrize(
    "module",
    ["assistant.config.urls", "assistant.config.celery", "assistant.config.asgi", "assistant.sync.tasks"],
)
def test_heavy_libraries_stay_out_of(module: str, tmp_path: Path) -> None:
    script = (
        f"import django; django.setup(); import {module}, sys\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "assistant.config.settings",
        "MUNDAP_HOME": str(tmp_path),
    }
    loaded = subprocess.check_output(
        [sys.executable, "-c", script], cwd=REPOSITORY, env=environment, text=True
    )
    assert loaded.split() == []


@pytest.mark.parametrize(
    "package", ["connectors.registry", "assistant.index.registry", "assistant.providers.registry"]
)
def test_a_package_below_django_imports_without_django(package: str) -> None:
    script = f"import {package}, sys; print(*(name for name in ('django', 'celery') if name in sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", script], cwd=REPOSITORY, text=True)
    assert loaded.split() == []
