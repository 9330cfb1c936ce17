"""What the permission inspector tells: values only, each fact with its age.

Ids of documents, people and groups stand here, never text; a title only where the
person who inspects may read the document themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why a person sees a document, or the first thing that keeps it from them."""

    ALLOWED = "allowed"
    DELETED = "deleted"
    GONE_FROM_SOURCE = "gone_from_source"  # not listed any more; its deletion waits for approval
    PERMISSIONS_IN_DOUBT = "permissions_in_doubt"  # the source's permissions could not be read
    NO_TEXT = "no_text"
    NO_PERMISSIONS = "no_permissions"  # there is no access list, or it is empty
    PERMISSIONS_TOO_OLD = "permissions_too_old"
    ACCOUNT_CLOSED = "account_closed"
    NOT_NAMED = "not_named"  # a clause names nothing that the person holds
    GROUPS_TOO_OLD = "groups_too_old"  # as not_named, and the source's groups are too old to count
    DENIED = "denied"
    DENIED_IN_DOUBT = "denied_in_doubt"  # a deny names something that might be theirs


class Decision(StrEnum):
    """How a clause ends."""

    ALLOW = "allow"
    DENY = "deny"
    NO_MATCH = "no_match"


class Bearing(StrEnum):
    """What an entry of an access list is to a person."""

    HELD = "held"
    IN_DOUBT = "in_doubt"  # might be theirs: counts in a deny
    NOT_HELD = "not_held"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class DocumentLabel:
    """A document by the id that its source gives it. `title` only if the viewer may read the document."""

    id: int
    external_id: str
    source_id: int
    source: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class PersonLabel:
    """A person with an account here, or a service account."""

    id: int
    email: str
    name: str
    role: str
    is_active: bool
    is_service: bool = False


@dataclass(frozen=True, slots=True)
class PrincipalLabel:
    """What an entry names. `source` is empty for addresses and everyone."""

    kind: str  # user, account, group, everyone
    external_id: str
    source: str = ""

    def __str__(self) -> str:
        return self.kind if self.kind == "everyone" else f"{self.kind}:{self.external_id}"


class IdentityOrigin(StrEnum):
    """How a person comes to a principal that names them directly."""

    SIGN_IN_ADDRESS = "sign_in_address"
    ALIAS = "alias"
    REPORTED = "reported"  # the source gives the account one of the person's addresses
    LINKED = "linked"  # somebody decided it
    EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Identity:
    """A principal that names the person directly. Not confirmed: it lets them in nowhere."""

    principal: PrincipalLabel
    origin: IdentityOrigin
    confirmed: bool = True
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a source said, when, and until when it counts.

    `subject`: "access_list" (of the document), or "groups" (of the source).
    """

    subject: str
    at: datetime | None
    age_s: float | None
    limit_s: int
    too_old: bool


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry of a clause. `position` counts from 1."""

    position: int
    allow: bool
    principal: PrincipalLabel
    expires: datetime | None
    bearing: Bearing
    decides: bool


@dataclass(frozen=True, slots=True)
class ClauseView:
    """One clause. `entries` holds those around the deciding one; `total` counts all.

    `path` leads from the person's identity through groups to the deciding principal; it is
    empty where nothing decided, and where what decided is only in doubt.
    """

    number: int
    decision: Decision
    entries: tuple[EntryView, ...]
    total: int
    path: tuple[PrincipalLabel, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """One person and one document: the answer, and every step to it."""

    person: PersonLabel
    document: DocumentLabel
    visible: bool
    reason: Reason
    identities: tuple[Identity, ...]
    clauses: tuple[ClauseView, ...]
    facts: tuple[Fact, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who sees a document, and the path of its last clause."""

    person: PersonLabel
    path: tuple[PrincipalLabel, ...]


@dataclass(frozen=True, slots=True)
class Readers:
    """Who sees a document. `outside`: allowed addresses and accounts that belong to nobody here."""

    document: DocumentLabel
    total: int
    people: tuple[Reader, ...]
    outside: tuple[PrincipalLabel, ...]
    outside_total: int
    hidden: Reason | None  # what hides the document from everybody, if anything does
    facts: tuple[Fact, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class SourceView:
    """What a person sees in one source: how many of how many, and one page of the ids."""

    person: PersonLabel
    source_id: int
    source: str
    readable: int
    total: int
    documents: tuple[DocumentLabel, ...]
    facts: tuple[Fact, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class SourceShare:
    """How much of a source a person sees."""

    source_id: int
    source: str
    readable: int
    total: int
