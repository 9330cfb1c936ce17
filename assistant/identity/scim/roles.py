"""Roles by provisioned groups, given when membership changes. At a sign-in `arriving` asks anew."""

from __future__ import annotations

from collections.abc import Collection

from assistant.accounts.models import User
from assistant.accounts.people import set_role
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
    ordered = sorted(people)
    for start in range(0, len(ordered), _BATCH):
        part = ordered[start : start + _BATCH]
        names = names_of(provider.pk, part)
        rows = ProvisionedPerson.objects.filter(pk__in=part).order_by("user_id")
        for pk, user_id in rows.values_list("pk", "user_id"):
            # The last group is gone: whoever had a role by one has none by it any more.
            role, _ = role_by_groups(provider, names[pk] if told else ())
            if role is not None and not User.objects.filter(pk=user_id, role=role).exists():
                set_role(user_id=user_id, role=role, actor=actor)
