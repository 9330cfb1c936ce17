"""Which part of the documents may answer a question that a guardrail restricts to sources?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from assistant.accounts.models import Connection
from assistant.common.analysis import normalise
from assistant.retrieval.filters import LONGEST_VALUE, Filters

# Longer than the name of any source may be: the filter that no document fits.
_NO_SOURCE: Final = "-" * LONGEST_VALUE


def restricted(filters: Filters, connection_ids: Collection[int] | None) -> Filters:
    """The filters narrowed to these sources. None restricts nothing, a source that is gone holds nothing."""
    if connection_ids is None:
        return filters
    names = Connection.objects.filter(pk__in=connection_ids).order_by("name").values_list("name", flat=True)
    chosen = {normalise(name) for name in filters.sources}
    left = tuple(name for name in names if not chosen or normalise(name) in chosen)
    return replace(filters, sources=left or (_NO_SOURCE,))
