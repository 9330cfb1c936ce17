"""Rows as resources, and finding them: by id, by filter, page by page; only ever the client's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from django.db.models import Q, QuerySet

from assistant.common.types import Json
from assistant.identity.models import IdentityProvider
from assistant.identity.scim.attributes import GROUP, GROUPS, PEOPLE, USER, Resource
from assistant.identity.scim.errors import ScimError
from assistant.identity.scim.facts import one_spelling
from assistant.identity.scim.filters import Both, Compare, Either, Filter, Name, Not, Present, Within
from assistant.identity.scim.matching import fits
from assistant.identity.scim.models import ProvisionedGroup, ProvisionedMember, ProvisionedPerson

MOST_SEARCHED, MOST_MEMBERS_SHOWN, LARGEST_PAGE = 50_000, 50_000, 200
_BATCH = 500
_NOTHING = Q(pk__in=[])

Row = TypeVar("Row", ProvisionedPerson, ProvisionedGroup)


@dataclass(frozen=True, slots=True)
class Page:
    """What was found: a part of it, from place `start` (from 1 on), and how much there is in all."""

    resources: tuple[Resource, ...]
    start: int
    total: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants to see. `base`: the address of SCIM here; `members`: whether groups show theirs."""

    base: str
    filter: Filter | None = None
    start: int = 1
    count: int = LARGEST_PAGE
    members: bool = True


def person_resource(row: ProvisionedPerson, base: str) -> Resource:
    """A person. `active` is what is true here, whoever closed the account."""
    said: Resource = {"schemas": [USER], "id": str(row.number), "userName": row.user_name, **row.shown}
    if row.external_id:
        said["externalId"] = row.external_id
    said["active"] = row.user.is_active
    version = f'W/"{row.version}{"o" if row.user.is_active else "c"}"'
    said["meta"] = _meta(PEOPLE.name, f"{base}{PEOPLE.endpoint}/{row.number}", row, version)
    return said


def group_resource(
    row: ProvisionedGroup, base: str, members: Iterable[ProvisionedMember] | None = None
) -> Resource:
    """A group, with its members if they are given."""
    said: Resource = {"schemas": [GROUP], "id": str(row.number), "displayName": row.name}
    if row.external_id:
        said["externalId"] = row.external_id
    if members is not None:
        said["members"] = [_member(one, base) for one in members]
    version = f'W/"{row.version}"'
    said["meta"] = _meta(GROUPS.name, f"{base}{GROUPS.endpoint}/{row.number}", row, version)
    return said


def members_of(groups: Sequence[ProvisionedGroup]) -> dict[int, list[ProvisionedMember]]:
    """The members of these groups by row id, in the order in which they came.

    Raises:
        ScimError: tooMany.
    """
    rows = ProvisionedMember.objects.filter(group__in=[group.pk for group in groups])
    if len(groups) > 1 and rows.count() > MOST_MEMBERS_SHOWN:
        raise ScimError(
            400,
            "tooMany",
            "That many members are not shown at once. Exclude 'members', or ask for fewer groups.",
        )
    found: dict[int, list[ProvisionedMember]] = {group.pk: [] for group in groups}
    for row in rows.select_related("person", "inner").order_by("pk"):
        found[row.group_id].append(row)
    return found


def found_people(provider: IdentityProvider, wish: Wish) -> Page:
    """People of this provider."""
    rows = ProvisionedPerson.objects.filter(provider=provider).select_related("user").order_by("pk")
    return _found(
        rows, wish, lambda part, _: [person_resource(row, wish.base) for row in part], person_candidates
    )


def found_groups(provider: IdentityProvider, wish: Wish) -> Page:
    """Groups of this provider."""
    rows = ProvisionedGroup.objects.filter(provider=provider).order_by("pk")

    def shown(part: Sequence[ProvisionedGroup], members: bool) -> list[Resource]:  # noqa: FBT001 - a callback
        held = members_of(part) if members else {}
        return [group_resource(row, wish.base, held.get(row.pk)) for row in part]

    return _found(rows, wish, shown, group_candidates)


def person_candidates(wanted: Filter) -> Q | None:
    """Rows among which all are that fit, found by an index; None where every row may be."""
    return _candidates(wanted, _person_column)


def group_candidates(wanted: Filter) -> Q | None:
    """See `person_candidates`."""
    return _candidates(wanted, _group_column)


def names_members(wanted: Filter) -> bool:
    """Whether the filter asks for members."""
    match wanted:
        case Both(left, right) | Either(left, right):
            return names_members(left) or names_members(right)
        case Not(inner):
            return names_members(inner)
        case Compare(name, _, _) | Present(name) | Within(name, _):
            return name.attribute == "members"


def _found(
    rows: QuerySet[Row],
    wish: Wish,
    shown: Callable[[Sequence[Row], bool], list[Resource]],
    candidates: Callable[[Filter], Q | None],
) -> Page:
    skip = wish.start - 1
    if wish.filter is None:
        part = rows[skip : skip + wish.count] if wish.count else rows.none()
        return Page(tuple(shown(list(part), wish.members)), wish.start, rows.count())
    narrowed = candidates(wish.filter)
    among = rows if narrowed is None else rows.filter(narrowed).distinct()
    if among.count() > MOST_SEARCHED:
        raise ScimError(
            400, "tooMany", "That filter goes through too many resources. Ask for a name or an id."
        )
    asked = names_members(wish.filter)
    fitting: list[Row] = []
    for some in _parts(among):
        resources = shown(some, asked)
        fitting += [row for row, said in zip(some, resources, strict=True) if fits(said, wish.filter)]
    return Page(tuple(shown(fitting[skip : skip + wish.count], wish.members)), wish.start, len(fitting))


def _parts(rows: QuerySet[Row]) -> Iterator[list[Row]]:
    """All rows, some hundreds at a time."""
    last = 0
    while part := list(rows.filter(pk__gt=last)[:_BATCH]):
        yield part
        last = part[-1].pk


def _candidates(wanted: Filter, column: Callable[[Name, str], Q | None]) -> Q | None:
    match wanted:
        case Both(left, right):
            one, other = _candidates(left, column), _candidates(right, column)
            if one is None or other is None:
                return one if other is None else other
            return one & other
        case Either(left, right):
            one, other = _candidates(left, column), _candidates(right, column)
            return None if one is None or other is None else one | other
        case Compare(name, "eq", str(value)):
            return column(name, value)
        case Within(Name("members", ""), Compare(Name("value", ""), "eq", str(value))):
            return column(Name("members", "value"), value)
    return None


def _person_column(name: Name, value: str) -> Q | None:
    match name:
        case Name("id", ""):
            return _by_number(value)
        case Name("username", ""):
            return Q(user_name_key=one_spelling(value))
        case Name("externalid", ""):
            return Q(external_id=value)
    return None


def _group_column(name: Name, value: str) -> Q | None:
    match name:
        case Name("id", ""):
            return _by_number(value)
        case Name("displayname", ""):
            return Q(name_key=one_spelling(value))
        case Name("externalid", ""):
            return Q(external_id=value)
        case Name("members", "" | "value"):
            number = number_in(value)
            held = ProvisionedMember.objects.filter(Q(person__number=number) | Q(inner__number=number))
            return _NOTHING if number is None else Q(pk__in=held.values("group"))
    return None


def number_in(text: str) -> uuid.UUID | None:
    """The id that a text is, in the one spelling in which ids are given out."""
    try:
        number = uuid.UUID(text)
    except ValueError:
        return None
    return number if str(number) == text else None


def _by_number(text: str) -> Q:
    number = number_in(text)
    return _NOTHING if number is None else Q(number=number)


def _member(row: ProvisionedMember, base: str) -> Mapping[str, Json]:
    kind, held = (PEOPLE, row.person) if row.person is not None else (GROUPS, row.inner)
    number = held.number if held is not None else ""
    return {"value": str(number), "$ref": f"{base}{kind.endpoint}/{number}", "type": kind.name}


def _meta(kind: str, location: str, row: ProvisionedPerson | ProvisionedGroup, version: str) -> Json:
    return {
        "resourceType": kind,
        "created": moment(row.made_at),
        "lastModified": moment(row.changed_at),
        "location": location,
        "version": version,
    }


def moment(at: datetime) -> str:
    """As RFC 7643 writes moments."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
