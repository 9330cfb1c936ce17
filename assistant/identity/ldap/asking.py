"""Which directory may be asked about a name that somebody types? A password goes to no other one."""

from __future__ import annotations

from django.conf import settings as django_settings
from django.utils import timezone

from assistant.accounts import local_sign_in
from assistant.accounts.models import Address
from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.common.network import Network
from assistant.identity.claims import Claims
from assistant.identity.ldap.directory import person_with
from assistant.identity.ldap.settings import settings_of
from assistant.identity.models import IdentityProvider

_KIND = "ldap"


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


def person_by_password(provider: IdentityProvider, *, name: str, password: str) -> Claims | None:
    """Who that is in the directory; None for nobody.

    Raises:
        MundapError: the directory could not be asked; the sentence is for administrators.
    """
    return person_with(
        settings_of(provider),
        Network(django_settings.MUNDAP_ALLOWED_NETWORKS),
        name=name,
        password=password,
        now=timezone.now(),
    )
