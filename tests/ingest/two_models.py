"""What the tests of two models share: the small world under the first, and the wish for the second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import LazySettings

from assistant.access.viewer import Viewer
from assistant.common.types import Json
from assistant.documents import embedding
from assistant.documents.models import Embedding, ModelIndex
from assistant.index.registry import opened_index
from assistant.ingest.building import advance
from assistant.providers import registry
from assistant.retrieval.retrieve import Evidence, Plan, retrieve
from tests.conftest import SmallWorld

KIND = "sentence-transformers"
LATE: dict[str, Json] = {
    "id": "late",
    "title": "Parking",
    "text": "The parking garage closes at midnight.",
    "acl": {"allow": ["group:staff"]},
}
QUESTIONS = ("remote work laptop", "연차 휴가 며칠", "guest network", "salary band")


@dataclass(frozen=True, slots=True)
class TinyModels:
    """Folders of two models whose vectors have 16 and 24 components."""

    first: Path
    second: Path


def want(settings: LazySettings, model: Path) -> None:
    """As if the environment named this model."""
    settings.MUNDAP_EMBEDDER = (KIND, str(model))


def as_new_process() -> None:
    """Forget every model and index that this process has loaded."""
    registry.embedder.cache_clear()
    embedding._same_embedder.cache_clear()
    opened_index.cache_clear()


def answers(world: SmallWorld, *names: str) -> dict[tuple[str, str], Evidence]:
    """Everything that these people find, with all scores."""
    plan = Plan(k=20)
    return {
        (name, question): retrieve(question, viewer=world.viewer(name), plan=plan)
        for name in names or ("ann", "bob", "cho", "sam")
        for question in QUESTIONS
    }


def external_ids(viewer: Viewer, question: str) -> set[str]:
    """What somebody finds."""
    return {hit.passage.external_id for hit in retrieve(question, viewer=viewer, plan=Plan(k=50)).hits}


def build_whole() -> None:
    """All slices until the wanted model answers."""
    while advance():
        pass


def answering() -> ModelIndex:
    """The row of the index that answers."""
    return ModelIndex.objects.get(state="answering")


def vectors_by_model() -> dict[str, int]:
    """How many vectors are kept, by the folder name of their model."""
    names = Embedding.objects.values_list("model", flat=True)
    counted: dict[str, int] = {}
    for name in names:
        counted[name.partition("@")[0]] = counted.get(name.partition("@")[0], 0) + 1
    return counted
