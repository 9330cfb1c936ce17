"""All that is wrong with a response, for an administrator who mends several things at once.

Nobody is let in by it: the gate decides, and ends at the first thing that is wrong. Here each of its checks
is asked by itself. What rests on something that failed before is not reached; what a message says is held
against what was expected also where nobody vouches for it, since only who looks at it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from assistant.identity.saml.bounded import Element, decoded, parsed
from assistant.identity.saml.conditions import (
    Expected,
    Parts,
    check_destination,
    check_issued,
    check_plain_allowed,
    check_request,
    check_told_status,
)
from assistant.identity.saml.gate import (
    PublicKey,
    check_kind,
    check_one_assertion,
    opened_assertion,
    read_response,
    verified,
)
from assistant.identity.saml.reasons import Reason, Rejected
from assistant.identity.saml.signature import usable_keys
from assistant.identity.saml.structure import check_ids, check_structure
from assistant.identity.saml.subjects import check_issuer
from assistant.identity.saml.vocabulary import saml

T = TypeVar("T")


class Check(StrEnum):
    """What is asked, in the order in which it is shown."""

    FORM = "form"
    KIND = "kind"
    STATUS = "status"
    STRUCTURE = "structure"
    ASSERTIONS = "assertions"
    ENCRYPTION = "encryption"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    DESTINATION = "destination"
    REQUEST = "request"
    RECIPIENT = "recipient"
    AUDIENCE = "audience"
    TIMES = "times"
    SAID = "said"
    LIBRARY = "library"


class State(StrEnum):
    """How it ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class Examined:
    """One check. `why` is there if it failed; `expected` is what should stand there, if that is one text."""

    check: Check
    state: State
    why: Rejected | None = None
    expected: str = ""


def examine_response(encoded: str, *, expected: Expected, now: datetime) -> tuple[Examined, ...]:
    """Every check once, in the order of `Check`. All have passed if and only if the gate lets it in."""
    notes = _Notes()
    response = notes.ask(Check.FORM, lambda: parsed(decoded(encoded)))
    if response is not None:
        _examine(response, expected, now, notes)
    if not notes.failed:
        notes.ask(Check.LIBRARY, lambda: read_response(encoded, expected=expected, now=now))
    wanted = {
        Check.ISSUER: expected.issuer,
        Check.DESTINATION: expected.destination,
        Check.RECIPIENT: expected.destination,
        Check.AUDIENCE: expected.audience,
    }
    return notes.all(wanted)


class _Notes:
    """What came of each check; the first failure of each is kept."""

    def __init__(self) -> None:
        self._asked: set[Check] = set()
        self.failed: dict[Check, Rejected] = {}

    def ask(self, check: Check, act: Callable[[], T]) -> T | None:
        """What it gives; None where it fails."""
        self._asked.add(check)
        try:
            return act()
        except Rejected as why:
            self.failed.setdefault(check, why)
            return None

    def all(self, wanted: Mapping[Check, str]) -> tuple[Examined, ...]:
        """Of all checks."""
        return tuple(
            Examined(
                check,
                State.FAILED
                if check in self.failed
                else State.PASSED
                if check in self._asked
                else State.NOT_REACHED,
                self.failed.get(check),
                wanted.get(check, ""),
            )
            for check in Check
        )


def _examine(response: Element, expected: Expected, now: datetime, notes: _Notes) -> None:
    notes.ask(Check.KIND, lambda: check_kind(response))
    if Check.KIND in notes.failed:
        return
    notes.ask(Check.STATUS, lambda: check_told_status(response))
    notes.ask(Check.STRUCTURE, lambda: check_structure(response))
    notes.ask(Check.STRUCTURE, lambda: check_ids(response))
    if Check.STATUS not in notes.failed:  # who could not sign anybody in sends no assertion
        notes.ask(Check.ASSERTIONS, lambda: check_one_assertion(response))
    if Check.STRUCTURE in notes.failed:
        return
    keys = notes.ask(Check.SIGNATURE, lambda: tuple(key for _, key in usable_keys(expected.certificates)))
    signed = notes.ask(Check.SIGNATURE, lambda: verified(response, keys)) if keys else None
    source, is_signed = signed or (response, False)
    notes.ask(Check.ISSUER, lambda: check_issuer(source, expected.issuer))
    notes.ask(Check.DESTINATION, lambda: check_destination(source, expected))
    notes.ask(Check.REQUEST, lambda: check_request(source, expected))
    notes.ask(Check.TIMES, lambda: check_issued(source, expected, now))
    if Check.ASSERTIONS not in notes.failed and Check.STATUS not in notes.failed:
        message = _Message(response, source, keys or (), is_signed)
        assertion = _assertion(message, expected, notes)
        if assertion is not None:
            _examine_assertion(assertion, expected, now, notes)


@dataclass(frozen=True, slots=True)
class _Message:
    """A response as it came, and as it was signed, if it was."""

    response: Element
    source: Element
    keys: tuple[PublicKey, ...]
    is_signed: bool


def _assertion(message: _Message, expected: Expected, notes: _Notes) -> Element | None:
    """As it was signed, if it was; otherwise as it came, which is only looked at."""
    tag, is_signed = saml("Assertion"), message.is_signed
    plain = message.source.find(tag)
    if plain is not None:
        notes.ask(Check.ENCRYPTION, lambda: check_plain_allowed(expected))
        arrived = message.response.find(tag)
    elif Check.SIGNATURE in notes.failed:
        return None  # nothing is decrypted for who forges
    else:
        opened = notes.ask(
            Check.ENCRYPTION, lambda: opened_assertion(message.source, expected, is_signed=is_signed)
        )
        if opened is None:
            return None
        plain = arrived = opened[0]
        notes.ask(Check.STRUCTURE, lambda: check_ids(message.response, arrived))
    if Check.SIGNATURE in notes.failed:
        return arrived
    own = notes.ask(Check.SIGNATURE, lambda: verified(arrived, message.keys))
    if own is None:
        return arrived
    if not (own[1] or is_signed):
        notes.failed.setdefault(Check.SIGNATURE, Rejected(Reason.UNSIGNED))
    return own[0] if own[1] else plain


def _examine_assertion(assertion: Element, expected: Expected, now: datetime, notes: _Notes) -> None:
    read = Parts(assertion, expected, now)
    for check, parts in (
        (Check.KIND, (read.check_version,)),
        (Check.ISSUER, (read.check_issuer,)),
        (Check.RECIPIENT, (read.check_confirmation, read.check_recipient)),
        (Check.REQUEST, (read.check_request,)),
        (Check.AUDIENCE, (read.check_audience,)),
        (Check.TIMES, (read.check_issued, read.check_begun, read.authenticated_at)),
        (Check.TIMES, (read.confirmed_until, read.valid_until, read.session_ends)),
        (Check.SAID, (read.subject, read.session_index, read.attributes)),
    ):
        for part in parts:
            notes.ask(check, part)
