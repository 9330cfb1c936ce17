"""In which provisioned groups is somebody, through any nesting? Groups that hold each other end nowhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set

from assistant.identity.scim.models import ProvisionedGroup, ProvisionedMember, ProvisionedPerson


def group_names(provider_id: int, user_id: int) -> tuple[str, ...] | None:
    """What the groups of an account are called, by name and by the client's id.

    None: the provider made no groups known, or does not manage the account.
    """
    person = ProvisionedPerson.objects.filter(provider=provider_id, user=user_id).first()
    if person is None or not ProvisionedGroup.objects.filter(provider=provider_id).exists():
        return None
    return names_of(provider_id, [person.pk])[person.pk]


def names_of(provider_id: int, people: Collection[int]) -> dict[int, tuple[str, ...]]:
    """By person: what the groups are called in which they are. All are asked for together."""
    outer = _edges(provider_id, upwards=True)
    rows = ProvisionedMember.objects.filter(person__in=people).values_list("person_id", "group_id")
    direct: dict[int, set[int]] = {person: set() for person in people}
    for person, group in rows:
        direct[person].add(group)
    reached = {person: closure(groups, outer) for person, groups in direct.items()}
    wanted = set().union(*reached.values())
    called = {
        pk: tuple(text for text in (name, external) if text)
        for pk, name, external in ProvisionedGroup.objects.filter(pk__in=wanted).values_list(
            "pk", "name", "external_id"
        )
    }
    return {
        person: tuple(text for group in sorted(groups) for text in called.get(group, ()))
        for person, groups in reached.items()
    }


def people_in(provider_id: int, groups: Collection[int]) -> set[int]:
    """Everybody in these groups, through any nesting: ids of provisioned people."""
    within = closure(set(groups), _edges(provider_id, upwards=False))
    members = ProvisionedMember.objects.filter(group__in=within, person__isnull=False)
    return {person for person in members.values_list("person_id", flat=True) if person is not None}


def closure(start: Set[int], edges: Mapping[int, Collection[int]]) -> set[int]:
    """The start and all that is reached from it."""
    reached, waiting = set(start), list(start)
    while waiting:
        for other in edges.get(waiting.pop(), ()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached


def _edges(provider_id: int, *, upwards: bool) -> dict[int, list[int]]:
    rows = ProvisionedMember.objects.filter(group__provider=provider_id, inner__isnull=False)
    found: dict[int, list[int]] = {}
    for inner, group in rows.values_list("inner_id", "group_id"):
        if inner is not None:
            start, end = (inner, group) if upwards else (group, inner)
            found.setdefault(start, []).append(end)
    return found
