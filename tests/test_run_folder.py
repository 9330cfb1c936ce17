"""Runs of the tests do not meet, and what a run makes for all its processes is made once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import LazySettings

from tests.made_in_run import laid
from tests.run_folder import VARIABLE, RunFolder


@pytest.fixture(autouse=True)
def _environment_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (VARIABLE, "MUNDAP_HOME"):
        monkeypatch.setenv(name, os.environ[name])  # what a run writes over is put back


def test_two_runs_with_one_home_have_folders_of_their_own(tmp_path: Path) -> None:
    one, other = RunFolder(tmp_path), RunFolder(tmp_path)
    assert one.path != other.path
    assert os.environ["MUNDAP_HOME"] == str(other.path)
    one.remove()
    assert not one.path.exists()
    assert other.path.exists()
    other.remove()


def test_what_a_killed_run_left_goes_with_the_next_one(tmp_path: Path) -> None:
    killed, living = RunFolder(tmp_path), RunFolder(tmp_path)
    os.close(killed._alive)  # what the system does when a process ends
    following = RunFolder(tmp_path)
    assert not killed.path.exists()
    assert living.path.exists()
    for run in (living, following):
        run.remove()


def test_the_settings_of_this_process_move_into_the_folder(tmp_path: Path, settings: LazySettings) -> None:
    settings.MUNDAP_FILES_DIR = tmp_path / "files"
    run = RunFolder(tmp_path)
    assert run.path / "files" == settings.MUNDAP_FILES_DIR
    run.remove()


def test_several_that_want_the_same_have_it_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "text").write_text("made")

    homes = [tmp_path / f"home-{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda home: laid("thing", make, home), homes))
    assert len(made) == 1
    assert [(home / "text").read_text() for home in homes] == ["made"] * 4


def test_what_could_not_be_made_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        laid("thing", fail, tmp_path / "home")
    laid("thing", lambda folder: (folder / "whole").touch(), tmp_path / "home")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["whole"]
