"""Making people known, changing and forgetting them, by the word of their provider.

Each verb is one transaction under the provider's row, so that what one client sends is obeyed in an order.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.utils import timezone

from assistant.accounts.models import Address, Role, User
from assistant.accounts.people import LastManager, close_account, reopen_account
from assistant.accounts.services import add_user
from assistant.audit.trail import Event, record
from assistant.identity.arriving import Way, judge_provisioned
from assistant.identity.models import IdentityProvider
from assistant.identity.refusals import Refusal
from assistant.identity.scim.errors import ScimError, bad_value, not_there, taken
from assistant.identity.scim.facts import PersonFacts
from assistant.identity.scim.models import ProvisionedPerson

T = TypeVar("T")

# One sentence for every reason, so that no client learns what accounts there are beside its own.
_NOT_FREE = (
    "This cannot be provisioned: the name or address is taken, or Mundap's administrators have to decide "
    "about it. They find the reason in the audit log."
)


@dataclass(frozen=True, slots=True)
class Client:
    """Who provisions: a provider, by one of its keys."""

    provider: IdentityProvider
    key_id: int

    @property
    def actor(self) -> str:
        """How the audit log calls it."""
        return f"scim:{self.provider.slug}"


class Refused(ScimError):
    """Not done, for a reason that administrators read and the client does not."""

    def __init__(self, error: ScimError, *, reason: str, address: str) -> None:
        super().__init__(error.status, error.kind, str(error))
        self.reason, self.address = reason, address


def hold(client: Client) -> IdentityProvider:
    """The provider's row, locked until the transaction ends: what a client sends is done one after the other.

    Raises:
        ScimError: the provider is gone.
    """
    locked = IdentityProvider.objects.select_for_update(no_key=True).filter(pk=client.provider.pk).first()
    if locked is None:
        raise not_there()
    return locked


def provision_person(client: Client, facts: PersonFacts) -> ProvisionedPerson:
    """A new person: a new account, or the account of the address under the rules of `arriving`.

    Raises:
        ScimError: another domain, a name or address that is not free, the last who manages people.
    """
    return refusals_noted(client, lambda: _provision(client, facts))


def change_person(
    client: Client,
    number: uuid.UUID,
    facts_of: Callable[[ProvisionedPerson], PersonFacts],
) -> ProvisionedPerson:
    """Make what `facts_of` says of the locked row all that is said of the person.

    Raises:
        ScimError: not there, or as `provision_person`.
    """

    def change() -> ProvisionedPerson:
        with transaction.atomic():
            provider = hold(client)
            row = person_row(provider, number, locked=True)
            _write(client, provider, row, facts_of(row))
        return person_row(provider, number)

    return refusals_noted(client, change)


def forget_person(
    client: Client, number: uuid.UUID, check: Callable[[ProvisionedPerson], None] = lambda _: None
) -> None:
    """Close the account and manage it no longer. What the person asked and wrote stays.

    Raises:
        ScimError: not there, or the last who manages people.
    """

    def forget() -> None:
        with transaction.atomic():
            row = person_row(hold(client), number, locked=True)
            check(row)
            if row.user.is_active:
                close_account(user_id=row.user_id, actor=client.actor)
            record(
                Event.PERSON_UNPROVISIONED,
                actor=client.actor,
                user=row.user.email,
                provider=client.provider.slug,
                key=client.key_id,
            )
            row.delete()

    refusals_noted(client, forget)


def person_row(provider: IdentityProvider, number: uuid.UUID, *, locked: bool = False) -> ProvisionedPerson:
    """One person of this provider.

    Raises:
        ScimError: there is none, or another client's.
    """
    rows = ProvisionedPerson.objects.filter(provider=provider, number=number).select_related("user")
    row = (rows.select_for_update(of=("self",)) if locked else rows).first()
    if row is None:
        raise not_there()
    return row


def refusals_noted(client: Client, act: Callable[[], T]) -> T:
    """The act; why it was refused is recorded after it was rolled back."""
    try:
        return act()
    except Refused as error:
        _note(client, reason=error.reason, address=error.address)
        raise
    except LastManager as error:
        _note(client, reason="last_manager")
        raise ScimError(
            409,
            "",
            "The last person who manages people in Mundap is neither closed nor demoted from outside.",
        ) from error
    except IntegrityError as error:  # another request was first
        raise taken(_NOT_FREE) from error


def _note(client: Client, *, reason: str, address: str = "") -> None:
    record(
        Event.PROVISIONING_REFUSED,
        actor=client.actor,
        provider=client.provider.slug,
        key=client.key_id,
        reason=reason,
        address=address,
    )


def _provision(client: Client, facts: PersonFacts) -> ProvisionedPerson:
    with transaction.atomic():
        provider = hold(client)
        _require_free(provider, facts, None)
        arrival = judge_provisioned(provider, facts.address)
        if arrival.refusal is not None:
            raise _refused(arrival.refusal, facts.address)
        if arrival.way is Way.NEW:
            user = add_user(email=facts.address, name=facts.name, role=Role.EMPLOYEE, actor=client.actor)
        else:
            user = User.objects.select_for_update().get(email=arrival.email)
        row = ProvisionedPerson.objects.create(
            provider=provider,
            user=user,
            external_id=facts.external_id,
            user_name=facts.user_name,
            user_name_key=facts.user_name_key,
            address=facts.address,
            shown=facts.shown,
        )
        record(
            Event.PERSON_PROVISIONED,
            actor=client.actor,
            user=user.email,
            provider=provider.slug,
            key=client.key_id,
            made=arrival.way is Way.NEW,
        )
        _rename(client, user, facts.name)
        _open_or_close(client, row, wanted=facts.active is not False)
    return person_row(provider, row.number)


def _write(client: Client, provider: IdentityProvider, row: ProvisionedPerson, facts: PersonFacts) -> None:
    _require_free(provider, facts, row)
    if facts.address != row.address:
        _require_own(provider, row, facts.address)
        record(
            Event.ADDRESS_KEPT,
            actor=client.actor,
            user=row.user.email,
            provider=provider.slug,
            address=facts.address,
        )
    said = (facts.external_id, facts.user_name, facts.address, facts.shown)
    if said != (row.external_id, row.user_name, row.address, row.shown):
        row.external_id, row.user_name, row.address, row.shown = said
        row.user_name_key = facts.user_name_key
        row.version += 1
        row.changed_at = timezone.now()
        row.save()
    _rename(client, row.user, facts.name)
    if facts.active is not None:
        _open_or_close(client, row, wanted=facts.active)


def _require_free(provider: IdentityProvider, facts: PersonFacts, row: ProvisionedPerson | None) -> None:
    """Nobody else of this client has the name or the address."""
    others = ProvisionedPerson.objects.filter(provider=provider).exclude(pk=row.pk if row else 0)
    if others.filter(user_name_key=facts.user_name_key).exists():
        raise taken("Another person of this client has the userName.")
    if others.filter(address=facts.address).exists():
        raise taken("Another person of this client has the address.")


def _require_own(provider: IdentityProvider, row: ProvisionedPerson, address: str) -> None:
    """Another address is told of somebody: in a domain of the provider, and no other account's."""
    if address.rpartition("@")[2] not in provider.domains:
        raise _refused(Refusal.OTHER_DOMAIN, address)
    holder = Address.objects.filter(address=address).exclude(user=None).exclude(user=row.user_id)
    if holder.exists():
        raise _refused(Refusal.ANOTHER_SUBJECT, address)


def _refused(refusal: Refusal, address: str) -> Refused:
    if refusal is Refusal.OTHER_DOMAIN:
        error = bad_value("The address lies in a domain for which this client may not provision.")
    else:
        error = taken(_NOT_FREE)
    return Refused(error, reason=refusal, address=address)


def _rename(client: Client, user: User, name: str) -> None:
    if name and name != user.name:
        User.objects.filter(pk=user.pk).update(name=name)
        record(
            Event.PERSON_RENAMED,
            actor=client.actor,
            user=user.email,
            provider=client.provider.slug,
            name=name,
        )


def _open_or_close(client: Client, row: ProvisionedPerson, *, wanted: bool) -> None:
    """Close the account, or open one that this provider closed; it opens no other."""
    user = User.objects.select_for_update().get(pk=row.user_id)
    before = (row.wanted_open, row.closed_here)
    if not wanted and user.is_active:
        close_account(user_id=user.pk, actor=client.actor)
        row.closed_here = True
    elif wanted and not user.is_active and row.closed_here:
        reopen_account(user_id=user.pk, actor=client.actor)
        row.closed_here = False
    elif wanted and user.is_active:
        row.closed_here = False  # an administrator opened it meanwhile
    row.wanted_open = wanted
    if (row.wanted_open, row.closed_here) != before:
        row.version += 1
        row.changed_at = timezone.now()
        row.save(update_fields=["wanted_open", "closed_here", "version", "changed_at"])
