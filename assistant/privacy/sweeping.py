"""Looks for addresses of an erased person in every text of every table, in logs, and in freed pages.

What the product knows of somebody goes with their account. This finds the rest: who requested a run,
published rules, was named in a finding, stands in a source's audience. Tables that hold what sources say are
left as they are: the next sync would bring it back, so that it must be erased where it is.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.db.models.functions import Cast, Lower

from assistant.common.types import Json

_LOG = logging.getLogger(__name__)
_PAGE = 500

# What sources say, and the audit log, which `audit.amending` rewrites.
LEFT_ALONE = frozenset(
    {
        "audit.AuditEvent",
        "documents.Body",
        "documents.Chunk",
        "documents.Document",
        "documents.Embedding",
        "sync.RunFailure",  # ids of documents, in the words of sources
    }
)
_TEXTS = (models.CharField, models.TextField)
_CHECKPOINT_S = 5.0

TextColumn: TypeAlias = "models.CharField[Any, Any] | models.TextField[Any, Any] | models.JSONField[Any, Any]"


class Names:
    """Replaces addresses, in any spelling of their case, by a word."""

    def __init__(self, addresses: Collection[str], word: str) -> None:
        self.addresses, self.word = tuple(addresses), word
        whole = "|".join(re.escape(address) for address in sorted(addresses, key=len, reverse=True))
        # Not as the end or the beginning of a longer address, which is somebody else's.
        self._pattern = re.compile(rf"(?<![\w.+-])(?:{whole})(?![\w-]|\.\w)", re.IGNORECASE)

    def are_in(self, text: str) -> bool:
        """Whether one of them stands there."""
        return self._pattern.search(text) is not None

    def without(self, value: Json) -> Json:
        """The value with the word in their place, however deep."""
        if isinstance(value, str):
            return self._pattern.sub(self.word, value)
        if isinstance(value, dict):
            return {str(self.without(key)): self.without(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.without(part) for part in value]
        return value

    def blotted(self, raw: bytes) -> bytes:
        """Bytes of a log of the same length, with x in their place."""
        for address in self.addresses:
            raw = re.sub(
                re.escape(address.encode()), lambda found: b"x" * len(found[0]), raw, flags=re.IGNORECASE
            )
        return raw


def swept_columns() -> Iterator[tuple[type[models.Model], list[TextColumn]]]:
    """Every model with its columns of text, but those that are left alone."""
    for model in apps.get_models():
        if model._meta.label in LEFT_ALONE or model._meta.proxy or not model._meta.managed:
            continue
        columns = [
            column
            for column in model._meta.concrete_fields
            if isinstance(column, (*_TEXTS, models.JSONField)) and not column.choices
        ]
        if columns:
            yield model, columns


def sweep_tables(names: Names) -> int:
    """Replace the addresses in every text of the database. How many rows."""
    done = 0
    for model, columns in swept_columns():
        for column in columns:
            done += _sweep(model, column, names)
    return done


def _sweep(model: type[models.Model], column: TextColumn, names: Names) -> int:
    """By plain updates, past managers that refuse them: a published version of rules loses its author."""
    rows = models.QuerySet(model).annotate(told=Lower(Cast(column.name, models.TextField())))
    wanted = models.Q()
    for address in names.addresses:
        wanted |= models.Q(told__contains=address)
        if isinstance(column, models.JSONField) and not address.isascii():  # JSON may be stored escaped
            wanted |= models.Q(told__contains=json.dumps(address)[1:-1].lower())
    done = 0
    for key, value in list(rows.filter(wanted).values_list("pk", column.name)):
        replaced = names.without(value)
        if replaced != value and not column.primary_key:
            done += models.QuerySet(model).filter(pk=key).update(**{column.name: replaced})
    return done


def blot_logs(names: Names) -> int:
    """Overwrite the addresses in logs, in place: programs that write to them go on. How many files."""
    done = 0
    folder = Path(settings.MUNDAP_HOME) / "logs"
    for file in sorted(folder.glob("*")) if folder.is_dir() else ():
        try:
            with file.open("r+b") as stream:
                raw = stream.read()
                blotted = names.blotted(raw)
                if blotted != raw:
                    stream.seek(0)
                    stream.write(blotted)
                    done += 1
        except OSError as error:
            _LOG.warning("the log %s cannot be rewritten: %s", file.name, error)
    return done


def scrub_pages() -> bool:
    """Have the database forget the bytes of rows that are gone. False: somebody reads; try again later.

    SQLite overwrites what it deletes (`secure_delete`); what is left is its write-ahead log: it is emptied.
    PostgreSQL keeps old versions of rows until VACUUM, which frees their bytes to be written over; its own
    write-ahead log and its backups stay as long as its settings say.
    """
    if connection.in_atomic_block:
        return False
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            for model in apps.get_models():
                cursor.execute(f"VACUUM {connection.ops.quote_name(model._meta.db_table)}")
            return True
        until = time.monotonic() + _CHECKPOINT_S
        while True:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if not cursor.fetchone()[0]:
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
