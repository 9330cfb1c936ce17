"""A folder for each run of the tests, below MUNDAP_HOME: two runs with one home do not meet.

In it lie the databases, the broker and the key of all its processes, and what one of them makes for
all (`tests/made_in_run.py`). It goes with its run; what a killed run left, the next one removes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import connections

VARIABLE = "MUNDAP_TEST_RUN"  # in the environment of every process of a run: its folder
_PREFIX, _ALIVE = "run-", ".alive"  # the file is locked as long as the run lasts


class RunFolder:
    """The folder of this run, made and locked at once. Its processes find it in their environment."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        with _locked(home / ".runs"):
            _remove_abandoned(home)
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
            self._alive = os.open(self.path / _ALIVE, os.O_RDWR | os.O_CREAT)
            fcntl.flock(self._alive, fcntl.LOCK_EX)
        os.environ.update({VARIABLE: str(self.path), "MUNDAP_HOME": str(self.path)})
        _move_settings(home, self.path)

    def remove(self) -> None:
        """The run is over."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._alive)


def _remove_abandoned(home: Path) -> None:
    """Remove the folders of runs that no longer live."""
    for folder in home.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError), (folder / _ALIVE).open("r+") as alive:
            try:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(folder, ignore_errors=True)


def _move_settings(old: Path, new: Path) -> None:
    """This process has read its settings; those that are started from now on find the folder themselves."""
    for name in set(filter(str.isupper, dir(settings))):  # overridden ones come twice
        value = getattr(settings, name)
        if isinstance(value, Path) and value.is_relative_to(old):
            setattr(settings, name, new / value.relative_to(old))
    options = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    for known in (options, *(connections[alias].settings_dict["TEST"] for alias in connections)):
        for name, value in known.items():
            if isinstance(value, str) and Path(value).is_relative_to(old):
                known[name] = str(new / Path(value).relative_to(old))


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
