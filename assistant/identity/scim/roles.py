"""Roles by provisioned groups, given when membership or the rule changes; a sign-in asks `arriving`."""

from __future__ import annotations

from collections.abc import Collection

from assistant.accounts.models import Role
from assistant.accounts.people import set_role
from assistant.accounts.roles import RIGHTS, Right
from assistant.identity.arriving import role_by_groups
from assistant.identity.models import IdentityProvider
from assistant.identity.scim.models import ProvisionedGroup, ProvisionedPerson
from assistant.identity.scim.nesting import names_of

_BATCH = 500


def give_roles(provider: IdentityProvider, people: Collection[int], *, actor: str) -> None:
    """Give these provisioned people the roles of their groups. Call in the transaction of the change.

    Raises:
        LastManager: somebody is the last who manages people, and would not any more.
    """
    if not provider.group_roles:
        return
    told = ProvisionedGroup.objects.filter(provider=provider).exists()
    ordered, changes = sorted(people), list[tuple[int, str]]()
    for start in range(0, len(ordered), _BATCH):
        part = ordered[start : start + _BATCH]
        names = names_of(provider.pk, part)
        rows = ProvisionedPerson.objects.filter(pk__in=part).order_by("user_id")
        for pk, user_id, had in rows.values_list("pk", "user_id", "user__role"):
            # The last group is gone: whoever had a role by one has none by it any more.
            role, _ = role_by_groups(provider, names[pk] if told else ())
            if role is not None and role != had:
                changes.append((user_id, role))
    # Who is to manage people first, so that nobody is taken for the last one who does.
    for user_id, role in sorted(
        changes, key=lambda change: Right.MANAGE_PEOPLE not in RIGHTS[Role(change[1])]
    ):
        set_role(user_id=user_id, role=role, actor=actor)


def give_all_roles(provider: IdentityProvider, *, actor: str) -> None:
    """The rule has changed: give everybody whom the provider manages the role of their groups.

    Where it made no groups known, groups are told at each sign-in, and the rule counts then. Call in the
    transaction of the change, with the provider's row locked.

    Raises:
        LastManager: see `give_roles`.
    """
    if ProvisionedGroup.objects.filter(provider=provider).exists():
        people = ProvisionedPerson.objects.filter(provider=provider).values_list("pk", flat=True)
        give_roles(provider, list(people), actor=actor)
