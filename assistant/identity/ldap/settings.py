"""The settings of one directory as they were entered."""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.common.judged_ldap import LdapServer, ldap_server
from assistant.identity.models import IdentityProvider
from assistant.identity.providers import secrets_of


@dataclass(frozen=True, slots=True)
class Settings:
    """See `kind.FIELDS`."""

    server: LdapServer
    bind_dn: str
    bind_password: str = field(repr=False)
    base: str = ""
    user_filter: str = ""
    subject: str = ""
    email: str = ""
    name: str = ""
    groups_from: str = "entry"
    groups_base: str = ""


def settings_of(provider: IdentityProvider) -> Settings:
    """The settings with the opened secret.

    Raises:
        MundapError: the secret was sealed with another key.
    """
    text = {name: str(value).strip() for name, value in provider.settings.items()}
    return Settings(
        server=ldap_server(text["url"], plain=text["encryption"] == "none", ca_file=text["ca_file"]),
        bind_dn=text["bind_dn"],
        bind_password=secrets_of(provider).get("bind_password", ""),
        base=text["base"],
        user_filter=text["user_filter"],
        subject=text["subject_attribute"],
        email=text["email_attribute"],
        name=text["name_attribute"],
        groups_from=text["groups_from"],
        groups_base=text["groups_base"],
    )
