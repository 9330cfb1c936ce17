"""What a source says last of a document counts, however close to what it said before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.access.viewer import viewer_for
from assistant.accounts.models import User
from assistant.documents.models import Document, Hidden
from assistant.sync import documents_pass
from assistant.sync.engine import execute_run
from assistant.sync.models import RunKind, Source
from assistant.sync.services import request_run
from connectors.sdk.contract import CaughtUp, Tombstone
from tests.sync.conftest import sync
from tests.sync.scripted import EVERYBODY, FIRST, SECOND, A, Script, document
from tests.sync.watching import found

CHANGED = document("a", "Report about aword, anew.", acl=EVERYBODY)


@pytest.mark.parametrize("back", [A, CHANGED], ids=["as it was", "changed"])
def test_a_document_that_was_gone_and_is_back_stays(
    script: Script, fed: int, people: dict[str, User], back: object
) -> None:
    script.changes = [Tombstone("a"), back, CaughtUp(SECOND)]  # type: ignore[list-item]
    run = sync(fed)
    assert (run.state, run.deleted) == ("succeeded", 0)
    assert "a" in found(viewer_for(people["sam"]), "aword")


def test_a_document_that_was_back_and_is_gone_again_goes(script: Script, fed: int) -> None:
    script.changes = [Tombstone("a"), CHANGED, Tombstone("a"), CaughtUp(SECOND)]
    assert sync(fed).deleted == 1
    assert Document.objects.get(external_id="a").hidden == Hidden.REMOVED


def test_a_new_document_that_is_gone_and_restored_is_there(
    script: Script, fed: int, people: dict[str, User]
) -> None:
    new = document("d", "Report about dword.", acl=EVERYBODY)
    script.changes = [new, Tombstone("d"), new, CaughtUp(SECOND)]
    run = sync(fed)
    assert (run.state, run.deleted) == ("succeeded", 0)
    assert "d" in found(viewer_for(people["sam"]), "dword")


def test_the_rules_are_asked_of_the_last_state_of_a_document_that_changed_twice(
    script: Script, fed: int, people: dict[str, User]
) -> None:
    Source.objects.update(
        enrichment=[{"when": [{"field": "status", "equals": "draft"}], "drop": True}], cursor=FIRST
    )
    draft = replace(CHANGED, attributes={"status": "draft"}, version="draft")
    script.changes = [CHANGED, draft, CaughtUp(SECOND)]
    sync(fed)
    assert "a" not in found(viewer_for(people["sam"]), "aword")
    script.changes = [draft, CHANGED, CaughtUp(FIRST)]
    sync(fed)
    assert "a" in found(viewer_for(people["sam"]), "aword")


def test_a_missing_document_that_is_named_without_a_readable_list_is_not_missing(
    script: Script, fed: int
) -> None:
    unreadable = replace(A, acl=None)
    script.changes = [unreadable, CaughtUp(SECOND)]
    sync(fed)
    script.changes = [Tombstone("a")]  # breaks off: hidden, nothing decided
    sync(fed)
    assert Document.objects.get(external_id="a").hidden == Hidden.MISSING
    script.changes = [unreadable, CaughtUp(FIRST)]
    assert sync(fed).deleted == 0
    row = Document.objects.get(external_id="a")
    assert (row.hidden, row.acl_stale) == (Hidden.NO, True)


@pytest.mark.parametrize("at", ["before the tombstone is written", "after it"])
def test_a_document_that_this_run_has_read_is_there_when_it_is_gone_and_restored(
    script: Script, fed: int, people: dict[str, User], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    # What another worker had committed for this run before it died: the same change is named again.
    monkeypatch.setattr(documents_pass, "_BATCH_DOCUMENTS", 500 if at.startswith("before") else 1)
    run_id = request_run(source_id=fed, kind=RunKind.INCREMENTAL, actor="test")
    Document.objects.filter(external_id="a").update(seen_in_run=run_id)
    script.changes = [A, Tombstone("a"), A, CaughtUp(SECOND)]
    assert execute_run(run_id)
    assert Document.objects.get(external_id="a").hidden == Hidden.NO
    assert "a" in found(viewer_for(people["sam"]), "aword")
