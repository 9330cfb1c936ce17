"""Index engines, loaded on use and opened once a process."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from assistant.index.contract import Index

ENGINES = {"local": "assistant.index.local:LocalIndex"}


@cache
def opened_index(folder: Path, *, model: str, dimension: int, engine: str = "local") -> Index:
    """The index in `folder` for vectors of this model. Nothing is read before its first use."""
    module, _, name = ENGINES[engine].partition(":")
    index: Index = getattr(import_module(module), name)(folder, model=model, dimension=dimension)
    return index
