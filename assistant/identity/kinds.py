"""The kinds of identity providers. A new one is a module and a line here; nothing else branches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from assistant.common import local_only
from assistant.common.told import Told
from assistant.common.types import Json

if TYPE_CHECKING:
    from assistant.identity.models import IdentityProvider, ProviderSession


class FieldType(StrEnum):
    """How the console draws a field."""

    TEXT = "text"
    URL = "url"
    LONG_TEXT = "long_text"  # metadata, certificates
    LINES = "lines"  # a list of texts, one a line
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    SECRET = "secret"  # noqa: S105 - the name of a type; values are sealed at rest and never shown


@dataclass(frozen=True, slots=True)
class Field:
    """One setting of a provider. What is left out takes `default`; `choices` are values with their labels."""

    name: str
    type: FieldType
    label: str | Promise
    help: str | Promise = ""
    required: bool = False
    default: Json = ""
    example: str = ""
    choices: tuple[tuple[str, str | Promise], ...] = ()
    least: int = 0
    most: int = 2**31 - 1
    advanced: bool = False


class KindModule(Protocol):
    """What the module of a kind has. It may load what is heavy: it is imported on use."""

    FIELDS: tuple[Field, ...]

    @staticmethod
    def mistakes(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> Mapping[str, str]:
        """What is wrong, by field, in told sentences; nothing where all is well. Asks no network."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """Where a browser goes to sign out at the provider, too, and the name of what was sent there."""

    to: str
    sent: str


@dataclass(frozen=True, slots=True)
class KeyFact:
    """A certificate that counts at a provider. `ours`: it is one of ours."""

    name: str
    fingerprint: str
    ends_at: datetime
    ends_soon: bool
    is_over: bool
    ours: bool
    role: str | Promise = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a provider's page shows beside its settings: addresses that the provider must be told (label and
    value), certificates, and what somebody should care for (told)."""

    addresses: tuple[tuple[str | Promise, str], ...] = ()
    keys: tuple[KeyFact, ...] = ()
    warnings: tuple[str, ...] = ()
    read_at: datetime | None = None  # when the provider's own description was last read
    has_next_key: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind's words. `route` names the page at which a sign-in begins; where it is empty, the kind takes a
    password that is typed into our own form.

    The next are dotted paths, empty where a kind has no such thing: `prepares` makes what a new provider
    needs of us, `refreshes` reads what the provider publishes and says what kept it from that (told),
    `leaves` builds the way out of a session there (None: there is none), `shows` tells the facts for the
    provider's page; both take the site's address as well.
    """

    label: str | Promise
    about: str | Promise
    module: str
    route: str = ""
    prepares: str = ""
    refreshes: str = ""
    leaves: str = ""
    shows: str = ""
    fixed: tuple[str, ...] = ()  # settings that decide who a subject is: none changes while it knows people
    reads_messages: bool = False  # one of its messages can be pasted and looked at
    asks: tuple[str, ...] = ()  # settings with addresses that we ask ourselves, apart from the browser
    has_keys: bool = False  # we have a key pair at it, which can be rolled over

    def load(self) -> KindModule:
        """Its module."""
        return cast(KindModule, import_module(self.module))

    def prepare(self, provider: IdentityProvider) -> None:
        """Make what a new provider needs of us."""
        if self.prepares:
            cast("Callable[[IdentityProvider], object]", import_string(self.prepares))(provider)

    def refresh(self, provider: IdentityProvider) -> str:
        """Read what the provider publishes of itself. What kept us from it, told; empty if nothing did."""
        if not self.refreshes:
            return ""
        return cast("Callable[[IdentityProvider], str]", import_string(self.refreshes))(provider)

    def leaving(self, session: ProviderSession, site: str) -> Leaving | None:
        """The way to sign out at the provider as well."""
        if not self.leaves:
            return None
        way = cast("Callable[[ProviderSession, str], Leaving | None]", import_string(self.leaves))
        return way(session, site)

    def refusal_of(self, provider: IdentityProvider) -> Told | None:
        """Why local-only mode keeps us from asking it; None where it does not. Asks nobody."""
        return local_only.refusal_of_any(str(provider.settings.get(name) or "") for name in self.asks)

    def facts(self, provider: IdentityProvider, site: str) -> Facts:
        """What its page shows."""
        if not self.shows:
            return Facts()
        return cast("Callable[[IdentityProvider, str], Facts]", import_string(self.shows))(provider, site)


KINDS: dict[str, Kind] = {
    "saml": Kind(
        label=_("SAML 2.0"),
        about=_("Okta, Microsoft Entra ID, Google Workspace, Keycloak, AD FS and most company sign-ins."),
        module="assistant.identity.saml.kind",
        route="web:saml-begin",
        prepares="assistant.identity.saml.keys.own_keys",
        refreshes="assistant.identity.saml.refreshing.refresh",
        leaves="assistant.identity.saml.leaving.leave",
        shows="assistant.identity.saml.facts.facts_of",
        fixed=("entity_id", "subject_attribute"),
        asks=("metadata_url",),
        reads_messages=True,
        has_keys=True,
    ),
    "oidc": Kind(
        label=_("OpenID Connect"),
        about=_("Keycloak, Microsoft Entra ID, Google, Okta and many others."),
        module="assistant.identity.oidc.kind",
        route="web:oidc-begin",
        refreshes="assistant.identity.oidc.describing.refresh",
        leaves="assistant.identity.oidc.leaving.leave",
        shows="assistant.identity.oidc.describing.facts_of",
        fixed=("issuer",),
        asks=("issuer",),
    ),
    "ldap": Kind(
        label=_("LDAP directory"),
        about=_("Active Directory, OpenLDAP. People enter their company password on our sign-in page."),
        module="assistant.identity.ldap.kind",
        fixed=("base", "subject_attribute"),
        asks=("url",),
    ),
}
