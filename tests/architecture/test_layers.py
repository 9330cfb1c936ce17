"""The import rules of `.importlinter` hold, and they cover every package there is."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def contracts() -> configparser.ConfigParser:
    found = configparser.ConfigParser()
    found.read(REPOSITORY / ".importlinter", encoding="utf-8")
    return found


def packages() -> set[str]:
    inside = (REPOSITORY / "assistant").iterdir()
    return {f"assistant.{folder.name}" for folder in inside if (folder / "__init__.py").exists()}


@pytest.mark.slow
def test_every_import_rule_holds() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("contract", "exempt"),
    [
        ("wiring", {"config"}),
        ("connectors-users", {"sync"}),
        ("index-users", {"ingest", "retrieval", "index"}),
    ],
)
def test_a_rule_about_everybody_else_names_every_other_package(contract: str, exempt: set[str]) -> None:
    section = contracts()[f"importlinter:contract:{contract}"]
    named = set(section["source_modules"].split()) - {"connectors"}
    assert named == packages() - {f"assistant.{name}" for name in exempt}


def test_connectors_may_know_of_no_package_but_common() -> None:
    section = contracts()["importlinter:contract:connectors-below"]
    assert set(section["forbidden_modules"].split()) == packages() - {"assistant.common"}
