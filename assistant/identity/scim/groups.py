"""Making groups known, changing and forgetting them. Roles that they give change in the same transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from assistant.audit.trail import Event, record
from assistant.identity.models import IdentityProvider
from assistant.identity.scim.errors import bad_value, not_there, taken
from assistant.identity.scim.facts import GroupFacts
from assistant.identity.scim.models import ProvisionedGroup, ProvisionedMember, ProvisionedPerson
from assistant.identity.scim.nesting import people_in
from assistant.identity.scim.people import Client, hold, refusals_noted
from assistant.identity.scim.roles import give_roles

_BATCH = 500


@dataclass(frozen=True, slots=True)
class _Members:
    """Row ids."""

    people: frozenset[int]
    inner: frozenset[int]


def provision_group(client: Client, facts: GroupFacts) -> ProvisionedGroup:
    """A new group with its members.

    Raises:
        ScimError: the name is taken, a member is not there, or the last who manages people would be demoted.
    """

    def make() -> ProvisionedGroup:
        with transaction.atomic():
            provider = hold(client)
            _require_free(provider, facts, None)
            row = ProvisionedGroup.objects.create(
                provider=provider,
                external_id=facts.external_id,
                name=facts.name,
                name_key=facts.name_key,
            )
            joined, _ = _set_members(provider, row, facts.members or frozenset())
            _record(Event.GROUP_PROVISIONED, client, row, joined=len(joined.people) + len(joined.inner))
            give_roles(provider, people_in(provider.pk, [row.pk]), actor=client.actor)
        return row

    return refusals_noted(client, make)


def change_group(
    client: Client, number: uuid.UUID, facts_of: Callable[[ProvisionedGroup], GroupFacts]
) -> ProvisionedGroup:
    """Make what `facts_of` says of the locked row all that is said of the group.

    Members stay as they are where `facts_of` says nothing of them.

    Raises:
        ScimError: not there, or as `provision_group`.
    """

    def change() -> ProvisionedGroup:
        with transaction.atomic():
            provider = hold(client)
            row = group_row(provider, number)
            facts = facts_of(row)
            _require_free(provider, facts, row)
            renamed = (facts.name, facts.external_id) != (row.name, row.external_id)
            before = people_in(provider.pk, [row.pk]) if renamed else set()
            joined = left = _Members(frozenset(), frozenset())
            if facts.members is not None:
                joined, left = _set_members(provider, row, facts.members)
            if not (renamed or joined.people or joined.inner or left.people or left.inner):
                return row
            row.name, row.name_key, row.external_id = facts.name, facts.name_key, facts.external_id
            row.version += 1
            row.changed_at = timezone.now()
            row.save()
            _record(
                Event.GROUP_CHANGED,
                client,
                row,
                joined=len(joined.people) + len(joined.inner),
                left=len(left.people) + len(left.inner),
            )
            inner = people_in(provider.pk, joined.inner | left.inner)
            affected = before | joined.people | left.people | inner
            give_roles(provider, affected, actor=client.actor)
        return row

    return refusals_noted(client, change)


def forget_group(
    client: Client, number: uuid.UUID, check: Callable[[ProvisionedGroup], None] = lambda _: None
) -> None:
    """Remove a group. Its people keep their accounts and lose what it gave.

    Raises:
        ScimError: not there, or the last who manages people would be demoted.
    """

    def forget() -> None:
        with transaction.atomic():
            provider = hold(client)
            row = group_row(provider, number)
            check(row)
            affected = people_in(provider.pk, [row.pk])
            _record(Event.GROUP_UNPROVISIONED, client, row)
            row.delete()
            give_roles(provider, affected, actor=client.actor)

    refusals_noted(client, forget)


def group_row(provider: IdentityProvider, number: uuid.UUID) -> ProvisionedGroup:
    """One group of this provider.

    Raises:
        ScimError: there is none, or another client's.
    """
    row = ProvisionedGroup.objects.filter(provider=provider, number=number).first()
    if row is None:
        raise not_there()
    return row


def _set_members(
    provider: IdentityProvider, row: ProvisionedGroup, wanted: frozenset[uuid.UUID]
) -> tuple[_Members, _Members]:
    """Make these the members. Who joined, and who left."""
    rows = list(ProvisionedMember.objects.filter(group=row))
    had = _Members(
        frozenset(one.person_id for one in rows if one.person_id is not None),
        frozenset(one.inner_id for one in rows if one.inner_id is not None),
    )
    want = _found(provider, wanted)
    joined = _Members(want.people - had.people, want.inner - had.inner)
    left = _Members(had.people - want.people, had.inner - want.inner)
    gone = [one.pk for one in rows if one.person_id in left.people or one.inner_id in left.inner]
    for start in range(0, len(gone), _BATCH):
        ProvisionedMember.objects.filter(pk__in=gone[start : start + _BATCH]).delete()
    ProvisionedMember.objects.bulk_create(
        [
            *(ProvisionedMember(group=row, person_id=one) for one in sorted(joined.people)),
            *(ProvisionedMember(group=row, inner_id=one) for one in sorted(joined.inner)),
        ],
        batch_size=_BATCH,
    )
    return joined, left


def _found(provider: IdentityProvider, numbers: Collection[uuid.UUID]) -> _Members:
    people: set[int] = set()
    inner: set[int] = set()
    ordered = sorted(numbers)
    for start in range(0, len(ordered), _BATCH):
        part = ordered[start : start + _BATCH]
        people |= set(_of(ProvisionedPerson, provider, part))
        inner |= set(_of(ProvisionedGroup, provider, part))
    if len(people) + len(inner) != len(ordered):
        raise bad_value("A member is neither a User nor a Group of this client.")
    return _Members(frozenset(people), frozenset(inner))


def _of(
    model: type[ProvisionedPerson] | type[ProvisionedGroup],
    provider: IdentityProvider,
    numbers: Collection[uuid.UUID],
) -> list[int]:
    return list(model.objects.filter(provider=provider, number__in=numbers).values_list("pk", flat=True))


def _require_free(provider: IdentityProvider, facts: GroupFacts, row: ProvisionedGroup | None) -> None:
    others = ProvisionedGroup.objects.filter(provider=provider).exclude(pk=row.pk if row else 0)
    if others.filter(name_key=facts.name_key).exists():
        raise taken("Another group of this client has the displayName.")


def _record(event: Event, client: Client, row: ProvisionedGroup, **counts: int) -> None:
    record(
        event,
        actor=client.actor,
        provider=client.provider.slug,
        key=client.key_id,
        group=row.name,
        **counts,
    )
