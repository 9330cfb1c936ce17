"""A source's secret stands in no log, no page and no table, however its server fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.sync.configuration import opened_secrets
from assistant.sync.engine import execute_run
from assistant.sync.models import Source
from assistant.sync.services import add_source, request_run
from assistant.sync.trying import Wanted, preview, try_connection
from connectors.registry import KINDS
from tests.security.babbling_source import WAYS
from tests.security.failing_sources import (
    HEARD_BY_NOBODY,
    KINDS_WITHOUT_SECRETS,
    fail,
    secrets_of,
    settings_of,
)
from tests.security.secret_canaries import all_lines, canary, found, found_in_tables


def test_every_kind_that_takes_a_secret_is_tried(tmp_path: Path) -> None:
    assert {kind for kind in KINDS if secrets_of(kind)} == set(settings_of(1, tmp_path))
    assert set(KINDS) - set(settings_of(1, tmp_path)) == KINDS_WITHOUT_SECRETS


def test_a_server_that_refuses_and_repeats_what_it_was_sent_makes_nobody_write_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("assistant.common.guarded_http.wait", lambda seconds, *, stopped: None)
    told = fail("401", tmp_path, tls=False)
    printed = capfd.readouterr()
    unheard = {canary(name) for name in HEARD_BY_NOBODY}
    assert unheard < told.canaries
    assert set(found(told.heard, told.canaries)) == told.canaries - unheard  # and so they were repeated
    assert found(told.said, told.canaries) == []
    assert found(told.logged, told.canaries) == []  # at the finest level, before anything is taken out
    assert found(printed.out + printed.err, told.canaries) == []


@pytest.fixture
def babbler(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Feeds are read by the connector that says its secret in everything."""
    monkeypatch.setitem(KINDS, "feed", "tests.security.babbling_source:KIND")


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_whatever_a_connector_says_of_its_secret_is_written_without_it(
    way: str, babbler: None, people: dict[str, User], client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = canary(f"babbling {way}")
    source = add_source(
        kind="feed", name="Babbler", config={"way": way}, secrets={"password": secret}, actor="test"
    )
    with all_lines() as lines:
        run = request_run(source_id=source, kind="incremental", actor="test")
        assert execute_run(run)
        wanted = Wanted("feed", {"way": way}, {"password": secret})
        tried = repr(try_connection(wanted, viewer=viewer_for(people["ada"])))
        tried += repr(preview(wanted, viewer=viewer_for(people["ada"])))
    client.force_login(people["ada"])
    pages = [
        client.get(reverse(name, args=args)).content
        for name, args in (
            ("console:sources", []),
            ("console:source", [source]),
            ("console:progress", [source, run]),
            ("console:source-connection", [source]),
            ("console:source-settings", [source]),
            ("console:audit", []),
        )
    ]
    pages.append(b"".join(client.post(reverse("console:audit-export"))))
    printed = capfd.readouterr()
    assert found(tried, [secret]) == []
    assert found(b"".join(pages), [secret]) == []
    assert found(lines.written.getvalue(), [secret]) == []
    assert found(printed.out + printed.err, [secret]) == []
    assert found_in_tables([secret]) == []
    row = Source.objects.get(pk=source)
    assert opened_secrets(row) == {"password": secret}  # and yet it is there
