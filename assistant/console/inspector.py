"""The pages of the permission inspector: one person and one document, all readers, all that a person sees."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from assistant.access import inspector
from assistant.access.inspection import DocumentLabel, PersonLabel
from assistant.access.viewer import Viewer, viewer_for
from assistant.accounts.roles import Right
from assistant.console.administrators import AdministratorRequest, with_right
from assistant.console.paging import Paging, number_in, page_asked
from assistant.console.steps import course_of

_LONGEST = 1024  # characters of an id, which is the longest that can be looked for
_Label = TypeVar("_Label", PersonLabel, DocumentLabel)


@require_GET
@with_right(Right.INSPECT_PERMISSIONS)
def permissions(request: AdministratorRequest) -> HttpResponse:
    """Choose a person and a document; once both are chosen, whether and why that person sees it.

    `?person=` and `?document=` are row ids; `?who=` and `?what=` are words to look for.
    """
    viewer = viewer_for(request.user)
    person_id, document_id = _chosen(request, "person"), _chosen(request, "document")
    who, what = _words(request, "who"), _words(request, "what")
    found_people = inspector.find_people(viewer=viewer, text=who) if who and person_id is None else ()
    found_documents = (
        inspector.find_documents(viewer=viewer, text=what) if what and document_id is None else ()
    )
    person_id, document_id = person_id or _only(found_people), document_id or _only(found_documents)
    if _only(found_people) or _only(found_documents):
        return redirect(_address(person=person_id, document=document_id, who=who, what=what))
    course = None
    if person_id is not None and document_id is not None:
        found = inspector.inspect(viewer=viewer, person_id=person_id, document_id=document_id)
        course = course_of(found)
    context = {
        "course": course,
        "person": course.inspection.person if course else _person(viewer, person_id),
        "document": course.inspection.document if course else _document(viewer, document_id),
        "who": who,
        "what": what,
        "found_people": found_people,
        "found_documents": found_documents,
    }
    return render(request, "console/permissions.html", context)


@require_GET
@with_right(Right.INSPECT_PERMISSIONS)
def suggest_people(request: AdministratorRequest) -> HttpResponse:
    """People whose address or name holds the words typed so far."""
    who = _words(request, "who")
    found = inspector.find_people(viewer=viewer_for(request.user), text=who) if who else ()
    context = {"who": who, "found_people": found, "document_id": _chosen(request, "document")}
    return render(request, "console/fragments/found_people.html", context)


@require_GET
@with_right(Right.INSPECT_PERMISSIONS)
def suggest_documents(request: AdministratorRequest) -> HttpResponse:
    """Documents whose id, number or address fits the words typed so far."""
    what = _words(request, "what")
    found = inspector.find_documents(viewer=viewer_for(request.user), text=what) if what else ()
    context = {"what": what, "found_documents": found, "person_id": _chosen(request, "person")}
    return render(request, "console/fragments/found_documents.html", context)


@require_GET
@with_right(Right.INSPECT_PERMISSIONS)
def readers(request: AdministratorRequest, document_id: int) -> HttpResponse:
    """Who sees this document."""
    page = page_asked(request)
    found = inspector.readers(viewer=viewer_for(request.user), document_id=document_id, page=page)
    context = {"readers": found, "paging": Paging(page, found.total)}
    return render(request, "console/document_readers.html", context)


@require_GET
@with_right(Right.INSPECT_PERMISSIONS)
def shares(request: AdministratorRequest, person_id: int) -> HttpResponse:
    """How much of each source a person sees."""
    viewer = viewer_for(request.user)
    found = inspector.source_shares(viewer=viewer, person_id=person_id)
    context = {"person": _person(viewer, person_id), "shares": found}
    return render(request, "console/person_shares.html", context)


@require_GET
@with_right(Right.INSPECT_PERMISSIONS)
def seen(request: AdministratorRequest, person_id: int, source_id: int) -> HttpResponse:
    """The ids of what a person sees in one source."""
    page = page_asked(request)
    found = inspector.seen_in_source(
        viewer=viewer_for(request.user), person_id=person_id, source_id=source_id, page=page
    )
    context = {"seen": found, "paging": Paging(page, found.readable)}
    return render(request, "console/person_seen.html", context)


def _chosen(request: AdministratorRequest, name: str) -> int | None:
    return number_in(request.GET.get(name, ""))


def _words(request: AdministratorRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\x00", "").strip()[:_LONGEST]


def _only(found: tuple[_Label, ...]) -> int | None:
    return found[0].id if len(found) == 1 else None


def _address(**given: int | str | None) -> str:
    chosen = {name: value for name, value in given.items() if value}
    for words, chosen_one in (("who", "person"), ("what", "document")):
        if chosen_one in chosen:
            chosen.pop(words, None)
    return f"{reverse('console:permissions')}?{urlencode(chosen)}"


def _person(viewer: Viewer, person_id: int | None) -> PersonLabel | None:
    return None if person_id is None else inspector.person(viewer=viewer, person_id=person_id)


def _document(viewer: Viewer, document_id: int | None) -> DocumentLabel | None:
    return None if document_id is None else inspector.document(viewer=viewer, document_id=document_id)
