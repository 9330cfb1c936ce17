"""The audit log as JSON lines: one entry a line with its codes, and a last line that says where it ends.

The last line is coded too: a file that was cut at either end is noticed, as is any change in between,
by whoever has the installation's key.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import cast

from assistant.audit.chain import ChainKey, Entry, Head, end_code, own_key
from assistant.audit.chaining import chain_new
from assistant.audit.examining import Examination, Kind, Problem
from assistant.audit.keyring import keys
from assistant.audit.models import AuditEvent
from assistant.audit.trail import Event, record
from assistant.audit.verifying import Verdict, numbered
from assistant.common.types import Json, JsonObject

_NOTHING = Head(0, "")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries from one number to another; empty where `last` is below `first`."""

    first: int
    last: int


def stretch_between(since: datetime | None, until: datetime | None) -> Stretch:
    """From the first entry at or after `since` to the last one before `until`, with all between."""
    rows = AuditEvent.objects.exclude(number=None).order_by("number")
    from_then = rows.filter(at__gte=since) if since else rows
    before = rows.filter(at__lt=until) if until else rows
    first = from_then.values_list("number", flat=True).first()
    last = before.values_list("number", flat=True).last()
    if first is None or last is None:
        return Stretch(1, 0)
    return Stretch(first, last)


def start_export(
    *, since: datetime | None, until: datetime | None, actor: str, actor_id: int | None = None
) -> Stretch:
    """What an export of this time holds; that it was made is recorded first."""
    chain_new()
    stretch = stretch_between(since, until)
    entries = max(0, stretch.last - stretch.first + 1)
    record(Event.AUDIT_EXPORTED, actor=actor, actor_id=actor_id, first=stretch.first, entries=entries)
    return stretch


def exported(stretch: Stretch) -> Iterator[str]:
    """The lines, each with its line feed, as they are read from the database."""
    head = _NOTHING
    for entry in numbered(first=stretch.first, last=stretch.last):
        head = Head(entry.number or 0, entry.digest)
        yield _line(_written(entry))
    end: dict[str, Json] = {"first": stretch.first, "last": head.number, "digest": head.digest}
    yield _line({"end": {**end, "mac": end_code(stretch.first, head, own_key())}})


def verify_lines(lines: Iterable[str]) -> Verdict:
    """Examine an exported file. Nothing is recorded: it may be another installation's."""
    by, problems = keys(), []
    examination: Examination | None = None
    end: Head | None = None
    for at, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            held = json.loads(line)
            if "end" in held:
                first, head = _end(held["end"], by)
                end = head
                if examination is not None and first != examination.first:
                    problems.append(Problem(Kind.REMOVED, first, examination.first - 1))
                continue
            entry = _read(held)
        except (ValueError, KeyError, TypeError, AttributeError):
            problems.append(Problem(Kind.UNREADABLE, at, at))
            continue
        if end is not None:
            problems.append(Problem(Kind.INSERTED, entry.number or 0, entry.number or 0, entry.at))
            continue
        examination = examination or Examination(by, first=entry.number or 1)
        examination.add(entry)
    if end is None:
        problems.append(Problem(Kind.END, 0, 0))
    if examination is None:
        if end is not None and end != _NOTHING:
            problems.append(Problem(Kind.REMOVED, 1, end.number))
        return Verdict(0, _NOTHING, tuple(problems))
    problems += examination.finish(end=end)
    return Verdict(examination.entries, examination.last, tuple(problems), examination.more)


def _end(held: JsonObject, by: Iterable[ChainKey]) -> tuple[int, Head]:
    first, head = int(str(held["first"])), Head(int(str(held["last"])), str(held["digest"]))
    able = (one.key for one in by if one.may_hold(head.number))
    if not any(hmac.compare_digest(end_code(first, head, key), str(held["mac"])) for key in able):
        raise ValueError("another key")
    return first, head


def _written(entry: Entry) -> JsonObject:
    held = cast(dict[str, Json], asdict(entry))
    number = held.pop("number")
    held["at"] = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {"number": number, **held}


def _read(held: JsonObject) -> Entry:
    texts = ("uid", "event", "actor", "address", "via", "mac", "previous", "digest")
    number, actor_id, data = held["number"], held["actor_id"], held["data"]
    if not isinstance(number, int) or not isinstance(actor_id, int | None) or not isinstance(data, dict):
        raise TypeError("not an entry")
    at = datetime.fromisoformat(str(held["at"]))
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    later = {name: str(held.get(name, "")) for name in ("salt", "amended")}  # files of before have neither
    values = {name: str(held[name]) for name in texts}
    return Entry(at=at, number=number, actor_id=actor_id, data=data, **values, **later)


def _line(held: JsonObject) -> str:
    return json.dumps(held, ensure_ascii=False) + "\n"
