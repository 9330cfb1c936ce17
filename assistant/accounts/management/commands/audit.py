"""`manage.py audit VERB`: whether the audit log is as it was written, and the log as a file.

verify [--file FILE] [--head NUMBER:DIGEST]
export [--since DAY] [--until DAY] [--out FILE]
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

from django.core.management.base import CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from assistant.accounts.command import JsonCommand, say
from assistant.audit.chain import Head
from assistant.audit.examining import Problem
from assistant.audit.exporting import exported, start_export, verify_lines
from assistant.audit.verifying import Verdict, verify
from assistant.audit.words import advice, sentence
from assistant.common.errors import UsageError
from assistant.common.types import JsonObject

_ACTOR = "command line"
_DIGEST = 64  # hexadecimal digits


class Command(JsonCommand):
    """The audit log."""

    help = "Check that nobody altered the audit log, or write it to a file."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands and their options."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        check = verbs.add_parser("verify", help="Find what was changed, removed, inserted, moved or cut off.")
        check.add_argument("--file", default="", metavar="FILE", help="An exported file instead of the log.")
        check.add_argument(
            "--head",
            default="",
            metavar="NUMBER:DIGEST",
            help="The head that an earlier verification printed; it must be in the log.",
        )
        export = verbs.add_parser("export", help="The log as JSON lines, with the codes that verify checks.")
        export.add_argument("--since", default="", metavar="DAY", help="Like 2026-11-01; a time is allowed.")
        export.add_argument("--until", default="", metavar="DAY", help="The last day; or up to this time.")
        export.add_argument("--out", default="", metavar="FILE", help="A new file; else it is printed.")

    def handle(self, *, verb: str, **options: str) -> None:
        """Do what the verb says. Ends with 1 where something was altered."""
        if verb == "export":
            self._export(options["since"], options["until"], options["out"])
            return
        verdict = self._verdict(options["file"], options["head"])
        for problem in verdict.problems:
            say(sentence(problem))
        for row in verdict.forged:
            say(f"The row {row} has no number, and the program did not leave it like this.")
        if not verdict.ok:
            say(advice(verdict))
        self.emit(_shown(verdict))
        if not verdict.ok:
            sys.exit(1)

    def _verdict(self, file: str, head: str) -> Verdict:
        if not file:
            return verify(noted=[_head(head)] if head else [], actor=_ACTOR)
        if head:
            raise UsageError("--head is compared with the log itself: leave --file out.")
        try:
            with Path(file).open(encoding="utf-8") as lines:
                return verify_lines(lines)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"The file {file} cannot be read: {error}.") from error

    def _export(self, since: str, until: str, out: str) -> None:
        stretch = start_export(
            since=_time(since, "--since"), until=_time(until, "--until", end=True), actor=_ACTOR
        )
        if not out:
            for line in exported(stretch):
                self.stdout.write(line, ending="")
            return
        try:
            with Path(out).open("x", encoding="utf-8") as file:
                Path(out).chmod(0o600)
                file.writelines(exported(stretch))
        except OSError as error:
            raise UsageError(f"The file {out} cannot be written: {error.strerror}.") from error
        self.emit({"file": out, "entries": max(0, stretch.last - stretch.first + 1)})


def _time(text: str, option: str, *, end: bool = False) -> datetime | None:
    """A moment; of a day its beginning, or as an `end` the beginning of the next one."""
    if not text:
        return None
    try:
        day, moment = parse_date(text), parse_datetime(text)
    except ValueError:
        day = moment = None
    if day is not None:
        moment = datetime.combine(day, datetime.min.time())
        moment += timedelta(days=1) if end else timedelta()
    if moment is None:
        raise UsageError(f"{option}: '{text[:40]}' is no day. Write it like 2026-11-01.")
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def _head(text: str) -> Head:
    number, _, digest = text.partition(":")
    if not (number.isascii() and number.isdigit() and len(digest) == _DIGEST):
        raise UsageError("--head is a number, a colon and a digest, as `audit verify` prints them.")
    return Head(int(number), digest)


def _shown(verdict: Verdict) -> JsonObject:
    return {
        "ok": verdict.ok,
        "entries": verdict.entries,
        "head": f"{verdict.head.number}:{verdict.head.digest}",
        "head_file": verdict.beside,
        "problems": [_told(problem) for problem in verdict.problems],
        "unnumbered": list(verdict.forged),
        "not_listed": verdict.more,
    }


def _told(problem: Problem) -> JsonObject:
    return {
        "kind": problem.kind.value,
        "number": problem.number,
        "last": problem.last,
        "at": problem.at.isoformat() if problem.at else None,
        "moved_from": problem.moved_from,
        "words": sentence(problem),
    }
