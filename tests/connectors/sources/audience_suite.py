"""The conformance suite for sources that say nothing about who may read what.

Their whole content is for one audience that the administrator names. So what the suite asks of
the permissions of single documents is asked of the audience here, and nothing else is changed.
"""

from __future__ import annotations

import pytest

from assistant.common.acl import group, user
from assistant.common.errors import UsageError
from connectors.sdk.contract import Complete
from tests.connectors.conformance import ANA, BOB, ConnectorConformance, World, listed, sees


class AudienceConformance(ConnectorConformance):
    """`set_acl` and `break_acl` of such a world change the audience of everything."""

    def furnish(self, world: World) -> None:
        """Three documents for Ana and the staff of the directory."""
        world.put("b.txt", "second")
        world.put("a.txt", "first")
        world.put("회의록.txt", "셋째 문서")
        world.set_acl("", allow=[f"user:{ANA}", "group:directory:cn:staff"])

    def test_a_document_without_permissions_is_for_nobody(self, world: World) -> None:
        """Without an audience, that is."""
        world.set_acl("", allow=[])
        name = world.put("c.txt", "third")
        assert not sees(listed(world.connector()), name, user(ANA), group("directory:cn:staff"))

    def test_only_the_allowed_see_and_a_deny_beats_their_group(self, world: World) -> None:
        """An audience has no denies."""
        events, name = listed(world.connector()), world.put("b.txt", "second")
        assert sees(events, name, user(ANA))
        assert sees(events, name, user("carol@example.com"), group("directory:cn:staff"))
        assert not sees(events, name, user(BOB), group("staff"))

    def test_broken_permissions_hide_the_document_and_not_its_neighbour(self, world: World) -> None:
        """An audience that is not understood is no audience: the source is not read."""
        world.break_acl("")
        with pytest.raises(UsageError):
            world.connector()

    def test_groups_come_with_their_members(self, world: World) -> None:
        """There are none."""
        assert list(world.connector().principals()) == [Complete()]

    def test_broken_groups_are_never_complete(self, world: World) -> None:
        """There are none to break; an audience may name a group that nobody knows."""
        world.set_acl("", allow=["group:nowhere"])
        name = world.put("a.txt", "first")
        assert not sees(listed(world.connector()), name, user(ANA), group("directory:cn:staff"))
