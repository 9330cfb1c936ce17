"""Who gains and who loses by what a run changed about permissions? Told to those who may inspect them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from assistant.access.document_readers import find_readers, people_meant
from assistant.access.inspection import DocumentLabel, PersonLabel, PrincipalLabel
from assistant.access.inspector import PAGE, document_labels, person_label
from assistant.access.membership_paths import label
from assistant.access.roles import require
from assistant.access.viewer import Viewer
from assistant.accounts.models import User
from assistant.accounts.roles import Right
from assistant.audit.trail import Event, record
from assistant.common.errors import NotFound
from assistant.documents.models import Acl
from assistant.sync.models import AccessChange, MembershipChange, SyncRun

_NAMED = 20  # people named one by one; the totals count all


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A document whose list changed: who gains it and who loses it, by today's membership."""

    document: DocumentLabel
    gained: tuple[PersonLabel, ...]
    gained_total: int
    lost: tuple[PersonLabel, ...]
    lost_total: int


@dataclass(frozen=True, slots=True)
class MembershipChangeView:
    """Somebody, or a group with the people who are in it today, joined a group or left it."""

    group: PrincipalLabel
    member: PrincipalLabel
    joined: bool
    people: tuple[PersonLabel, ...]
    people_total: int


@dataclass(frozen=True, slots=True)
class FindingView:
    """Something that the run noticed; see `models.FindingCode`."""

    code: str
    subject: str
    documents: int


@dataclass(frozen=True, slots=True)
class RunChanges:
    """What a run changed about permissions: one page of documents and of memberships, and the totals."""

    run_id: int
    source_id: int
    source: str
    finished_at: datetime | None
    documents: tuple[DocumentChange, ...]
    documents_total: int
    memberships: tuple[MembershipChangeView, ...]
    memberships_total: int
    findings: tuple[FindingView, ...]
    page: int


def run_changes(*, viewer: Viewer, run_id: int, page: int = 1) -> RunChanges:
    """What the run changed, 50 documents and 50 memberships a page.

    Raises:
        NotFound: no such run, or the viewer may not inspect permissions.
    """
    require(viewer, Right.INSPECT_PERMISSIONS)
    run = SyncRun.objects.select_related("source__connection").filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such run.")
    record(Event.PERMISSIONS_INSPECTED, actor_id=viewer.user_id, actor=viewer.email, run=run.pk)
    page, now = max(page, 1), timezone.now()
    documents = run.access_changes.order_by("document_id")
    memberships = run.membership_changes.order_by("group_id", "member_id")
    return RunChanges(
        run_id=run.pk,
        source_id=run.source_id,
        source=run.source.connection.name,
        finished_at=run.finished_at,
        documents=_documents(viewer, documents, page, now),
        documents_total=documents.count(),
        memberships=_memberships(memberships, page, now),
        memberships_total=memberships.count(),
        findings=tuple(
            FindingView(row.code, row.subject, row.documents)
            for row in run.findings.order_by("code", "-documents", "subject")
        ),
        page=page,
    )


def _documents(
    viewer: Viewer, rows: QuerySet[AccessChange], page: int, now: datetime
) -> tuple[DocumentChange, ...]:
    shown = list(rows.select_related("document__connection")[(page - 1) * PAGE : page * PAGE])
    labels = document_labels(viewer, [row.document for row in shown])
    lists = Acl.objects.in_bulk({pk for row in shown for pk in (row.before_id, row.after_id) if pk})
    readers = {pk: find_readers(acl, now=now).people for pk, acl in lists.items()}
    found = []
    for row, document in zip(shown, labels, strict=True):
        before = readers.get(row.before_id or 0, frozenset())
        after = readers.get(row.after_id or 0, frozenset())
        gained, lost = after - before, before - after
        found.append(DocumentChange(document, _named(gained), len(gained), _named(lost), len(lost)))
    return tuple(found)


def _memberships(
    rows: QuerySet[MembershipChange], page: int, now: datetime
) -> tuple[MembershipChangeView, ...]:
    related = rows.select_related("group__connection", "member__connection")
    shown = list(related[(page - 1) * PAGE : page * PAGE])
    people = people_meant({row.member_id for row in shown}, now=now)
    return tuple(
        MembershipChangeView(
            group=label(row.group),
            member=label(row.member),
            joined=row.joined,
            people=_named(people[row.member_id]),
            people_total=len(people[row.member_id]),
        )
        for row in shown
    )


def _named(people: Collection[int]) -> tuple[PersonLabel, ...]:
    rows = User.objects.filter(pk__in=sorted(people)[:_NAMED]).order_by("email")
    return tuple(person_label(user) for user in rows)
