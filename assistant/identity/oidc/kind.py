"""What an administrator enters for an OpenID provider."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from assistant.common.told import told
from assistant.common.types import Json
from assistant.identity.kinds import Field, FieldType
from assistant.identity.oidc.addresses import is_loopback, is_web_address

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")  # RFC 6749, section 3.3
_VISIBLE = re.compile(r"[\x20-\x7e]+")

FIELDS: tuple[Field, ...] = (
    Field(
        "issuer",
        FieldType.URL,
        label=_("Issuer"),
        help=_(
            "Exactly as the provider writes it, for one organisation. Its configuration is read from "
            "/.well-known/openid-configuration below it."
        ),
        required=True,
        example="https://login.example.com/realms/company",
    ),
    Field("client_id", FieldType.TEXT, label=_("Client ID"), required=True, example="mundap"),
    Field("client_secret", FieldType.SECRET, label=_("Client secret"), required=True),
    Field(
        "scopes",
        FieldType.TEXT,
        label=_("Scopes"),
        help=_("What is asked for, with spaces between. openid must be among them."),
        required=True,
        default="openid email profile",
        example="openid email profile groups",
    ),
    Field(
        "groups_claim",
        FieldType.TEXT,
        label=_("Claim with the groups"),
        help=_("Steps into an object are written with dots, as in realm_access.roles."),
        default="groups",
        example="groups",
    ),
    Field(
        "wants_verified_address",
        FieldType.SWITCH,
        label=_("Only addresses that the provider verified"),
        help=_(
            "The provider must say email_verified. Microsoft Entra ID never says it: turn this off there "
            "only if nobody but administrators can change addresses in your directory."
        ),
        default=True,
    ),
    Field(
        "email_claim",
        FieldType.TEXT,
        label=_("Claim with the e-mail address"),
        help=_(
            "email_verified vouches for email alone. For another claim, accept addresses that are not "
            "verified only if people cannot choose what it holds."
        ),
        required=True,
        default="email",
        advanced=True,
    ),
    Field("name_claim", FieldType.TEXT, label=_("Claim with the name"), default="name", advanced=True),
    Field(
        "ca_file",
        FieldType.TEXT,
        label=_("File of certificate authorities"),
        help=_(
            "A path on the server of Mundap, where the certificate was issued by an authority of your own."
        ),
        example="/etc/ssl/company-ca.pem",
        advanced=True,
    ),
)


def mistakes(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> Mapping[str, str]:
    """What is wrong, by field. Asks no network."""
    wrong: dict[str, str] = {}
    issuer = str(settings["issuer"])
    if not is_web_address(issuer) or "?" in issuer or "#" in issuer:
        wrong["issuer"] = told("Enter the address of the issuer: https://, without ? and #.")
    elif issuer.startswith("http:") and not is_loopback(issuer):
        wrong["issuer"] = told("The address must begin with https://, or lead to this very machine.")
    scopes = str(settings["scopes"]).split()
    if "openid" not in scopes or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        wrong["scopes"] = told("Enter scopes with spaces between, openid among them.")
    for name, value in (("client_id", settings["client_id"]), ("client_secret", secrets["client_secret"])):
        if not _VISIBLE.fullmatch(str(value)):
            wrong[name] = told("Use letters, digits and signs of ASCII only, as the provider shows it.")
    for name in ("email_claim", "name_claim", "groups_claim"):
        if len(str(settings[name])) > 200:  # noqa: PLR2004 - longer than any name of a claim
            wrong[name] = told("This is too long.")
    return wrong
