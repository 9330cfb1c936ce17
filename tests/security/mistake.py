"""A mistake in permission code: how it is made, and the check that must notice it.

It is made by swapping a piece of a real function (see `rewriting`) or by putting a
function without its guard in the place of the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import wraps
from types import ModuleType
from unittest import mock

from django.db.models import Q, QuerySet

from assistant.access import door
from assistant.access.viewer import Viewer
from assistant.documents.models import Document
from tests.security.rewriting import rewritten

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Mistake:
    """`made()` makes the mistake for as long as its block lasts; `check` must then fail."""

    name: str
    check: Check
    made: Callable[[], AbstractContextManager[None]]


def swap(name: str, check: Check, function: Callable[..., object], *changes: tuple[str, str]) -> Mistake:
    """Pieces (old, new) of the function's source are exchanged."""
    return Mistake(name, check, lambda: rewritten(function, changes))


def unguarded(name: str, check: Check, module: ModuleType, function: str) -> Mistake:
    """The caller in `module` uses the door's function as if everything were readable."""
    return Mistake(name, check, lambda: _without_the_door(module, function))


@contextmanager
def _without_the_door(module: ModuleType, function: str) -> Iterator[None]:
    real: Callable[..., object] = getattr(module, function)

    @wraps(real)
    def open_to_all(*args: object, **kwargs: object) -> object:
        with mock.patch.object(door, "visible_documents", _everything):
            return real(*args, **kwargs)

    with mock.patch.object(module, function, open_to_all):
        yield


def _everything(_viewer: Viewer, *, among: Q | None = None) -> QuerySet[Document]:
    """As `visible_documents`, for somebody who may read all there is."""
    there = Document.objects.filter(version__gt=0)
    return there if among is None else there.filter(among)
