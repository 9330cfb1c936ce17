"""A file from which a new process reads the columns of a mask, instead of from a million rows.

It is derived and may be missing. It counts only whole (SHA-256), and only for the
database that it was made from: the writer leaves a random number there, so that the
database's past is one that knows this file. A database restored from a backup either
has the number, and then also all that the file holds, or the file is ignored. What
changed since is read as always. It holds ids and moments, no names and no text.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import TypedDict

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from assistant.access.document_columns import DocumentColumns
from assistant.access.list_columns import ListColumns, read_changes
from assistant.accounts.models import Revision
from assistant.accounts.revisions import Counter, current
from assistant.documents.models import Document

_FORMAT = 1
_WORTH_IT = 20_000  # changed documents; fewer are read quickly enough
_COLUMNS = (
    ("documents", "versions"),
    ("documents", "lists"),
    ("documents", "connections"),
    ("documents", "confirmed"),
    ("documents", "stale"),
    ("lists", "clause_counts"),
    ("lists", "lists"),
    ("lists", "clauses"),
    ("lists", "allow"),
    ("lists", "principals"),
    ("lists", "expires"),
    ("lists", "named"),
)

Columns = tuple[DocumentColumns, ListColumns]


class Head(TypedDict):
    """The file's second line; the first is the SHA-256 of all that follows, the columns are the rest."""

    format: int
    revision: int
    name: str
    number: int
    columns: list[tuple[str, int]]


def path() -> Path:
    """Where the file lies."""
    return Path(settings.MUNDAP_HOME) / "access" / "columns"


def load(*, newest: int) -> Columns | None:
    """The columns as of some revision up to `newest`; None if there is no file that counts."""
    try:
        content = path().read_bytes()
        digest, head, body = content.split(b"\n", 2)
        if hashlib.sha256(content[len(digest) + 1 :]).hexdigest().encode() != digest:
            return None
        facts: Head = json.loads(head)
        known = facts["format"] == _FORMAT and facts["revision"] <= newest
        return _columns(facts, body) if known and _is_known(facts) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep() -> bool:
    """Write the file anew if that spares new processes much reading. Returns whether it was written."""
    revision = current(Counter.DOCUMENTS)
    documents, lists = load(newest=revision) or (DocumentColumns(), ListColumns())
    if Document.objects.filter(revision__gt=documents.revision).count() < _WORTH_IT:
        return False
    read_changes(documents, lists, revision=revision)
    _write(documents, lists)
    return True


def _is_known(facts: Head) -> bool:
    return Revision.objects.filter(name=facts["name"], value=facts["number"]).exists()


def _columns(facts: Head, body: bytes) -> Columns:
    documents, lists = DocumentColumns(), ListColumns()
    start = 0
    for (table, name), (kind, count) in zip(_COLUMNS, facts["columns"], strict=True):
        column = np.frombuffer(body, kind, count, start).copy()
        setattr(documents if table == "documents" else lists, name, column)
        start += column.nbytes
    documents.revision, lists.epoch = facts["revision"], 1
    return documents, lists


def _write(documents: DocumentColumns, lists: ListColumns) -> None:
    columns: list[NDArray[np.generic]] = [
        getattr(documents if table == "documents" else lists, name) for table, name in _COLUMNS
    ]
    facts: Head = {
        "format": _FORMAT,
        "revision": documents.revision,
        "name": f"columns-{secrets.token_hex(6)}",
        "number": secrets.randbits(62),
        "columns": [(column.dtype.str, len(column)) for column in columns],
    }
    rest = json.dumps(facts).encode() + b"\n" + b"".join(column.tobytes() for column in columns)
    # After the columns were read: a past of the database that has the number has all of their rows, too.
    Revision.objects.create(name=facts["name"], value=facts["number"])
    former = _head()
    _replace(path(), hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest)
    if former is not None:
        Revision.objects.filter(name=former["name"], value=former["number"]).delete()


def _head() -> Head | None:
    """What the file there says of itself, whole or not."""
    try:
        head: Head = json.loads(path().read_bytes().split(b"\n", 2)[1])
        return head if {"name", "number"} <= head.keys() else None
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def _replace(target: Path, content: bytes) -> None:
    """At once: a reader sees the old file or the new one. Only the owner may read it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(target)
