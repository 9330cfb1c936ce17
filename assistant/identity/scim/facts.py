"""What a resource in its form says of a person or a group, checked before anything is written."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from assistant.common.errors import UsageError
from assistant.common.identity import canonical_email
from assistant.common.types import Json
from assistant.identity.claims import shown_name
from assistant.identity.scim.attributes import Resource
from assistant.identity.scim.errors import bad_value

_HANGUL = re.compile(r"[\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f]+")


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """A person. `address` is canonical; `active` None where nothing was said; `shown` goes back."""

    user_name: str
    address: str
    name: str = ""
    external_id: str = ""
    active: bool | None = None
    shown: Resource = field(default_factory=dict)

    @property
    def user_name_key(self) -> str:
        """One spelling of the name."""
        return one_spelling(self.user_name)


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A group. `members`: ids of people and groups; None where nothing was said of them."""

    name: str
    external_id: str = ""
    members: frozenset[uuid.UUID] | None = None

    @property
    def name_key(self) -> str:
        """One spelling of the name."""
        return one_spelling(self.name)


def one_spelling(text: str) -> str:
    """Two names that differ by less than this are one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).strip().lower())[:256]


def person_facts(resource: Resource) -> PersonFacts:
    """What the resource says.

    Raises:
        ScimError: no name, or no e-mail address.
    """
    user_name = _text(resource, "userName").strip()
    if not user_name:
        raise bad_value("'userName' is needed.")
    active = resource.get("active")
    shown: Resource = {
        name: resource[name] for name in ("name", "displayName", "emails") if resource.get(name) is not None
    }
    return PersonFacts(
        user_name=user_name,
        address=_address(resource, user_name),
        name=_name(resource),
        external_id=_text(resource, "externalId"),
        active=active if isinstance(active, bool) else None,
        shown=shown,
    )


def group_facts(resource: Resource) -> GroupFacts:
    """What the resource says.

    Raises:
        ScimError: no name, or members that are none.
    """
    name = shown_text(_text(resource, "displayName"))
    if not name:
        raise bad_value("'displayName' is needed.")
    members = resource.get("members")
    return GroupFacts(
        name=name,
        external_id=_text(resource, "externalId"),
        members=frozenset(map(_number, members)) if isinstance(members, list) else None,
    )


def shown_text(text: str) -> str:
    """A name on one line, as long as its column."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _address(resource: Resource, user_name: str) -> str:
    """The primary address, else the one for work, else the first; without any, the name to sign in with."""
    emails = resource.get("emails")
    entries = [one for one in emails if isinstance(one, Mapping)] if isinstance(emails, list) else []
    entries = [one for one in entries if _text(one, "value").strip()]
    entries.sort(key=lambda one: (one.get("primary") is not True, _text(one, "type").lower() != "work"))
    told = _text(entries[0], "value") if entries else user_name
    try:
        return canonical_email(told)
    except UsageError as error:
        raise bad_value(
            "An e-mail address is needed: as the primary one of 'emails', or as 'userName'."
        ) from error


def _name(resource: Resource) -> str:
    parts = resource.get("name")
    parts = parts if isinstance(parts, Mapping) else {}
    family, given = _text(parts, "familyName"), _text(parts, "givenName")
    # A Korean name is written family name first and as one word.
    joined = f"{family}{given}" if _is_korean(family) and _is_korean(given) else f"{given} {family}"
    return shown_name(_text(resource, "displayName") or _text(parts, "formatted") or joined)


def _is_korean(text: str) -> bool:
    return _HANGUL.fullmatch(text.strip()) is not None


def _number(member: Json) -> uuid.UUID:
    try:
        return uuid.UUID(_text(member, "value") if isinstance(member, Mapping) else "")
    except ValueError as error:
        raise bad_value("A member must have the id of a User or a Group as its 'value'.") from error


def _text(resource: Mapping[str, Json], name: str) -> str:
    value = resource.get(name)
    return value if isinstance(value, str) else ""
