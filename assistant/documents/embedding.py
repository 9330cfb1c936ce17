"""Which model's vectors are searched now, and which model is wanted.

The database says which one answers; the environment or the console names the wanted one. While they
differ, the wanted one's index is built beside the other (`ingest.switching`). Every
question asks the database, so that all processes go over at the same moment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import connection as database

from assistant.common.errors import ModelUnavailable
from assistant.documents.models import Embedding, IndexState, ModelIndex
from assistant.documents.search_models import Wanted, embedder_of, wanted_embedder
from assistant.providers.contract import Embedder
from assistant.providers.registry import ON_SERVERS

_LONGEST_FOLDER = 120

# Written out, because each question asks it and making it anew would take longer than running it.
_ANSWERING = f"""
    SELECT id, engine, kind, model, name, dimension, folder
    FROM {ModelIndex._meta.db_table} WHERE state = %s
"""  # noqa: S608 - the model's own name


@dataclass(frozen=True, slots=True)
class IndexPlace:
    """A model and where its vectors are indexed. `answers`: questions are answered from it."""

    pk: int
    engine: str
    kind: str
    model: str
    name: str
    dimension: int
    folder: Path
    answers: bool

    def embedder(self) -> Embedder:
        """The embedder of exactly these vectors.

        Raises:
            ModelUnavailable: it is not there any more, or another one is in its place.
            UsageError: its kind does not exist any more.
        """
        if self.kind in ON_SERVERS:  # its settings may change at any time
            return _the_same(self.kind, self.model, self.name)
        return _same_embedder(self.kind, self.model, self.name)


def configured_embedder() -> Embedder:
    """The embedder that is wanted.

    Raises:
        ModelUnavailable: its server's settings are gone, or their key cannot be opened.
        UsageError: the environment names a kind that does not exist.
    """
    return embedder_of(wanted_embedder())


def answering_place() -> IndexPlace:
    """The place that questions are answered from at this moment: one statement.

    The first call of an installation takes what is wanted.

    Raises:
        ModelUnavailable: nothing answers yet, and the wanted model cannot be loaded.
        UsageError: nothing answers yet, and the environment names a kind that does not exist.
    """
    with database.cursor() as cursor:
        cursor.execute(_ANSWERING, [IndexState.ANSWERING.value])
        row: tuple[int, str, str, str, str, int, str] | None = cursor.fetchone()
    if row is None:
        return _adopt()
    pk, engine, kind, model, name, dimension, folder = row
    return IndexPlace(
        pk, engine, kind, model, name, dimension, settings.MUNDAP_INDEX_DIR / folder, answers=True
    )


def answering_embedder() -> Embedder:
    """The embedder of the vectors that questions are answered from.

    Raises:
        ModelUnavailable: it cannot be loaded; nothing takes its place.
    """
    return answering_place().embedder()


def live_places() -> tuple[IndexPlace, ...]:
    """The place that answers, then the one that is built beside it: what is stored goes to all of them.

    One statement, because a switch between two would hide one place from both.

    Raises:
        ModelUnavailable, UsageError: as `answering_place`.
    """
    rows = ModelIndex.objects.filter(state__in=[IndexState.ANSWERING, IndexState.BUILDING], dimension__gt=0)
    places = sorted((place_of(row) for row in rows), key=lambda place: not place.answers)
    return tuple(places) if places and places[0].answers else (_adopt(), *places)


def place_of(row: ModelIndex) -> IndexPlace:
    """The place that a row describes."""
    return IndexPlace(
        pk=row.pk,
        engine=row.engine,
        kind=row.kind,
        model=row.model,
        name=row.name,
        dimension=row.dimension,
        folder=settings.MUNDAP_INDEX_DIR / row.folder,
        answers=row.state == IndexState.ANSWERING,
    )


def folder_name(engine: str, name: str) -> str:
    """The folder of a model's index. The name's end tells models apart, so it stays."""
    return f"{engine}-{re.sub(r'[^0-9A-Za-z가-힣.@_-]', '_', name)[-_LONGEST_FOLDER:]}"


def _adopt() -> IndexPlace:
    """Nothing answers yet: the wanted model does from now on.

    An installation that has vectors of it but no such row was made before there were folders by model:
    its index lies in the folder itself.
    """
    which, engine = wanted_embedder(), settings.MUNDAP_INDEX_ENGINE
    wanted = embedder_of(which)
    own = folder_name(engine, wanted.name)
    former = Embedding.objects.filter(model=wanted.name).exists()
    former = former and not (settings.MUNDAP_INDEX_DIR / own).exists()
    row, _ = ModelIndex.objects.get_or_create(
        state=IndexState.ANSWERING,
        defaults={
            "engine": engine,
            "kind": which.kind,
            "model": which.reference,
            "name": wanted.name,
            "dimension": wanted.dimension,
            "folder": "" if former else own,
        },
    )
    return place_of(row)


@lru_cache(maxsize=8)
def _same_embedder(kind: str, model: str, name: str) -> Embedder:
    return _the_same(kind, model, name)


def _the_same(kind: str, model: str, name: str) -> Embedder:
    where = "of a server" if kind in ON_SERVERS else f"from {model}" if model else "that comes with Mundap"
    what = f"The index holds vectors of the embedding model {name} {where}, which cannot be used"
    todo = (
        "Put it back there; or choose another model in the console, or set MUNDAP_EMBEDDER_MODEL to one "
        "that is here and restart: questions are answered again once `manage.py index status` says that "
        "it is ready."
    )
    try:
        found = embedder_of(Wanted(kind, model))
        found_name = found.name
    except ModelUnavailable as error:
        raise ModelUnavailable(f"{what}: {error} {todo}") from error
    if found_name != name:
        raise ModelUnavailable(f"{what}: what is there now is {found_name}. {todo}")
    return found
