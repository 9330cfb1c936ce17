"""What an administrator is shown of an OpenID provider: addresses to enter there, and if it can be used."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from assistant.common.told import said
from assistant.identity.kinds import Facts, OwnAddress
from assistant.identity.models import IdentityProvider
from assistant.identity.oidc import known
from assistant.identity.oidc.rejections import Rejected
from assistant.identity.oidc.settings import settings_of


def facts_of(provider: IdentityProvider, site: str) -> Facts:
    """See `kinds.Facts`."""

    def at(route: str) -> str:
        return site + reverse(f"web:oidc-{route}", kwargs={"slug": provider.slug})

    return Facts(
        addresses=(
            OwnAddress(
                _("Redirect address (callback)"),
                at("callback"),
                _(
                    "Entra ID: Redirect URI (platform Web). Okta: Sign-in redirect URIs. Google: Authorized "
                    "redirect URIs. Keycloak: Valid redirect URIs."
                ),
            ),
            OwnAddress(
                _("Address after signing out"),
                at("signed-out"),
                _(
                    "Entra ID: one more Redirect URI. Okta: Sign-out redirect URIs. Keycloak: Valid post "
                    "logout redirect URIs. Google has none."
                ),
            ),
            OwnAddress(
                _("Back-channel logout"),
                at("back-channel"),
                _(
                    "Keycloak: Backchannel logout URL. Entra ID, Okta and Google have none; leave it out "
                    "there."
                ),
            ),
        )
    )


def refresh(provider: IdentityProvider) -> str:
    """Read the provider's configuration and keys anew. What kept us from it, told; empty if nothing did."""
    settings = settings_of(provider)
    known.forget(provider.pk)
    try:
        with known.client_of(settings) as client:
            known.keys_for(settings, client, known.metadata_for(settings, client), None)
    except Rejected as rejected:
        return said(rejected)
    return ""
