"""Which directory may be asked about a name that somebody types? A password goes to no other one."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings as django_settings
from django.utils import timezone
from django.utils.translation import gettext

from assistant.accounts import local_sign_in
from assistant.accounts.models import Address, User
from assistant.audit.trail import Event, record
from assistant.common.errors import MundapError, UsageError
from assistant.common.identity import canonical_email, known_as_address
from assistant.common.network import Network
from assistant.identity.claims import Claims
from assistant.identity.ldap.directory import is_password_of, person_with
from assistant.identity.ldap.settings import settings_of
from assistant.identity.models import ExternalIdentity, IdentityProvider

_KIND = "ldap"
_LONGEST_DETAIL = 300


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """The directory of this name could not be asked, which says nothing of the password."""

    provider: str

    @property
    def sentence(self) -> str:
        """For who entered the password."""
        words = gettext(
            "%(provider)s can’t be reached at the moment, so your company password can’t be checked. Try "
            "again in a few minutes."
        )
        return words % {"provider": self.provider}


def takes_user_names() -> bool:
    """Whether a name without an @ can be meant: exactly one directory is open."""
    return IdentityProvider.objects.filter(kind=_KIND, is_open=True).count() == 1


def directory_for(name: str) -> IdentityProvider | None:
    """The open directory that may be asked about this name.

    That is the one whose domain the address has, or by which somebody without a password of their own came;
    for a name without an @, the only one that is open.
    """
    found = list(IdentityProvider.objects.filter(kind=_KIND, is_open=True).order_by("pk"))
    if not found or not name:
        return None
    if "@" not in name:
        return found[0] if len(found) == 1 else None
    try:
        address = canonical_email(name)
    except UsageError:
        return None
    holder = Address.objects.filter(address=address).exclude(user=None).select_related("user").first()
    if holder is not None and holder.user is not None and not local_sign_in.has_password(holder.user):
        own = set(holder.user.identities.values_list("provider_id", flat=True))
        if came := next((one for one in found if one.pk in own), None):
            return came
    domain = address.rpartition("@")[2]
    return next((one for one in found if domain in one.domains), None)


def identity_at_directory(user: User) -> ExternalIdentity | None:
    """Who the person is at the open directory by which they came last; None for who came by none."""
    rows = ExternalIdentity.objects.filter(user=user, provider__kind=_KIND, provider__is_open=True)
    return rows.select_related("provider", "user").order_by("-used_at", "pk").first()


def is_their_password(identity: ExternalIdentity, password: str) -> OutOfReach | bool:
    """Whether this is the password of the very person at the directory, who is still let in there."""
    try:
        return is_password_of(
            settings_of(identity.provider),
            Network(django_settings.MUNDAP_ALLOWED_NETWORKS),
            subject=identity.subject,
            password=password,
            now=timezone.now(),
        )
    except MundapError as error:
        return _out_of_reach(identity.provider, error, actor=identity.user.email)


def person_by_password(provider: IdentityProvider, *, name: str, password: str) -> Claims | OutOfReach | None:
    """Who that is in the directory; None for nobody."""
    try:
        return person_with(
            settings_of(provider),
            Network(django_settings.MUNDAP_ALLOWED_NETWORKS),
            name=name,
            password=password,
            now=timezone.now(),
        )
    except MundapError as error:
        return _out_of_reach(provider, error, actor=known_as_address(name))


def _out_of_reach(provider: IdentityProvider, error: MundapError, *, actor: str) -> OutOfReach:
    """Why is for administrators, in the audit log."""
    record(
        Event.IDENTITY_REFUSED,
        actor=actor,
        provider=provider.slug,
        reason="unreachable",
        detail=str(error)[:_LONGEST_DETAIL],
    )
    return OutOfReach(provider.name)
