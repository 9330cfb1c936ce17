"""Makes everything ready that a question would otherwise wait for."""

from __future__ import annotations

import logging
import time

from django.db import DatabaseError, connection

from assistant.access.mask import permitted_versions
from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.common.errors import MundapError
from assistant.documents.embedding import answering_place, live_places
from assistant.documents.search_models import (
    Wanted,
    configured_entailment,
    reranker_of,
    wanted_reranker,
)
from assistant.index import warm_up as index
from assistant.retrieval.narrowing import read_ahead

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 60.0


def warm_up() -> None:
    """Load the embedding model, the reranker and the entailment model if there are any, the compiled search.

    Of a model on a server nothing is loaded here, and it is not asked.

    Raises:
        ModelUnavailable: one of them cannot be loaded.
    """
    place = answering_place()
    if Wanted(place.kind, place.model).is_loaded_here:
        place.embedder().embed(["warm up"])
    wanted = wanted_reranker()
    if wanted is not None and wanted.is_loaded_here:
        reranker_of(wanted).scores("warm up", ["warm up"])
    if (entailment := configured_entailment()) is not None:
        entailment.judged("warm up", "warm up")
    index.warm_up()


def read_columns() -> None:
    """Read what questions need to know of every document, so that the first one does not wait for it.

    Whose permissions are made does not matter, nobody sees them: the columns are the same for all.
    """
    someone = User.objects.filter(is_active=True).order_by("pk").first()
    if someone is not None:
        permitted_versions(viewer_for(someone))
    read_ahead()


def warm_up_what_comes(ready: set[str]) -> None:
    """Load every live model that is not `ready` yet, so that nobody waits for it after a switch.

    Raises:
        ModelUnavailable: one cannot be loaded.
    """
    for place in live_places():
        if place.name not in ready:
            place.embedder().embed(["warm up"])
            ready.add(place.name)


def stay_warm() -> None:
    """Warm up now, and look every minute for a model whose index is being built. Never returns."""
    ready: set[str] = set()
    first = True
    while True:
        try:
            if first:
                warm_up()
                read_columns()
                first = False
            warm_up_what_comes(ready)
        except (MundapError, DatabaseError) as error:
            log.error("something that questions need is not ready: %s", error)
        finally:
            connection.close()
        time.sleep(_LOOK_EVERY_S)
