"""Under which day does a conversation stand in the list?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.utils import formats, timezone
from django.utils.translation import gettext

from assistant.chat.reading import ConversationItem

_WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Day:
    """A heading of the list and what stands below it."""

    label: str
    items: tuple[ConversationItem, ...]


def by_day(items: Iterable[ConversationItem], *, now: datetime | None = None) -> tuple[Day, ...]:
    """Newest first: today, yesterday, the last week, then month by month, in the server's time zone."""
    today = timezone.localtime(now or timezone.now()).date()
    ordered = sorted(items, key=lambda item: item.updated_at, reverse=True)
    return tuple(
        Day(label, tuple(group))
        for label, group in groupby(ordered, key=lambda item: _label(_date(item), today))
    )


def _date(item: ConversationItem) -> date:
    return timezone.localtime(item.updated_at).date()


def _label(day: date, today: date) -> str:
    if day >= today:
        return gettext("Today")
    if day == today - timedelta(days=1):
        return gettext("Yesterday")
    if day > today - timedelta(days=_WEEK_DAYS):
        return gettext("Last 7 days")
    return formats.date_format(day, "YEAR_MONTH_FORMAT")
