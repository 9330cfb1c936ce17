"""Access lists as values: what a connector reports and what the database interns.

An ACL is an AND of clauses; a clause is an ordered list of entries, the first
entry that matches decides, and no match means no. An ACL without clauses, or a
clause without entries, lets nobody in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from typing_extensions import TypeIs

from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.common.told import told
from assistant.common.types import Json

MAX_ID_LENGTH = 512
_SHAPES = "user:EMAIL, account:ID, group:ID or everyone"


class PrincipalKind(StrEnum):
    """What an entry can name."""

    USER = "user"  # a person, by e-mail address
    ACCOUNT = "account"  # a person, by the id that the reporting connection gives them
    GROUP = "group"  # a group of the connection that reports it
    EVERYONE = "everyone"  # whoever can sign in; a source must say it aloud


@dataclass(frozen=True, slots=True, order=True)
class PrincipalRef:
    """A principal as a source names it. `id` is canonical for users, verbatim for groups and accounts."""

    kind: PrincipalKind
    id: str = ""

    def __str__(self) -> str:
        return self.kind.value if self.kind is PrincipalKind.EVERYONE else f"{self.kind}:{self.id}"


EVERYONE = PrincipalRef(PrincipalKind.EVERYONE)


def user(email: str) -> PrincipalRef:
    """The principal of the person with this address."""
    return PrincipalRef(PrincipalKind.USER, canonical_email(email))


def account(external_id: str) -> PrincipalRef:
    """The principal of a source's own account, by the id its source gives it."""
    return PrincipalRef(PrincipalKind.ACCOUNT, _checked_id(external_id, told("An account id")))


def group(external_id: str) -> PrincipalRef:
    """The principal of a group, by the id its source gives it."""
    return PrincipalRef(PrincipalKind.GROUP, _checked_id(external_id, told("A group id")))


def _checked_id(external_id: str, what: str) -> str:
    if not external_id.strip() or len(external_id) > MAX_ID_LENGTH or "\x00" in external_id:
        raise UsageError(told("{what} must have 1 to {most} characters.", what=what, most=MAX_ID_LENGTH))
    return external_id


@dataclass(frozen=True, slots=True)
class Entry:
    """`allow` or deny one principal, until `expires` if given (aware datetime)."""

    allow: bool
    principal: PrincipalRef
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """Ordered entries; the first that matches decides."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Acl:
    """Every clause must let the viewer in."""

    clauses: tuple[Clause, ...]


NOBODY = Acl(())
PUBLIC = Acl((Clause((Entry(allow=True, principal=EVERYONE),)),))


def parse_principal(text: Json) -> PrincipalRef:
    """`user:EMAIL`, `account:ID`, `group:ID` or `everyone`.

    Raises:
        UsageError: any other shape.
    """
    if not isinstance(text, str):
        raise UsageError(told("A principal must be a text: {shapes}.", shapes=_SHAPES))
    if text == "everyone":
        return EVERYONE
    kind, colon, external_id = text.partition(":")
    if colon and kind == "user":
        return user(external_id)
    if colon and kind == "group":
        return group(external_id)
    if colon and kind == "account":
        return account(external_id)
    raise UsageError(told("'{text}' is not a principal: write {shapes}.", text=text[:80], shapes=_SHAPES))


def parse_acl(value: Json) -> Acl:
    """An ACL from JSON: one clause, or `{"all": [clause, ...]}`.

    A clause is `{"entries": [["allow"|"deny", P, expires?], ...]}` in order, or
    `{"allow": [P, ...], "deny": [P, ...]}`, which means the denies first.

    Raises:
        UsageError: unknown key, unknown effect, bad principal or bad time.
    """
    if not isinstance(value, Mapping):
        raise UsageError(told("An acl must be an object."))
    if "all" in value:
        clauses = value["all"]
        if set(value) != {"all"} or not _is_list(clauses):
            raise UsageError(told('"all" must stand alone and hold a list of clauses.'))
        return Acl(tuple(_parse_clause(clause) for clause in clauses))
    return Acl((_parse_clause(value),))


def _parse_clause(value: Json) -> Clause:
    if not isinstance(value, Mapping):
        raise UsageError(told("A clause must be an object."))
    if set(value) == {"entries"}:
        entries = value["entries"]
        if not _is_list(entries):
            raise UsageError(told('"entries" must be a list.'))
        return Clause(tuple(_parse_entry(entry) for entry in entries))
    if set(value) in ({"allow"}, {"deny"}, {"allow", "deny"}):
        denied, allowed = value.get("deny", []), value.get("allow", [])
        if not _is_list(denied) or not _is_list(allowed):
            raise UsageError(told('"allow" and "deny" must be lists of principals.'))
        return Clause(
            tuple(Entry(allow=False, principal=parse_principal(p)) for p in denied)
            + tuple(Entry(allow=True, principal=parse_principal(p)) for p in allowed)
        )
    raise UsageError(told('A clause must have "entries", or "allow" and perhaps "deny", and nothing else.'))


def _parse_entry(value: Json) -> Entry:
    if not _is_list(value) or len(value) not in (2, 3) or value[0] not in ("allow", "deny"):
        raise UsageError(told('An entry must be ["allow" or "deny", principal, expiry if any].'))
    effect, principal, *expiry = value
    expires = _parse_time(expiry[0]) if expiry else None
    return Entry(allow=effect == "allow", principal=parse_principal(principal), expires=expires)


def _parse_time(value: Json) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise UsageError(told("'{value}' is not an RFC 3339 time with a time zone.", value=value))


def _is_list(value: Json) -> TypeIs[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str)
