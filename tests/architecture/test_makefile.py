"""The Makefile and the installer behind it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from assistant.config import install
from assistant.config.install import Progress

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with tiny requirement files and a `.venv` that looks complete."""
    for name in ("constraints.txt", "requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text(f"# {name}\n", encoding="utf-8")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "FOLDER", tmp_path / ".venv")
    return tmp_path


def stamp(checkout: Path, *purposes: str) -> None:
    digests = {purpose: install.wanted(purpose) for purpose in purposes}
    (checkout / ".venv" / "mundap-installed.json").write_text(json.dumps(digests), encoding="utf-8")


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The purposes for which an installation was begun."""
    begun: list[str] = []

    def remember(purpose: str, _terminal: object) -> int:
        begun.append(purpose)
        return 0

    monkeypatch.setattr(install, "_install", remember)
    return begun


def test_nothing_is_installed_twice(checkout: Path, installs: list[str]) -> None:
    stamp(checkout, "run", "test")
    assert install.main(["run"]) == install.main(["test"]) == 0
    assert installs == []


@pytest.mark.parametrize("changed", ["requirements.txt", "constraints.txt"])
def test_a_changed_requirement_is_installed(checkout: Path, installs: list[str], changed: str) -> None:
    stamp(checkout, "run")
    (checkout / changed).write_text("another==1\n", encoding="utf-8")
    install.main(["run"])
    assert installs == ["run"]


def test_an_environment_for_runs_is_completed_for_tests(checkout: Path, installs: list[str]) -> None:
    stamp(checkout, "run")
    install.main(["test"])
    assert installs == ["test"]


def test_an_installation_that_was_cut_off_is_not_trusted(checkout: Path, installs: list[str]) -> None:
    stamp(checkout, "run")
    (checkout / ".venv" / "mundap-unfinished").touch()
    install.main(["run"])
    assert installs == ["run"]


def test_a_torn_stamp_is_not_trusted(checkout: Path, installs: list[str]) -> None:
    (checkout / ".venv" / "mundap-installed.json").write_text('{"run": ', encoding="utf-8")
    install.main(["run"])
    assert installs == ["run"]


def test_pips_many_lines_become_one_short_one() -> None:
    progress = Progress()
    progress.take("Collecting Django==5.2.19 (from -r requirements.txt (line 4))")
    assert progress.line == "package 1: Django==5.2.19"
    progress.take("Downloading django-5.2.19-py3-none-any.whl (8.3 MB)")
    assert progress.line == "package 1: Django==5.2.19 (8.3 MB)"
    progress.take("Installing collected packages: a, b, c")
    assert progress.line == "unpacking 3 packages"


def test_without_a_suitable_python_make_says_so_in_one_line(tmp_path: Path) -> None:
    for name in ("make", "sh", "env"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}" if name != "sh" else "/bin/sh")
    done = subprocess.run(
        ["make", "run"],
        cwd=REPOSITORY,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == "Mundap needs Python 3.11 or newer, and none was found on the PATH."


def test_no_file_names_a_package_index() -> None:
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "constraints.txt", ".ci/run"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        assert "index-url" not in text, name
        assert "find-links" not in text, name
