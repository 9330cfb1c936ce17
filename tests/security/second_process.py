"""A second process that keeps its mask and index warm, and answers one line of JSON with another.

{"who": "ann", "do": "search", "what": "remote work"}  ->  ["handbook", ...]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from django.db import connection

REPOSITORY = Path(__file__).resolve().parents[2]


class SecondProcess:
    """Started with the test's own database and index; ended with the block."""

    def __init__(self, home: Path) -> None:
        environment = {**os.environ, "MUNDAP_HOME": str(home), "DATABASE_URL": database_url()}
        environment.update(
            {"DJANGO_SETTINGS_MODULE": "assistant.config.settings", "PYTHONPATH": str(REPOSITORY)}
        )
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            env=environment,
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, who: str, do: str, what: str = "") -> list[str]:
        """One question, one answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"who": who, "do": do, "what": what}) + "\n")
        self._process.stdin.flush()
        said: list[str] = json.loads(self._process.stdout.readline())
        return said

    def __enter__(self) -> SecondProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


def database_url() -> str:
    """The address of the database that this test uses."""
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    return f"postgres://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"


def _serve() -> None:
    import django  # noqa: PLC0415

    django.setup()
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(_answer(asked["who"], asked["do"], asked["what"])), flush=True)


def _answer(who: str, do: str, what: str) -> list[str]:
    import numpy as np  # noqa: PLC0415

    from assistant.access.door import readable  # noqa: PLC0415
    from assistant.access.mask import permitted_versions  # noqa: PLC0415
    from assistant.access.viewer import viewer_for  # noqa: PLC0415
    from assistant.accounts.models import User  # noqa: PLC0415
    from assistant.chat.finding import ask, search  # noqa: PLC0415
    from assistant.documents.models import Document  # noqa: PLC0415

    viewer = viewer_for(User.objects.get(email=f"{who}@example.com"))
    names = dict(Document.objects.values_list("pk", "external_id"))
    match do:
        case "mask":
            return sorted(names[pk] for pk in np.flatnonzero(permitted_versions(viewer)).tolist())
        case "door":
            return sorted(card.external_id for card in readable(viewer, list(names)).values())
        case "search":
            return sorted(str(hit["external_id"]) for hit in search(what, viewer=viewer, k=10))
        case _:
            return [json.dumps({**ask(what, viewer=viewer), "ms": 0})]


if __name__ == "__main__":
    _serve()
