"""A source into which programs push: the console offers no schedule and no run for it."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from assistant.accounts.models import User
from assistant.sync.models import Source, SyncRun
from tests.api.pushing import ANN, bring_to_end, note, pushing_program


@pytest.fixture
def ada(client: Client, people: dict[str, User]) -> Client:
    """The administrator's browser."""
    client.force_login(people["ada"])
    return client


def test_a_pushed_source_is_added_without_a_schedule_and_without_a_run(ada: Client) -> None:
    first = ada.post(reverse("console:source-new-kind", args=["push"]), {"name": "Notes"})
    found = re.search(r"drafts/([\w-]+)/test/", first.headers["Location"])
    assert found
    steps = {name: reverse(f"console:draft-{name}", args=[found[1]]) for name in ("test", "preview", "plan")}
    assert ada.post(steps["test"]).status_code == 200
    assert ada.get(steps["preview"]).status_code == 200
    plan = ada.get(steps["plan"]).content.decode()
    assert 'name="every"' not in plan
    assert 'name="audience"' not in plan
    assert "push-key" in plan
    assert ada.post(steps["plan"]).status_code == 302
    assert (Source.objects.get().cron, SyncRun.objects.count()) == ("", 0)


def test_the_console_starts_no_run_of_a_pushed_source(ada: Client) -> None:
    program = pushing_program("Notes")
    program.put(note("a", ANN))
    sync = reverse("console:sync", args=[program.source_id])
    address = reverse("console:source", args=[program.source_id])
    assert sync not in ada.get(address).content.decode()
    bring_to_end()
    page = ada.get(address).content.decode()
    assert "Pushed by programs" in page
    assert sync not in page
    assert ada.post(sync, {"kind": "full"}).status_code == 404
    settings = reverse("console:source-settings", args=[program.source_id])
    assert 'name="every"' not in ada.get(settings).content.decode()
    assert SyncRun.objects.count() == 1
