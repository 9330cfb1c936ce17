"""Which kinds of models may be entered for the search, and what each wants to know."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.documents.models import SearchJob
from assistant.providers.registry import ON_SERVERS


@dataclass(frozen=True, slots=True)
class SearchKind:
    """The words of a kind's form, and which job its models do."""

    key: str
    job: SearchJob
    label: Promise
    about: Promise

    @property
    def is_elsewhere(self) -> bool:
        """Whether its models are on servers, with an address and perhaps a key."""
        return self.key in ON_SERVERS


KINDS: tuple[SearchKind, ...] = (
    SearchKind(
        "sentence-transformers",
        SearchJob.EMBEDDER,
        _("Model in a folder of this machine"),
        _("The folder of a downloaded sentence-transformers model. Nothing leaves Mundap."),
    ),
    SearchKind(
        "openai-compatible",
        SearchJob.EMBEDDER,
        _("OpenAI-compatible server"),
        _("All texts of all documents are sent to it, and every question."),
    ),
    SearchKind(
        "cross-encoder",
        SearchJob.RERANKER,
        _("Model in a folder of this machine"),
        _("The folder of a downloaded cross-encoder with one score. Nothing leaves Mundap."),
    ),
    SearchKind(
        "rerank-server",
        SearchJob.RERANKER,
        _("Server with /rerank"),
        _("As Jina, Cohere, vLLM and llama.cpp have it. Each question is sent to it with up to 32 passages."),
    ),
    SearchKind(
        "sequence-classifier",
        SearchJob.ENTAILMENT,
        _("Model in a folder of this machine"),
        _("The folder of a downloaded classifier with the labels entailment, neutral and contradiction."),
    ),
)


def kinds_for(job: SearchJob) -> tuple[SearchKind, ...]:
    """The kinds whose models do this job."""
    return tuple(kind for kind in KINDS if kind.job == job)


def kind_of(key: str, job: SearchJob) -> SearchKind | None:
    """The kind of this key that does this job; None: there is none."""
    return next((kind for kind in kinds_for(job) if kind.key == key), None)
