"""No hostile response is accepted, and the gate needs nobody's help for that."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from assistant.identity.saml.gate import Reason, Rejected, read_response
from tests.identity.saml.hostile_case import Case
from tests.identity.saml.hostile_messages import all_cases
from tests.identity.saml.made_messages import expecting

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return all_cases(NOW)


def outcome(case: Case) -> Reason | None:
    """Why it is refused; None if it is not."""
    try:
        read_response(case.message, expected=expecting(**case.expected), now=NOW)
    except Rejected as rejected:
        return rejected.reason
    return None


def test_no_hostile_response_is_accepted(cases: list[Case]) -> None:
    outcomes = {case.name: outcome(case) for case in cases}
    assert len(outcomes) == len(cases)
    assert len({(case.message, repr(case.expected)) for case in cases}) == len(cases)
    assert len(cases) >= 400
    assert [name for name, reason in outcomes.items() if reason is None] == []
    # The gate refuses by itself: the library's opinion is a second one.
    assert [name for name, reason in outcomes.items() if reason is Reason.SECOND_OPINION] == []
    assert min(Counter(case.kind for case in cases).values()) >= 8
