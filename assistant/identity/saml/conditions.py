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


def check_told_status(message: Element) -> None:
    """As `check_status`, where the message tells one; that one is there is a matter of its structure.

    Raises:
        Rejected: it did not do what it was asked for.
    """
    if message.find(samlp("Status")) is not None:
        check_status(message)


def check_response(response: Element, expected: Expected, now: datetime) -> None:
    """Issuer, address, request and age of a response.

    Raises:
        Rejected: the first that does not fit.
    """
    check_issuer(response, expected.issuer)
    check_destination(response, expected)
    check_request(response, expected)
    check_issued(response, expected, now)


def check_destination(response: Element, expected: Expected) -> None:
    """Raises:
    Rejected: it was sent to another address.
    """
    if response.get("Destination") != expected.destination:
        raise Rejected(Reason.DESTINATION, response.get("Destination", ""))


def check_request(element: Element, expected: Expected) -> None:
    """Raises:
    Rejected: it answers another request, or one where none was sent, or none where one was.
    """
    answers = element.get("InResponseTo")
    if expected.request_id is None and answers is not None:
        raise Rejected(Reason.UNSOLICITED)
    if answers != expected.request_id:
        raise Rejected(Reason.IN_RESPONSE_TO)


def check_issued(element: Element, expected: Expected, now: datetime) -> None:
    """Raises:
    Rejected: it was made too long ago, or will be.
    """
    check_recent(element.get("IssueInstant"), now, expected.leeway)


def check_plain_allowed(expected: Expected) -> None:
    """Raises:
    Rejected: only what is encrypted is taken.
    """
    if expected.encrypted_only:
        raise Rejected(Reason.NOT_ENCRYPTED)


def read_assertion(assertion: Element, expected: Expected, now: datetime) -> Asserted:
    """What it says, if it is for us and for now.

    Raises:
        Rejected: the first thing that does not fit.
    """
    parts = Parts(assertion, expected, now)
    parts.check_version()
    parts.check_issuer()
    parts.check_issued()
    name, name_format = parts.subject()
    parts.check_confirmation()
    parts.check_recipient()
    parts.check_request()
    confirmed_until = parts.confirmed_until()
    parts.check_begun()
    parts.check_audience()
    valid_until = parts.valid_until()
    return Asserted(
        session_expires_at=parts.session_ends(),
        assertion_id=assertion.get("ID"),
        subject=name,
        subject_format=name_format,
        session_index=parts.session_index(),
        attributes=parts.attributes(),
        authenticated_at=parts.authenticated_at(),
        expires_at=max(confirmed_until, valid_until) + expected.leeway,
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """What is asked of an assertion, one by one. Each raises `Rejected` where it does not fit."""

    assertion: Element
    expected: Expected
    now: datetime

    def check_version(self) -> None:
        """It is of SAML 2.0."""
        if self.assertion.get("Version") != "2.0":
            raise Rejected(Reason.KIND, self.assertion.get("Version"))

    def check_issuer(self) -> None:
        """The provider made it."""
        check_issuer(self.assertion, self.expected.issuer)

    def check_issued(self) -> None:
        """Not long ago."""
        check_issued(self.assertion, self.expected, self.now)

    def subject(self) -> tuple[str, str]:
        """Name identifier and its format."""
        return subject_of(self._subject(), self.expected.audience)

    def check_confirmation(self) -> None:
        """Whoever brings it is meant, with an end and no beginning."""
        confirmation = only(self._subject(), saml("SubjectConfirmation"))
        if confirmation.get("Method") != BEARER:
            raise Rejected(Reason.CONFIRMATION, confirmation.get("Method", ""))
        data = self._confirmation_data()
        if data.get("NotBefore") is not None or data.get("NotOnOrAfter") is None:
            raise Rejected(Reason.CONFIRMATION)

    def check_recipient(self) -> None:
        """It is to be brought here."""
        data = self._confirmation_data()
        if data.get("Recipient") != self.expected.destination:
            raise Rejected(Reason.RECIPIENT, data.get("Recipient", ""))

    def check_request(self) -> None:
        """It was made for the request that was sent."""
        check_request(self._confirmation_data(), self.expected)

    def confirmed_until(self) -> datetime:
        """When it may no longer be brought."""
        ends = self._confirmation_data().get("NotOnOrAfter")
        if ends is None:
            raise Rejected(Reason.CONFIRMATION)
        return check_lasting(ends, self.now)

    def check_begun(self) -> None:
        """It counts already."""
        check_begun(self._conditions().get("NotBefore"), self.now, self.expected.leeway)

    def check_audience(self) -> None:
        """It is meant for us."""
        restriction = self._conditions().find(saml("AudienceRestriction"))
        audiences = [] if restriction is None else [text_of(audience) for audience in restriction]
        if self.expected.audience not in audiences:
            raise Rejected(Reason.AUDIENCE, ", ".join(audiences))

    def valid_until(self) -> datetime:
        """When it counts no more."""
        return check_lasting(self._conditions().get("NotOnOrAfter"), self.now)

    def session_ends(self) -> datetime | None:
        """When a session made of it must end; None where the provider says nothing."""
        ends = self._statement().get("SessionNotOnOrAfter")
        if ends is None:
            return None
        at = moment(ends)
        if at <= self.now:
            raise Rejected(Reason.EXPIRED, ends)
        return at

    def session_index(self) -> str:
        """The provider's name of its session."""
        return checked_index(self._statement().get("SessionIndex", ""))

    def authenticated_at(self) -> datetime:
        """When the person signed in there."""
        return check_begun(self._statement().get("AuthnInstant"), self.now, self.expected.leeway)

    def attributes(self) -> dict[str, tuple[str, ...]]:
        """What it says of the person."""
        return _attributes(self.assertion)

    def _subject(self) -> Element:
        return only(self.assertion, saml("Subject"))

    def _confirmation_data(self) -> Element:
        return only(only(self._subject(), saml("SubjectConfirmation")), saml("SubjectConfirmationData"))

    def _conditions(self) -> Element:
        return only(self.assertion, saml("Conditions"))

    def _statement(self) -> Element:
        return only(self.assertion, saml("AuthnStatement"))


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
