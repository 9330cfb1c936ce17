"""From what a verified assertion says to who somebody is. Common providers need no settings for it."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.common.types import Json
from assistant.identity.claims import Claims
from assistant.identity.saml.gate import Asserted
from assistant.identity.saml.kind import EMAIL, TRANSIENT
from assistant.identity.saml.party import text_of

NAME_ID = "nameid"  # in any spelling, where an attribute's name is asked for
_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_MICROSOFT = "http://schemas.microsoft.com"
# Entra ID, Okta, Google Workspace, Keycloak, AD FS, Shibboleth and SimpleSAMLphp, in this order.
_EMAIL_NAMES = (
    f"{_CLAIMS}/emailaddress",
    "email",
    "mail",
    "emailAddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "urn:oid:1.2.840.113549.1.9.1",
)
_NAME_NAMES = (
    f"{_MICROSOFT}/identity/claims/displayname",
    "displayName",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "name",
    "cn",
    "urn:oid:2.5.4.3",
)
_GROUP_NAMES = (
    f"{_MICROSOFT}/ws/2008/06/identity/claims/groups",
    "groups",
    "group",
    "http://schemas.xmlsoap.org/claims/Group",
    "memberOf",
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
)
# Entra ID names this instead of groups when somebody has more than 150 of them.
_GROUPS_ELSEWHERE = f"{_MICROSOFT}/claims/groups.link"


def claims_from(asserted: Asserted, settings: Mapping[str, Json]) -> Claims:
    """Who it is. An empty subject where only a transient NameID stands there: it is another one each time."""
    by_nature = "" if asserted.subject_format == TRANSIENT else asserted.subject
    named = text_of(settings, "subject_attribute")
    email = _one(asserted, text_of(settings, "email_attribute"), _EMAIL_NAMES)
    if not email and asserted.subject_format == EMAIL and not text_of(settings, "email_attribute"):
        email = asserted.subject
    return Claims(
        subject=_one(asserted, named, ()) if named else by_nature,
        email=email,
        name=next(iter(_values(asserted, text_of(settings, "name_attribute"), _NAME_NAMES)), ""),
        groups=_groups(asserted, text_of(settings, "groups_attribute")),
        session=asserted.session_index,
        kept={"name_id": asserted.subject, "format": asserted.subject_format},
        session_ends_at=asserted.session_expires_at,
    )


def _groups(asserted: Asserted, named: str) -> tuple[str, ...] | None:
    """No such attribute means no groups, as providers leave out what has no values: a role that came by a
    group must end with it."""
    found = _values(asserted, named, _GROUP_NAMES)
    return None if not found and _GROUPS_ELSEWHERE in asserted.attributes else found


def _one(asserted: Asserted, named: str, usual: tuple[str, ...]) -> str:
    """The only value; nothing where there are several, of which none is more the person's than another."""
    found = set(_values(asserted, named, usual))
    return found.pop() if len(found) == 1 else ""


def _values(asserted: Asserted, named: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    if named.lower() == NAME_ID:
        return (asserted.subject,)
    names = (named,) if named else usual
    found = next((asserted.attributes[name] for name in names if asserted.attributes.get(name)), ())
    return tuple(value.strip() for value in found if value.strip())
