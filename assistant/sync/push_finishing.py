"""The end of a run into which programs pushed."""

from __future__ import annotations

from assistant.accounts.models import Connection
from assistant.ingest.indexing import compact, publish_missing
from assistant.sync.finishing import finish_documents
from assistant.sync.models import RunState, SyncRun
from assistant.sync.push_groups import keep_named_groups
from assistant.sync.seen import Seen


def finish_push(run: SyncRun, connection: Connection) -> RunState:
    """Delete what was named gone; after a job that put everything also what it did not put. Or ask."""
    said = run.listing or {}
    complete = bool(said.get("complete"))
    began = run.started_at or run.created_at
    publish_missing()  # what a killed server had committed but not yet made findable
    if said.get("groups_complete"):
        keep_named_groups(run, connection, began=began)
    # Without the word that this was everything, nothing follows from what was not put.
    state = finish_documents(run, connection, Seen(complete=complete, caught_up=not complete), began=began)
    compact()
    return state
