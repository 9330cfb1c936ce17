"""What an administrator changes about a source: its connection and its settings, each in one call.

A stored secret is never shown, and never sent to another place than it was typed for:
whoever changes where the source lies or how it is reached types the secrets again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.models import Connection
from assistant.accounts.roles import Right
from assistant.common.errors import NotFound, UsageError
from assistant.common.types import Json, JsonObject
from assistant.sync.configuration import opened_secrets
from assistant.sync.models import Source
from assistant.sync.source_settings import SourceSettings, replace_config, settings_of
from assistant.sync.trying import Wanted
from connectors.registry import KINDS, connector_kind
from connectors.sdk.contract import ConfigField, FieldType


@dataclass(frozen=True, slots=True)
class EditableSource:
    """A source as its forms show it. `directories`: (id, name) of those it could join."""

    id: int
    name: str
    kind: str
    config: JsonObject
    secret_names: frozenset[str]
    settings: SourceSettings
    age_limit_hours: int
    directory_id: int | None
    directories: tuple[tuple[int, str], ...]


def editable_source(*, viewer: Viewer, source_id: int) -> EditableSource:
    """The source, without the values of its secrets.

    Raises:
        NotFound: no such source, or the viewer may not manage sources.
    """
    require(viewer, Right.MANAGE_SOURCES)
    source = _source(source_id)
    directory_kinds = [name for name in KINDS if not connector_kind(name).gives_documents]
    directories = Connection.objects.filter(kind__in=directory_kinds).exclude(pk=source_id).order_by("name")
    return EditableSource(
        id=source.pk,
        name=source.connection.name,
        kind=source.connection.kind,
        config=source.config,
        secret_names=frozenset(opened_secrets(source)),
        settings=settings_of(source),
        age_limit_hours=source.connection.max_age_s // 3600,
        directory_id=source.connection.directory_id,
        directories=tuple(directories.values_list("pk", "name")),
    )


def secrets_to_type(*, source_id: int, config: JsonObject, secrets: Mapping[str, str]) -> frozenset[str]:
    """Names of stored secrets that must be typed with this configuration: it may lead to another place.

    Numbers do not say where a source lies; everything else may.

    Raises:
        NotFound: no such source.
    """
    source = _source(source_id)
    fields = connector_kind(source.connection.kind).fields
    telling = [each for each in fields if each.type not in (FieldType.SECRET, FieldType.NUMBER)]
    if all(_meant(each, config) == _meant(each, source.config) for each in telling):
        return frozenset()
    return frozenset(opened_secrets(source)) - frozenset(secrets)


def wanted_of(*, viewer: Viewer, source_id: int, config: JsonObject, secrets: Mapping[str, str]) -> Wanted:
    """The source with this configuration, to be tried: stored secrets fill in where that is safe.

    Raises:
        NotFound: no such source, or the viewer may not manage sources.
        UsageError: a secret must be typed again.
    """
    require(viewer, Right.MANAGE_SOURCES)
    _refuse_other_place(source_id, config, secrets)
    source = _source(source_id)
    return Wanted(
        source.connection.kind, config, {**opened_secrets(source), **secrets}, settings_of(source).rules
    )


def change_connection(*, source_id: int, config: JsonObject, secrets: Mapping[str, str], actor: str) -> None:
    """Store another configuration; secrets that are not given stay.

    Raises:
        NotFound: no such source.
        UsageError: settings that do not fit, or a secret that must be typed again.
    """
    _refuse_other_place(source_id, config, secrets)
    replace_config(source_id=source_id, config=config, secrets=secrets, actor=actor)


def _refuse_other_place(source_id: int, config: JsonObject, secrets: Mapping[str, str]) -> None:
    missing = secrets_to_type(source_id=source_id, config=config, secrets=secrets)
    if missing:
        raise UsageError(f"Type '{min(missing)}' again: the source may be another one now.")


def _meant(field: ConfigField, config: JsonObject) -> Json:
    """The value of a setting; of a switch that is left out the one that its example says."""
    unset = field.example == "true" if field.type is FieldType.SWITCH else None
    return config.get(field.name, unset)


def _source(source_id: int) -> Source:
    source = Source.objects.select_related("connection").filter(pk=source_id).first()
    if source is None:
        raise NotFound("There is no such source.")
    return source
