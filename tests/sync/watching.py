"""What the tests of the engine look at: how much was parsed and embedded, and what a person finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assistant.access.viewer import Viewer
from assistant.documents.models import Document
from assistant.ingest.indexing import verify
from assistant.ingest.parsers.contract import Parsed
from assistant.ingest.parsers.text import parse_text
from assistant.ingest.sandbox import ParserProcess
from assistant.providers.contract import Vectors
from assistant.providers.embedders import SentenceTransformerEmbedder
from assistant.retrieval.retrieve import Plan, retrieve
from assistant.sync import reading_content


@dataclass(slots=True)
class Work:
    """Documents parsed (by name, or the text's beginning) and texts embedded since the last `forget`."""

    parsed: list[str] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)

    def forget(self) -> None:
        self.parsed.clear()
        self.embedded.clear()


def watched(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Notes every call of the real parsers and the real embedder, and lets it pass."""
    work = Work()
    parse_file = ParserProcess.parse
    embed = SentenceTransformerEmbedder.embed

    def noted_file(self: ParserProcess, path: Path, *, name: str, media_type: str = "") -> Parsed:
        work.parsed.append(name)
        return parse_file(self, path, name=name, media_type=media_type)

    def noted_text(text: str) -> Parsed:
        work.parsed.append(text[:40])
        return parse_text(text)

    def noted_embed(self: SentenceTransformerEmbedder, texts: Sequence[str]) -> Vectors:
        work.embedded.extend(texts)
        return embed(self, texts)

    monkeypatch.setattr(ParserProcess, "parse", noted_file)
    monkeypatch.setattr(reading_content, "parse_text", noted_text)
    monkeypatch.setattr(SentenceTransformerEmbedder, "embed", noted_embed)
    return work


def found(viewer: Viewer, question: str) -> dict[str, str]:
    """What the person finds: the best passage's text by document id."""
    hits = retrieve(question, viewer=viewer, plan=Plan(k=50, one_per_document=True)).hits
    return {hit.passage.external_id: hit.passage.text for hit in hits}


def row(external_id: str) -> Document:
    """The row of the only document with this id."""
    return Document.objects.get(external_id=external_id)


def assert_sound() -> None:
    """Database and index hold the same."""
    assert verify() == []
