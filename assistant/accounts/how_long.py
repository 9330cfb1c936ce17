"""How long is that, in words?"""

from __future__ import annotations

from django.utils.translation import ngettext

_MINUTE_S, _HOUR_S = 60, 3600


def duration(seconds: float | None) -> str:
    """`40 seconds`, `3 minutes`; empty if unknown."""
    if seconds is None or seconds < 0:
        return ""
    if seconds < _MINUTE_S:
        n = max(1, round(seconds))
        return ngettext("%(n)s second", "%(n)s seconds", n) % {"n": n}
    if seconds < _HOUR_S:
        n = round(seconds / _MINUTE_S)
        return ngettext("%(n)s minute", "%(n)s minutes", n) % {"n": n}
    n = round(seconds / _HOUR_S)
    return ngettext("%(n)s hour", "%(n)s hours", n) % {"n": n}


def at_least(seconds: int) -> str:
    """As `duration`, never less than it is: whole minutes from one on, whole hours from one on."""
    for span in (_HOUR_S, _MINUTE_S):
        if seconds > span:
            return duration(-(-seconds // span) * span)
    return duration(seconds)
