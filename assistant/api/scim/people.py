"""`/Users`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponse

from assistant.api.scim.answering import answer, body_of, for_clients, is_known, require_match
from assistant.api.scim.asked import asked_in_body, shown_in, wish_in
from assistant.api.scim.describing import base_of, listed
from assistant.identity.scim.attributes import PEOPLE, Resource, in_form
from assistant.identity.scim.errors import not_there
from assistant.identity.scim.facts import PersonFacts, person_facts
from assistant.identity.scim.models import ProvisionedPerson
from assistant.identity.scim.patching import operations_of, patched
from assistant.identity.scim.people import (
    Client,
    change_person,
    forget_person,
    person_row,
    provision_person,
)
from assistant.identity.scim.resources import found_people, number_in, person_resource


def _list(client: Client, request: HttpRequest) -> HttpResponse:
    return _found(client, request, request.GET)


def _search(client: Client, request: HttpRequest) -> HttpResponse:
    return _found(client, request, asked_in_body(body_of(request)))


def _found(client: Client, request: HttpRequest, given: Mapping[str, str]) -> HttpResponse:
    shown = shown_in(given)
    return listed(found_people(client.provider, wish_in(given, base_of(request), shown)), shown)


def _make(client: Client, request: HttpRequest) -> HttpResponse:
    shown = shown_in(request.GET)
    row = provision_person(client, person_facts(in_form(PEOPLE, body_of(request))))
    said = person_resource(row, base_of(request))
    return answer(shown.of(said), status=201, location=f"{base_of(request)}{PEOPLE.endpoint}/{row.number}")


def _show(client: Client, request: HttpRequest, resource: str) -> HttpResponse:
    shown = shown_in(request.GET)
    said = person_resource(_row(client, resource), base_of(request))
    if is_known(request, _version(said)):
        return answer(None, status=304)
    return answer(shown.of(said))


def _replace(client: Client, request: HttpRequest, resource: str) -> HttpResponse:
    facts = person_facts(in_form(PEOPLE, body_of(request)))
    return _changed(client, request, resource, lambda _: facts)


def _patch(client: Client, request: HttpRequest, resource: str) -> HttpResponse:
    operations = operations_of(body_of(request))

    def facts_of(said: Resource) -> PersonFacts:
        return person_facts(patched(PEOPLE, said, operations))

    return _changed(client, request, resource, facts_of)


def _forget(client: Client, request: HttpRequest, resource: str) -> HttpResponse:
    row = _row(client, resource)
    forget_person(
        client, row.number, lambda locked: require_match(request, _version(person_resource(locked, "")))
    )
    return answer(None, status=204)


def _changed(
    client: Client, request: HttpRequest, resource: str, facts_of: Callable[[Resource], PersonFacts]
) -> HttpResponse:
    shown = shown_in(request.GET)
    base = base_of(request)

    def checked(row: ProvisionedPerson) -> PersonFacts:
        said = person_resource(row, base)
        require_match(request, _version(said))
        del said["active"]  # an account is opened or closed only where the request says so
        return facts_of(said)

    row = change_person(client, _row(client, resource).number, checked)
    return answer(shown.of(person_resource(row, base)))


def _row(client: Client, resource: str) -> ProvisionedPerson:
    found = number_in(resource)
    if found is None:
        raise not_there()
    return person_row(client.provider, found)


def _version(said: Resource) -> str:
    meta = said["meta"]
    assert isinstance(meta, dict)
    return str(meta["version"])


people = for_clients(GET=_list, POST=_make)
person = for_clients(GET=_show, PUT=_replace, PATCH=_patch, DELETE=_forget)
search = for_clients(POST=_search)
