"""What an administrator enters for an LDAP directory."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from ldap3.core.exceptions import LDAPException, LDAPInvalidDnError
from ldap3.operation.search import parse_filter
from ldap3.utils.dn import parse_dn

from assistant.common.errors import UsageError
from assistant.common.judged_ldap import ldap_server
from assistant.common.told import said, told
from assistant.common.types import Json
from assistant.identity.kinds import Field, FieldType

_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,79}|[0-9]+(?:\.[0-9]+)+")

FIELDS: tuple[Field, ...] = (
    Field(
        "url",
        FieldType.TEXT,
        label=_("Address of the directory"),
        help=_("ldaps://HOST or ldap://HOST, with :PORT if it is not the usual one."),
        required=True,
        example="ldaps://directory.example.com",
    ),
    Field(
        "encryption",
        FieldType.CHOICE,
        label=_("Encryption"),
        help=_(
            "By TLS from the start with ldaps, by StartTLS with ldap. Without it, anybody in between reads "
            "passwords."
        ),
        default="tls",
        choices=(("tls", _("TLS")), ("none", _("None: passwords can be read"))),
    ),
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
    Field(
        "bind_dn",
        FieldType.TEXT,
        label=_("Account that looks people up"),
        help=_("Its distinguished name. Left out: the directory is asked without an account."),
        example="cn=mundap,ou=services,dc=example,dc=com",
    ),
    Field("bind_password", FieldType.SECRET, label=_("Password of that account")),
    Field(
        "base",
        FieldType.TEXT,
        label=_("Where people are"),
        required=True,
        example="ou=people,dc=example,dc=com",
    ),
    Field(
        "user_filter",
        FieldType.TEXT,
        label=_("Filter that finds a person"),
        help=_("{} stands for what was typed as the name. Exactly one entry must fit."),
        required=True,
        default="(|(mail={})(uid={}))",
        example="(|(mail={})(sAMAccountName={})(userPrincipalName={}))",
    ),
    Field(
        "subject_attribute",
        FieldType.TEXT,
        label=_("Attribute that never changes"),
        help=_(
            "entryUUID, or objectGUID in Active Directory. Never a name or an address: those are given anew."
        ),
        required=True,
        default="entryUUID",
        example="objectGUID",
    ),
    Field(
        "email_attribute",
        FieldType.TEXT,
        label=_("Attribute with the e-mail address"),
        help=_("People must not be able to change it by themselves."),
        required=True,
        default="mail",
        advanced=True,
    ),
    Field(
        "name_attribute",
        FieldType.TEXT,
        label=_("Attribute with the name"),
        default="cn",
        example="displayName",
        advanced=True,
    ),
    Field(
        "groups_from",
        FieldType.CHOICE,
        label=_("Groups"),
        help=_("A group counts by its distinguished name, and by its short name."),
        default="entry",
        choices=(
            ("entry", _("As the person’s entry names them (memberOf)")),
            ("search", _("By looking for groups with the person as a member")),
            ("nested", _("The same, and the groups of those groups")),
        ),
    ),
    Field(
        "groups_base",
        FieldType.TEXT,
        label=_("Where groups are"),
        help=_("For looking for groups."),
        example="ou=groups,dc=example,dc=com",
        advanced=True,
    ),
)


def mistakes(settings: Mapping[str, Json], secrets: Mapping[str, str]) -> Mapping[str, str]:
    """What is wrong, by field. Asks no network."""
    text = {name: str(value).strip() for name, value in settings.items()}
    wrong: dict[str, str] = {}
    try:
        ldap_server(text["url"], plain=text["encryption"] == "none")
    except UsageError as error:
        wrong["url"] = said(error)
    for name in ("base", "bind_dn", "groups_base"):
        if text[name] and not _is_name(text[name]):
            wrong[name] = told("This is no distinguished name. Write it as ou=people,dc=example,dc=com.")
    if text["groups_from"] != "entry" and not text["groups_base"]:
        wrong["groups_base"] = told("Say where groups are, or take them from the person's entry.")
    if text["bind_dn"] and not secrets.get("bind_password"):
        wrong["bind_password"] = told("Enter the password of the account that looks people up.")
    if not _is_filter(text["user_filter"]):
        wrong["user_filter"] = told("Enter an LDAP filter with {{}} in it, such as (mail={{}}).")
    for name in ("subject_attribute", "email_attribute", "name_attribute"):
        if text[name] and not _ATTRIBUTE.fullmatch(text[name]):
            wrong[name] = told("This is no name of an attribute.")
    if text["subject_attribute"].lower() in ("mail", "dn", "entrydn", "distinguishedname", "cn"):
        wrong["subject_attribute"] = told("Names and addresses are given anew: take an attribute that stays.")
    return wrong


def _is_name(text: str) -> bool:
    try:
        return bool(parse_dn(text))
    except (LDAPInvalidDnError, IndexError, AttributeError):
        return False


def _is_filter(text: str) -> bool:
    if "{}" not in text or not text.startswith("("):
        return False
    try:
        parse_filter(  # type: ignore[no-untyped-call]
            text.replace("{}", "x"),
            None,
            auto_escape=False,
            auto_encode=False,
            validator=None,
            check_names=False,
        )
    except (LDAPException, IndexError, ValueError):
        return False
    return True
