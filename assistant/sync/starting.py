"""A source that was chosen, tried and planned becomes one, and its first run is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction

from assistant.accounts.models import Connection
from assistant.common.types import JsonObject
from assistant.sync.models import RunKind
from assistant.sync.services import add_source, request_run
from assistant.sync.source_settings import SourceSettings, change_settings
from connectors.registry import connector_kind

LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class NewSource:
    """All that was chosen. `cron` empty: only by hand; `audience`: principals that alone see it at first."""

    kind: str
    name: str
    config: JsonObject
    secrets: Mapping[str, str]
    rules: JsonObject = field(default_factory=dict)
    cron: str = ""
    time_zone: str = "UTC"
    audience: tuple[str, ...] = ()


def name_is_taken(name: str) -> bool:
    """Whether a source has this name."""
    return Connection.objects.filter(name=name).exists()


def start_source(new: NewSource, *, actor: str) -> int:
    """Store the source with its plan and ask for its first run, or nothing at all; returns its id.

    Raises:
        UsageError: a setting does not fit, or the name is taken.
    """
    with transaction.atomic():
        source_id = add_source(
            kind=new.kind, name=new.name, config=new.config, secrets=new.secrets, actor=actor
        )
        pushed = connector_kind(new.kind).pushed
        if not pushed:
            request_run(source_id=source_id, kind=RunKind.FULL, actor=actor)
        change_settings(
            source_id=source_id,
            settings=SourceSettings(
                cron="" if pushed else new.cron,
                time_zone=new.time_zone,
                rules=new.rules,
                audience=list(new.audience),
            ),
            actor=actor,
        )
    return source_id
