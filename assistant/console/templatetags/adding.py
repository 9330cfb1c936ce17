"""Template filters of adding and changing a source: endings, steps, rules and times in words.

Ids come from sources and are data; see `inspecting`.
"""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import formats
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from assistant.console.templatetags.inspecting import plain, short
from assistant.console.timing import Timing, known_zones
from assistant.sync.rules import LeftOut
from assistant.sync.trying import TRY_SECONDS, Ending, WouldSee

register = template.Library()

_ENDINGS = {
    Ending.TOO_SLOW: _("The source did not answer within %(seconds)s seconds. Check address and network."),
    Ending.REFUSED: _("The source or its settings say no:"),
    Ending.BROKEN: _("The connector stopped on an error of its own. The log of the web process names it."),
    Ending.BUSY: _("Several tests are running already. Try again in half a minute."),
}
_STEPS = {
    "sign-in": _("Sign in"),
    "list": _("List documents"),
    "read content": _("Read content"),
    "read permissions": _("Read permissions"),
    "read groups": _("Read groups"),
}
_LEFT_OUT = {
    LeftOut.NOT_INCLUDED: _("No: none of the patterns takes it"),
    LeftOut.EXCLUDED: _("No: a pattern leaves it out"),
    LeftOut.TYPE: _("No: this kind of file is not chosen"),
    LeftOut.SIZE: _("No: it is too large"),
}
_CRON_OF_WEEKDAY = (1, 2, 3, 4, 5, 6, 0)  # cron's Sunday is 0, Django's Monday


@register.filter
def ending_words(ending: str) -> str:
    """Why a trial ended before its end; empty for one that did not."""
    words = _ENDINGS.get(Ending(ending))
    return str(words) % {"seconds": round(TRY_SECONDS)} if words else ""


@register.filter
def trial_step_words(step: str) -> str:
    """A step of the connection test; a step that no connector is asked for stays as it is."""
    return str(_STEPS.get(step, plain(step)))


@register.filter
def left_out_words(reason: str) -> str:
    """Why a rule does not take a document."""
    return str(_LEFT_OUT[LeftOut(reason)])


@register.filter
def would_see_name(entry: WouldSee) -> str:
    """Whom an entry names, in short."""
    if entry.kind == "everyone":
        return pgettext("whom a rule names, alone", "Everyone")
    return short(entry.id)


@register.filter
def would_see_title(entry: WouldSee) -> str:
    """Whom an entry names in full, and until when."""
    kinds = {"user": gettext("Address"), "account": gettext("Account"), "group": gettext("Group")}
    words = " ".join(part for part in (kinds.get(entry.kind, ""), plain(entry.id)) if part)
    if entry.expires is None:
        return words
    until = formats.date_format(entry.expires, "DATETIME_FORMAT")
    return gettext("%(who)s, until %(time)s") % {"who": words, "time": until}


@register.filter
def time_in_its_zone(moment: datetime) -> str:
    """Day of the week, date and time in the zone that the moment carries."""
    day = f"{formats.date_format(moment, 'DATE_FORMAT')} ({formats.date_format(moment, 'D')})"
    clock = formats.date_format(moment, "H:i")
    return f"{day} {clock} {moment.tzname() or ''}".strip()


@register.simple_tag
def timing_choices() -> list[tuple[str, str]]:
    """The plain choices of a schedule."""
    return [
        ("hour", gettext("Every hour")),
        ("day", gettext("Every day")),
        ("week", gettext("Every week")),
        ("month", gettext("Every month")),
        ("cron", gettext("Other times")),
        ("never", gettext("By hand only")),
    ]


@register.simple_tag
def weekday_choices() -> list[tuple[str, str]]:
    """The days of the week, by the number that cron gives them."""
    return [(str(cron), str(WEEKDAYS[day])) for day, cron in enumerate(_CRON_OF_WEEKDAY)]


@register.simple_tag
def time_zones() -> list[str]:
    """Every time zone by its name."""
    return sorted(zone for zone in known_zones() if "/" in zone or zone == "UTC")


@register.simple_tag
def other_runs(gives_documents: bool) -> list[tuple[str, str, str]]:  # noqa: FBT001 - a template's argument
    """The kinds of runs beside the usual one: kind, name, what it is for."""
    full = ("full", gettext("Full sync"), gettext("Reads every document again, also unchanged ones."))
    people = ("principals", gettext("People and groups only"), gettext("Quick; no document is touched."))
    if not gives_documents:
        return [full]
    return [
        full,
        (
            "permissions",
            gettext("Permissions only"),
            gettext("Who may see what; no content."),
        ),
        people,
        ("prune", gettext("Look for deletions"), gettext("Permissions, and what is no longer there.")),
    ]


@register.filter
def timing_words(timing: Timing) -> str:
    """A schedule in one line."""
    words = dict(timing_choices())
    at = {
        "hour": words["hour"],
        "day": gettext("Every day at %(time)s"),
        "week": gettext("Every week on %(day)s at %(time)s"),
        "month": gettext("Every month on day %(number)s at %(time)s"),
        "cron": timing.cron,
    }.get(timing.every)
    if at is None:
        return words["never"]
    day = dict(weekday_choices()).get(timing.weekday, "")
    if timing.every != "cron":
        at %= {"time": timing.time, "day": day, "number": timing.monthday}
    return f"{at} ({timing.time_zone})"
