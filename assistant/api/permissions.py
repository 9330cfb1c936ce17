"""The permission inspector over the API: for those who may inspect, and audited like its pages."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest

from assistant.access import inspector
from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.accounts.roles import Right
from assistant.accounts.scopes import Scope
from assistant.api.as_json import as_json
from assistant.api.keys import for_keys
from assistant.api.parameters import parameters, required, whole_number
from assistant.common.errors import NotFound
from assistant.common.identity import canonical_email
from assistant.common.types import Json, JsonObject
from assistant.sync.access_changes import run_changes

_LAST_PAGE = 1_000_000


@for_keys("GET", scope=Scope.PERMISSIONS, right=Right.INSPECT_PERMISSIONS)
def explain(viewer: Viewer, request: HttpRequest) -> JsonObject:
    """Why a person sees a document, or why not."""
    given = parameters(request, known=("person", "document"))
    person_id = _person(required(given, "person", what="an e-mail address"))
    document_id = whole_number(given, "document")
    return _object(inspector.inspect(viewer=viewer, person_id=person_id, document_id=document_id))


@for_keys("GET", scope=Scope.PERMISSIONS, right=Right.INSPECT_PERMISSIONS)
def find_documents(viewer: Viewer, request: HttpRequest) -> JsonObject:
    """Documents by number, address or id in their source."""
    given = parameters(request, known=("text", "source"))
    text = required(given, "text", what="a number, an address, or a part of the id in its source")
    source_id = whole_number(given, "source") if "source" in given else None
    found = inspector.find_documents(viewer=viewer, text=text, source_id=source_id)
    return {"documents": as_json(found)}


@for_keys("GET", scope=Scope.PERMISSIONS, right=Right.INSPECT_PERMISSIONS)
def find_people(viewer: Viewer, request: HttpRequest) -> JsonObject:
    """People by name or address."""
    given = parameters(request, known=("text",))
    text = required(given, "text", what="a part of a name or an address")
    return {"people": as_json(inspector.find_people(viewer=viewer, text=text))}


@for_keys("GET", scope=Scope.PERMISSIONS, right=Right.INSPECT_PERMISSIONS)
def readers(viewer: Viewer, request: HttpRequest, document_id: int) -> JsonObject:
    """Who sees a document."""
    page = _page(parameters(request, known=("page",)))
    return _object(inspector.readers(viewer=viewer, document_id=document_id, page=page))


@for_keys("GET", scope=Scope.PERMISSIONS, right=Right.INSPECT_PERMISSIONS)
def sources_of(viewer: Viewer, request: HttpRequest, email: str) -> JsonObject:
    """How much of each source a person sees."""
    parameters(request, known=())
    return {"sources": as_json(inspector.source_shares(viewer=viewer, person_id=_person(email)))}


@for_keys("GET", scope=Scope.PERMISSIONS, right=Right.INSPECT_PERMISSIONS)
def documents_of(viewer: Viewer, request: HttpRequest, email: str) -> JsonObject:
    """What a person sees in one source."""
    given = parameters(request, known=("source", "page"))
    source_id, page = whole_number(given, "source"), _page(given)
    return _object(
        inspector.seen_in_source(viewer=viewer, person_id=_person(email), source_id=source_id, page=page)
    )


@for_keys("GET", scope=Scope.PERMISSIONS, right=Right.INSPECT_PERMISSIONS)
def changes(viewer: Viewer, request: HttpRequest, run_id: int) -> JsonObject:
    """Who gains and who loses by a run."""
    page = _page(parameters(request, known=("page",)))
    return _object(run_changes(viewer=viewer, run_id=run_id, page=page))


def _person(address: str) -> int:
    email = canonical_email(address)
    rows = User.objects.filter(Q(email=email) | Q(addresses__address=email))
    found = rows.values_list("pk", flat=True).first()
    if found is None:
        raise NotFound("There is no such person.")
    return found


def _page(given: dict[str, str]) -> int:
    return whole_number(given, "page", default=1, most=_LAST_PAGE)


def _object(value: object) -> dict[str, Json]:
    shown = as_json(value)
    if not isinstance(shown, dict):
        raise TypeError(f"{type(value).__name__} is no object in JSON")
    return shown
