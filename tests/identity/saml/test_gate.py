"""Every message that a provider may send is read, and all that is said in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from assistant.identity.saml.gate import Asserted, claimed_request_id, read_response
from tests.identity.saml.made_messages import FORMS, PLAIN, REQUEST, Made, expecting, posted


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize("form", FORMS)
def test_an_untouched_message_of_each_form_is_read(form: str, now: datetime) -> None:
    message = posted(FORMS[form](Made(now), PLAIN))
    assert claimed_request_id(message) == REQUEST
    asserted = read_response(message, expected=expecting(), now=now)
    assert isinstance(asserted, Asserted)
    assert asserted.subject == "ann@example.com"
    assert asserted.attributes == {"mail": ("ann@example.com",), "groups": ("staff", "design")}
    assert asserted.session_index == "_session-1"
    assert asserted.expires_at >= now + timedelta(minutes=5)
