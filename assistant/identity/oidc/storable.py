"""Can what a provider says be stored and shown?"""

from __future__ import annotations

import json
from collections.abc import Mapping

from assistant.common.types import Json


def is_storable(document: Mapping[str, Json]) -> bool:
    """Whether no text in it holds half of a surrogate pair or a NUL, which databases refuse."""
    try:
        written = json.dumps(document, ensure_ascii=False).encode()
    except (UnicodeEncodeError, ValueError, RecursionError):
        return False
    return b"\\u0000" not in written
