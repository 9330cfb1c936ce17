"""No hostile response is accepted, and the gate needs nobody's help for that."""

from __future__ import annotations

import base64
from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
import xmlsec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from assistant.identity.saml.gate import Reason, Rejected, read_response
from tests.identity.saml.hostile import altered, originals
from tests.identity.saml.hostile import outcome as outcome_of
from tests.identity.saml.hostile_case import Case
from tests.identity.saml.hostile_messages import all_cases
from tests.identity.saml.made_messages import DS, FORMS, expecting, keys, posted


@pytest.fixture(scope="module")
def now() -> datetime:
    """When these tests begin: the library looks at the clock, which may be far from when they were loaded."""
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def cases(now: datetime) -> list[Case]:
    return all_cases(now)


def outcome(case: Case, now: datetime) -> Reason | None:
    """Why it is refused; None if it is not."""
    try:
        read_response(case.message, expected=expecting(**case.expected), now=now)
    except Rejected as rejected:
        return rejected.reason
    return None


def test_no_hostile_response_is_accepted(cases: list[Case], now: datetime) -> None:
    outcomes = {case.name: outcome(case, now) for case in cases}
    assert len(outcomes) == len(cases)
    assert len({(case.message, repr(case.expected)) for case in cases}) == len(cases)
    assert len(cases) >= 750
    assert [name for name, reason in outcomes.items() if reason is None] == []
    # The gate refuses by itself: the library's opinion is a second one.
    assert [name for name, reason in outcomes.items() if reason is Reason.SECOND_OPINION] == []
    assert min(Counter(case.kind for case in cases).values()) >= 8


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**64), form=st.sampled_from(sorted(FORMS)))
def test_an_altered_message_is_refused_or_says_exactly_the_same(now: datetime, seed: int, form: str) -> None:
    text, said = originals(now)[form]
    _, changed = altered(Random(seed), text)
    assert outcome_of(posted(changed), said, now) != "other"


def test_wrapped_messages_still_bear_a_right_signature(cases: list[Case]) -> None:
    """They are worth refusing: to xmlsec, most of them are signed as they should be."""
    right = 0
    for case in cases:
        if case.kind == "wrapping" and "new ID" in case.name and "encrypted" not in case.name:
            root = etree.fromstring(base64.b64decode(case.message))
            xmlsec.tree.add_ids(root, ["ID"])
            right += any(_is_right(signature) for signature in root.iter(f"{{{DS}}}Signature"))
    assert right >= 20


def _is_right(signature: Any) -> bool:
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(keys("rsa").certificate, xmlsec.KeyFormat.CERT_PEM)
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True
