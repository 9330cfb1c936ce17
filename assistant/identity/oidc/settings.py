"""The settings of one OpenID provider as they were entered."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.identity.models import IdentityProvider
from assistant.identity.providers import secrets_of


@dataclass(frozen=True, slots=True)
class Settings:
    """See `kind.FIELDS`."""

    provider_id: int
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ("openid",)
    email_claim: str = "email"
    name_claim: str = "name"
    groups_claim: str = "groups"
    wants_verified_address: bool = True
    ca_file: str = ""


def settings_of(provider: IdentityProvider) -> Settings:
    """The settings with the opened secret.

    Raises:
        MundapError: the secret was sealed with another key.
    """
    stored = provider.settings
    return Settings(
        provider_id=provider.pk,
        issuer=str(stored["issuer"]),
        client_id=str(stored["client_id"]),
        client_secret=secrets_of(provider).get("client_secret", ""),
        scopes=tuple(str(stored["scopes"]).split()),
        email_claim=str(stored["email_claim"]),
        name_claim=str(stored["name_claim"]),
        groups_claim=str(stored["groups_claim"]),
        wants_verified_address=stored["wants_verified_address"] is not False,
        ca_file=str(stored["ca_file"]),
    )
