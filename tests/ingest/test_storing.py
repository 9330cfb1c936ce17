"""From text to rows: cut once, embedded once, replaced whole, forgotten whole."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import transaction

from assistant.accounts.models import Connection
from assistant.common.errors import DocumentFailure, FailureCode
from assistant.documents.embedding import configured_embedder
from assistant.documents.models import Body, Chunk, Document, Embedding, Hidden
from assistant.ingest import storing
from assistant.ingest.parsers.text import parse_text
from assistant.ingest.storing import embed_missing, embedded_text, prepare, remove, store, vectors_of

LONG = "\n\n".join(f"Paragraph {n}: " + "the kestrel circles above the yard. " * 30 for n in range(6))


@pytest.fixture
def document(db: None) -> Document:
    """A document without text."""
    connection = Connection.objects.create(name="c", kind="jsonl")
    return Document.objects.create(connection=connection, external_id="d", hidden=Hidden.NO)


def kept(document: Document, text: str) -> Document:
    prepared = prepare(parse_text(text), title="Kestrels")
    embed_missing([prepared])
    with transaction.atomic():
        store(document, prepared)
        document.save()
    return document


def test_a_text_without_words_is_no_document() -> None:
    with pytest.raises(DocumentFailure) as failure:
        prepare(parse_text(" \n "), title="Blank")
    assert failure.value.code is FailureCode.NO_TEXT


def test_passages_are_slices_of_the_stored_text(document: Document) -> None:
    kept(document, LONG)
    body = Body.objects.get(document=document)
    chunks = list(Chunk.objects.order_by("ordinal"))
    assert len(chunks) > 1
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert all(body.text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert {chunk.version for chunk in chunks} == {body.version} == {1}
    assert all(body.text[start:end].strip() for _, start, end, _, _ in body.blocks)


def test_the_next_version_leaves_nothing_of_the_last(document: Document) -> None:
    kept(document, LONG)
    kept(document, "The heron stands still.")
    assert document.version == 2
    assert [chunk.text for chunk in Chunk.objects.all()] == ["The heron stands still."]
    assert Body.objects.get().text == "The heron stands still."


def test_a_text_is_embedded_once_whichever_document_it_stands_in(document: Document) -> None:
    first, second = (prepare(parse_text("The heron stands still."), title=t) for t in ("A", "A"))
    assert embed_missing([first, second]) == 1
    assert embed_missing([second]) == 0
    assert embed_missing([prepare(parse_text("The heron stands still."), title="B")]) == 1, "titles count"


def test_stored_vectors_are_those_of_the_model_also_in_portions(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "_KEPT_AT_ONCE", 2)
    prepared = prepare(parse_text(LONG), title="Kestrels")
    assert embed_missing([prepared]) == len(set(prepared.digests))
    model = configured_embedder()
    found = vectors_of(model.name, prepared.digests)
    for digest, vector in zip(prepared.digests, model.embed(prepared.texts), strict=True):
        assert np.allclose(found[digest], vector, atol=1e-5)
    assert vectors_of(model.name, ["0" * 64]) == {}


def test_what_was_embedded_before_the_end_is_kept(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "_KEPT_AT_ONCE", 2)
    keep, calls = storing.keep_vectors, 0

    def deadly(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        keep(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(storing, "keep_vectors", deadly)
    with pytest.raises(KeyboardInterrupt):
        embed_missing([prepare(parse_text(LONG), title="Kestrels")])
    assert Embedding.objects.count() == 2


def test_removing_forgets_the_content_and_keeps_the_number(document: Document) -> None:
    kept(document, LONG)
    remove([document.pk])
    left = Document.objects.get()
    assert (left.pk, left.hidden, left.title, left.content_digest) == (document.pk, "removed", "", "")
    assert left.revision > document.revision
    assert not Chunk.objects.exists()
    assert not Body.objects.exists()
    assert Embedding.objects.exists(), "a text that comes back is not embedded again"


def test_the_embedded_text_says_where_a_passage_stands() -> None:
    assert embedded_text("Title", "Part > Section", "", "Body.") == "Title\nPart > Section\nBody."
