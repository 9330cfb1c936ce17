"""A database of its own for a command that lays worlds down outside the tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_database() -> Iterator[None]:
    """An empty, migrated SQLite database until the end of the block. Call it before anything of Django's."""
    with tempfile.TemporaryDirectory(prefix="mundap-decisions-") as home:
        os.environ.update({"MUNDAP_HOME": home, "DJANGO_SETTINGS_MODULE": "assistant.config.settings"})
        os.environ["DATABASE_URL"] = f"sqlite:///{home}/decisions.sqlite3"
        import django  # noqa: PLC0415
        from django.core.management import call_command  # noqa: PLC0415

        django.setup()
        call_command("migrate", verbosity=0)
        yield
