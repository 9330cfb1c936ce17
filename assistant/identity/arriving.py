"""Whose account is it, if any? The one place that decides about everybody who comes from a provider.

`judge` only looks, so that an administrator can be shown what would happen; `admit` does what it said. An
account is found by the provider's subject. A subject that nobody has met yet joins the account of its
address, or gets a new one, if the provider may speak for the address's domain, vouches for the address, and
nobody else ever came from it for that account: a recycled address never inherits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.utils import timezone

from assistant.accounts.models import Address, Role, User, is_service_address
from assistant.accounts.people import LastManager, set_role
from assistant.accounts.services import add_user
from assistant.audit.trail import Event, record
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.identity.claims import Claims, counted_groups, shown_name
from assistant.identity.models import LONGEST_SUBJECT, ExternalIdentity, IdentityProvider
from assistant.identity.refusals import Refusal, Refused
from assistant.identity.scim.models import ProvisionedPerson
from assistant.identity.scim.nesting import group_names


class Way(StrEnum):
    """How somebody gets to an account."""

    KNOWN = "known"  # the subject came before
    JOINS = "joins"  # the account of their address, for the first time
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What happens with somebody. `role` is None where it stays; `by_group` is the group that gave it."""

    refusal: Refusal | None = None
    way: Way | None = None
    user_id: int | None = None
    email: str = ""  # of the account
    name: str = ""
    role: str | None = None
    by_group: str = ""
    told_email: str = ""  # what the provider said, where the account has another


def judge(provider: IdentityProvider, claims: Claims) -> Arrival:
    """What would happen with this person. Nothing is written."""
    if not provider.is_open:
        return Arrival(Refusal.PROVIDER_CLOSED)
    if not claims.subject or len(claims.subject) > LONGEST_SUBJECT:
        return Arrival(Refusal.NO_SUBJECT)
    known = (
        ExternalIdentity.objects.filter(provider=provider, subject=claims.subject)
        .select_related("user")
        .first()
    )
    if known is not None:
        return _known(known.user, claims, *_role(provider, claims, known.user))
    try:
        email = canonical_email(claims.email)
    except UsageError:
        return Arrival(Refusal.NO_ADDRESS)
    if not claims.verified:
        return Arrival(Refusal.UNVERIFIED_ADDRESS)
    if is_service_address(email):
        return Arrival(Refusal.SERVICE_ACCOUNT)
    if email.rpartition("@")[2] not in provider.domains:
        return Arrival(Refusal.OTHER_DOMAIN)
    return _by_address(provider, email, claims)


def judge_provisioned(provider: IdentityProvider, address: str) -> Arrival:
    """Whose account a provider would manage from now on by this address (SCIM). Nothing is written.

    The rules of signing in hold, but for two: the provisioning key, not `makes_accounts`, is the leave to
    make accounts, and an account that signs in by this provider may be managed by it, whatever its rights.
    """
    try:
        email = canonical_email(address)
    except UsageError:
        return Arrival(Refusal.NO_ADDRESS)
    if is_service_address(email):
        return Arrival(Refusal.SERVICE_ACCOUNT)
    if email.rpartition("@")[2] not in provider.domains:
        return Arrival(Refusal.OTHER_DOMAIN)
    holder = Address.objects.filter(address=email).exclude(user=None).select_related("user").first()
    if holder is None or holder.user is None:
        return Arrival(way=Way.NEW, email=email)
    user = holder.user
    if refusal := _refusal_of_account(provider, holder):
        return Arrival(refusal)
    if ProvisionedPerson.objects.filter(provider=provider, user=user).exists():
        return Arrival(Refusal.ANOTHER_SUBJECT)
    signs_in = ExternalIdentity.objects.filter(provider=provider, user=user).exists()
    if user.rights and not signs_in:
        return Arrival(Refusal.MANAGES)
    return Arrival(way=Way.JOINS, user_id=user.pk, email=user.email, name=user.name)


def admit(provider: IdentityProvider, claims: Claims) -> tuple[User, ExternalIdentity]:
    """Let somebody in as `judge` says, with the role that their groups give.

    Raises:
        Refused: they are not let in.
    """
    try:
        return _admit(provider, claims)
    except IntegrityError:
        return _admit(provider, claims)  # the same person came at the same moment: now they are known


def connect(provider: IdentityProvider, claims: Claims, *, user: User) -> ExternalIdentity:
    """Add this way to sign in to the account of somebody who is signed in, whatever their address is there.

    Raises:
        Refused: the subject or the account is already joined otherwise, or the account or provider is closed.
    """
    if not provider.is_open:
        raise Refused(Refusal.PROVIDER_CLOSED)
    if user.is_service:
        raise Refused(Refusal.SERVICE_ACCOUNT)
    if not user.is_active:
        raise Refused(Refusal.CLOSED_ACCOUNT)
    if user.is_emergency:
        raise Refused(Refusal.EMERGENCY)
    if not claims.subject or len(claims.subject) > LONGEST_SUBJECT:
        raise Refused(Refusal.NO_SUBJECT)
    try:
        with transaction.atomic():
            identity, made = ExternalIdentity.objects.get_or_create(
                provider=provider, subject=claims.subject, defaults={"user": user}
            )
            if identity.user_id != user.pk:
                raise Refused(Refusal.ANOTHER_SUBJECT)
            if made:
                record(
                    Event.IDENTITY_JOINED,
                    actor_id=user.pk,
                    actor=user.email,
                    user=user.email,
                    provider=provider.slug,
                )
    except IntegrityError as error:
        raise Refused(Refusal.ANOTHER_SUBJECT) from error
    return identity


def _known(user: User, claims: Claims, role: str | None, group: str) -> Arrival:
    if user.is_service:
        return Arrival(Refusal.SERVICE_ACCOUNT)
    if not user.is_active:
        return Arrival(Refusal.CLOSED_ACCOUNT)
    if user.is_emergency:
        return Arrival(Refusal.EMERGENCY)
    try:
        address = canonical_email(claims.email)
    except UsageError:
        address = ""
    return Arrival(
        way=Way.KNOWN,
        user_id=user.pk,
        email=user.email,
        name=user.name,
        role=role if role != user.role else None,
        by_group=group,
        told_email=address if address != user.email else "",
    )


def _by_address(provider: IdentityProvider, email: str, claims: Claims) -> Arrival:
    managed = (
        ProvisionedPerson.objects.filter(provider=provider, address=email).select_related("user").first()
    )
    holder = Address.objects.filter(address=email).exclude(user=None).select_related("user").first()
    if managed is not None and holder is not None and holder.user != managed.user:
        return Arrival(
            Refusal.ANOTHER_SUBJECT
        )  # the account kept its address, and somebody else has this one
    if managed is not None:
        return _managed(provider, managed.user, claims)
    role, group = _role(provider, claims)
    if holder is None:
        if not provider.makes_accounts:
            return Arrival(Refusal.NO_MAKING)
        name = shown_name(claims.name)
        return Arrival(way=Way.NEW, email=email, name=name, role=role or Role.EMPLOYEE, by_group=group)
    user = holder.user
    refusal = _refusal_to_join(provider, holder)
    if refusal is not None or user is None:
        return Arrival(refusal or Refusal.NO_JOINING)
    changed = role if role != user.role else None
    return Arrival(
        way=Way.JOINS, user_id=user.pk, email=user.email, name=user.name, role=changed, by_group=group
    )


def _managed(provider: IdentityProvider, user: User, claims: Claims) -> Arrival:
    """Somebody whom the provider made known under this address before they ever came.

    The account became the provider's when it was joined, by the rules of joining; rights that it got since do
    not keep its person out.
    """
    if user.is_service:
        return Arrival(Refusal.SERVICE_ACCOUNT)
    if not user.is_active:
        return Arrival(Refusal.CLOSED_ACCOUNT)
    if ExternalIdentity.objects.filter(provider=provider, user=user).exists():
        return Arrival(Refusal.ANOTHER_SUBJECT)
    role, group = _role(provider, claims, user)
    changed = role if role != user.role else None
    return Arrival(
        way=Way.JOINS, user_id=user.pk, email=user.email, name=user.name, role=changed, by_group=group
    )


def _refusal_to_join(provider: IdentityProvider, holder: Address) -> Refusal | None:
    user = holder.user
    refusal = _refusal_of_account(provider, holder)
    if user is None or refusal is not None:
        return refusal
    # One whom the provider manages under another address by now: this one may be a new colleague's.
    managed = ProvisionedPerson.objects.filter(provider=provider, user=user)
    if managed.exists() or ExternalIdentity.objects.filter(provider=provider, user=user).exists():
        return Refusal.ANOTHER_SUBJECT
    return Refusal.MANAGES if user.rights else None


def _refusal_of_account(provider: IdentityProvider, holder: Address) -> Refusal | None:
    if holder.user is not None and holder.user.is_service:
        return Refusal.SERVICE_ACCOUNT
    if holder.user is None or holder.is_alias:
        return Refusal.ALIAS
    if not holder.user.is_active:
        return Refusal.CLOSED_ACCOUNT
    if holder.user.is_emergency:
        return Refusal.EMERGENCY
    return None if provider.joins_accounts else Refusal.NO_JOINING


def _role(provider: IdentityProvider, claims: Claims, user: User | None = None) -> tuple[str | None, str]:
    """The role that the groups give, and the group that gave it. None: roles stay as they are in Mundap.

    Groups that the provider made known beforehand count instead of those that it tells at the sign-in.
    """
    provisioned = None if user is None else group_names(provider.pk, user.pk)
    return role_by_groups(provider, claims.groups if provisioned is None else provisioned)


def role_by_groups(provider: IdentityProvider, told_groups: tuple[str, ...] | None) -> tuple[str | None, str]:
    """What these groups give by the provider's settings. See `_role`."""
    groups = counted_groups(told_groups)
    if not provider.group_roles or groups is None:
        return None, ""
    for group, role in provider.group_roles:
        if group in groups and role in Role.values:
            return role, group
    return Role.EMPLOYEE, ""


def _admit(provider: IdentityProvider, claims: Claims) -> tuple[User, ExternalIdentity]:
    actor = f"provider:{provider.slug}"
    with transaction.atomic():
        arrival = judge(provider, claims)
        if arrival.refusal is not None:
            raise Refused(arrival.refusal)
        if arrival.way is Way.NEW:
            made = add_user(
                email=arrival.email, name=arrival.name, role=arrival.role or Role.EMPLOYEE, actor=actor
            )
            identity = _join(provider, claims, made)
        elif arrival.way is Way.JOINS:
            identity = _join(provider, claims, User.objects.select_for_update().get(email=arrival.email))
        else:
            identity = ExternalIdentity.objects.get(provider=provider, subject=claims.subject)
            ExternalIdentity.objects.filter(pk=identity.pk).update(used_at=timezone.now())
        if arrival.way is not Way.NEW and arrival.role is not None:
            _give_role(identity.user_id, arrival.role, actor)
    return User.objects.get(pk=identity.user_id), identity


def _join(provider: IdentityProvider, claims: Claims, user: User) -> ExternalIdentity:
    identity = ExternalIdentity.objects.create(provider=provider, subject=claims.subject, user=user)
    record(Event.IDENTITY_JOINED, actor_id=user.pk, actor=user.email, user=user.email, provider=provider.slug)
    return identity


def _give_role(user_id: int, role: str, actor: str) -> None:
    try:
        with transaction.atomic():
            set_role(user_id=user_id, role=role, actor=actor)
    except LastManager:
        record(Event.ROLE_KEPT, actor=actor, user=User.objects.get(pk=user_id).email, role=role)
