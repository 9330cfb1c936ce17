"""A site that misbehaves, and the web source that reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from assistant.common.types import Json
from connectors.registry import connector_kind
from connectors.sdk.config import validate
from connectors.sdk.contract import Connector, Event, Failure, Tombstone, Upsert
from connectors.sdk.surroundings import Surroundings
from tests.connectors.servers.site import Site
from tests.connectors.sources.web_world import LOOPBACK

KIND = connector_kind("web")


def source(
    site: Site,
    scratch: Path | None = None,
    *,
    secrets: dict[str, str] | None = None,
    surroundings: Surroundings | None = None,
    also: Mapping[str, Json] | None = None,
    **more: Json,
) -> Connector:
    """A connector for the site, from `/` on; `also` and `more` add settings, and None takes one away."""
    config: dict[str, Json] = {
        "start": [site.url + "/"],
        "audience": ["everyone"],
        "delay_ms": 0,
        **(also or {}),
        **more,
    }
    checked, sealed = validate(
        KIND, config={k: v for k, v in config.items() if v is not None}, secrets=secrets or {}
    )
    return KIND.build(checked, sealed, surroundings or Surroundings(LOOPBACK, scratch=scratch))


def listing(connector: Connector) -> list[Event]:
    """A full listing, after which the connector is closed."""
    events = list(connector.documents())
    connector.close()
    return events


def documents(site: Site, events: Sequence[Event]) -> list[str]:
    """The paths of the documents, in the order of the listing."""
    return [event.external_id.removeprefix(site.url) for event in events if isinstance(event, Upsert)]


def failed(site: Site, events: Sequence[Event]) -> dict[str, str]:
    """Code by path of what failed."""
    return {
        event.external_id.removeprefix(site.url): str(event.code)
        for event in events
        if isinstance(event, Failure)
    }


def gone(site: Site, events: Sequence[Event]) -> list[str]:
    """The paths of what the site said is gone."""
    return [event.external_id.removeprefix(site.url) for event in events if isinstance(event, Tombstone)]
