"""Which of a source's documents are taken: include and exclude patterns, kinds of files, a largest size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from assistant.common.errors import UsageError
from assistant.common.types import Json, JsonObject
from assistant.sync.globs import Glob, compiled

MAX_PATTERNS = 200
_MAX_PATTERN = 500
_KEYS = frozenset({"include", "exclude", "types", "max_bytes"})


class LeftOut(StrEnum):
    """Why a rule leaves a document out."""

    NOT_INCLUDED = "not_included"
    EXCLUDED = "excluded"
    TYPE = "type"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Rules:
    """Compiled rules. Patterns (see `globs`) fit whole ids."""

    include: tuple[Glob, ...] = ()
    exclude: tuple[Glob, ...] = ()
    types: frozenset[str] = frozenset()
    max_bytes: int | None = None

    def leaves_out(self, *, external_id: str, name: str, size: int | None) -> LeftOut | None:
        """Why a document is not taken; None: it is."""
        if any(pattern.fits(external_id) for pattern in self.exclude):
            return LeftOut.EXCLUDED
        if self.include and not any(pattern.fits(external_id) for pattern in self.include):
            return LeftOut.NOT_INCLUDED
        suffix = PurePosixPath(name or external_id).suffix.lower().removeprefix(".")
        if self.types and suffix not in self.types:
            return LeftOut.TYPE
        if self.max_bytes is not None and size is not None and size > self.max_bytes:
            return LeftOut.SIZE
        return None


def parse_rules(value: Json) -> Rules:
    """Rules from `{"include": [...], "exclude": [...], "types": ["pdf", ...], "max_bytes": N}`.

    Raises:
        UsageError: an unknown key, or a value of the wrong shape.
    """
    if not isinstance(value, Mapping) or set(value) - _KEYS:
        raise UsageError(f"Rules may have {', '.join(sorted(_KEYS))} and nothing else.")
    largest = value.get("max_bytes")
    if largest is not None and (isinstance(largest, bool) or not isinstance(largest, int) or largest < 1):
        raise UsageError("max_bytes must be a whole number above 0.")
    return Rules(
        include=tuple(compiled(pattern) for pattern in _texts(value, "include")),
        exclude=tuple(compiled(pattern) for pattern in _texts(value, "exclude")),
        types=frozenset(each.lower().removeprefix(".") for each in _texts(value, "types")),
        max_bytes=largest,
    )


def _texts(value: JsonObject, key: str) -> Sequence[str]:
    listed = value.get(key, [])
    if not isinstance(listed, Sequence) or isinstance(listed, str) or len(listed) > MAX_PATTERNS:
        raise UsageError(f"{key} must be a list of at most {MAX_PATTERNS} texts.")
    texts = []
    for text in listed:
        if not isinstance(text, str) or not text.strip() or len(text) > _MAX_PATTERN:
            raise UsageError(f"{key} must hold texts of 1 to {_MAX_PATTERN} characters.")
        texts.append(text.strip())
    return texts
