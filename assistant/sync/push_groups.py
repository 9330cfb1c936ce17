"""Groups and accounts that programs push: one by one, or all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from assistant.accounts.models import Connection, GroupEdge, Principal, SourceAccount
from assistant.accounts.principals import DIRECTORY, replace_membership
from assistant.common.acl import PrincipalKind, PrincipalRef
from assistant.common.errors import FailureCode
from assistant.common.told import told
from assistant.common.types import Json, JsonObject
from assistant.sync.doubts import record_failure
from assistant.sync.lease import hold
from assistant.sync.models import SyncRun
from assistant.sync.noting import note_membership_changes
from assistant.sync.push_turns import turn
from connectors.sdk.contract import Account, Failure, GroupMembers
from connectors.sdk.exact_json import MalformedError
from connectors.sdk.group_record import parse_account, parse_group
from connectors.sdk.names import escaped_id, id_problem
from connectors.sdk.pushed_document import exact_problem

_Groups = dict[str, tuple[PrincipalRef, ...]]


@dataclass(frozen=True, slots=True)
class PushedGroups:
    """What a request says of groups. `replace`: these are all groups and accounts there are."""

    groups: Sequence[Json] = ()
    accounts: Sequence[Json] = ()
    gone: Sequence[str] = ()
    replace: bool = False
    job_id: int | None = None


@dataclass(slots=True)
class _Read:
    groups: _Groups = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)  # groups whose members cannot be read: nobody is in them
    unclear: set[str] = field(default_factory=set)  # accounts of which the same is true
    failures: list[Failure] = field(default_factory=list)
    results: list[JsonObject] = field(default_factory=list)


def put_groups(*, source_id: int, pushed: PushedGroups) -> JsonObject:
    """Store them, and say for each what became of it. A group that cannot be read is from now on unknown.

    Raises:
        NotFound, PushRefused, PushBusy: see `push_turns.turn`.
    """
    read = _read(pushed)
    with turn(source_id, job_id=pushed.job_id) as mine:
        for failure in read.failures:
            record_failure(mine.run, mine.connection, failure)
        confirmed = _store(mine.run, mine.connection, pushed, read)
    return {"groups": read.results, "confirmed_at": confirmed.isoformat()}


def keep_named_groups(run: SyncRun, connection: Connection, *, began: datetime) -> None:
    """The job has put every group and account there is: the others are no longer known."""
    named, owned = _named(run)
    groups, accounts = _current(connection)
    _replace(
        run,
        connection,
        {name: members for name, members in groups.items() if name in named},
        {name: to for name, to in accounts.items() if name in owned},
        confirmed=began,
    )


def _read(pushed: PushedGroups) -> _Read:
    read = _Read()
    for value in pushed.groups:
        _read_group(value, read)
    for value in pushed.accounts:
        _read_account(value, read)
    return read


def _read_group(value: Json, read: _Read) -> None:
    name = _name(value, "group")
    try:
        problem = exact_problem(value)
        if problem:
            raise MalformedError(told("the group {problem}", problem=problem))
        event = parse_group(value)
        if event.group.startswith(DIRECTORY):
            raise MalformedError(told("only the directory itself says who is in its groups"))
        if event.group in read.groups or event.group in read.unknown:
            raise MalformedError(told("the group stands in the request twice"))
        _take(event, read)
    except MalformedError as error:
        read.groups.pop(name, None)
        read.unknown.add(name)
        _fail(read, "group", name, told("{error}.", error=error))


def _read_account(value: Json, read: _Read) -> None:
    name = _name(value, "account")
    try:
        problem = exact_problem(value)
        if problem:
            raise MalformedError(told("the account {problem}", problem=problem))
        event = parse_account(value)
        if event.id in read.accounts or event.id in read.unclear:
            raise MalformedError(told("the account stands in the request twice"))
        _take(event, read)
    except MalformedError as error:
        read.accounts.pop(name, None)
        read.unclear.add(name)
        _fail(read, "account", name, told("{error}.", error=error))


def _take(event: GroupMembers | Account, read: _Read) -> None:
    match event:
        case GroupMembers(group, members):
            read.groups[group] = members
            read.results.append({"group": group, "status": "stored", "code": "", "message": ""})
        case Account(account, email):
            read.accounts[account] = email
            read.results.append({"account": account, "status": "stored", "code": "", "message": ""})


def _fail(read: _Read, what: str, name: str, detail: str) -> None:
    code = FailureCode.BAD_PERMISSIONS
    read.failures.append(Failure(name, code, detail))
    read.results.append({what: name, "status": "failed", "code": code.value, "message": detail})


def _name(value: Json, key: str) -> str:
    """What to call it in the answer, whatever it is."""
    name = value.get(key) if isinstance(value, Mapping) else ""
    name = name if isinstance(name, str) else ""
    return escaped_id(name) if id_problem(name) else name


def _store(run: SyncRun, connection: Connection, pushed: PushedGroups, read: _Read) -> datetime:
    now = timezone.now()
    groups, accounts = ({}, {}) if pushed.replace else _current(connection)
    gone = read.unknown | set(pushed.gone)
    groups = {name: members for name, members in groups.items() if name not in gone} | read.groups
    accounts = {name: to for name, to in accounts.items() if name not in read.unclear} | read.accounts
    named, owned = ([], []) if pushed.replace else _named(run)
    listing = {
        **(run.listing or {}),
        "groups": sorted((set(named) - gone) | set(read.groups)),
        "accounts": sorted((set(owned) - read.unclear) | set(read.accounts)),
    }
    # One group says nothing of how the others stand, so only all of them are news of all.
    confirmed = now if pushed.replace else connection.principals_confirmed_at or now
    with transaction.atomic():
        _replace(run, connection, groups, accounts, confirmed=confirmed)
        SyncRun.objects.filter(pk=run.pk).update(listing=listing, progress_at=now)
    return confirmed


def _replace(
    run: SyncRun, connection: Connection, groups: _Groups, accounts: dict[str, str], *, confirmed: datetime
) -> None:
    with transaction.atomic():
        hold(run.pk)
        change = replace_membership(connection=connection, groups=groups, accounts=accounts, now=confirmed)
        if connection.generation:  # the first membership is no change
            note_membership_changes(run, change)
    connection.refresh_from_db()


def _named(run: SyncRun) -> tuple[list[str], list[str]]:
    """Groups and accounts that were put since the run began."""
    said = run.listing or {}
    groups, accounts = said.get("groups", []), said.get("accounts", [])
    assert isinstance(groups, list)
    assert isinstance(accounts, list)
    return [str(name) for name in groups], [str(name) for name in accounts]


def _current(connection: Connection) -> tuple[_Groups, dict[str, str]]:
    """All groups that are known with their direct members, and all accounts with their addresses."""
    here = {"connection": connection, "generation": connection.generation}
    known = Principal.objects.filter(
        connection=connection, kind=PrincipalKind.GROUP, settled_in=connection.generation
    )
    members: dict[int, list[PrincipalRef]] = {}
    edges = GroupEdge.objects.filter(**here).order_by("group_id", "member_id")
    columns = ("group_id", "member__kind", "member__external_id", "member__connection_id")
    for group, kind, external_id, of in edges.values_list(*columns):
        name = external_id if of in (None, connection.pk) else DIRECTORY + external_id
        members.setdefault(group, []).append(PrincipalRef(PrincipalKind(kind), name))
    names = known.values_list("pk", "external_id") if connection.generation else ()
    accounts = SourceAccount.objects.filter(**here).values_list("principal__external_id", "address")
    return {name: tuple(members.get(pk, ())) for pk, name in names}, dict(accounts)
