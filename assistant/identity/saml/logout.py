"""Messages of single logout, by form field (POST) or in an address (Redirect): always signed, never taken
on trust."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import unquote_plus

from assistant.identity.saml.bounded import Element, decoded, inflated, parsed
from assistant.identity.saml.moments import check_recent, moment
from assistant.identity.saml.reasons import Reason, Rejected
from assistant.identity.saml.second_opinion import agree_on_message
from assistant.identity.saml.signature import PublicKey, check_value, signature_in, signed_bytes, usable_keys
from assistant.identity.saml.structure import check_ids, check_structure, only, text_of
from assistant.identity.saml.subjects import check_issuer, checked_index, subject_of
from assistant.identity.saml.vocabulary import SUCCESS, samlp

_LONGEST_QUERY: Final = 64 * 1024
_LONGEST_LIFE: Final = timedelta(minutes=10)
_DEFLATE: Final = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"
_PARTIAL: Final = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"


@dataclass(frozen=True, slots=True)
class Posted:
    """The form field `SAMLRequest` or `SAMLResponse`."""

    encoded: str


@dataclass(frozen=True, slots=True)
class Redirected:
    """The query of the address exactly as it arrived: its letters are what was signed."""

    query: str


Message = Posted | Redirected


@dataclass(frozen=True, slots=True)
class ExpectedLogout:
    """What a message must fit: as in `gate.Expected`, `destination` being our address for single logout.

    `request_id` is what a response must answer; a request has none.
    """

    issuer: str
    audience: str
    destination: str
    certificates: tuple[str, ...]
    request_id: str | None = None
    leeway_s: int = 60


@dataclass(frozen=True, slots=True)
class LogoutAsked:
    """The provider ends somebody's sessions: those named, or all where none is.

    `expires_at` is until when a replay of `request_id` must be remembered.
    """

    request_id: str
    subject: str
    subject_format: str
    session_indexes: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LogoutAnswered:
    """The provider has ended its session: everywhere, or `is_partial`ly (somebody else did not answer it)."""

    response_id: str
    is_partial: bool


def read_logout_request(message: Message, *, expected: ExpectedLogout, now: datetime) -> LogoutAsked:
    """Whom the provider signs out.

    Raises:
        Rejected: the first thing that is not as it must be.
    """
    request = _read(message, "SAMLRequest", "LogoutRequest", expected)
    leeway = timedelta(seconds=expected.leeway_s)
    issued = _check_message(request, expected, now, leeway)
    ends = request.get("NotOnOrAfter")
    if ends is not None and moment(ends) <= now:
        raise Rejected(Reason.EXPIRED, ends)
    subject, subject_format = subject_of(request, expected.audience)
    indexes = tuple(checked_index(text_of(element)) for element in request.iterfind(samlp("SessionIndex")))
    if not all(indexes):
        raise Rejected(Reason.SUBJECT)
    return LogoutAsked(request.get("ID"), subject, subject_format, indexes, issued + _LONGEST_LIFE + leeway)


def read_logout_response(message: Message, *, expected: ExpectedLogout, now: datetime) -> LogoutAnswered:
    """How the provider answers our request to sign out.

    Raises:
        Rejected: the first thing that is not as it must be; STATUS where it says that it did not.
    """
    response = _read(message, "SAMLResponse", "LogoutResponse", expected)
    _check_message(response, expected, now, timedelta(seconds=expected.leeway_s))
    if expected.request_id is None or response.get("InResponseTo") != expected.request_id:
        raise Rejected(Reason.IN_RESPONSE_TO)
    codes = [code.get("Value") for code in only(response, samlp("Status")).iter(samlp("StatusCode"))]
    if codes[0] != SUCCESS:
        raise Rejected(Reason.STATUS, codes[-1].rpartition(":")[2])
    return LogoutAnswered(response.get("ID"), codes[1:] == [_PARTIAL])


def claimed_logout_request_id(message: Message) -> str | None:
    """Which request a logout response says that it answers; only to find what waits for it.

    Raises:
        Rejected: what came is no small and plain message.
    """
    data = _posted(message) if isinstance(message, Posted) else _query(message.query, "SAMLResponse").data
    answered: str | None = parsed(data).get("InResponseTo")
    return answered


def _read(message: Message, field: str, kind: str, expected: ExpectedLogout) -> Element:
    """The message as it was signed."""
    usable = usable_keys(expected.certificates)
    keys = tuple(key for _, key in usable)
    is_posted = isinstance(message, Posted)
    data = _posted(message) if isinstance(message, Posted) else _verified_query(message.query, field, keys)
    arrived = parsed(data)
    if arrived.tag != samlp(kind) or arrived.get("Version") != "2.0":
        raise Rejected(Reason.KIND, arrived.tag)
    check_structure(arrived)
    check_ids(arrived)
    verified = parsed(signed_bytes(arrived, keys)) if is_posted else _unsigned_inside(arrived)
    check_structure(verified)
    if verified.tag != arrived.tag:
        raise Rejected(Reason.SIGNATURE_FORM)
    agree_on_message(
        data,
        kind,
        certificates=[pem for pem, _ in usable],
        is_signed_inside=is_posted,
    )
    return verified


def _posted(message: Posted) -> bytes:
    return decoded(message.encoded)


def _unsigned_inside(arrived: Element) -> Element:
    """Bytes that are signed from outside bear no second signature, which nobody would look at."""
    if signature_in(arrived) is not None:
        raise Rejected(Reason.SIGNATURE_FORM)
    return arrived


def _check_message(message: Element, expected: ExpectedLogout, now: datetime, leeway: timedelta) -> datetime:
    check_issuer(message, expected.issuer)
    if message.get("Destination") != expected.destination:
        raise Rejected(Reason.DESTINATION, message.get("Destination", ""))
    return check_recent(message.get("IssueInstant"), now, leeway, longest=_LONGEST_LIFE)


@dataclass(frozen=True, slots=True)
class _Query:
    """A signed address: the message, and what was signed with what."""

    data: bytes
    signed: bytes
    value: bytes
    method: str


def _verified_query(query: str, field: str, keys: Sequence[PublicKey]) -> bytes:
    read = _query(query, field)
    check_value(read.signed, read.value, read.method, keys)
    return read.data


def _query(query: str, field: str) -> _Query:
    """The parts of a query, each at most once, and no parameter beside them."""
    if len(query) > _LONGEST_QUERY:
        raise Rejected(Reason.TOO_LARGE)
    if not query.isascii():
        raise Rejected(Reason.ENCODING)
    raw: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name in raw:
            raise Rejected(Reason.STRUCTURE, name)
        raw[name] = value
    if unknown := raw.keys() - {field, "RelayState", "SigAlg", "Signature", "SAMLEncoding"}:
        raise Rejected(Reason.STRUCTURE, min(unknown))
    if "Signature" not in raw or "SigAlg" not in raw:
        raise Rejected(Reason.UNSIGNED)
    if field not in raw:
        raise Rejected(Reason.KIND)
    if raw.get("SAMLEncoding", _DEFLATE) not in (_DEFLATE, _DEFLATE.replace(":", "%3A")):
        raise Rejected(Reason.ENCODING)
    signed = "&".join(f"{name}={raw[name]}" for name in (field, "RelayState", "SigAlg") if name in raw)
    try:
        signature = base64.b64decode(unquote_plus(raw["Signature"]).replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise Rejected(Reason.ENCODING) from None
    data = inflated(decoded(unquote_plus(raw[field])))
    return _Query(data, signed.encode(), signature, unquote_plus(raw["SigAlg"]))
