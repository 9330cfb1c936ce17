"""The pure decisions of a sync: what to do with a document, and when deleting needs a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.common.errors import FailureCode
from assistant.sync.plan import (
    FREE_DELETIONS,
    LASTING_FAILURES,
    MAX_DELETED,
    MAX_DELETED_PERCENT,
    Deletion,
    Known,
    is_news,
    plan_deletions,
    plan_document,
)

KNOWN = Known(version=3, source_version="v3", acl_id=7, acl_stale=False, hidden="", failure_code="")
PASSING = sorted(set(FailureCode) - LASTING_FAILURES)

known_documents = st.builds(
    Known,
    version=st.integers(0, 3),
    source_version=st.sampled_from(["", "v3", "v4"]),
    acl_id=st.sampled_from([None, 7, 8]),
    acl_stale=st.booleans(),
    hidden=st.sampled_from(["", "permissions", "missing", "removed"]),
    failure_code=st.sampled_from(["", *(code.value for code in FailureCode)]),
)
acl_ids = st.sampled_from([None, 7, 8])


def test_an_unknown_document_is_read_and_new() -> None:
    plan = plan_document(None, source_version="v1", acl_id=7, full=False)
    assert (plan.fetch, plan.new, plan.acl_changed) == (True, True, True)


def test_an_unchanged_document_costs_nothing() -> None:
    plan = plan_document(KNOWN, source_version="v3", acl_id=7, full=False)
    assert (plan.fetch, plan.new, plan.acl_changed, plan.failed_before) == (False, False, False, None)


def test_another_version_is_read_and_a_full_run_reads_every_version() -> None:
    assert plan_document(KNOWN, source_version="v4", acl_id=7, full=False).fetch
    assert plan_document(KNOWN, source_version="v3", acl_id=7, full=True).fetch


def test_an_access_change_alone_reads_no_content() -> None:
    plan = plan_document(KNOWN, source_version="v3", acl_id=8, full=False)
    assert plan.acl_changed
    assert not plan.fetch


@pytest.mark.parametrize("hidden", ["permissions", "missing"])
def test_a_hidden_document_that_comes_back_is_written_without_reading_it(hidden: str) -> None:
    plan = plan_document(replace(KNOWN, hidden=hidden), source_version="v3", acl_id=7, full=False)
    assert plan.acl_changed
    assert not plan.fetch
    assert not plan.new


def test_a_deleted_document_that_comes_back_is_new_and_read_again() -> None:
    plan = plan_document(replace(KNOWN, hidden="removed"), source_version="v3", acl_id=7, full=False)
    assert plan.new
    assert plan.fetch


def test_unreadable_permissions_are_marked_once() -> None:
    assert plan_document(KNOWN, source_version="v3", acl_id=None, full=False).acl_changed
    stale = replace(KNOWN, acl_stale=True)
    assert not plan_document(stale, source_version="v3", acl_id=None, full=False).acl_changed
    assert plan_document(stale, source_version="v3", acl_id=7, full=False).acl_changed


@pytest.mark.parametrize("code", sorted(LASTING_FAILURES))
def test_a_lasting_failure_waits_for_another_version_or_a_full_run(code: FailureCode) -> None:
    failed = replace(KNOWN, failure_code=code.value)
    again = plan_document(failed, source_version="v3", acl_id=7, full=False)
    assert (again.fetch, again.failed_before) == (False, code)
    for changed in (
        plan_document(failed, source_version="v4", acl_id=7, full=False),
        plan_document(failed, source_version="v3", acl_id=7, full=True),
    ):
        assert (changed.fetch, changed.failed_before) == (True, None)


@pytest.mark.parametrize("code", PASSING)
def test_a_failure_that_may_pass_is_tried_again_by_every_run(code: FailureCode) -> None:
    failed = replace(KNOWN, failure_code=code.value)
    assert plan_document(failed, source_version="v3", acl_id=7, full=False).fetch


@given(known=known_documents, version=st.sampled_from(["v3", "v4"]), acl_id=acl_ids, full=st.booleans())
def test_what_the_source_says_anew_is_never_skipped(
    known: Known, version: str, acl_id: int | None, full: bool
) -> None:
    plan = plan_document(known, source_version=version, acl_id=acl_id, full=full)
    if known.source_version != version or full or known.hidden == "removed":
        assert plan.fetch
    if acl_id is not None and (acl_id != known.acl_id or known.acl_stale or known.hidden):
        assert plan.acl_changed
    assert not (plan.fetch and plan.failed_before)
    assert plan.new == (known.hidden == "removed")


@given(known=known_documents, version=st.sampled_from(["v3", "v4"]), acl_id=acl_ids)
def test_after_a_document_was_written_a_second_listing_of_the_same_brings_no_news(
    known: Known, version: str, acl_id: int | None
) -> None:
    written = replace(
        known,
        source_version=version,
        acl_id=known.acl_id if acl_id is None else acl_id,
        acl_stale=acl_id is None,
        hidden="" if known.hidden == "missing" else known.hidden,
    )
    assert not is_news(written, source_version=version, acl_id=acl_id)


@given(known=known_documents, acl_id=st.sampled_from([7, 8]))
def test_an_access_list_that_changed_during_a_run_is_news(known: Known, acl_id: int) -> None:
    changed = acl_id != known.acl_id or known.acl_stale or known.hidden == "missing"
    assert is_news(known, source_version=known.source_version, acl_id=acl_id) == changed
    assert is_news(known, source_version=known.source_version + "+", acl_id=acl_id)


@pytest.mark.parametrize(
    ("known", "missing", "listed", "expected"),
    [
        (10, 0, 10, Deletion.NOTHING),
        (0, 0, 0, Deletion.NOTHING),
        (11, 5, 6, Deletion.DELETE),  # the floor: five may go whatever their share
        (13, 6, 7, Deletion.ASK),
        (10, 5, 5, Deletion.ASK),  # but not half of all
        (2, 1, 1, Deletion.DELETE),  # a single one may
        (3, 2, 1, Deletion.ASK),
        (60, 6, 54, Deletion.DELETE),  # ten per cent exactly
        (59, 6, 53, Deletion.ASK),
        (100_000, 1_000, 99_000, Deletion.DELETE),
        (100_000, 1_001, 98_999, Deletion.ASK),
        (1, 1, 0, Deletion.ASK),  # an empty listing is never believed
        (3, 3, 0, Deletion.ASK),
    ],
)
def test_deletions_that_are_plausible_happen_and_others_ask(
    known: int, missing: int, listed: int, expected: Deletion
) -> None:
    assert plan_deletions(known=known, missing=missing, listed=listed) is expected


@pytest.mark.parametrize("size", [2, 3, 6, 7, 20, 50, 51, 300])
def test_a_source_that_loses_one_document_a_run_is_not_emptied_without_a_question(size: int) -> None:
    """A small one asks about the last, which is all that is left; every one beyond what may go in a day."""
    for lately in range(size):
        left = size - lately
        decision = plan_deletions(known=left, missing=1, listed=left - 1, lately=lately)
        allowed = max(FREE_DELETIONS, size * MAX_DELETED_PERCENT // 100)
        expected = Deletion.DELETE if lately < allowed and left > 1 else Deletion.ASK
        assert decision is expected, lately


@given(listed=st.integers(0, 20_000), missing=st.integers(0, 20_000))
def test_no_run_deletes_more_than_its_limits(listed: int, missing: int) -> None:
    known = listed + missing
    if plan_deletions(known=known, missing=missing, listed=listed) is Deletion.DELETE:
        assert listed > 0
        assert 0 < missing <= MAX_DELETED
        assert missing * 10 <= known or missing == 1 or missing <= min(FREE_DELETIONS, listed - 1)


@given(listed=st.integers(0, 5_000), missing=st.integers(1, 5_000))
def test_missing_documents_are_either_deleted_or_asked_about(listed: int, missing: int) -> None:
    decision = plan_deletions(known=listed + missing, missing=missing, listed=listed)
    assert decision is not Deletion.NOTHING
