"""What an administrator is told of a message is all that is wrong with it, and never more lenient than the gate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from assistant.identity.saml.examining import Check, State, examine_response
from assistant.identity.saml.gate import Rejected, read_response
from tests.identity.saml.hostile import altered, originals
from tests.identity.saml.hostile_messages import all_cases
from tests.identity.saml.made_messages import (
    ACS,
    FORMS,
    IDP,
    PLAIN,
    SP,
    XENC,
    Encrypting,
    Made,
    Signing,
    at,
    encrypted_assertion,
    expecting,
    posted,
    signed_assertion,
    signed_both,
    signed_response,
)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def states(message: str, now: datetime, **expected: object) -> dict[Check, State]:
    return {
        one.check: one.state
        for one in examine_response(posted(message), expected=expecting(**expected), now=now)
    }


def failed(message: str, now: datetime, **expected: object) -> set[str]:
    return {check.value for check, state in states(message, now, **expected).items() if state == State.FAILED}


@pytest.mark.parametrize("form", FORMS)
def test_a_good_message_passes_every_check(form: str, now: datetime) -> None:
    found = states(FORMS[form](Made(now), PLAIN), now)
    assert list(found) == list(Check)
    assert set(found.values()) == {State.PASSED}


def test_several_things_are_found_at_once_with_what_was_expected(now: datetime) -> None:
    made = Made(
        now - timedelta(hours=2),
        issuer="https://other.example",
        response_attributes={"Destination": "https://elsewhere.example/acs"},
        data_attributes={"Recipient": "https://elsewhere.example/acs", "InResponseTo": "_other"},
        audiences="<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience></saml:AudienceRestriction>",
        name_id="ann\u200b",
    )
    found = {
        one.check: one
        for one in examine_response(
            posted(signed_both(made, Signing(key="attacker"))), expected=expecting(), now=now
        )
    }
    wrong = {check for check, one in found.items() if one.state == State.FAILED}
    assert wrong == {
        Check.SIGNATURE,
        Check.ISSUER,
        Check.DESTINATION,
        Check.RECIPIENT,
        Check.REQUEST,
        Check.AUDIENCE,
        Check.TIMES,
        Check.SAID,
    }
    assert [found[check].expected for check in (Check.ISSUER, Check.DESTINATION, Check.AUDIENCE)] == [
        IDP,
        ACS,
        SP,
    ]
    why = found[Check.AUDIENCE].why
    assert why is not None
    assert why.found == "urn:other"
    assert found[Check.LIBRARY].state == State.NOT_REACHED


def test_what_rests_on_something_that_failed_is_not_reached(now: datetime) -> None:
    unread = states("<a", now)
    assert unread.pop(Check.FORM) == State.FAILED
    assert set(unread.values()) == {State.NOT_REACHED}
    cbc = states(encrypted_assertion(Made(now), PLAIN, Encrypting(method=XENC + "aes256-cbc")), now)
    assert cbc[Check.ENCRYPTION] == State.FAILED
    assert cbc[Check.ISSUER] == State.PASSED
    assert cbc[Check.AUDIENCE] == State.NOT_REACHED
    extended = signed_response(Made(now, extra="<saml:Advice/>"))
    assert failed(extended, now) == {"structure"}
    refused = Made(
        now,
        status='<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"/></samlp:Status>',
    ).response("")
    assert failed(refused, now) == {"status"}


def test_nothing_is_decrypted_of_what_is_forged(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = FORMS["encrypted in a signed response"](Made(now), Signing(key="attacker"))
    monkeypatch.setattr(
        "assistant.identity.saml.gate.decrypted", lambda *_, **__: pytest.fail("it was decrypted")
    )
    found = states(forged, now)
    assert (found[Check.SIGNATURE], found[Check.ENCRYPTION]) == (State.FAILED, State.NOT_REACHED)


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda now: Made(now).response(Made(now).assertion()), {"signature"}),
        (lambda now: signed_assertion(Made(now - timedelta(days=1))), {"times"}),
        (lambda now: signed_both(Made(now), Signing(key="weak")), {"signature"}),
        (
            lambda now: signed_both(
                Made(now, statement_attributes={"SessionNotOnOrAfter": at(now - timedelta(minutes=1))})
            ),
            {"times"},
        ),
    ],
)
def test_one_thing_that_is_wrong_is_the_only_one_told(
    now: datetime, make: Callable[[datetime], str], wrong: set[str]
) -> None:
    assert failed(make(now), now) == wrong


def test_what_the_gate_refuses_has_failed_and_what_it_takes_has_passed(now: datetime) -> None:
    """Hostile messages and altered ones: a part of those on which the gate itself is tried."""
    random, tried = Random(5), 0
    messages = [(case.message, case.expected) for case in all_cases(now)[::15]]
    for text, _ in originals(now).values():
        messages += [(posted(altered(random, text)[1]), {}) for _ in range(6)]
    for message, changes in messages:
        expected = expecting(**changes)
        examined = examine_response(message, expected=expected, now=now)
        wrong = {one.why.reason for one in examined if one.why is not None}
        assert [one.check for one in examined] == list(Check)
        reason = None
        try:
            read_response(message, expected=expected, now=now)
        except Rejected as rejected:
            reason = rejected.reason
        if reason is None:
            assert {one.state for one in examined} == {State.PASSED}
        else:
            assert reason in wrong, (reason, wrong)
            tried += 1
    assert tried > 60
