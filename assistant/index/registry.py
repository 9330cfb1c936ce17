"""Index engines, loaded on use and opened once a process."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from assistant.common.errors import UsageError
from assistant.index.contract import Index

ENGINES = {"local": "assistant.index.local:LocalIndex"}

_in_use: set[Path] = set()


@cache
def opened_index(folder: Path, *, model: str, dimension: int, engine: str = "local") -> Index:
    """The index in `folder` for vectors of this model, one a process. Nothing is read before its first use.

    Raises:
        UsageError: there is no such engine.
    """
    return new_index(folder, model=model, dimension=dimension, engine=engine)


def new_index(folder: Path, *, model: str, dimension: int, engine: str) -> Index:
    """An index that shares nothing with others but what is stored.

    Raises:
        UsageError: there is no such engine.
    """
    require_engine(engine)
    module, _, name = ENGINES[engine].partition(":")
    index: Index = getattr(import_module(module), name)(folder, model=model, dimension=dimension)
    return index


def require_engine(engine: str) -> None:
    """Let known engines pass.

    Raises:
        UsageError: there is no such engine.
    """
    if engine not in ENGINES:
        known = ", ".join(sorted(ENGINES))
        raise UsageError(
            f"There is no index engine '{engine}'. Known: {known}. Set MUNDAP_INDEX_ENGINE to one of them."
        )


def keep_open_only(folders: set[Path]) -> None:
    """Let go of indexes elsewhere, whose files may be removed; a search that runs keeps its own."""
    if _in_use - folders:
        opened_index.cache_clear()
        _in_use.clear()
    _in_use.update(folders)
