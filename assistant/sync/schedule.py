"""When is a source due? Cron expressions in the source's own time zone, over changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from assistant.common.errors import UsageError

_FIELDS = 5
_YEARS_LOOKED_AHEAD = 5


def check_schedule(cron: str, time_zone: str) -> None:
    """Refuse a schedule that names no time.

    Raises:
        UsageError: no such time zone, no cron expression, or one that never comes true.
    """
    _zone(time_zone)
    if cron:
        next_after(cron, time_zone, after=datetime.now(tz=UTC))


def next_after(cron: str, time_zone: str, *, after: datetime) -> datetime:
    """The first moment of the schedule after `after`, in UTC.

    An hour that the clock skips in spring comes right after it; one that it shows twice in
    autumn counts once.

    Raises:
        UsageError: the schedule names no time.
    """
    zone = _zone(time_zone)
    if len(cron.split()) != _FIELDS:
        raise UsageError(f"'{cron[:80]}' is no schedule: write the five fields of cron, such as 0 6 * * 1-5.")
    try:
        # On the clock on the wall, which has no zone: so a time that it shows twice comes once.
        wall = after.astimezone(zone).replace(tzinfo=None)
        iterator = croniter(cron, wall, max_years_between_matches=_YEARS_LOOKED_AHEAD)
        moment = after
        while moment <= after:
            shown: datetime = iterator.get_next(datetime)
            moment = shown.replace(tzinfo=zone).astimezone(UTC)
    except (CroniterError, ValueError, KeyError) as error:
        raise UsageError(f"'{cron[:80]}' is no schedule that ever comes: {error}.") from error
    return moment


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"There is no time zone '{name[:60]}': write for example Asia/Seoul.") from error
