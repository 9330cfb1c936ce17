"""Is the audit log as it was written? Compares entries, the head in the database and the one beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from assistant.audit import head_file
from assistant.audit.chain import ChainKey, Entry, Head, is_intact, is_own_head
from assistant.audit.chaining import chain_new, waiting
from assistant.audit.examining import Examination, Kind, Problem
from assistant.audit.keyring import heads_of_former_keys, keys
from assistant.audit.models import AuditEvent, AuditHead
from assistant.audit.trail import Event, record

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an examination found. `head` is the last entry: note it elsewhere, to give it to a later one."""

    entries: int
    head: Head
    problems: tuple[Problem, ...]
    more: int = 0  # problems that are not listed
    forged: tuple[int, ...] = ()  # rows without a number that the program did not write, by key
    beside: bool = False  # whether a head beside the database was there to be compared

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.problems or self.forged)


def verify(*, noted: Sequence[Head] = (), actor: str, actor_id: int | None = None) -> Verdict:
    """Examine the whole log, and record that it was done. Heads `noted` must be in it."""
    chain_new()
    verdict = _examined(keys(), noted)
    record(
        Event.AUDIT_VERIFIED,
        actor=actor,
        actor_id=actor_id,
        ok=verdict.ok,
        entries=verdict.entries,
        head=verdict.head.number,
        problems=len(verdict.problems) + len(verdict.forged) + verdict.more,
    )
    return verdict


def numbered(*, first: int | None = None, last: int | None = None) -> Iterator[Entry]:
    """Entries in the order of their numbers, read in pages, so that no query stays open."""
    rows = AuditEvent.objects.exclude(number=None).order_by("number", "pk")
    if first is not None:
        rows = rows.filter(number__gte=first)
    if last is not None:
        rows = rows.filter(number__lte=last)
    page = list(rows[:_BATCH])
    while page:
        yield from (row.as_entry() for row in page)
        if len(page) < _BATCH:
            return
        page = list(rows.filter(number__gt=page[-1].number)[:_BATCH])


def _examined(by: Sequence[ChainKey], noted: Sequence[Head]) -> Verdict:
    problems: list[Problem] = []
    try:
        beside = head_file.remembered(by)
    except head_file.HeadFileChanged:
        beside = None
        problems.append(Problem(Kind.HEAD_FILE, 0, 0))
    seen = [*noted, *heads_of_former_keys(), *([beside] if beside else [])]
    examination = Examination(by, watched=[head.number for head in seen])
    last = None
    while True:
        for entry in numbered(first=None if last is None else last + 1):
            examination.add(entry)
            last = entry.number
        end = _end(by)
        if end is None or last is None or end.number <= last or not _more_after(last):
            break  # else entries were added meanwhile
    if end is None and examination.entries:
        problems.append(Problem(Kind.HEAD, 0, 0))
    problems += examination.finish(end=end, seen=seen)
    forged = [row.pk for row in waiting().order_by("pk").iterator(_BATCH) if not _is_new(row, by)]
    return Verdict(
        entries=examination.entries,
        head=examination.last,
        problems=tuple(problems),
        more=examination.more,
        forged=tuple(forged),
        beside=beside is not None,
    )


def _is_new(row: AuditEvent, by: Sequence[ChainKey]) -> bool:
    """Recorded just now and not numbered yet; anything else has no number because somebody took it away."""
    if row.previous or row.digest or not is_intact(row.as_entry(), by):
        return False
    return not AuditEvent.objects.filter(uid=row.uid).exclude(pk=row.pk).exists()


def _more_after(number: int) -> bool:
    return AuditEvent.objects.filter(number__gt=number).exists()


def _end(by: Sequence[ChainKey]) -> Head | None:
    row = AuditHead.objects.filter(pk=1).first()
    return row.as_head() if row is not None and is_own_head(row.as_head(), by) else None


@dataclass(frozen=True, slots=True)
class LastVerified:
    """When the log was examined the last time, by whom, and whether anything was wrong."""

    at: datetime
    actor: str
    ok: bool
    problems: int


def last_verified() -> LastVerified | None:
    """The newest examination that the log itself tells of."""
    row = AuditEvent.objects.filter(event=Event.AUDIT_VERIFIED).order_by("-pk").first()
    if row is None:
        return None
    return LastVerified(row.at, row.actor, row.data.get("ok") is True, int(row.data.get("problems", 0)))
