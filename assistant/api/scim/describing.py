"""What SCIM can do here, in its own words: `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from assistant.api.scim.answering import answer, for_clients
from assistant.api.scim.asked import Shown
from assistant.common.types import Json
from assistant.identity.scim.attributes import GROUPS, PEOPLE, Attribute, Kind, Resource
from assistant.identity.scim.errors import ScimError, not_there
from assistant.identity.scim.people import Client
from assistant.identity.scim.resources import LARGEST_PAGE, Page

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
_TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
_KINDS = (PEOPLE, GROUPS)


def base_of(request: HttpRequest) -> str:
    """The address below which SCIM answers."""
    return request.build_absolute_uri(reverse("scim:root")).rstrip("/")


def listed(page: Page, shown: Shown) -> HttpResponse:
    """A page of resources."""
    return answer(_list([shown.of(one) for one in page.resources], total=page.total, start=page.start))


def _config(_client: Client, request: HttpRequest) -> HttpResponse:
    no: Json = {"supported": False}
    return answer(
        {
            "schemas": [_CONFIG],
            "patch": {"supported": True},
            "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": True, "maxResults": LARGEST_PAGE},
            "changePassword": no,
            "sort": no,
            "etag": {"supported": True},
            "authenticationSchemes": [
                {
                    "type": "oauthbearertoken",
                    "name": "Provisioning key",
                    "description": "A key that an administrator of Mundap issues under Provisioning.",
                    "primary": True,
                }
            ],
            "meta": {
                "resourceType": "ServiceProviderConfig",
                "location": f"{base_of(request)}/ServiceProviderConfig",
            },
        }
    )


def _types(_client: Client, request: HttpRequest) -> HttpResponse:
    _refuse_filter(request)
    return answer(_list([_type(kind, base_of(request)) for kind in _KINDS]))


def _one_type(_client: Client, request: HttpRequest, name: str) -> HttpResponse:
    return answer(_only(_type(kind, base_of(request)) for kind in _KINDS if kind.name == name))


def _schemas(_client: Client, request: HttpRequest) -> HttpResponse:
    _refuse_filter(request)
    return answer(_list([_schema(kind, base_of(request)) for kind in _KINDS]))


def _one_schema(_client: Client, request: HttpRequest, name: str) -> HttpResponse:
    return answer(_only(_schema(kind, base_of(request)) for kind in _KINDS if kind.schema == name))


def _nothing(_client: Client, _request: HttpRequest, **_parts: str) -> HttpResponse:
    raise not_there()


def _refuse_filter(request: HttpRequest) -> None:
    if "filter" in request.GET:  # RFC 7644, section 4
        raise ScimError(403, "", "What is described here cannot be filtered.")


def _only(found: Iterable[Resource]) -> Resource:
    for one in found:
        return one
    raise not_there()


def _list(resources: Sequence[Json], *, total: int | None = None, start: int = 1) -> Resource:
    return {
        "schemas": [LIST],
        "totalResults": len(resources) if total is None else total,
        "startIndex": start,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def _type(kind: Kind, base: str) -> Resource:
    return {
        "schemas": [_TYPE],
        "id": kind.name,
        "name": kind.name,
        "endpoint": kind.endpoint,
        "description": kind.about,
        "schema": kind.schema,
        "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{kind.name}"},
    }


def _schema(kind: Kind, base: str) -> Resource:
    return {
        "schemas": [_SCHEMA],
        "id": kind.schema,
        "name": kind.name,
        "description": kind.about,
        "attributes": [_attribute(one) for one in kind.attributes],
        "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{kind.schema}"},
    }


def _attribute(one: Attribute) -> Json:
    said: Resource = {
        "name": one.name,
        "type": one.type.value,
        "multiValued": one.many,
        "description": one.about,
        "required": one.required,
        "mutability": "readWrite",
        "returned": "default",
    }
    if one.subs:
        said["subAttributes"] = [_attribute(sub) for sub in one.subs]
    else:
        said["caseExact"] = one.exact
        said["uniqueness"] = "server" if one.unique else "none"
    if one.values:
        said["canonicalValues"] = list(one.values)
    if one.name == "$ref":
        said["referenceTypes"] = [PEOPLE.name, GROUPS.name]
    return said


config = for_clients(GET=_config)
types = for_clients(GET=_types)
one_type = for_clients(GET=_one_type)
schemas = for_clients(GET=_schemas)
one_schema = for_clients(GET=_one_schema)
nothing = for_clients(ANY=_nothing)
