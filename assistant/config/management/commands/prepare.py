"""`manage.py prepare`: bring the database up to date and check that everything may start."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import BaseCommand

from assistant.config.checks import require_readiness
from assistant.config.startup import migrate


class Command(BaseCommand):
    """Safe to run from several processes and hosts at once: one migrates, the others wait."""

    help = "Migrates the database (one process at a time) and runs the start-up checks."
    requires_system_checks = []  # noqa: RUF012 - Django's attribute

    def handle(self, *_args: object, **_options: object) -> None:
        """Migrate, then check."""
        applied = migrate(settings.MUNDAP_HOME)
        require_readiness()
        self.stderr.write(f"The database is up to date ({applied} migrations applied).")
