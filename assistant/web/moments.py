"""How long ago was that, in words, and when exactly?"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_WEEK = 7 * _DAY


def moment(value: datetime | str | None) -> SafeString | str:
    """A `<time>` element: relative words, the exact time on hover. Empty for no or an unreadable time."""
    at = _parsed(value)
    if at is None:
        return ""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(timespec="seconds"), exact(at), relative(at)
    )


def exact(at: datetime) -> str:
    """Date and time by locale, in the server's time zone."""
    return formats.date_format(timezone.localtime(at), "DATETIME_FORMAT")


def relative(at: datetime, *, now: datetime | None = None) -> str:
    """`12 minutes ago`, `in 5 minutes`; from a week on the date."""
    passed = (now or timezone.now()) - at
    if abs(passed) >= _WEEK:
        return formats.date_format(timezone.localtime(at), "DATE_FORMAT")
    return _ahead(-passed) if passed < timedelta(seconds=-30) else _ago(passed)


def _ago(passed: timedelta) -> str:
    if passed < _MINUTE:
        return gettext("just now")
    if passed < _HOUR:
        n = passed // _MINUTE
        return ngettext("%(n)s minute ago", "%(n)s minutes ago", n) % {"n": n}
    if passed < _DAY:
        n = passed // _HOUR
        return ngettext("%(n)s hour ago", "%(n)s hours ago", n) % {"n": n}
    n = passed // _DAY
    return ngettext("%(n)s day ago", "%(n)s days ago", n) % {"n": n}


def _ahead(left: timedelta) -> str:
    if left < _HOUR:
        n = max(1, round(left / _MINUTE))
        return ngettext("in %(n)s minute", "in %(n)s minutes", n) % {"n": n}
    if left < _DAY:
        n = round(left / _HOUR)
        return ngettext("in %(n)s hour", "in %(n)s hours", n) % {"n": n}
    n = max(1, round(left / _DAY))
    return ngettext("in %(n)s day", "in %(n)s days", n) % {"n": n}


def _parsed(value: datetime | str | None) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if value else None
        except ValueError:
            return None
    if value is not None and timezone.is_naive(value):
        return timezone.make_aware(value)
    return value
