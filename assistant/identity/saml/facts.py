"""What an administrator is shown of a SAML provider: addresses to enter there, certificates, their ends."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.common.told import restored, said, told
from assistant.identity.kinds import Facts, KeyFact, OwnAddress
from assistant.identity.models import FetchedMetadata, IdentityProvider
from assistant.identity.saml.certificates import Certificate
from assistant.identity.saml.keys import own_keys
from assistant.identity.saml.party import NotDescribed, OwnAddresses, own_addresses, party_of


def facts_of(provider: IdentityProvider, site: str, *, now: datetime | None = None) -> Facts:
    """See `kinds.Facts`."""
    now = now or timezone.now()
    own, keys = own_addresses(provider, site), None
    if provider._state.adding:
        return Facts(addresses=_addresses(own)[1:])  # its metadata can be read once it is kept
    fetched = FetchedMetadata.objects.filter(provider=provider).first()
    warnings: list[str] = []
    notices: list[str] = []
    theirs: tuple[Certificate, ...] = ()
    try:
        keys = own_keys(provider)
    except NotDescribed as error:
        warnings.append(said(error))
    try:
        party = party_of(provider)
    except NotDescribed as error:
        warnings.append(said(error))
    else:
        theirs = party.certificates
        if not party.believed(now):
            warnings.append(told("No certificate of the provider counts any more: nobody can sign in."))
        elif all(one.ends_soon(now) for one in theirs):
            last = max(one.ends_at for one in theirs)
            notices.append(
                told(
                    "The certificate of the provider ends on {day}. Ask for the next one, and have both "
                    "entered while it is changed.",
                    day=last.date().isoformat(),
                )
            )
    if fetched is not None and fetched.problem and fetched.problem not in warnings:
        # What was read before still counts, if there is any.
        (notices if theirs else warnings).append(restored(fetched.problem, fetched.problem_parts))
    shown = [_fact(one, now) for one in theirs]
    if keys is not None:
        shown.append(_fact(keys.current.certificate, now, ours=True, role=_("in use")))
    if keys is not None and keys.next is not None:
        shown.append(_fact(keys.next.certificate, now, ours=True, role=_("next")))
    return Facts(
        addresses=_addresses(own),
        keys=tuple(shown),
        warnings=tuple(warnings),
        read_at=fetched.fetched_at if fetched else None,
        notices=tuple(notices),
        has_next_key=keys is not None and keys.next is not None,
    )


def _addresses(own: OwnAddresses) -> tuple[OwnAddress, ...]:
    return (
        OwnAddress(
            _("Metadata of Mundap"),
            own.entity_id,
            _(
                "Entra ID: Upload metadata file. Keycloak: Import client. Where a provider takes it, the "
                "next ones need not be entered."
            ),
        ),
        OwnAddress(
            _("Entity ID (audience)"),
            own.entity_id,
            _(
                "Entra ID: Identifier (Entity ID). Okta: Audience URI (SP Entity ID). Google: Entity ID. "
                "Keycloak: Client ID."
            ),
        ),
        OwnAddress(
            _("Assertion consumer (ACS)"),
            own.consumer,
            _(
                "Entra ID: Reply URL. Okta: Single sign-on URL. Google: ACS URL. Keycloak: Valid redirect "
                "URIs and Assertion Consumer Service POST Binding URL."
            ),
        ),
        OwnAddress(
            _("Single logout"),
            own.logout,
            _(
                "Entra ID: Logout URL. Okta: Single Logout URL. Keycloak: Logout Service Redirect Binding "
                "URL. Google has none."
            ),
        ),
    )


def _fact(one: Certificate, now: datetime, *, ours: bool = False, role: str | Promise = "") -> KeyFact:
    return KeyFact(
        name=one.name,
        fingerprint=one.fingerprint,
        ends_at=one.ends_at,
        ends_soon=one.ends_soon(now),
        is_over=not one.counts(now),
        ours=ours,
        role=role,
    )
