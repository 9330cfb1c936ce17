"""The permission inspector: why a person sees a document or not, who sees it, what a person sees.

It answers only those who have the right to inspect, at each call anew, and every
answer is audited. It tells ids, addresses and groups, never text; a title only where
the inspecting person may read the document themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Count, Model, Q, QuerySet
from django.utils import timezone

from assistant.access.document_readers import find_readers
from assistant.access.door import readable
from assistant.access.explaining import (
    case_of,
    clauses_for,
    facts_about,
    groups_fact,
    hides_from_everybody,
    identities_of,
    reason_for,
)
from assistant.access.inspection import (
    ClauseView,
    Decision,
    DocumentLabel,
    Inspection,
    PersonLabel,
    PrincipalLabel,
    Reader,
    Readers,
    Reason,
    SourceShare,
    SourceView,
)
from assistant.access.membership_paths import labels
from assistant.access.roles import require
from assistant.access.viewer import Viewer, viewer_for
from assistant.access.visibility import permissions_confirmed_at, visible_documents
from assistant.accounts.models import Connection, User
from assistant.accounts.roles import Right
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound
from assistant.common.types import Json
from assistant.documents.models import Document, Hidden

PAGE = 50
_SUGGESTED = 20
_LONGEST_SEARCH = 1024
_LONGEST_NUMBER = 15  # digits
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What `explain-access` prints. `path` leads from the person to what the last deciding entry names."""

    visible: bool
    reason: Reason
    clauses: tuple[dict[str, Json], ...]
    path: tuple[str, ...]
    acl_age_s: float | None


def explain(viewer: Viewer, document: Document, *, now: datetime | None = None) -> Explanation:
    """Walk through the rule for one person and one document, for whoever runs the server."""
    now = now or timezone.now()
    user = User.objects.get(pk=viewer.user_id)
    found = _examine(user, document, DocumentLabel(document.pk, document.external_id, 0, ""), now=now)
    confirmed = permissions_confirmed_at(document)
    return Explanation(
        visible=found.visible,
        reason=found.reason,
        clauses=tuple(_printed(clause) for clause in found.clauses),
        path=_path(user, found.clauses),
        acl_age_s=round((now - confirmed).total_seconds(), 1) if confirmed else None,
    )


def inspect(*, viewer: Viewer, person_id: int, document_id: int) -> Inspection:
    """Why this person sees this document, or why not.

    Raises:
        NotFound: no such person or document, or the viewer may not inspect.
    """
    require(viewer, Right.INSPECT_PERMISSIONS)
    user, document = _user(person_id), _document(document_id)
    _audit(viewer, person=user.pk, document=document.pk)
    return _examine(user, document, document_labels(viewer, [document])[0], now=timezone.now())


def readers(*, viewer: Viewer, document_id: int, page: int = 1) -> Readers:
    """Who sees this document, 50 people a page.

    Raises:
        NotFound: no such document, or the viewer may not inspect.
    """
    require(viewer, Right.INSPECT_PERMISSIONS)
    document, now = _document(document_id), timezone.now()
    _audit(viewer, document=document.pk)
    found = find_readers(document.acl, now=now)
    hidden = hides_from_everybody(document, now=now)
    people = User.objects.filter(pk__in=() if hidden else found.people).order_by("email")
    shown = _page(people, page)
    outside = labels(found.outside[:PAGE])
    return Readers(
        document=document_labels(viewer, [document])[0],
        total=0 if hidden else len(found.people),
        people=tuple(Reader(person_label(user), _last_path(user, document, now)) for user in shown),
        outside=tuple(outside[pk] for pk in found.outside[:PAGE]),
        outside_total=len(found.outside),
        hidden=hidden,
        facts=facts_about(document, now=now),
        at=now,
    )


def source_shares(*, viewer: Viewer, person_id: int) -> tuple[SourceShare, ...]:
    """How much of each source the person sees.

    Raises:
        NotFound: no such person, or the viewer may not inspect.
    """
    require(viewer, Right.INSPECT_PERMISSIONS)
    user = _user(person_id)
    _audit(viewer, person=user.pk)
    seen = _by_connection(visible_documents(viewer_for(user)))
    there = _by_connection(_shown_documents())
    return tuple(
        SourceShare(row.pk, row.name, seen.get(row.pk, 0), there.get(row.pk, 0))
        for row in Connection.objects.order_by("name")
    )


def seen_in_source(*, viewer: Viewer, person_id: int, source_id: int, page: int = 1) -> SourceView:
    """What the person sees in one source, 50 documents a page.

    Raises:
        NotFound: no such person or source, or the viewer may not inspect.
    """
    require(viewer, Right.INSPECT_PERMISSIONS)
    user, now = _user(person_id), timezone.now()
    source = Connection.objects.filter(pk=source_id).first()
    if source is None:
        raise NotFound("There is no such source.")
    _audit(viewer, person=user.pk, source=source.pk)
    seen = visible_documents(viewer_for(user), now=now).filter(connection=source)
    shown = _page(seen.select_related("connection").order_by("external_id"), page)
    return SourceView(
        person=person_label(user),
        source_id=source.pk,
        source=source.name,
        readable=seen.count(),
        total=_shown_documents().filter(connection=source).count(),
        documents=document_labels(viewer, shown),
        facts=(groups_fact(source, now=now),),
        at=now,
    )


def find_documents(*, viewer: Viewer, text: str, source_id: int | None = None) -> tuple[DocumentLabel, ...]:
    """Documents by number, address or id in their source: exact ones first, then those that contain `text`.

    Raises:
        NotFound: the viewer may not inspect.
    """
    require(viewer, Right.INSPECT_PERMISSIONS)
    text = text.strip()[:_LONGEST_SEARCH]
    if not text or "\x00" in text:
        return ()
    rows = Document.objects.select_related("connection").order_by("external_id", "pk")
    if source_id is not None:
        rows = rows.filter(connection_id=source_id)
    exact = Q(external_id=text) | Q(url=text)
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER:
        exact |= Q(pk=int(text))
    found = list(rows.filter(exact)[:_SUGGESTED])
    more = rows.exclude(pk__in=[row.pk for row in found]).filter(external_id__icontains=text)
    return document_labels(viewer, [*found, *more[: _SUGGESTED - len(found)]])


def find_people(*, viewer: Viewer, text: str) -> tuple[PersonLabel, ...]:
    """People by name or any of their addresses.

    Raises:
        NotFound: the viewer may not inspect.
    """
    require(viewer, Right.INSPECT_PERMISSIONS)
    text = text.strip()[:_LONGEST_SEARCH]
    if not text or "\x00" in text:
        return ()
    named = Q(name__icontains=text) | Q(addresses__address__icontains=text.lower())
    rows = User.objects.filter(named).distinct().order_by("email")
    return tuple(person_label(user) for user in rows[:_SUGGESTED])


def person(*, viewer: Viewer, person_id: int) -> PersonLabel:
    """Who has this number.

    Raises:
        NotFound: no such person, or the viewer may not inspect.
    """
    require(viewer, Right.INSPECT_PERMISSIONS)
    return person_label(_user(person_id))


def document(*, viewer: Viewer, document_id: int) -> DocumentLabel:
    """Which document has this number.

    Raises:
        NotFound: no such document, or the viewer may not inspect.
    """
    require(viewer, Right.INSPECT_PERMISSIONS)
    return document_labels(viewer, [_document(document_id)])[0]


def document_labels(viewer: Viewer, documents: Iterable[Document]) -> tuple[DocumentLabel, ...]:
    """Documents by the ids of their source, each with its title where the viewer may read it."""
    rows = list(documents)
    cards = readable(viewer, [row.pk for row in rows])
    return tuple(
        DocumentLabel(
            id=row.pk,
            external_id=row.external_id,
            source_id=row.connection_id,
            source=row.connection.name,
            title=cards[row.pk].title if row.pk in cards else "",
        )
        for row in rows
    )


def person_label(user: User) -> PersonLabel:
    """A person, as the inspector names them."""
    return PersonLabel(user.pk, user.email, user.name, user.role, user.is_active, user.is_service)


def _examine(user: User, document: Document, label: DocumentLabel, *, now: datetime) -> Inspection:
    case = case_of(user, document, now=now)
    reason = reason_for(case)
    return Inspection(
        person=person_label(user),
        document=label,
        visible=reason is Reason.ALLOWED,
        reason=reason,
        identities=identities_of(user, now=now),
        clauses=clauses_for(case),
        facts=facts_about(document, now=now),
        at=now,
    )


def _decisive(clauses: Sequence[ClauseView]) -> ClauseView | None:
    """The clause that shut the person out, else the last one that let them in."""
    denies = (clause for clause in clauses if clause.decision is Decision.DENY)
    allows = (clause for clause in reversed(clauses) if clause.decision is Decision.ALLOW)
    return next(denies, None) or next(allows, None)


def _path(user: User, clauses: Sequence[ClauseView]) -> tuple[str, ...]:
    decisive = _decisive(clauses)
    if decisive is None:
        return ()
    steps = tuple(str(step) for step in decisive.path)
    person = f"user:{user.email}"
    return steps if steps[:1] == (person,) else (person, *steps)


def _last_path(user: User, document: Document, now: datetime) -> tuple[PrincipalLabel, ...]:
    decisive = _decisive(clauses_for(case_of(user, document, now=now)))
    return decisive.path if decisive else ()


def _printed(clause: ClauseView) -> dict[str, Json]:
    entry = next((entry for entry in clause.entries if entry.decides), None)
    return {
        "clause": clause.number,
        "decision": clause.decision.value,
        "principal": str(entry.principal) if entry else None,
        "expires": entry.expires.isoformat() if entry and entry.expires else None,
    }


def _page(rows: QuerySet[Row], page: int) -> list[Row]:
    first = (max(page, 1) - 1) * PAGE
    return list(rows[first : first + PAGE])


def _shown_documents() -> QuerySet[Document]:
    return Document.objects.filter(version__gt=0).exclude(hidden=Hidden.REMOVED)


def _by_connection(rows: QuerySet[Document]) -> dict[int, int]:
    return dict(rows.order_by().values("connection").annotate(n=Count("pk")).values_list("connection", "n"))


def _user(person_id: int) -> User:
    user = User.objects.filter(pk=person_id).first()
    if user is None:
        raise NotFound("There is no such person.")
    return user


def _document(document_id: int) -> Document:
    document = Document.objects.select_related("connection", "acl").filter(pk=document_id).first()
    if document is None:
        raise NotFound("There is no such document.")
    return document


def _audit(viewer: Viewer, **what: int) -> None:
    record(Event.PERMISSIONS_INSPECTED, actor_id=viewer.user_id, actor=viewer.email, **what)
