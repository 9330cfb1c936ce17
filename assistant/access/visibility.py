"""Who may read which document: the queryset and the object form of the one rule.

A document is visible to a person exactly if

* it has text, an access list, and no hidden mark;
* its permissions were confirmed within the age limit of its connection; and
* in every clause of its access list, the first entry that counts for the person allows.

A private document, which has an owner and no access list, is visible to its owner and to nobody else,
whatever address they have or had; and only where it is named, so that no count or listing knows of it.

Where others read along (`Viewer.beside`), a document is visible exactly if it is to each of them alone, and a
private one never.

An entry counts if it has not expired and names a principal the person holds; a deny
also counts if nobody can say whether its principal is theirs (`holding`). `mask` holds
the same rule over arrays. Tests prove all three equal to an independent oracle.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from django.core.exceptions import EmptyResultSet
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from assistant.access.together import open_to_each
from assistant.access.viewer import Viewer, each_alone
from assistant.access.written_once import MOMENT, Statement, choice, written
from assistant.accounts.freshness import fresh_among
from assistant.accounts.holding import NOTHING_HELD, Held, held_by, held_while, in_doubt_while
from assistant.accounts.models import Connection, Principal, User
from assistant.documents.models import AclEntry, Document, Hidden

_STATEMENTS = 1_024  # some 10 kB each


def principals_of(viewer: Viewer, *, now: datetime) -> Held:
    """The principals that the viewer holds at this moment; none for an account that is gone or inactive.

    Nor for several people: each of them may be let in by something else.
    """
    user = None if viewer.beside else _active(viewer)
    return held_by(user, now=now) if user else NOTHING_HELD


def _active(viewer: Viewer) -> User | None:
    return User.objects.filter(pk=viewer.user_id, is_active=True).first()


def visible_documents(
    viewer: Viewer, *, now: datetime | None = None, among: Q | None = None
) -> QuerySet[Document]:
    """The documents of sources that the viewer may read now, or all those `among` some that are named.

    With `among` only the lists of the named ones are asked, and the viewer's own private documents count.
    """
    now = now or timezone.now()
    chosen = None if among is None else Document.objects.filter(among).values("acl")
    connections = tuple(Connection.objects.all())
    # Account, membership, access lists and documents are read by one statement, so from one state of the
    # database.
    fresh = tuple(fresh_among(connections, now))
    lists = _open_lists(viewer.user_id, fresh, narrowed=among is not None)
    try:
        of_sources = confirmed_recently(now, connections) & Q(acl__in=lists.at(now, chosen=chosen))
    except EmptyResultSet:  # `among` names none
        return Document.objects.none()
    of_sources &= Q(owner=None)
    if viewer.beside:
        named = Document.objects.all() if among is None else Document.objects.filter(among)
        of_sources &= open_to_each(viewer.beside, named, fresh=fresh, now=now)
    documents = Document.every.filter(version__gt=0, hidden=Hidden.NO)
    if among is None:
        return documents.filter(of_sources)
    return documents.filter(among).filter(of_sources | own_documents(viewer))


def own_documents(viewer: Viewer) -> Q:
    """Private documents of the viewer, while the account is open and nobody reads along."""
    if viewer.beside:
        return Q(pk__in=())
    return Q(Exists(User.objects.filter(pk=viewer.user_id, is_active=True)), owner=viewer.user_id)


@lru_cache(maxsize=_STATEMENTS)
def _open_lists(user_id: int, fresh: tuple[int, ...], *, narrowed: bool) -> Statement:
    """Asks for the ids of the access lists that are open to a person, of all or of a choice."""
    active = User.objects.filter(pk=user_id, is_active=True)
    counting = _counting_entries(held_while(user_id, fresh), in_doubt_while(user_id, fresh), MOMENT)
    if narrowed:
        counting = counting.filter(acl__in=choice())
    return written(_open_acls(counting).filter(Exists(active)))


def forget() -> None:
    """Write every statement anew."""
    _open_lists.cache_clear()


def _counting_entries(
    held: QuerySet[Principal], doubtful: QuerySet[Principal], now: datetime
) -> QuerySet[AclEntry]:
    names_viewer = Q(principal__in=held)
    might_name_viewer = Q(allow=False, principal__in=doubtful)
    return AclEntry.objects.filter(names_viewer | might_name_viewer).filter(
        Q(expires_at=None) | Q(expires_at__gt=now)
    )


def _open_acls(counting: QuerySet[AclEntry]) -> QuerySet[AclEntry, int]:
    """Ids of access lists in which every clause is opened by its first counting entry."""
    earlier = counting.filter(
        acl=OuterRef("acl"), clause=OuterRef("clause"), position__lt=OuterRef("position")
    )
    return (
        counting.filter(allow=True)
        .filter(~Exists(earlier))
        .values("acl")
        .annotate(opened=Count("pk"))
        .filter(opened=F("acl__clause_count"))
        .values_list("acl", flat=True)
    )


def confirmed_recently(now: datetime, connections: Iterable[Connection] | None = None) -> Q:
    """Documents whose permissions are younger than their source allows. `connections`: all, if at hand."""
    recent = Q(pk__in=())
    for connection in Connection.objects.all() if connections is None else connections:
        oldest = now - timedelta(seconds=connection.max_age_s)
        own = Q(acl_confirmed_at__gte=oldest)
        confirmed = connection.permissions_confirmed_at
        by_run = Q(acl_stale=False) if confirmed and confirmed >= oldest else Q(pk__in=())
        recent |= Q(connection=connection) & (own | by_run)
    return recent


def permissions_confirmed_at(document: Document) -> datetime | None:
    """When the document's access list was last known to be right."""
    moments = [document.acl_confirmed_at]
    if not document.acl_stale:
        moments.append(document.connection.permissions_confirmed_at)
    return max((moment for moment in moments if moment), default=None)


def may_read(viewer: Viewer, document: Document, *, now: datetime | None = None) -> bool:
    """The rule for one document, decided entry by entry."""
    now = now or timezone.now()
    if viewer.beside:
        shared = document.owner_id is None
        return shared and all(may_read(one, document, now=now) for one in each_alone(viewer))
    if document.owner_id is not None:
        own = document.owner_id == viewer.user_id and _active(viewer) is not None
        return own and document.version > 0 and not document.hidden
    confirmed = permissions_confirmed_at(document)
    if document.version == 0 or document.hidden or document.acl_id is None or confirmed is None:
        return False
    if confirmed + timedelta(seconds=document.connection.max_age_s) < now:
        return False
    deciding = deciding_entries(document, held=principals_of(viewer, now=now), now=now)
    return bool(deciding) and all(entry is not None and entry.allow for entry in deciding)


def deciding_entries(document: Document, *, held: Held, now: datetime) -> list[AclEntry | None]:
    """For each clause the first entry that counts for the holder, or None; empty without clauses."""
    if document.acl is None:
        return []
    deciding: list[AclEntry | None] = [None] * document.acl.clause_count
    rows = document.acl.entries.select_related("principal").order_by("clause", "position")
    for entry in rows:
        if deciding[entry.clause] is not None or (entry.expires_at and entry.expires_at <= now):
            continue
        if entry.principal_id in held.ids or (not entry.allow and entry.principal_id in held.doubtful):
            deciding[entry.clause] = entry
    return deciding
