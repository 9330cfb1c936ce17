"""Which embedder, reranker and entailment model are wanted: by the environment, else by the console.

A model is named by its kind and a reference: a folder of this machine, or where its server's settings stand
(the environment, or a row). The only place where the stored key of such a server is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from assistant.common.errors import ModelUnavailable
from assistant.common.network import Network
from assistant.common.told import told
from assistant.documents.model_keys import opened_for, sealed_for
from assistant.documents.models import SearchJob, SearchModel
from assistant.documents.same_vectors import SameVectors
from assistant.providers.contract import ChatServer, Embedder, Entailment, Reranker, Served, Usage
from assistant.providers.registry import ON_SERVERS, embedder, entailment, reranker

FOLDER_KIND = "sentence-transformers"
ENVIRONMENT = "environment"
_ROW = "row:"
_SHARED_FOLDERS = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model by its kind and the reference that the kind understands."""

    kind: str
    reference: str

    @property
    def is_loaded_here(self) -> bool:
        """Whether its weights are loaded by this process, which takes a while."""
        return self.kind not in ON_SERVERS


BUNDLED = Wanted(FOLDER_KIND, "")


@dataclass(frozen=True, slots=True)
class Account:
    """Tells what calls to a model took, under its key and name. Equal for equal models."""

    key: str
    name: str

    def __call__(self, usage: Usage) -> None:
        """One call."""
        for keep in _keepers:
            keep(self.key, self.name, usage)


_keepers: list[Callable[[str, str, Usage], None]] = []


def keep_account(keeper: Callable[[str, str, Usage], None]) -> None:
    """Have `keeper` told of each call from now on; whoever keeps the books stands above this module."""
    _keepers[:] = [keeper]


def environment_decides(job: SearchJob) -> bool:
    """Whether the environment names the model, so that nothing else counts."""
    if job is SearchJob.EMBEDDER:
        return Wanted(*settings.MUNDAP_EMBEDDER) != BUNDLED
    if job is SearchJob.RERANKER:
        return bool(settings.MUNDAP_RERANKER_MODEL)
    return bool(settings.MUNDAP_ENTAILMENT_MODEL)


def chosen(job: SearchJob) -> SearchModel | None:
    """The row that an administrator chose, whether or not it counts."""
    return SearchModel.objects.filter(job=job, is_chosen=True).first()


def reference_of(row: SearchModel) -> str:
    """How an index or a question names the row's model."""
    return f"{_ROW}{row.pk}" if row.kind in ON_SERVERS else row.model


def wanted_embedder() -> Wanted:
    """What turns texts into vectors once its index is complete."""
    if environment_decides(SearchJob.EMBEDDER):
        kind, model = settings.MUNDAP_EMBEDDER
        return Wanted(kind, ENVIRONMENT if kind in ON_SERVERS else model)
    row = chosen(SearchJob.EMBEDDER)
    return BUNDLED if row is None else Wanted(row.kind, reference_of(row))


def embedder_of(wanted: Wanted) -> Embedder:
    """The embedder that it names, one a process.

    Raises:
        ModelUnavailable: its server's settings are gone, or their key cannot be opened.
        UsageError: there is no such kind.
    """
    if wanted.kind not in ON_SERVERS:
        return embedder(wanted.kind, model=wanted.reference)
    return _with_same_vectors(embedder(wanted.kind, served=_served(SearchJob.EMBEDDER, wanted.reference)))


def wanted_reranker() -> Wanted | None:
    """What orders the best passages; None unless one is configured."""
    if environment_decides(SearchJob.RERANKER):
        kind = settings.MUNDAP_RERANKER
        return Wanted(kind, ENVIRONMENT if kind in ON_SERVERS else settings.MUNDAP_RERANKER_MODEL)
    row = chosen(SearchJob.RERANKER)
    return Wanted(row.kind, reference_of(row)) if row is not None else None


def configured_reranker() -> Reranker | None:
    """What orders the best passages; None unless one is configured.

    Raises:
        ModelUnavailable: its server's settings are gone, or their key cannot be opened.
        UsageError: there is no such kind.
    """
    wanted = wanted_reranker()
    return reranker_of(wanted) if wanted is not None else None


def reranker_of(wanted: Wanted) -> Reranker:
    """The reranker that it names, one a process.

    Raises:
        ModelUnavailable, UsageError: as `configured_reranker`.
    """
    if wanted.kind not in ON_SERVERS:
        return reranker(wanted.kind, model=wanted.reference)
    return reranker(wanted.kind, served=_served(SearchJob.RERANKER, wanted.reference))


def configured_entailment() -> Entailment | None:
    """What joins the check of written sentences; None unless one is configured.

    Raises:
        UsageError: there is no such kind.
    """
    if environment_decides(SearchJob.ENTAILMENT):
        return entailment("sequence-classifier", model=settings.MUNDAP_ENTAILMENT_MODEL)
    row = chosen(SearchJob.ENTAILMENT)
    return entailment(row.kind, model=row.model) if row is not None else None


def served_by_environment(job: SearchJob) -> Served:
    """The server that the environment names for this job."""
    if job is SearchJob.RERANKER:
        server = ChatServer(
            url=settings.MUNDAP_RERANKER_URL,
            model=settings.MUNDAP_RERANKER_MODEL,
            api_key=settings.MUNDAP_RERANKER_API_KEY,
            silence_s=_SILENCE_S,
            ca_file=settings.MUNDAP_RERANKER_CA_BUNDLE,
        )
        return Served(server, _network(), Account(account_key(None, job), server.model))
    server = ChatServer(
        url=settings.MUNDAP_EMBEDDER_URL,
        model=settings.MUNDAP_EMBEDDER[1],
        api_key=settings.MUNDAP_EMBEDDER_API_KEY,
        silence_s=_SILENCE_S,
        ca_file=settings.MUNDAP_EMBEDDER_CA_BUNDLE,
    )
    return Served(
        server,
        _network(),
        Account(account_key(None, job), server.model),
        dimensions=settings.MUNDAP_EMBEDDER_DIMENSIONS,
        question_prompt=settings.MUNDAP_EMBEDDER_QUESTION_PROMPT,
        passage_prompt=settings.MUNDAP_EMBEDDER_PASSAGE_PROMPT,
        version=settings.MUNDAP_EMBEDDER_VERSION,
    )


def served_by_row(row: SearchModel, *, key: str) -> Served:
    """The server of a row, stored or not."""
    server = ChatServer(
        url=row.address,
        model=row.model,
        api_key=key,
        silence_s=row.silence_s,
        most_at_once=row.most_at_once,
        ca_file=row.ca_file,
    )
    return Served(
        server,
        _network(),
        Account(account_key(row, SearchJob(row.job)), row.name),
        dimensions=row.dimensions,
        question_prompt=row.question_prompt,
        passage_prompt=row.passage_prompt,
        version=row.version,
    )


def account_key(row: SearchModel | None, job: SearchJob) -> str:
    """Under which key the calls to the server of a row are accounted for; None: that of the environment."""
    return job.value if row is None else f"search:{row.pk}"


def sealed_key(row_id: int, key: str) -> bytes:
    """The key as it is stored with this row and no other."""
    return sealed_for(_purpose(row_id), key)


def stored_key(row: SearchModel) -> str:
    """The key of a row; empty where it has none.

    Raises:
        ModelUnavailable: it was sealed with another secret key.
    """
    return opened_for(_purpose(row.pk), bytes(row.sealed_key), name=row.name)


_SILENCE_S = 30.0  # somebody waits for the search


def _served(job: SearchJob, reference: str) -> Served:
    if reference == ENVIRONMENT:
        served = served_by_environment(job)
        if not served.server.url:
            raise ModelUnavailable(
                told("The environment does not name the server of the {job} any more.", job=job.value)
            )
        return served
    number = reference.removeprefix(_ROW)
    row = SearchModel.objects.filter(pk=int(number), job=job).first() if number.isdecimal() else None
    if row is None:
        raise ModelUnavailable(told("The settings of the server of the {job} are gone.", job=job.value))
    return served_by_row(row, key=stored_key(row))


def _network() -> Network:
    return Network(settings.MUNDAP_ALLOWED_NETWORKS)


@lru_cache(maxsize=_SHARED_FOLDERS)
def _with_same_vectors(model: Embedder) -> Embedder:
    return SameVectors(model)


def _purpose(row_id: int) -> str:
    return f"search model {row_id}"
