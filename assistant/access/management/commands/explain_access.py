"""`manage.py explain-access DOCUMENT --as EMAIL`."""

from __future__ import annotations

from django.core.management.base import CommandParser

from assistant.access.inspector import explain
from assistant.access.viewer import viewer_for
from assistant.accounts.command import JsonCommand, known_user
from assistant.common.errors import UsageError
from assistant.documents.models import Document


class Command(JsonCommand):
    """Says why a person sees a document, or why not."""

    help = "Explain whether a person sees a document."

    def add_arguments(self, parser: CommandParser) -> None:
        """The document and the person."""
        parser.add_argument("document", metavar="DOCUMENT", help="Its number, or its id in its source.")
        parser.add_argument("--as", dest="email", required=True, metavar="EMAIL")

    def handle(self, *, document: str, email: str, **_: object) -> None:
        """Explain and print."""
        viewer = viewer_for(known_user(email))
        found = explain(viewer, _known_document(document))
        self.emit(
            {
                "visible": found.visible,
                "reason": found.reason.value,
                "clauses": list(found.clauses),
                "path": list(found.path),
                "acl_age_s": found.acl_age_s,
            }
        )


def _known_document(name: str) -> Document:
    rows = Document.objects.select_related("connection", "acl")
    found = list(rows.filter(external_id=name)[:2])
    if not found and name.isascii() and name.isdigit():
        found = list(rows.filter(pk=int(name)))
    if not found:
        raise UsageError(f"There is no document '{name}'. Give its number or its id in its source.")
    if len(found) > 1:
        raise UsageError(f"Several sources have a document '{name}'. Give its number instead.")
    return found[0]
