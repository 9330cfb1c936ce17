"""`manage.py rebuild-index`."""

from __future__ import annotations

from assistant.accounts.command import JsonCommand
from assistant.ingest.indexing import rebuild


class Command(JsonCommand):
    """Makes the index anew from the database. Nothing is fetched; nothing is embedded twice."""

    help = "Make the index anew from the database."

    def handle(self, **_: object) -> None:
        """Rebuild and say how many documents were indexed."""
        self.emit({"documents": rebuild()})
