"""`/Groups`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponse

from assistant.api.scim.answering import answer, body_of, for_clients, is_known, require_match
from assistant.api.scim.asked import asked_in_body, shown_in, wish_in
from assistant.api.scim.describing import base_of, listed
from assistant.common.types import Json
from assistant.identity.scim.attributes import GROUPS, Resource, in_form
from assistant.identity.scim.errors import not_there
from assistant.identity.scim.facts import GroupFacts, group_facts
from assistant.identity.scim.groups import change_group, forget_group, group_row, provision_group
from assistant.identity.scim.models import ProvisionedGroup
from assistant.identity.scim.patching import Operation, operations_of, patched
from assistant.identity.scim.people import Client
from assistant.identity.scim.resources import found_groups, group_resource, members_of, number_in


def _list(client: Client, request: HttpRequest) -> HttpResponse:
    return _found(client, request, request.GET)


def _search(client: Client, request: HttpRequest) -> HttpResponse:
    return _found(client, request, asked_in_body(body_of(request)))


def _found(client: Client, request: HttpRequest, given: Mapping[str, str]) -> HttpResponse:
    shown = shown_in(given)
    return listed(found_groups(client.provider, wish_in(given, base_of(request), shown)), shown)


def _make(client: Client, request: HttpRequest) -> HttpResponse:
    shown = shown_in(request.GET)
    row = provision_group(client, group_facts(in_form(GROUPS, body_of(request))))
    said = _said(row, request, members=shown.wants("members"))
    return answer(shown.of(said), status=201, location=f"{base_of(request)}{GROUPS.endpoint}/{row.number}")


def _show(client: Client, request: HttpRequest, resource: str) -> HttpResponse:
    shown = shown_in(request.GET)
    row = _row(client, resource)
    if is_known(request, _version(row)):
        return answer(None, status=304)
    return answer(shown.of(_said(row, request, members=shown.wants("members"))))


def _replace(client: Client, request: HttpRequest, resource: str) -> HttpResponse:
    """Members of which nothing is said stay: an empty list is what says that there are none."""
    body = body_of(request)
    form = in_form(GROUPS, body)
    if any(name.lower() == "members" and value is not None for name, value in body.items()):
        form.setdefault("members", [])
    facts = group_facts(form)
    row = _changed(client, request, resource, lambda _: facts)
    shown = shown_in(request.GET)
    return answer(shown.of(_said(row, request, members=shown.wants("members"))))


def _patch(client: Client, request: HttpRequest, resource: str) -> HttpResponse:
    """Answered without a body, as RFC 7644 allows: a group may be large, and changes by one member."""
    shown = shown_in(request.GET)
    operations = operations_of(body_of(request))
    with_members = any(map(_names_members, operations))

    def facts_of(row: ProvisionedGroup) -> GroupFacts:
        said = patched(GROUPS, _said(row, request, members=with_members), operations)
        if with_members:
            said.setdefault("members", [])
        return group_facts(said)

    row = _changed(client, request, resource, facts_of)
    if shown.only is None:
        response = answer(None, status=204)
        response.headers["ETag"] = _version(row)
        return response
    return answer(shown.of(_said(row, request, members=shown.wants("members"))))


def _forget(client: Client, request: HttpRequest, resource: str) -> HttpResponse:
    forget_group(
        client, _row(client, resource).number, lambda locked: require_match(request, _version(locked))
    )
    return answer(None, status=204)


def _changed(
    client: Client, request: HttpRequest, resource: str, facts_of: Callable[[ProvisionedGroup], GroupFacts]
) -> ProvisionedGroup:
    def checked(row: ProvisionedGroup) -> GroupFacts:
        require_match(request, _version(row))
        return facts_of(row)

    return change_group(client, _row(client, resource).number, checked)


def _names_members(operation: Operation) -> bool:
    if operation.path is not None:
        return operation.path.attribute == "members"
    value: Json = operation.value
    return isinstance(value, dict)


def _said(row: ProvisionedGroup, request: HttpRequest, *, members: bool) -> Resource:
    return group_resource(row, base_of(request), members_of([row])[row.pk] if members else None)


def _row(client: Client, resource: str) -> ProvisionedGroup:
    found = number_in(resource)
    if found is None:
        raise not_there()
    return group_row(client.provider, found)


def _version(row: ProvisionedGroup) -> str:
    meta = group_resource(row, "")["meta"]
    assert isinstance(meta, dict)
    return str(meta["version"])


groups = for_clients(GET=_list, POST=_make)
group = for_clients(GET=_show, PUT=_replace, PATCH=_patch, DELETE=_forget)
search = for_clients(POST=_search)
