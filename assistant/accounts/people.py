"""Who is who: addresses, source accounts, roles, and the end of an account.

Each of these changes what somebody may read or do, so each raises the permission
counter in its transaction, and each is audited. Nobody does it for themselves: who could
take a colleague's address could read the colleague's documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from assistant.accounts.door_models import SignedInSession
from assistant.accounts.invitation_models import Invitation
from assistant.accounts.models import AccountLink, Address, Connection, Principal, Role, User
from assistant.accounts.principals import intern_principals, settle, settled_accounts
from assistant.accounts.revisions import Counter, bump
from assistant.accounts.roles import RIGHTS, Right
from assistant.audit.trail import Event, record
from assistant.common.acl import PrincipalKind, account
from assistant.common.errors import NotFound, UsageError
from assistant.common.identity import canonical_email
from assistant.common.types import Json

_MANAGERS = [role for role, rights in RIGHTS.items() if Right.MANAGE_PEOPLE in rights]


class OwnAccount(UsageError):
    """Somebody tried to change what they themselves may read or do."""


class OwnInvitation(UsageError):
    """Somebody tried to give a person whom they invited what they may not have themselves."""


class EmergencyAccount(UsageError):
    """The emergency account is changed on the server alone, by a command of its own."""


class LastManager(UsageError):
    """The change would leave nobody who can manage people."""


@contextmanager
def _change(event: Event, *, actor: str, **data: Json) -> Iterator[None]:
    with transaction.atomic():
        yield
        bump(Counter.PERMISSIONS)
        record(event, actor_id=None, actor=actor, **data)


def add_alias(*, user_id: int, address: str, actor: str) -> Address:
    """Another address by which sources know the person. One that somebody had before must be confirmed.

    Raises:
        UsageError: no address, or one that somebody has.
        OwnAccount: the actor is the person.
        OwnInvitation: the actor invited the person, and others manage people, too.
        EmergencyAccount: it reads nothing of anybody's.
        NotFound: no such person.
    """
    user, address = _ordinary(user_id), canonical_email(address)
    _require_another(actor, user)
    _require_another_than_inviter(actor, user)
    holder = Address.objects.filter(address=address).exclude(user=None).select_related("user").first()
    if holder is not None:
        raise UsageError(f"{address} already belongs to {holder.user}. Release it there first.")
    with _change(Event.ALIAS_ADDED, actor=actor, user=user.email, address=address):
        return Address.objects.claim(address, user, alias=True)


def confirm_address(*, address: str, actor: str) -> None:
    """Say that what the former holder of an address was granted is meant for its holder now.

    Raises:
        NotFound: nobody's address waits to be confirmed by this name.
        OwnAccount: the actor is its holder.
        OwnInvitation: the actor invited the holder, and others manage people, too.
    """
    waiting = Address.objects.filter(address=canonical_email(address), confirmed=False)
    row = waiting.exclude(user=None).select_related("user").first()
    if row is None:
        raise NotFound(f"No address {address} waits to be confirmed.")
    if row.user is not None:
        _require_another(actor, row.user)
        _require_another_than_inviter(actor, row.user)
    with _change(Event.ADDRESS_CONFIRMED, actor=actor, user=str(row.user), address=row.address):
        waiting.update(confirmed=True)


def release_address(*, address: str, actor: str) -> None:
    """Take an alias from its holder. Whoever gets it next must be confirmed.

    Raises:
        NotFound: nobody has it as an alias.
    """
    row = Address.objects.filter(address=canonical_email(address), is_alias=True).exclude(user=None).first()
    if row is None:
        raise NotFound(f"Nobody has the alias {address}.")
    with _change(Event.ADDRESS_RELEASED, actor=actor, user=str(row.user), address=row.address):
        Address.objects.filter(pk=row.pk).update(user=None, confirmed=False, is_alias=False)


def set_role(*, user_id: int, role: str, actor: str) -> None:
    """Give a person another role. Nothing that they may read changes.

    Raises:
        UsageError: no such role, or a service account, which has none.
        OwnAccount: the actor is the person.
        OwnInvitation: the actor invited the person, and the role may do what the actor may not.
        EmergencyAccount: it stays an administrator.
        LastManager: nobody else can manage people.
        NotFound: no such person.
    """
    if role not in Role.values:
        raise UsageError(f"'{role}' is no role. Known roles: {', '.join(Role.values)}.")
    user = _ordinary(user_id)
    if user.is_service:
        raise UsageError(f"{user.email} is a service account: it has no role.")
    _require_another(actor, user)
    _require_no_more_than_inviter(actor, user, role)
    with _change(Event.ROLE_CHANGED, actor=actor, user=user.email, role=role):
        if role not in _MANAGERS:
            _require_another_manager(user)
        User.objects.filter(pk=user_id).update(role=role)


def close_account(*, user_id: int, actor: str) -> None:
    """End an account: no sign-in, nothing readable, running streams are cut. Its addresses stay its own.

    Raises:
        EmergencyAccount: it is removed by its own command.
        LastManager: nobody else can manage people.
        NotFound: no such person.
    """
    user = _ordinary(user_id)
    with _change(Event.ACCOUNT_CLOSED, actor=actor, user=user.email):
        _require_another_manager(user)
        User.objects.filter(pk=user_id).update(is_active=False)
        SignedInSession.objects.filter(user_id=user_id).delete()  # reopening brings none of them back


def reopen_account(*, user_id: int, actor: str) -> None:
    """Open a closed account again.

    Raises:
        NotFound: no such person.
    """
    with _change(Event.ACCOUNT_REOPENED, actor=actor, user=_ordinary(user_id).email):
        User.objects.filter(pk=user_id).update(is_active=True)


def release_closed_account(*, user_id: int, actor: str) -> None:
    """Set the addresses of a closed account free, so that a new colleague can get one of them.

    Raises:
        UsageError: the account is open.
        NotFound: no such person.
    """
    user = _ordinary(user_id)
    if user.is_active:
        raise UsageError(f"The account {user.email} is open. Close it first.")
    with _change(Event.ADDRESS_RELEASED, actor=actor, user=user.email, address=user.email):
        Address.objects.filter(user=user).update(user=None, confirmed=False, is_alias=False)
        User.objects.filter(pk=user_id).update(email=f"former-{user.pk}@account.invalid")


def link_account(*, connection_id: int, account_id: str, user_id: int, actor: str) -> None:
    """Decide whose a source's account is, whatever addresses say.

    Raises:
        UsageError: an id that no account can have.
        OwnAccount: the actor is the person.
        OwnInvitation: the actor invited the person, and others manage people, too.
        EmergencyAccount: it reads nothing of anybody's.
        NotFound: no such person or source.
    """
    user, connection = _ordinary(user_id), _connection(connection_id)
    _require_another(actor, user)
    _require_another_than_inviter(actor, user)
    principal = intern_principals([account(account_id)], connection=connection)[account(account_id)]
    with _change(
        Event.ACCOUNT_LINKED, actor=actor, user=user.email, source=connection.name, account=account_id
    ):
        connection = Connection.objects.select_for_update().get(pk=connection_id)
        AccountLink.objects.update_or_create(
            principal_id=principal, defaults={"user": user, "made_at": timezone.now()}
        )
        settle(connection, {principal})


def unlink_account(*, connection_id: int, account_id: str, actor: str) -> None:
    """Take such a decision back. Addresses count again.

    Raises:
        NotFound: no such link.
        OwnAccount: the link is to the actor.
    """
    principal = Principal.objects.filter(
        connection_id=connection_id,
        kind=PrincipalKind.ACCOUNT,
        external_id=account_id,
        account_link__isnull=False,
    ).first()
    if principal is None:
        raise NotFound(f"The account {account_id} is linked to nobody.")
    _require_another(actor, principal.account_link.user)
    with _change(Event.ACCOUNT_UNLINKED, actor=actor, source=str(principal.connection), account=account_id):
        connection = Connection.objects.select_for_update().get(pk=connection_id)
        AccountLink.objects.filter(principal=principal).delete()
        if principal.pk not in settled_accounts(connection):
            Principal.objects.filter(pk=principal.pk).update(settled_in=None)


def _require_another(actor: str, user: User) -> None:
    if actor == user.email:
        raise OwnAccount(
            "Nobody changes what they may read or do themselves. Ask another person who manages people,"
            " or do it on the server by the command line."
        )


def _require_another_than_inviter(actor: str, user: User) -> None:
    """Whoever holds the link to an account could use it themselves: what it reads is for other eyes.

    Where nobody else manages people there are none.
    """
    if _invited(actor, user) and managers().exclude(email=actor).exclude(pk=user.pk).exists():
        raise OwnInvitation(
            f"You invited {user.email}. Somebody else who manages people decides about their addresses and"
            " accounts, or do it on the server by the command line."
        )


def _require_no_more_than_inviter(actor: str, user: User, role: str) -> None:
    if not _invited(actor, user):
        return
    own = User.objects.filter(email=actor).first()
    if own is None or not RIGHTS[role] <= own.rights:
        raise OwnInvitation(
            f"You invited {user.email}, and this role may do what you may not. Ask somebody who has the role."
        )


def _invited(actor: str, user: User) -> bool:
    return Invitation.objects.filter(user=user, purpose=Invitation.Purpose.JOIN, maker__email=actor).exists()


def managers() -> QuerySet[User]:
    """Everybody who can manage people in ordinary times."""
    return User.objects.filter(is_active=True, role__in=_MANAGERS, emergency=None)


def _require_another_manager(user: User) -> None:
    """Locked, so that two people cannot end each other's right at the same moment."""
    locked = managers().select_for_update().order_by("pk")
    if {row.pk for row in locked} == {user.pk}:
        raise LastManager(
            f"{user.email} is the last who can manage people. Give somebody else such a role first."
        )


def _person(user_id: int) -> User:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    return user


def require_ordinary(user: User) -> None:
    """Nothing of an emergency account is changed in a page or by a provider.

    Raises:
        EmergencyAccount: it is one.
    """
    if user.is_emergency:
        raise EmergencyAccount(
            f"{user.email} is an emergency account. It is changed on the server alone:"
            " python manage.py emergency rotate | remove."
        )


def _ordinary(user_id: int) -> User:
    user = _person(user_id)
    require_ordinary(user)
    return user


def _connection(connection_id: int) -> Connection:
    connection = Connection.objects.filter(pk=connection_id).first()
    if connection is None:
        raise NotFound("There is no such source.")
    return connection
