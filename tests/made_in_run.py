"""What one process of a run makes for all of them: a migrated database, the world of the browser's tests.

Migrations take seconds, which every installation of a test would wait for; a template is copied instead.
It lies in the folder of its run (`tests/run_folder.py`), so that the next run makes its own of the code
as it is then. A program that is no part of a run makes everything itself.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.run_folder import VARIABLE

REPOSITORY = Path(__file__).resolve().parents[1]
DATABASE = "mundap.sqlite3"
LONGEST_S = 300


def laid(name: str, make: Callable[[Path], None], home: Path) -> None:
    """Have in the folder `home` what `make` makes in the folder that it is given: once in a run."""
    run = os.environ.get(VARIABLE)
    if not run:
        make(home)
        return
    shutil.copytree(_template(Path(run) / "made", name, make), home, dirs_exist_ok=True)


def prepared_home(home: Path) -> None:
    """Have in `home` what `manage.py prepare` leaves there: a key, and a migrated SQLite database."""
    laid("prepared", _prepare, home)


def migrated_database(file: Path) -> None:
    """Have an empty SQLite database with all tables at `file`."""
    with tempfile.TemporaryDirectory(prefix="mundap-migrated-") as folder:
        prepared_home(Path(folder))
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(folder) / DATABASE, file)


def _template(made: Path, name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name. Whoever comes first makes it, the others wait for it."""
    made.mkdir(exist_ok=True)
    folder = made / name
    with (made / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            half = Path(tempfile.mkdtemp(dir=made))
            make(half)
            half.rename(folder)
    return folder


def _prepare(home: Path) -> None:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MUNDAP_", "DATABASE_"))
    }
    subprocess.run(
        [sys.executable, "manage.py", "prepare"],
        cwd=REPOSITORY,
        env={**kept, "MUNDAP_HOME": str(home), "DJANGO_SETTINGS_MODULE": "assistant.config.settings"},
        check=True,
        capture_output=True,
        timeout=LONGEST_S,
    )
