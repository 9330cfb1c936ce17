"""What is wrong with an audit log, in a sentence for whoever looks after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.utils import formats, timezone
from django.utils.translation import gettext

from assistant.audit.examining import Kind, Problem
from assistant.audit.verifying import Verdict

_SENTENCES: Mapping[Kind, Callable[[], str]] = {
    Kind.CHANGED: lambda: gettext("%(entries)s was changed after it was written (recorded %(at)s)."),
    Kind.REMOVED: lambda: gettext("%(entries)s is missing (after %(at)s)."),
    Kind.INSERTED: lambda: gettext("%(entries)s was not written by the program (it says %(at)s)."),
    Kind.MOVED: lambda: gettext("%(entries)s was written as number %(moved_from)s (recorded %(at)s)."),
    Kind.CUT: lambda: gettext("%(entries)s is missing at the end of the log (after %(at)s)."),
    Kind.SPLICED: lambda: gettext(
        "%(entries)s does not follow on the entry that it was written after: a part of the log was exchanged."
    ),
    Kind.HEAD: lambda: gettext(
        "The database's note of the newest entry was changed, removed or set back to an earlier one."
    ),
    Kind.HEAD_FILE: lambda: gettext(
        "The file audit/head.json in MUNDAP_HOME was changed, or was written under another MUNDAP_SECRET_KEY."
    ),
    Kind.UNREADABLE: lambda: gettext("Line %(number)s of the file is not one that was exported."),
    Kind.END: lambda: gettext("The file has no last line that says where it ends: something was cut off."),
}


def sentence(problem: Problem) -> str:
    """The problem: which entry, what happened to it, and when it was recorded."""
    at = formats.date_format(timezone.localtime(problem.at), "Y-m-d H:i:s") if problem.at else ""
    values = {
        "entries": _entries(problem),
        "number": problem.number,
        "moved_from": problem.moved_from,
        "at": at or gettext("time unknown"),
    }
    return _SENTENCES[problem.kind]() % values


def advice(verdict: Verdict) -> str:
    """What to do; empty where nothing is wrong."""
    if verdict.ok:
        return ""
    altered = sum(problem.last - problem.number + 1 for problem in verdict.problems)
    if verdict.entries and altered >= verdict.entries:
        return gettext(
            "Everything seems altered. Look first whether MUNDAP_SECRET_KEY is the key of this installation."
        )
    return gettext(
        "Compare with an exported file or a backup from before, and find out who could write to the database."
        " After a backup was restored, entries that are newer than it are missing."
    )


def _entries(problem: Problem) -> str:
    if problem.last == problem.number:
        return gettext("Entry %(first)s") % {"first": problem.number}
    return gettext("Each of the entries %(first)s to %(last)s") % {
        "first": problem.number,
        "last": problem.last,
    }
