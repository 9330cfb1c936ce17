"""The door: the only place where text, titles, names and counts of documents leave the database.

Each function asks at that moment what the viewer may read. What the index, a
stored conversation or an address proposes is only a number until it has passed here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Case, Exists, F, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Substr
from numpy.typing import NDArray

from assistant.access.mask import permitted_versions, readable_connections
from assistant.access.together import all_are_there
from assistant.access.viewer import Viewer
from assistant.access.visibility import visible_documents
from assistant.accounts.models import Connection
from assistant.common.errors import NotFound
from assistant.common.types import Json
from assistant.documents.models import Body, Chunk, Document
from assistant.documents.reading import OpenDocument, TextBlock

_FOLLOWING = 16  # characters; between two chunks stand two line breaks as a rule


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that the viewer may read. `start` and `end` count characters of the document's text."""

    chunk_id: int
    document_id: int
    version: int
    external_id: str
    title: str
    source: str
    url: str
    start: int
    end: int
    text: str
    headings: str
    place: str
    place_kind: str
    modified_at: datetime | None
    synced_at: datetime

    @property
    def is_private(self) -> bool:
        """Whether it is of a private document: of no source, and its reader's own."""
        return not self.source


@dataclass(frozen=True, slots=True)
class NearPassage:
    """A chunk beside one that was asked for, or that chunk itself. `ordinal` counts the document's chunks.

    `following` is the beginning of what follows the chunk in the document's text, up to 16 characters.
    """

    passage: Passage
    ordinal: int
    following: str


@dataclass(frozen=True, slots=True)
class DocumentCard:
    """How a readable document is named in a list."""

    id: int
    version: int
    external_id: str
    title: str
    source: str
    url: str
    place_kind: str
    modified_at: datetime | None
    synced_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentOpening:
    """How a readable document begins and ends, by its first chunk and its last one."""

    id: int
    title: str
    name: str
    attributes: Mapping[str, Json]
    modified_at: datetime | None
    opening: str
    ending: str


def passages(viewer: Viewer, chunk_ids: Sequence[int]) -> list[Passage]:
    """The chunks among `chunk_ids` that the viewer may read, in the order given; others are left out."""
    named = Q(pk__in=Chunk.objects.filter(pk__in=chunk_ids).values("document"))
    rows = Chunk.objects.filter(
        pk__in=chunk_ids,
        document__in=visible_documents(viewer, among=named),
        version=F("document__version"),
    ).select_related("document__connection", "document__body")
    found = {
        chunk.pk: _passage(chunk) for chunk in rows.defer("document__body__text", "document__body__blocks")
    }
    return [found[chunk_id] for chunk_id in chunk_ids if chunk_id in found]


def surroundings(
    viewer: Viewer, chunk_ids: Collection[int], *, neighbours: int, whole_up_to: Mapping[int, int]
) -> list[NearPassage]:
    """The chunks, up to `neighbours` before and after each, and all of a short document, once each.

    `whole_up_to` says by document how many characters are short. One query, in no particular order; what the
    viewer may not read, or has another version now, is left out.
    """
    named = Q(pk__in=Chunk.objects.filter(pk__in=chunk_ids).values("document"))
    limit = Case(
        *(When(document=pk, then=Value(characters)) for pk, characters in whole_up_to.items()),
        default=Value(0),
        output_field=IntegerField(),
    )
    own = Chunk.objects.filter(document=OuterRef("document"), version=OuterRef("version"))
    asked = own.filter(pk__in=chunk_ids)
    beside = asked.filter(
        ordinal__gte=OuterRef("ordinal") - neighbours, ordinal__lte=OuterRef("ordinal") + neighbours
    )
    rows = Chunk.objects.filter(
        Exists(beside) | (Exists(asked) & ~Exists(own.filter(end__gt=limit))),
        document__in=visible_documents(viewer, among=named),
        version=F("document__version"),
    ).annotate(following=Substr("document__body__text", F("end") + 1, _FOLLOWING))
    shown = rows.select_related("document__connection", "document__body")
    return [
        NearPassage(_passage(chunk), chunk.ordinal, chunk.following)
        for chunk in shown.defer("document__body__text", "document__body__blocks")
    ]


def readable(viewer: Viewer, document_ids: Collection[int]) -> dict[int, DocumentCard]:
    """Those of the documents that the viewer may read, by id."""
    if not document_ids:
        return {}
    named = Q(pk__in=document_ids)
    rows = visible_documents(viewer, among=named).select_related("connection", "body")
    return {row.pk: _card(row) for row in rows.defer("body__text", "body__blocks")}


def openings(viewer: Viewer, document_ids: Collection[int]) -> dict[int, DocumentOpening]:
    """How those of the documents begin and end that the viewer may read, by id. One query."""
    own = Chunk.objects.filter(document=OuterRef("pk"), version=OuterRef("version")).values("text")
    rows = visible_documents(viewer, among=Q(pk__in=document_ids)).values_list(
        "pk",
        "title",
        "name",
        "external_id",
        "attributes",
        "modified_at",
        Subquery(own.order_by("ordinal")[:1]),
        Subquery(own.order_by("-ordinal")[:1]),
    )
    return {
        pk: DocumentOpening(
            id=pk,
            title=title or name or external_id,
            name=name or external_id.rpartition("/")[2],
            attributes=attributes,
            modified_at=modified_at,
            opening=opening or "",
            ending=ending or "",
        )
        for pk, title, name, external_id, attributes, modified_at, opening, ending in rows
    }


def may_still_read(viewer: Viewer, document_ids: Collection[int]) -> bool:
    """Whether every one of the documents may be read now; never where somebody beside is gone."""
    if not all_are_there(viewer):
        return False
    # A statement for several people is empty where permissions change just before it: that ends no answer.
    tries = 2 if viewer.beside else 1
    return any(still_readable(viewer, document_ids) == set(document_ids) for _ in range(tries))


def still_readable(viewer: Viewer, document_ids: Collection[int]) -> set[int]:
    """Those of the documents that may be read now."""
    if not document_ids:
        return set()
    named = Q(pk__in=set(document_ids))
    return set(visible_documents(viewer, among=named).values_list("pk", flat=True))


def count_readable(viewer: Viewer, *, among: NDArray[np.bool_] | None = None) -> int:
    """How many documents the viewer may read, or how many of those that `among` marks by document id."""
    if among is None and not viewer.beside:
        return visible_documents(viewer).count()
    permitted = permitted_versions(viewer)  # a million ids fit no statement
    if among is None:
        return int(np.count_nonzero(permitted))
    common = min(len(permitted), len(among))
    return int(np.count_nonzero(permitted[:common] * among[:common]))


def readable_sources(viewer: Viewer) -> tuple[str, ...]:
    """Names of the sources of which the viewer may read at least one document, by name."""
    found = Connection.objects.filter(pk__in=readable_connections(viewer))
    return tuple(found.order_by("name").values_list("name", flat=True))


def open_document(*, viewer: Viewer, document_id: int) -> OpenDocument:
    """The whole text of a document.

    Raises:
        NotFound: there is none, or the viewer may not read it.
    """
    named = visible_documents(viewer, among=Q(pk=document_id))
    row = named.select_related("connection", "body").first()
    if row is None:
        raise NotFound("This document does not exist, or you may not read it.")
    body: Body = row.body
    return OpenDocument(
        id=row.pk,
        external_id=row.external_id,
        title=shown_title(row),
        source=_source(row),
        url=row.url,
        media_type=row.media_type,
        modified_at=row.modified_at,
        synced_at=row.synced_at,
        version=row.version,
        place_kind=body.place_kind,
        blocks=tuple(
            TextBlock(kind=kind, text=body.text[start:end], start=start, end=end, level=level, place=place)
            for kind, start, end, level, place in body.blocks
        ),
    )


def passage_texts(viewer: Viewer, spans: Sequence[tuple[int, int, int, int]]) -> list[str | None]:
    """For each (document id, version, start, end) the text, or None if it may not be read or has changed."""
    if not spans:
        return []
    bodies = {
        body.document_id: body
        for body in Body.objects.filter(
            document__in=visible_documents(viewer, among=Q(pk__in={span[0] for span in spans}))
        )
    }
    texts: list[str | None] = []
    for document_id, version, start, end in spans:
        body = bodies.get(document_id)
        texts.append(body.text[start:end] if body is not None and body.version == version else None)
    return texts


def shown_title(document: Document) -> str:
    """The title, or what comes nearest to one."""
    return document.title or document.name or document.external_id


def _source(document: Document) -> str:
    """The name of the document's source; empty for a private document, which is of none."""
    return document.connection.name if document.owner_id is None else ""


def _passage(chunk: Chunk) -> Passage:
    card = _card(chunk.document)
    return Passage(
        chunk_id=chunk.pk,
        document_id=card.id,
        version=chunk.version,
        external_id=card.external_id,
        title=card.title,
        source=card.source,
        url=card.url,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        headings=chunk.headings,
        place=chunk.place,
        place_kind=card.place_kind,
        modified_at=card.modified_at,
        synced_at=card.synced_at,
    )


def _card(document: Document) -> DocumentCard:
    return DocumentCard(
        id=document.pk,
        version=document.version,
        external_id=document.external_id,
        title=shown_title(document),
        source=_source(document),
        url=document.url,
        place_kind=document.body.place_kind,
        modified_at=document.modified_at,
        synced_at=document.synced_at,
    )
