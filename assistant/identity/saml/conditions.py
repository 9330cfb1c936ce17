"""Is the assertion for us, for this moment, for this sign-in? And what does it say?

Everything is read from elements that were parsed from verified bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from assistant.identity.saml.bounded import Element
from assistant.identity.saml.moments import check_begun, check_lasting, check_recent, moment
from assistant.identity.saml.reasons import Reason, Rejected
from assistant.identity.saml.structure import only, text_of
from assistant.identity.saml.subjects import check_issuer, checked_index, subject_of
from assistant.identity.saml.vocabulary import BEARER, SUCCESS, saml, samlp

_LONGEST_VALUE: Final = 4_000


@dataclass(frozen=True, slots=True)
class Expected:
    """What a response must fit.

    Attributes:
        issuer: entity ID of the identity provider.
        audience: our entity ID.
        destination: our assertion consumer address, exactly.
        certificates: PEM; each may have signed (roll-over).
        request_id: what InResponseTo must be. None: the provider began, and none may stand there.
        decryption_keys: PEM of ours, newest first.
        encrypted_only: whether a plain assertion is refused.
        leeway_s: seconds that the provider's clock may be ahead of ours.
    """

    issuer: str
    audience: str
    destination: str
    certificates: tuple[str, ...]
    request_id: str | None
    decryption_keys: tuple[str, ...] = ()
    encrypted_only: bool = False
    leeway_s: int = 60

    @property
    def leeway(self) -> timedelta:
        """How far the provider's clock may be ahead."""
        return timedelta(seconds=self.leeway_s)


@dataclass(frozen=True, slots=True)
class Asserted:
    """What a provider said of somebody; the caller still has to spend `assertion_id` (`identity.spent`).

    Attributes:
        assertion_id: what may be accepted once.
        subject: the name identifier, letter by letter.
        subject_format: its format; the one for "unspecified" where none is given.
        session_index: the provider's name of its session, or empty.
        attributes: values by attribute's name, in their order, without white space at their ends.
        authenticated_at: when the person signed in at the provider.
        expires_at: until when the replay must be remembered.
        session_expires_at: when a session made of it must end, if the provider says so.
    """

    assertion_id: str
    subject: str
    subject_format: str
    session_index: str
    attributes: Mapping[str, tuple[str, ...]]
    authenticated_at: datetime
    expires_at: datetime
    session_expires_at: datetime | None = None


def check_status(message: Element) -> None:
    """The provider says that it did what it was asked for.

    Raises:
        Rejected: it says otherwise; `found` is the innermost status code.
    """
    codes = [element.get("Value", "") for element in only(message, samlp("Status")).iter(samlp("StatusCode"))]
    if codes != [SUCCESS]:
        raise Rejected(Reason.STATUS, codes[-1].rpartition(":")[2] if codes else "")


def check_response(response: Element, expected: Expected, now: datetime) -> None:
    """Issuer, address, request and age of a response.

    Raises:
        Rejected: the first that does not fit.
    """
    check_issuer(response, expected.issuer)
    if response.get("Destination") != expected.destination:
        raise Rejected(Reason.DESTINATION, response.get("Destination", ""))
    _check_request(response, expected)
    check_recent(response.get("IssueInstant"), now, expected.leeway)


def read_assertion(assertion: Element, expected: Expected, now: datetime) -> Asserted:
    """What it says, if it is for us and for now.

    Raises:
        Rejected: the first thing that does not fit.
    """
    if assertion.get("Version") != "2.0":
        raise Rejected(Reason.KIND, assertion.get("Version"))
    check_issuer(assertion, expected.issuer)
    check_recent(assertion.get("IssueInstant"), now, expected.leeway)
    subject = only(assertion, saml("Subject"))
    name, name_format = subject_of(subject, expected.audience)
    confirmed_until = _confirmed_until(only(subject, saml("SubjectConfirmation")), expected, now)
    valid_until = _valid_until(only(assertion, saml("Conditions")), expected, now)
    statement = only(assertion, saml("AuthnStatement"))
    ends = statement.get("SessionNotOnOrAfter")
    session_expires_at = None if ends is None else moment(ends)
    if session_expires_at is not None and session_expires_at <= now:
        raise Rejected(Reason.EXPIRED, ends)
    return Asserted(
        assertion_id=assertion.get("ID"),
        subject=name,
        subject_format=name_format,
        session_index=checked_index(statement.get("SessionIndex", "")),
        attributes=_attributes(assertion),
        authenticated_at=check_begun(statement.get("AuthnInstant"), now, expected.leeway),
        expires_at=max(confirmed_until, valid_until) + expected.leeway,
        session_expires_at=session_expires_at,
    )


def _check_request(element: Element, expected: Expected) -> None:
    answers = element.get("InResponseTo")
    if expected.request_id is None and answers is not None:
        raise Rejected(Reason.UNSOLICITED)
    if answers != expected.request_id:
        raise Rejected(Reason.IN_RESPONSE_TO)


def _confirmed_until(confirmation: Element, expected: Expected, now: datetime) -> datetime:
    if confirmation.get("Method") != BEARER:
        raise Rejected(Reason.CONFIRMATION, confirmation.get("Method", ""))
    data = only(confirmation, saml("SubjectConfirmationData"))
    if data.get("NotBefore") is not None or data.get("NotOnOrAfter") is None:
        raise Rejected(Reason.CONFIRMATION)
    if data.get("Recipient") != expected.destination:
        raise Rejected(Reason.RECIPIENT, data.get("Recipient", ""))
    _check_request(data, expected)
    return check_lasting(data.get("NotOnOrAfter"), now)


def _valid_until(conditions: Element, expected: Expected, now: datetime) -> datetime:
    check_begun(conditions.get("NotBefore"), now, expected.leeway)
    restriction = conditions.find(saml("AudienceRestriction"))
    audiences = [] if restriction is None else [text_of(audience) for audience in restriction]
    if expected.audience not in audiences:
        raise Rejected(Reason.AUDIENCE, ", ".join(audiences))
    return check_lasting(conditions.get("NotOnOrAfter"), now)


def _attributes(assertion: Element) -> dict[str, tuple[str, ...]]:
    """One attribute may stand several times, as Keycloak writes roles: its values are put together."""
    attributes: dict[str, tuple[str, ...]] = {}
    for attribute in assertion.iterfind(f"{saml('AttributeStatement')}/{saml('Attribute')}"):
        name = attribute.get("Name")
        values = tuple(value for element in attribute if (value := _value(element)))
        attributes[name] = attributes.get(name, ()) + values
    return attributes


def _value(element: Element) -> str:
    identifier = element.find(saml("NameID"))
    text = text_of(element if identifier is None else identifier).strip()
    if len(text) > _LONGEST_VALUE:
        raise Rejected(Reason.TOO_LARGE)
    if any(ord(character) < ord(" ") or character == "\x7f" for character in text):
        raise Rejected(Reason.STRUCTURE, element.tag)
    return text
