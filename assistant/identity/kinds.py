"""The kinds of identity providers. A new one is a module and a line here; nothing else branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Protocol, cast

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assistant.common.types import Json


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
class Kind:
    """A kind's words. `route` names the page at which a sign-in begins; where it is empty, the kind takes a
    password that is typed into our own form."""

    label: str | Promise
    about: str | Promise
    module: str
    route: str = ""

    def load(self) -> KindModule:
        """Its module."""
        return cast(KindModule, import_module(self.module))


KINDS: dict[str, Kind] = {
    "saml": Kind(
        label=_("SAML 2.0"),
        about=_("Okta, Microsoft Entra ID, Google Workspace, Keycloak, AD FS and most company sign-ins."),
        module="assistant.identity.saml.kind",
        route="web:saml-begin",
    ),
    "oidc": Kind(
        label=_("OpenID Connect"),
        about=_("Keycloak, Microsoft Entra ID, Google, Okta and many others."),
        module="assistant.identity.oidc.kind",
        route="web:oidc-begin",
    ),
    "ldap": Kind(
        label=_("LDAP directory"),
        about=_("Active Directory, OpenLDAP. People enter their company password on our sign-in page."),
        module="assistant.identity.ldap.kind",
    ),
}
