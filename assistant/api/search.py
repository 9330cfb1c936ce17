"""Searching and reading: what the owner of the key may read at this moment, and nothing else."""

from __future__ import annotations

import time

from django.http import HttpRequest

from assistant.access.door import open_document
from assistant.access.viewer import Viewer
from assistant.accounts.scopes import Scope
from assistant.api.as_json import as_json
from assistant.api.filtering import REPEATABLE, filters_of_query
from assistant.api.keys import for_keys
from assistant.api.parameters import parameters, required, whole_number
from assistant.chat import finding
from assistant.common.types import JsonObject
from assistant.ingest.parsers.contract import BLOCK_SEPARATOR
from assistant.retrieval.filters import NAMES

MOST_HITS = 50
USUAL_HITS = 10


@for_keys("GET", scope=Scope.SEARCH)
def search(viewer: Viewer, request: HttpRequest) -> JsonObject:
    """The best passage of each of the `k` best documents for `q` that fit the filters."""
    given = parameters(request, known=("q", "k", *NAMES), repeatable=REPEATABLE)
    query = required(given, "q", what="the text to search for")
    k = whole_number(given, "k", default=USUAL_HITS, most=MOST_HITS)
    filters = filters_of_query(request)
    began = time.perf_counter()
    hits = finding.search(query, viewer=viewer, k=k, filters=filters)
    return {"hits": hits, "ms": round((time.perf_counter() - began) * 1000)}


@for_keys("GET", scope=Scope.DOCUMENTS)
def document(viewer: Viewer, request: HttpRequest, document_id: int) -> JsonObject:
    """One document with its text."""
    parameters(request, known=())
    opened = open_document(viewer=viewer, document_id=document_id)
    return {
        "id": opened.id,
        "external_id": opened.external_id,
        "title": opened.title,
        "source": opened.source,
        "media_type": opened.media_type,
        "modified_at": as_json(opened.modified_at),
        "synced_at": as_json(opened.synced_at),
        "text": BLOCK_SEPARATOR.join(block.text for block in opened.blocks),
    }
