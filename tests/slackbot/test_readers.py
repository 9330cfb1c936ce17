"""Whatever the workspace and the permissions: who can read a channel may read what it is answered from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assistant.accounts.models import Address, User
from assistant.slackbot import audience, joining
from assistant.slackbot.models import Workspace
from assistant.slackbot.profiles import Profile, Standing
from tests.slackbot.readers import check_many

pytestmark = pytest.mark.django_db
Patch = pytest.MonkeyPatch


@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=2,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_everybody_who_can_read_a_channel_may_read_what_it_is_answered_from(seed: int) -> None:
    assert check_many(3, seed).leaks == []


def _only_members_read_public_channels(patch: Patch) -> None:
    patch.setattr(audience._Readers, "_public", audience._Readers._members)


def _who_is_no_full_member_reads_nothing(patch: Patch) -> None:
    def full(_: object, profiles: Collection[Profile]) -> tuple[Profile, ...]:
        return tuple(one for one in profiles if one.standing is Standing.FULL)

    patch.setattr(audience._Readers, "_full", full)


def _who_is_nobody_here_reads_nothing(patch: Patch) -> None:
    found = joining.accounts_of

    def known(workspace: Workspace, profiles: Collection[Profile]) -> dict[str, User]:
        every = found(workspace, profiles)
        return {key: one for key, one in every.items() if isinstance(one, User)}

    patch.setattr(audience, "accounts_of", known)


def _every_address_is_its_holder_s(patch: Patch) -> None:
    def holders(addresses: Collection[str]) -> dict[str, User]:
        rows = Address.objects.filter(address__in=set(addresses)).exclude(user=None).select_related("user")
        return {row.address: row.user for row in rows if row.user is not None}

    patch.setattr(joining, "_holders", holders)


# Each with a seed from which it shows soon.
MISTAKES: Mapping[str, tuple[Callable[[Patch], None], int]] = {
    "only members read public channels": (_only_members_read_public_channels, 3),
    "who is no full member reads nothing": (_who_is_no_full_member_reads_nothing, 67),
    "who is nobody here reads nothing": (_who_is_nobody_here_reads_nothing, 3),
    "every address is its holder's": (_every_address_is_its_holder_s, 36),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_noticed(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, seed = MISTAKES[mistake]
    make(monkeypatch)
    assert check_many(1, seed).leaks
