"""Whom a source's settings let see anything of it, beside what its own access lists say."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.accounts.models import Connection
from assistant.accounts.revisions import Counter, bump
from assistant.common.acl import Clause, Entry, parse_principal
from assistant.documents.acls import with_clause
from assistant.documents.models import Document
from assistant.sync.models import OPEN_STATES, SyncRun


def audience_clause(principals: Sequence[str]) -> Clause | None:
    """What else must let a person in; None: nothing.

    Raises:
        UsageError: a line is no principal.
    """
    entries = tuple(Entry(allow=True, principal=parse_principal(each)) for each in principals)
    return Clause(entries) if entries else None


def narrow_at_once(connection: Connection, clause: Clause) -> None:
    """Ask for `clause` in every stored access list of the source, beside what they ask for now.

    Needs a transaction. A run reads the lists anew and stores what the settings then say; until it has
    done so for a document, and for one whose list it cannot read, nobody gains anything. What an open
    run is about to write waits, and is written under the new settings.
    """
    list(SyncRun.objects.select_for_update().filter(source=connection.pk, state__in=OPEN_STATES))
    documents = Document.objects.filter(connection=connection)
    used = documents.exclude(acl=None).values_list("acl", flat=True).distinct()
    revision = bump(Counter.DOCUMENTS)
    for former, narrower in with_clause(used, clause, connection=connection).items():
        documents.filter(acl=former).update(acl=narrower, revision=revision)
