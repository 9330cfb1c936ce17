"""A Mundap of its own in a temporary folder, used as a person uses it: by its commands, in new processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assistant.common.types import Json
from tests.made_in_run import prepared_home

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that ended: exit status, the JSON object it printed (if it did), and stderr."""

    status: int
    result: dict[str, Json]
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Installation:
    """`home` is its MUNDAP_HOME; `settings` are more variables of its environment."""

    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """That of its processes: nothing of another installation's settings."""
        kept = {key: value for key, value in os.environ.items() if not _is_setting(key)}
        return {
            **kept,
            "MUNDAP_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            **self.settings,
        }

    def run(self, *arguments: str) -> Ended:
        """Carry out one `manage.py` command."""
        ended = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
        )
        try:
            result = json.loads(ended.stdout)
        except ValueError:
            result = {}
        return Ended(ended.returncode, result, ended.stdout, ended.stderr)

    def prepare(self) -> None:
        """What `manage.py prepare` does; on SQLite a copy of what it did once in this run of the tests."""
        if "DATABASE_URL" in self.settings:
            self.done("prepare")
        else:
            prepared_home(self.home)

    def done(self, *arguments: str) -> dict[str, Json]:
        """The result of a command that must succeed."""
        ended = self.run(*arguments)
        assert ended.status == 0, f"{arguments} ended with {ended.status}: {ended.stderr}"
        return ended.result


def _is_setting(name: str) -> bool:
    return name.startswith("MUNDAP_") or name in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")
