"""What about a source's permissions is safe, and worth a look? Noted at the end of each run.

Nothing here decides who may read. It says in numbers and names of groups why fewer
people may read than somebody perhaps meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from django.db import transaction
from django.db.models import Count, F, Q

from assistant.access.membership_paths import Inside
from assistant.accounts.models import AddressUse, Connection, GroupEdge, Principal, SourceAccount
from assistant.common.acl import PrincipalKind
from assistant.common.lookalike import looks_like
from assistant.documents.models import AclEntry, Document, Hidden
from assistant.sync.models import FindingCode, RunFinding, SyncRun

MOST_OF_A_KIND = 200  # named one by one; a longer list helps nobody
Finding = tuple[FindingCode, str, int]


def note_findings(run: SyncRun, connection: Connection) -> None:
    """Look over the whole source and replace what the run noted before."""
    found = [
        *_unknown_principals(connection),
        *_accounts_in_doubt(connection),
        *_cycles(connection),
        *_look_alikes(connection),
        *_seen_by_nobody(connection),
    ]
    kept: Counter[FindingCode] = Counter()
    rows = []
    for code, subject, documents in found:
        kept[code] += 1
        if kept[code] <= MOST_OF_A_KIND:
            rows.append(RunFinding(run=run, code=code, subject=subject[:600], documents=documents))
    with transaction.atomic():
        RunFinding.objects.filter(run=run).delete()
        RunFinding.objects.bulk_create(rows, batch_size=200, ignore_conflicts=True)


def _documents_by_list(connection: Connection) -> dict[int, int]:
    shown = Document.objects.filter(connection=connection, version__gt=0).exclude(hidden=Hidden.REMOVED)
    counted = shown.exclude(acl=None).order_by().values("acl").annotate(n=Count("pk"))
    return dict(counted.values_list("acl", "n"))


def _unknown_principals(connection: Connection) -> Iterator[Finding]:
    """Groups and accounts that a list in use names, and of which nobody knows who they are."""
    unsettled = Principal.objects.filter(connection=connection).exclude(settled_in=connection.generation)
    lists = _documents_by_list(connection)
    used = AclEntry.objects.filter(principal__in=unsettled).order_by("principal_id", "acl_id")
    documents: Counter[int] = Counter()
    for principal, acl in used.values_list("principal_id", "acl_id").distinct():
        documents[principal] += lists.get(acl, 0)
    named = unsettled.in_bulk([pk for pk, count in documents.items() if count])
    for pk, count in documents.most_common():
        if count:
            is_group = named[pk].kind == PrincipalKind.GROUP
            code = FindingCode.UNKNOWN_GROUP if is_group else FindingCode.UNKNOWN_ACCOUNT
            yield code, str(named[pk]), count


def _accounts_in_doubt(connection: Connection) -> Iterator[Finding]:
    """Addresses that two accounts share, or that belonged to another account before."""
    here = SourceAccount.objects.filter(connection=connection, generation=connection.generation)
    here = here.exclude(address="").filter(principal__account_link=None)
    shared = here.order_by().values("address").annotate(n=Count("pk")).filter(n__gt=1)
    twice = list(shared.order_by("address").values_list("address", flat=True)[: MOST_OF_A_KIND + 1])
    for address in twice:
        yield FindingCode.SHARED_ADDRESS, address, 0
    reused = here.exclude(principal__settled_in=F("connection__generation")).exclude(address__in=twice)
    known = AddressUse.objects.filter(connection=connection)
    for address in reused.filter(address__in=known.values("address")).values_list("address", flat=True):
        yield FindingCode.REUSED_ADDRESS, address, 0


def _cycles(connection: Connection) -> Iterator[Finding]:
    """Groups that contain themselves. Membership ends all the same; the source may not mean it."""
    rows = GroupEdge.objects.filter(connection=connection, generation=connection.generation)
    nested = rows.filter(member__kind=PrincipalKind.GROUP).values_list("group_id", "member_id")
    inside: dict[int, list[int]] = {}
    for group, member in nested.order_by("group_id", "member_id"):
        inside.setdefault(group, []).append(member)
    in_cycle = _on_a_cycle(inside)
    for principal in Principal.objects.filter(pk__in=in_cycle).order_by("external_id"):
        yield FindingCode.CYCLE, str(principal), 0


def _on_a_cycle(inside: Mapping[int, list[int]]) -> list[int]:
    """Groups that contain themselves, at most MOST_OF_A_KIND."""
    forward = {group: {m for m in members if m in inside} for group, members in inside.items()}
    while True:  # take away what contains no group or is in none: cycles and ways between them stay
        within = {member for members in forward.values() for member in members}
        kept = {g: members & forward.keys() for g, members in forward.items() if members and g in within}
        if kept == forward:
            break
        forward = kept
    walk = Inside({group: sorted(members) for group, members in forward.items()})
    found: list[int] = []
    for group, members in sorted(forward.items()):
        if len(found) < MOST_OF_A_KIND and any(group in walk.everything_in(member) for member in members):
            found.append(group)
    return found


def _look_alikes(connection: Connection) -> Iterator[Finding]:
    """Addresses in lists and groups here that are easily taken for one another."""
    shown = Document.objects.filter(connection=connection).exclude(hidden=Hidden.REMOVED)
    lists = AclEntry.objects.filter(acl__in=shown.values("acl"))
    edges = GroupEdge.objects.filter(connection=connection, generation=connection.generation)
    people = Principal.objects.filter(kind=PrincipalKind.USER).filter(
        Q(pk__in=lists.values("principal")) | Q(pk__in=edges.values("member"))
    )
    yield from (
        (FindingCode.LOOK_ALIKE, " ≈ ".join(group), 0)
        for group in _alike(people.order_by("external_id").values_list("external_id", flat=True))
    )


def _alike(addresses: Iterable[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for address in addresses:
        groups.setdefault(looks_like(address), []).append(address)
    return [group for group in groups.values() if len(group) > 1]


def _seen_by_nobody(connection: Connection) -> Iterator[Finding]:
    """Documents whose list has no entry that could let anybody in."""
    lists = _documents_by_list(connection)
    shown = Document.objects.filter(connection=connection).exclude(hidden=Hidden.REMOVED)
    opening = AclEntry.objects.filter(acl__in=shown.values("acl"), allow=True).values_list(
        "acl_id", flat=True
    )
    nobody = sum(lists[acl] for acl in lists.keys() - set(opening.distinct()))
    if nobody:
        yield FindingCode.NOBODY, "", nobody
