"""What was fetched and is not committed yet, also where several threads read one document."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.ingest.sandbox import Limits
from assistant.sync.committing import Outcome
from assistant.sync.plan import DocumentPlan
from assistant.sync.reading_content import ContentReader
from assistant.sync.spool import Spool
from connectors.sdk.contract import BytesContent, Content, Upsert
from tests.sync.scripted import EVERYBODY, document

PLAN = DocumentPlan(fetch=True, new=True, acl_changed=True)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool")
    made.open()
    return made


@pytest.fixture
def reader(spool: Spool) -> Iterator[ContentReader]:
    made = ContentReader(limits=Limits(), spool=spool, fetches_at_once=2, max_bytes=1 << 20)
    yield made
    made.close()


def outcome_of(upsert: Upsert) -> Outcome:
    return Outcome(upsert=upsert, plan=PLAN, document_id=None, acl_id=1)


def test_what_was_fetched_is_not_asked_for_twice(reader: ContentReader) -> None:
    upsert = document("a", "Report about aword.", acl=EVERYBODY)
    asked: list[int] = []

    def fetch() -> Content:
        asked.append(1)
        return BytesContent(b"Report about aword.")

    upsert = replace(upsert, fetch=fetch, name="a.txt")
    first, second = reader.read(outcome_of(upsert), ""), reader.read(outcome_of(upsert), "")
    assert (len(asked), first.fetched, second.fetched) == (1, True, False)
    assert first.content_digest == second.content_digest


def test_a_document_whose_twin_was_committed_meanwhile_is_fetched_again(
    reader: ContentReader, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    keep = spool.keep

    def kept(upsert: Upsert, content: Content) -> Content:
        asked.append(1)
        made = keep(upsert, content)
        if len(asked) == 1:
            spool.forget([upsert])  # the twin's commit, before this one is read
        return made

    monkeypatch.setattr(spool, "keep", kept)
    upsert = replace(
        document("a", "", acl=EVERYBODY), fetch=lambda: BytesContent(b"Report about aword."), name="a.txt"
    )
    outcome = reader.read(outcome_of(upsert), "")
    assert (outcome.failure, outcome.prepared is not None, len(asked)) == (None, True, 2)


def test_threads_that_keep_one_document_do_not_disturb_each_other(spool: Spool) -> None:
    upsert = document("a", "Report about aword.", acl=EVERYBODY)
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda _: spool.keep(upsert, BytesContent(b"x" * 100_000)), range(400)))
    assert len(kept) == 400
