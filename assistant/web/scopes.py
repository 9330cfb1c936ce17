"""How does a person choose what is searched, and how is the choice told?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.http import QueryDict
from django.utils import formats, timezone
from django.utils.translation import gettext, ngettext

from assistant.access.door import readable_sources
from assistant.access.viewer import Viewer
from assistant.chat.scope import Scope
from assistant.common.analysis import normalise
from assistant.common.errors import UsageError
from assistant.retrieval.filters import NO_FILTERS, Filters, read_filters

_DAY = timedelta(days=1)


class WrongScope(UsageError):
    """What was chosen cannot be searched. The sentence is in the person's language."""


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """A source that may be chosen, and whether it is."""

    name: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ScopeForm:
    """What the control shows. Dates are ISO days, both belonging to the span; empty: no limit."""

    sources: tuple[SourceChoice, ...]
    first_day: str
    last_day: str
    words: str


def chosen_filters(form: QueryDict) -> Filters:
    """The scope that a form sends.

    Raises:
        WrongScope: the days are no days, or the last comes before the first.
    """
    first, last = (form.get(name, "").strip() for name in ("scope_first", "scope_last"))
    try:
        after = date.fromisoformat(first) if first else None
        before = date.fromisoformat(last) + _DAY if last else None
    except (ValueError, OverflowError) as error:
        raise WrongScope(gettext("Write the days of the scope like 2024-03-31.")) from error
    if after is not None and before is not None and after >= before:
        raise WrongScope(gettext("The first day of the scope lies after its last. Swap them, or clear one."))
    given = {
        "source": form.getlist("scope_source"),
        "after": [after.isoformat()] if after else [],
        "before": [before.isoformat()] if before else [],
    }
    try:
        return read_filters(given)
    except UsageError as error:
        raise WrongScope(gettext("This scope can’t be searched. Clear it and choose again.")) from error


def scope_form(viewer: Viewer, filters: Filters = NO_FILTERS) -> ScopeForm:
    """The control, with what is chosen. Offered are sources of which the person may read something."""
    chosen = {normalise(name) for name in filters.sources}
    sources = tuple(SourceChoice(name, normalise(name) in chosen) for name in readable_sources(viewer))
    first, last = _days(filters)
    shown = [source.name for source in sources if source.chosen]
    return ScopeForm(
        sources=sources,
        first_day=first.isoformat() if first else "",
        last_day=last.isoformat() if last else "",
        words=_joined([*shown, _span_words(first, last)]),
    )


def scope_words(scope: Scope) -> str:
    """`HR handbook, since 2024`."""
    filters = scope.filters
    rest = (*map(str.upper, filters.types), *filters.authors, *map("=".join, filters.attributes))
    return _joined([*scope.sources, _unnamed(scope.unnamed), _span_words(*_days(filters)), *rest])


def _unnamed(n: int) -> str:
    words = ngettext("%(n)s source that isn’t open to you", "%(n)s sources that aren’t open to you", n)
    return words % {"n": n} if n else ""


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)


def _days(filters: Filters) -> tuple[date | None, date | None]:
    """First and last day of the span, by the server's clock."""
    first = _local_day(filters.modified_from) if filters.modified_from else None
    if filters.modified_until is None:
        return first, None
    return first, _local_day(filters.modified_until - timedelta(microseconds=1))


def _local_day(moment: datetime) -> date:
    return timezone.localtime(moment).date()


def _span_words(first: date | None, last: date | None) -> str:
    begins = first is not None and (first.month, first.day) == (1, 1)
    ends = last is not None and (last.month, last.day) == (12, 31)
    if first and last:
        if begins and ends and first.year == last.year:
            return gettext("in %(year)s") % {"year": first.year}
        if first == last:
            return gettext("on %(day)s") % {"day": _day_words(first)}
        return gettext("%(first)s to %(last)s") % {"first": _day_words(first), "last": _day_words(last)}
    if first:
        since_year = gettext("since %(year)s") % {"year": first.year}
        return since_year if begins else gettext("since %(day)s") % {"day": _day_words(first)}
    if last:
        to_year = gettext("to the end of %(year)s") % {"year": last.year}
        return to_year if ends else gettext("up to %(day)s") % {"day": _day_words(last)}
    return ""


def _day_words(day: date) -> str:
    return formats.date_format(day, "DATE_FORMAT")
