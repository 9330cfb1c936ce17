"""The small world that is laid down again is the one that was made."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.accounts.models import User
from assistant.ingest.indexing import verify
from assistant.sync.models import Source, SyncRun
from tests.conftest import PEOPLE, SmallWorld
from tests.sync.watching import found

pytestmark = pytest.mark.django_db


@pytest.fixture
def early(db: None, request: pytest.FixtureRequest) -> str:
    """Somebody who is there before the world is made."""
    return User.objects.create_user(f"{request.param}@example.com").email


@pytest.mark.parametrize("time", ["first", "second"])
def test_it_is_whole_each_time(small_world: SmallWorld, time: str) -> None:
    assert verify() == []
    assert Source.objects.get().config == {"path": str(small_world.file)}
    run, now = SyncRun.objects.get(), timezone.now()
    assert run.finished_at is not None
    assert now - timedelta(minutes=1) < run.finished_at <= now
    assert "handbook" in found(small_world.viewer("ann"), "laptop")
    assert "handbook" not in found(small_world.viewer("sam"), "laptop")
    again = small_world.sync()
    assert (again.state, again.unchanged) == ("succeeded", 6)


@pytest.mark.parametrize("early", ["early", "earlier"], indirect=True)
def test_who_was_there_before_stays(early: str, small_world: SmallWorld) -> None:
    expected = {early, *(f"{name}@example.com" for name in PEOPLE)}
    assert set(User.objects.values_list("email", flat=True)) == expected
