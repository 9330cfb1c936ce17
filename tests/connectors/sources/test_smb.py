"""Shares as they really are: lists in every order, inheritance, odd names, refusals, broken connections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.common.acl import user
from connectors.sdk.contract import Complete, Failure
from tests.connectors.conformance import ConnectorConformance, World, check_listing, sees, upserts
from tests.connectors.sources.smb_world import SmbWorld, close_connectors


ANA = user("ana@example.com")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_connectors()


class TestSmb(ConnectorConformance):
    make_world = SmbWorld

    def test_broken_permissions_hide_the_document_and_not_its_neighbour(self, world: World) -> None:
        """A list that the server does not tell is not known: what was confirmed before stays until its age limit."""
        broken, sound = world.put("a.txt", "first"), world.put("b.txt", "second")
        world.break_acl("a.txt")
        events = check_listing(world.connector())
        assert upserts(events)[broken].acl is None
        assert not any(isinstance(event, Failure) for event in events)
        assert isinstance(events[-1], Complete)
        assert sees(events, sound, ANA)
