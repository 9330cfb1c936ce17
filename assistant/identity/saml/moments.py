"""Times in messages: one spelling, always UTC, held against one clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from assistant.identity.saml.reasons import Reason, Rejected

# How far an assertion's end may lie ahead, and how old what it stands in may be: its replay is remembered
# as long.
LONGEST_LIFE: Final = timedelta(hours=12)
_SPELLING: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)


def moment(text: str) -> datetime:
    """An instant in UTC.

    Raises:
        Rejected: it is written otherwise than SAML demands, or there is no such day or hour.
    """
    found = _SPELLING.fullmatch(text)
    if not found:
        raise Rejected(Reason.TIME_FORM, text)
    try:
        whole = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        raise Rejected(Reason.TIME_FORM, text) from None
    return whole.replace(microsecond=int((found[2] or "")[:6].ljust(6, "0")))


def check_begun(text: str, now: datetime, leeway: timedelta) -> datetime:
    """An instant that has come, but for `leeway`: the other clock may be that much ahead.

    Raises:
        Rejected: it has not.
    """
    begun = moment(text)
    if begun > now + leeway:
        raise Rejected(Reason.NOT_YET, text)
    return begun


def check_recent(
    text: str, now: datetime, leeway: timedelta, *, longest: timedelta = LONGEST_LIFE
) -> datetime:
    """An instant that has come, `longest` ago at most.

    Raises:
        Rejected: it has not, or is older.
    """
    issued = check_begun(text, now, leeway)
    if issued < now - longest:
        raise Rejected(Reason.EXPIRED, text)
    return issued


def check_lasting(text: str, now: datetime) -> datetime:
    """An end that has not come. No leeway: ends lie minutes ahead, and nothing is forgotten before its end.

    Raises:
        Rejected: it has, or lies further ahead than replays are remembered.
    """
    end = moment(text)
    if end <= now:
        raise Rejected(Reason.EXPIRED, text)
    if end > now + LONGEST_LIFE:
        raise Rejected(Reason.TOO_LONG, text)
    return end
