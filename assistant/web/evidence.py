"""The pages of evidence: a citation's source at its passage, and a whole document."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from assistant.access.door import open_document
from assistant.access.viewer import Viewer, viewer_for
from assistant.chat import selectors
from assistant.chat.reading import CitedSource
from assistant.documents.reading import OpenDocument
from assistant.web.conversations import rail
from assistant.web.highlighting import draw, part_from, window_around
from assistant.web.signed_in import PersonRequest, for_people

PANEL_CHARS = 12_000
PAGE_CHARS = 60_000
_MAX_DIGITS = 12


@require_GET
@for_people
def cited_source(request: PersonRequest, turn_id: int, n: int) -> HttpResponse:
    """What a chip opens: the passage in its document. A fragment for the panel, or a page of its own."""
    viewer = viewer_for(request.user)
    return source_page(request, viewer, selectors.cited_source(viewer=viewer, turn_id=turn_id, n=n))


def source_page(request: PersonRequest, viewer: Viewer, source: CitedSource) -> HttpResponse:
    """A cited source, which has passed the door, at its passage."""
    window = window_around(source.passage, length=PANEL_CHARS, text_end=_text_end(source.document))
    drawing = draw(source.document.blocks, passage=source.passage, quotes=source.quotes, window=window)
    context: dict[str, object] = {
        "source": source,
        "document": source.document,
        "drawing": drawing,
    }
    if request.htmx:
        return render(request, "web/fragments/source.html", context)
    return render(request, "web/source.html", {**context, **rail(viewer)})


@require_GET
@for_people
def document(request: PersonRequest, document_id: int) -> HttpResponse:
    """A whole document, a very long one in parts from `?from=`."""
    viewer = viewer_for(request.user)
    opened = open_document(viewer=viewer, document_id=document_id)
    text = request.GET.get("from", "")
    start = int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else 0
    window = part_from(start, length=PAGE_CHARS, text_end=_text_end(opened))
    context = {
        "document": opened,
        "drawing": draw(opened.blocks, window=window),
        "previous_part": max(0, window[0] - PAGE_CHARS),
        **rail(viewer),
    }
    return render(request, "web/document.html", context)


def _text_end(opened: OpenDocument) -> int:
    return opened.blocks[-1].end if opened.blocks else 0
