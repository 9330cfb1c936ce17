"""Why does this person see this document, or why not? Every step of the rule, with the age of its facts.

Only for `inspector`, which asks first whether somebody may know it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from assistant.access.inspection import (
    Bearing,
    ClauseView,
    Decision,
    EntryView,
    Fact,
    Identity,
    IdentityOrigin,
    PrincipalLabel,
    Reason,
)
from assistant.access.membership_paths import label, labels, paths_up
from assistant.access.visibility import deciding_entries, permissions_confirmed_at
from assistant.accounts.freshness import fresh_ids, is_expired
from assistant.accounts.holding import Held, accounts_by_address, held_by, own_principals
from assistant.accounts.models import AccountLink, Address, Connection, User
from assistant.common.acl import PrincipalKind
from assistant.documents.models import AclEntry, Document, Hidden

SHOWN_AROUND = 4  # entries before and after the one that decides
_HIDDEN = {
    Hidden.PERMISSIONS.value: Reason.PERMISSIONS_IN_DOUBT,
    Hidden.MISSING.value: Reason.GONE_FROM_SOURCE,
    Hidden.REMOVED.value: Reason.DELETED,
}


def hides_from_everybody(document: Document, *, now: datetime) -> Reason | None:
    """What keeps the document from whoever asks, if anything does."""
    confirmed = permissions_confirmed_at(document)
    if document.hidden:
        return _HIDDEN[document.hidden]
    if document.version == 0:
        return Reason.NO_TEXT
    if document.acl is None or document.acl.clause_count == 0 or confirmed is None:
        return Reason.NO_PERMISSIONS
    if confirmed + timedelta(seconds=document.connection.max_age_s) < now:
        return Reason.PERMISSIONS_TOO_OLD
    return None


@dataclass(frozen=True, slots=True)
class Case:
    """One person and one document at one moment."""

    user: User
    document: Document
    held: Held
    now: datetime

    def deciding(self) -> list[AclEntry | None]:
        """For each clause the entry that decides it."""
        return deciding_entries(self.document, held=self.held, now=self.now)


def case_of(user: User, document: Document, *, now: datetime) -> Case:
    """The case, with what the person holds at that moment."""
    return Case(user, document, held_by(user, now=now), now)


def reason_for(case: Case) -> Reason:
    """The first thing that keeps the document from the person, or ALLOWED."""
    hidden = hides_from_everybody(case.document, now=case.now)
    if hidden is not None:
        return hidden
    if not case.user.is_active:
        return Reason.ACCOUNT_CLOSED
    deciding = case.deciding()
    denies = [entry for entry in deciding if entry is not None and not entry.allow]
    if any(entry.principal_id in case.held.ids for entry in denies):
        return Reason.DENIED
    if denies:
        return Reason.DENIED_IN_DOUBT
    if all(entry is not None for entry in deciding):
        return Reason.ALLOWED
    return Reason.GROUPS_TOO_OLD if _waits_for_groups(case, deciding) else Reason.NOT_NAMED


def _waits_for_groups(case: Case, deciding: Sequence[AclEntry | None]) -> bool:
    """Whether a clause that let nobody in allows groups or accounts whose membership is too old to count."""
    if case.document.acl is None or not is_expired(case.document.connection, case.now):
        return False
    silent = [number for number, entry in enumerate(deciding) if entry is None]
    allows = case.document.acl.entries.filter(clause__in=silent, allow=True)
    return allows.exclude(principal__connection=None).exists()


def identities_of(user: User, *, now: datetime) -> tuple[Identity, ...]:
    """Everything that names the person directly: addresses, source accounts, everyone."""
    addresses = {
        row.address: row for row in Address.objects.filter(user=user).order_by("is_alias", "address")
    }
    found = [
        Identity(
            PrincipalLabel(PrincipalKind.USER.value, row.address),
            IdentityOrigin.ALIAS if row.is_alias else IdentityOrigin.SIGN_IN_ADDRESS,
            row.confirmed,
            row.since,
        )
        for row in addresses.values()
    ]
    fresh = fresh_ids(now)
    reported = (
        accounts_by_address(fresh).filter(address__in=addresses).select_related("principal__connection")
    )
    found.extend(
        Identity(label(row.principal), IdentityOrigin.REPORTED, addresses[row.address].confirmed)
        for row in reported.select_related("principal__connection").order_by("connection_id", "principal_id")
    )
    links = AccountLink.objects.filter(user=user, principal__connection__in=fresh)
    found.extend(
        Identity(label(row.principal), IdentityOrigin.LINKED, since=row.made_at)
        for row in links.select_related("principal__connection").order_by("principal_id")
    )
    everyone = PrincipalLabel(PrincipalKind.EVERYONE.value, "")
    return (*found, Identity(everyone, IdentityOrigin.EVERYONE))


def clauses_for(case: Case) -> tuple[ClauseView, ...]:
    """Each clause with what decides it, and the way from the person to what decides."""
    deciding = case.deciding()
    chains = _chains(case, [entry.principal_id for entry in deciding if entry is not None])
    return tuple(
        _clause(case, number, entry, chains.get(entry.principal_id, ()) if entry else ())
        for number, entry in enumerate(deciding)
    )


def _chains(case: Case, targets: list[int]) -> dict[int, tuple[PrincipalLabel, ...]]:
    if not case.user.is_active:
        return {}
    own = set(own_principals(case.user.pk, fresh=fresh_ids(case.now)).values_list("pk", flat=True))
    chains = paths_up(own, targets, now=case.now)
    named = labels(pk for chain in chains.values() for pk in chain)
    return {target: tuple(named[pk] for pk in chain) for target, chain in chains.items()}


def _clause(
    case: Case, number: int, decider: AclEntry | None, path: tuple[PrincipalLabel, ...]
) -> ClauseView:
    entries = AclEntry.objects.filter(acl=case.document.acl_id, clause=number)
    middle = decider.position if decider else 0
    window = entries.filter(position__gte=middle - SHOWN_AROUND, position__lte=middle + SHOWN_AROUND)
    decision = Decision.NO_MATCH
    if decider is not None:
        decision = Decision.ALLOW if decider.allow else Decision.DENY
    return ClauseView(
        number=number + 1,
        decision=decision,
        entries=tuple(
            _entry(case, entry, decides=decider is not None and entry.pk == decider.pk)
            for entry in window.select_related("principal__connection").order_by("position")
        ),
        total=entries.count(),
        path=path,
    )


def _entry(case: Case, entry: AclEntry, *, decides: bool) -> EntryView:
    if entry.expires_at is not None and entry.expires_at <= case.now:
        bearing = Bearing.EXPIRED
    elif entry.principal_id in case.held.ids:
        bearing = Bearing.HELD
    elif entry.principal_id in case.held.doubtful:
        bearing = Bearing.IN_DOUBT
    else:
        bearing = Bearing.NOT_HELD
    return EntryView(
        position=entry.position + 1,
        allow=entry.allow,
        principal=label(entry.principal),
        expires=entry.expires_at,
        bearing=bearing,
        decides=decides,
    )


def facts_about(document: Document, *, now: datetime) -> tuple[Fact, ...]:
    """How old the access list is, and how old the source's groups are."""
    confirmed = permissions_confirmed_at(document)
    return (
        _fact("access_list", confirmed, document.connection, now),
        groups_fact(document.connection, now=now),
    )


def groups_fact(connection: Connection, *, now: datetime) -> Fact:
    """How old the groups of a source are."""
    return _fact("groups", connection.principals_confirmed_at, connection, now)


def _fact(subject: str, at: datetime | None, connection: Connection, now: datetime) -> Fact:
    age = (now - at).total_seconds() if at is not None else None
    limit = connection.max_age_s
    return Fact(
        subject=subject,
        at=at,
        age_s=round(age, 1) if age is not None else None,
        limit_s=limit,
        too_old=at is None or at + timedelta(seconds=limit) < now,
    )
