"""Changing what an administrator decides about a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from django.db import transaction

from assistant.accounts.models import Connection
from assistant.accounts.revisions import Counter, bump
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound, UsageError
from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from assistant.documents.models import Document
from assistant.sync.audience import audience_clause, narrow_at_once
from assistant.sync.configuration import checked_settings, opened_secrets, sealed_secrets
from assistant.sync.enrichment import parse_enrichment
from assistant.sync.models import OPEN_STATES, RunKind, Source, SyncRun
from assistant.sync.rules import parse_rules
from assistant.sync.schedule import check_schedule
from assistant.sync.services import request_run
from connectors.registry import connector_kind

_LONGEST_LIMIT_H = 24 * 365
_MOST_PER_SECOND = 1_000.0
_MOST_AT_ONCE = 64
_WHOLE = 100  # percent
_MOST_PRINCIPALS = 500


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """Everything about a source beside its configuration; see `models.Source` for what each means."""

    cron: str = "0 * * * *"
    time_zone: str = "UTC"
    permissions_hours: int = 24
    full_hours: int = 168
    rules: JsonObject = field(default_factory=dict)
    field_map: JsonObject = field(default_factory=dict)
    enrichment: Sequence[Json] = ()
    audience: Sequence[str] = ()
    rate_per_second: float = 0.0
    fetches_at_once: int = 0
    error_budget_percent: int = 30
    max_deleted: int = 1_000
    max_deleted_percent: int = 10


def settings_of(source: Source) -> SourceSettings:
    """The settings that count now."""
    return SourceSettings(**{name: getattr(source, name) for name in SourceSettings.__slots__})


def change_settings(*, source_id: int, settings: SourceSettings, actor: str) -> None:
    """Store other settings. A narrower audience counts at once; a wider one with the run that starts now.

    Raises:
        NotFound: no such source.
        UsageError: which value cannot be, and why; nothing is changed.
    """
    _check(settings)
    if settings.audience and _is_pushed(source_id):
        raise UsageError(told("Who sees a pushed document is pushed with it: such a source has no audience."))
    values = _as_stored(settings)
    with transaction.atomic():
        source = Source.objects.select_for_update().filter(pk=source_id).first()
        if source is None:
            raise NotFound("There is no such source.")
        before = _as_stored(settings_of(source))
        changed = sorted(name for name in values if before[name] != values[name])
        if not changed:
            return
        for name in changed:
            setattr(source, name, values[name])
        if {"rules", "field_map", "enrichment"} & set(changed):
            source.cursor = None  # what was left out before is in no change feed
        source.save(update_fields=[*changed, "cursor"])
        clause = audience_clause(source.audience)
        if "audience" in changed and clause is not None:
            narrow_at_once(source.connection, clause)
        record(Event.SOURCE_CHANGED, actor=actor, source=source_id, settings=", ".join(changed))
    if "audience" in changed:
        _read_lists_again(source_id, actor=actor)


def _is_pushed(source_id: int) -> bool:
    kind = Connection.objects.filter(pk=source_id).values_list("kind", flat=True).first()
    return kind is not None and connector_kind(kind).pushed


def _as_stored(settings: SourceSettings) -> dict[str, object]:
    values = asdict(settings)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _check(settings: SourceSettings) -> None:
    check_schedule(settings.cron, settings.time_zone)
    parse_rules(settings.rules)
    parse_enrichment(settings.field_map, list(settings.enrichment))
    audience_clause(settings.audience)
    if len(settings.audience) > _MOST_PRINCIPALS:
        raise UsageError(told("The audience may have at most {most} lines.", most=_MOST_PRINCIPALS))
    for name, least, most in (
        ("permissions_hours", 0, _LONGEST_LIMIT_H),
        ("full_hours", 0, _LONGEST_LIMIT_H),
        ("rate_per_second", 0, _MOST_PER_SECOND),
        ("fetches_at_once", 0, _MOST_AT_ONCE),
        ("error_budget_percent", 1, _WHOLE),
        ("max_deleted", 0, 2**31 - 1),
        ("max_deleted_percent", 0, _WHOLE),
    ):
        if not least <= getattr(settings, name) <= most:
            raise UsageError(
                told("{name} must be {least} to {most}.", name=name, least=least, most=f"{most:g}")
            )


def replace_config(*, source_id: int, config: JsonObject, secrets: Mapping[str, str], actor: str) -> None:
    """Store another configuration. Secrets that are not given stay. The next run lists everything.

    Raises:
        NotFound: no such source.
        UsageError: settings that do not fit the kind; nothing is changed.
    """
    with transaction.atomic():
        source = Source.objects.select_for_update().select_related("connection").filter(pk=source_id).first()
        if source is None:
            raise NotFound("There is no such source.")
        kind = connector_kind(source.connection.kind)
        checked, checked_secrets = checked_settings(
            kind, config=config, secrets={**opened_secrets(source), **secrets}
        )
        source.config = checked
        source.sealed_secrets = (
            sealed_secrets(checked_secrets, connection_id=source.pk) if checked_secrets else b""
        )
        source.cursor = None  # it may lead to another place
        source.save(update_fields=["config", "sealed_secrets", "cursor"])
        record(Event.SOURCE_CHANGED, actor=actor, source=source_id, settings="config")
    # Who may see what may hang on the configuration, and no change feed knows of it.
    _read_lists_again(source_id, actor=actor)


def join_directory(*, source_id: int, directory_id: int | None, actor: str) -> None:
    """Let the source's access lists name people and groups of a directory; None: of none any more.

    Raises:
        NotFound: no such source.
        UsageError: the other source is no directory.
    """
    with transaction.atomic():
        source = Source.objects.filter(pk=source_id).first()
        if source is None:
            raise NotFound("There is no such source.")
        if directory_id is not None:
            directory = Source.objects.select_related("connection").filter(pk=directory_id).first()
            if directory is None or connector_kind(directory.connection.kind).gives_documents:
                raise UsageError(told("Choose a directory: a source that gives people and groups only."))
        Connection.objects.filter(pk=source_id).update(directory_id=directory_id)
        record(Event.SOURCE_CHANGED, actor=actor, source=source_id, settings="directory")
    _read_lists_again(source_id, actor=actor)


def _read_lists_again(source_id: int, *, actor: str) -> None:
    """Carry in what a setting changes about who sees what, if there is or will be anything to be seen.

    What was pushed cannot be read again: there the change counts for what is put from now on.
    """
    if _is_pushed(source_id):
        return
    at_work = SyncRun.objects.filter(source=source_id, state__in=OPEN_STATES, started_at__isnull=False)
    if at_work.exists() or Document.objects.filter(connection=source_id).exists():
        request_run(source_id=source_id, kind=RunKind.PERMISSIONS, actor=actor, anew=True)


def set_age_limit(*, source_id: int, hours: int, actor: str) -> None:
    """How old permissions and groups of a source may be before nobody sees what they open.

    Raises:
        UsageError: less than an hour or more than a year.
        NotFound: no such source.
    """
    if not 1 <= hours <= _LONGEST_LIMIT_H:
        raise UsageError(f"The limit must be 1 to {_LONGEST_LIMIT_H} hours.")
    with transaction.atomic():
        changed = Connection.objects.filter(pk=source_id).update(max_age_s=hours * 3600)
        if not changed:
            raise NotFound("There is no such source.")
        bump(Counter.PERMISSIONS)
        record(Event.AGE_LIMIT_CHANGED, actor=actor, source=source_id, hours=hours)
