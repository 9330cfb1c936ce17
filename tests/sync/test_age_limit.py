"""How old permissions may be is set for each source, and obeyed by the next request."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from assistant.access.door import count_readable
from assistant.access.mask import permitted_versions
from assistant.accounts.models import Connection
from assistant.audit.models import AuditEvent
from assistant.common.errors import UsageError
from assistant.documents.models import Document
from tests.conftest import SmallWorld

pytestmark = pytest.mark.django_db


def _limit(source: str, hours: int) -> dict[str, object]:
    out = StringIO()
    call_command("source", "limit", source, "--hours", str(hours), stdout=out)
    said: dict[str, object] = json.loads(out.getvalue())
    return said


def test_a_shorter_limit_hides_and_a_longer_one_shows_again_at_once(small_world: SmallWorld) -> None:
    ann = small_world.viewer("ann")
    read = timezone.now() - timedelta(hours=3)
    Connection.objects.update(permissions_confirmed_at=read, principals_confirmed_at=read)
    Document.objects.update(acl_confirmed_at=read)
    before = count_readable(ann)
    assert before
    assert _limit("world", 2) == {"source": small_world.source_id, "hours": 2}
    assert count_readable(ann) == 0
    assert not permitted_versions(ann).any()
    _limit("world", 4)
    assert count_readable(ann) == before
    assert permitted_versions(ann).any()
    assert AuditEvent.objects.filter(event="age_limit_changed").count() == 2


@pytest.mark.parametrize("hours", [0, -1, 100_000])
def test_a_limit_without_sense_is_refused(small_world: SmallWorld, hours: int) -> None:
    with pytest.raises(UsageError, match="hours"):
        _limit("world", hours)


def test_an_unknown_source_is_refused(small_world: SmallWorld) -> None:
    with pytest.raises(UsageError, match="Known sources: world"):
        _limit("nowhere", 4)
