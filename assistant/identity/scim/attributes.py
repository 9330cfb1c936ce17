"""Which attributes people and groups have here, and a resource brought into their form.

Of RFC 7643's User only what Mundap needs is kept: the fewer facts of people lie here, the better. The other
attributes of the RFC, and those of extensions, are taken and forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from assistant.common.types import Json
from assistant.identity.scim.errors import bad_syntax, bad_value
from assistant.identity.scim.filters import is_storable
from assistant.identity.scim.models import LONGEST_ID, LONGEST_NAME

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
MOST_EMAILS, MOST_MEMBERS = 20, 50_000


class Type(StrEnum):
    """Types of RFC 7643, section 2.3."""

    STRING = "string"
    BOOLEAN = "boolean"
    COMPLEX = "complex"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute as `/Schemas` describes it. `most`: characters of a text, entries of a list."""

    name: str
    about: str
    type: Type = Type.STRING
    many: bool = False
    subs: tuple[Attribute, ...] = ()
    required: bool = False
    exact: bool = False  # upper and lower case differ
    unique: bool = False
    values: tuple[str, ...] = ()  # those that are meant; others are taken and not obeyed
    most: int = LONGEST_NAME

    def sub(self, name: str) -> Attribute | None:
        """The sub-attribute of this name in any case."""
        return next((one for one in self.subs if one.name.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of resource: what it is called, what a client may write, and what is taken and forgotten."""

    name: str
    schema: str
    endpoint: str
    about: str
    attributes: tuple[Attribute, ...]
    forgotten: frozenset[str] = frozenset()

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of this name in any case."""
        return next((one for one in self.attributes if one.name.lower() == name.lower()), None)

    def forgets(self, name: str) -> bool:
        """Whether such an attribute is known to the RFC or an extension, and kept nowhere."""
        low = name.lower()
        return low in self.forgotten or (low.startswith("urn:") and not low.startswith(self.schema.lower()))


READ_ONLY = frozenset({"id", "meta", "groups", "schemas"})
EXTERNAL_ID = Attribute("externalId", "The client's own id.", exact=True, most=LONGEST_ID)
PEOPLE = Kind(
    "User",
    USER,
    "/Users",
    "Somebody who may sign in.",
    (
        Attribute("userName", "The name to sign in with.", required=True, unique=True),
        EXTERNAL_ID,
        Attribute(
            "name",
            "The parts of the name.",
            type=Type.COMPLEX,
            subs=(
                Attribute("formatted", "The whole name."),
                Attribute("familyName", "The family name."),
                Attribute("givenName", "The given name."),
            ),
        ),
        Attribute("displayName", "The name that is shown."),
        Attribute("active", "Whether the account is open.", type=Type.BOOLEAN),
        Attribute(
            "emails",
            "Addresses; the primary one says whose account it is.",
            type=Type.COMPLEX,
            many=True,
            most=MOST_EMAILS,
            subs=(
                Attribute("value", "The address."),
                Attribute("type", "What it is for, as 'work'."),
                Attribute("display", "How it is shown."),
                Attribute("primary", "Whether it is the first to use.", type=Type.BOOLEAN),
            ),
        ),
    ),
    frozenset(
        name.lower()
        for name in (
            *("nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone"),
            *("password", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "roles"),
            "x509Certificates",
        )
    ),
)
GROUPS = Kind(
    "Group",
    GROUP,
    "/Groups",
    "People and inner groups; it gives roles as the identity provider's settings say.",
    (
        Attribute("displayName", "The name, by which roles are given.", required=True, unique=True),
        EXTERNAL_ID,
        Attribute(
            "members",
            "People and inner groups of the same client.",
            type=Type.COMPLEX,
            many=True,
            most=MOST_MEMBERS,
            subs=(
                Attribute("value", "The id of a User or a Group.", exact=True),
                Attribute("$ref", "Its address.", type=Type.REFERENCE, exact=True),
                Attribute("type", "What the member is; its id alone decides.", values=("User", "Group")),
            ),
        ),
    ),
)

Resource = dict[str, Json]


def in_form(kind: Kind, body: Mapping[str, Json]) -> Resource:
    """What of a body is kept, under the RFC's spelling of names, every value of its type.

    What only Mundap sets is left out, as RFC 7644 (section 3.5.1) wants it for PUT.

    Raises:
        ScimError: an unknown attribute, or a value of another type.
    """
    found: Resource = {}
    for name, value in body.items():
        plain = name.removeprefix(f"{kind.schema}:")
        if plain.lower() in READ_ONLY or kind.forgets(plain):
            continue
        attribute = kind.attribute(plain)
        if attribute is None:
            raise bad_syntax(f"There is no attribute {name[:60]!a} in {kind.schema}.")
        if attribute.name in found:
            raise bad_syntax(f"The attribute '{attribute.name}' stands twice.")
        taken = of_type(attribute, value)
        if taken is not None:
            found[attribute.name] = taken
    return found


def of_type(attribute: Attribute, value: Json) -> Json:
    """The value in the attribute's form; None where there is none, as null and an empty list say.

    Raises:
        ScimError: invalidValue.
    """
    if value is None:
        return None
    if not attribute.many:
        return _single(attribute, value)
    listed = list(value) if isinstance(value, list | tuple) else [value]
    if len(listed) > attribute.most:
        raise bad_value(f"'{attribute.name}' takes at most {attribute.most} values.")
    singles = [_single(attribute, one) for one in listed]
    return [one for one in singles if one] or None


def _single(attribute: Attribute, value: Json) -> Json:
    if attribute.type is Type.COMPLEX:
        return _complex(attribute, value)
    if attribute.type is Type.BOOLEAN:
        # Microsoft Entra ID sends "True" and "False" as texts.
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        if isinstance(value, bool):
            return value
        raise bad_value(f"'{attribute.name}' must be true or false.")
    if not isinstance(value, str) or not is_storable(value):
        raise bad_value(f"'{attribute.name}' must be a text.")
    if len(value) > attribute.most:
        raise bad_value(f"'{attribute.name}' takes at most {attribute.most} characters.")
    return value


def _complex(attribute: Attribute, value: Json) -> Json:
    if isinstance(value, str) and attribute.many:
        value = {"value": value}  # a bare id or address, as some clients send it
    if not isinstance(value, Mapping):
        raise bad_value(f"'{attribute.name}' must be an object.")
    found: Resource = {}
    for name, inner in value.items():
        sub = attribute.sub(name)
        if sub is not None and inner is not None:
            found[sub.name] = _single(sub, inner)
    return found
