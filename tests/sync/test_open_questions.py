"""A question about deletions that was open at an upgrade can be answered after it."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from assistant.documents.models import Document, Hidden
from assistant.sync.models import RunState, SyncRun
from assistant.sync.services import add_source, approve_deletions
from connectors.sdk.contract import Complete
from tests.sync.conftest import sync
from tests.sync.scripted import EVERYBODY, Script, document


@pytest.fixture
def upgraded(script: Script, scripted_source: int) -> int:
    """The number of a run that asks about six documents, as an earlier release has left it."""
    made = [document(f"d{n:02}", f"Report word{n}.", acl=EVERYBODY) for n in range(20)]
    script.events = [*made, Complete()]
    other = add_source(kind="scripted", name="other", config={}, actor="test")
    sync(other)
    sync(scripted_source)
    script.events = [*made[:14], Complete()]
    run = sync(scripted_source)
    assert (run.state, run.missing) == (RunState.WAITING_FOR_APPROVAL, 6)
    Document.objects.update(asked_in_run=0)
    Document.objects.filter(connection=other, external_id="d00").update(hidden=Hidden.MISSING)
    migration = import_module("assistant.sync.migrations.0005_open_questions")
    migration.note_what_is_asked(apps, connection.schema_editor())
    return run.id


def test_an_open_question_is_answered_about_what_its_run_has_hidden(upgraded: int) -> None:
    asked = Document.objects.filter(asked_in_run=upgraded)
    assert {row.external_id for row in asked} == {f"d{n}" for n in range(14, 20)}
    assert approve_deletions(run_id=upgraded, actor="ada") == 6
    assert SyncRun.objects.get(pk=upgraded).state == RunState.SUCCEEDED


def test_what_nobody_asks_about_is_left_alone(upgraded: int) -> None:
    assert Document.objects.get(connection__name="other", external_id="d00").asked_in_run == 0
    assert not Document.objects.filter(hidden=Hidden.NO, asked_in_run__gt=0).exists()
