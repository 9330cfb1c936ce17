"""When does a source sync? From plain choices to the five fields of cron, and back.

Whatever is chosen is stored as cron; the plain choices are the shapes of it that
most people need. A cron text of another shape is shown as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import QueryDict
from django.utils.translation import gettext

from assistant.common.errors import UsageError
from assistant.sync.schedule import next_after

_SHAPES = {  # of what the choices below write
    "hour": re.compile(r"(?P<minute>\d+) \* \* \* \*"),
    "day": re.compile(r"(?P<minute>\d+) (?P<hour>\d+) \* \* \*"),
    "week": re.compile(r"(?P<minute>\d+) (?P<hour>\d+) \* \* (?P<weekday>[0-6])"),
    "month": re.compile(r"(?P<minute>\d+) (?P<hour>\d+) (?P<monthday>\d+) \* \*"),
}
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_LAST_SURE_DAY = 28  # every month has it


@dataclass(frozen=True, slots=True)
class Timing:
    """The choices as they stand in the form. `every`: hour (of `time`, the minute), day, week, month, cron
    or never."""

    every: str = "day"
    time: str = "02:00"
    weekday: str = "0"  # cron's: 0 is Sunday
    monthday: str = "1"
    cron: str = ""
    time_zone: str = "UTC"
    wrong: tuple[tuple[str, str], ...] = ()  # (field, what is wrong with it)

    @property
    def mistakes(self) -> dict[str, str]:
        """What is wrong, by field."""
        return dict(self.wrong)

    @property
    def text(self) -> str:
        """The five fields of cron; empty where nothing is scheduled, or something is wrong."""
        if self.wrong or self.every == "never":
            return ""
        if self.every == "cron":
            return self.cron
        hour, _, minute = self.time.partition(":")
        at = f"{int(minute or 0)} {int(hour or 0)}"
        return {
            "hour": f"{int(minute or 0)} * * * *",
            "day": f"{at} * * *",
            "week": f"{at} * * {self.weekday}",
            "month": f"{at} {self.monthday} * *",
        }[self.every]

    def following(self, now: datetime, count: int = 3) -> list[datetime]:
        """The next times, aware, in the chosen time zone."""
        return following_times(self.text, self.time_zone, now, count)


@cache
def known_zones() -> frozenset[str]:
    """Every time zone by its name. Once a process: it is read from many files."""
    return frozenset(available_timezones())


def following_times(cron: str, time_zone: str, now: datetime, count: int = 3) -> list[datetime]:
    """When `cron` is due next, in its time zone; nothing where it is empty."""
    times: list[datetime] = []
    while cron and len(times) < count:
        now = next_after(cron, time_zone, after=now)
        times.append(now.astimezone(ZoneInfo(time_zone)))
    return times


def timing_of(cron: str, time_zone: str) -> Timing:
    """The choices that stand for a stored schedule."""
    if not cron:
        return Timing(every="never", time_zone=time_zone)
    for every, shape in _SHAPES.items():
        found = shape.fullmatch(cron)
        if found is None:
            continue
        parts = found.groupdict()
        time = f"{int(parts.get('hour', 2)):02}:{int(parts['minute']):02}"
        if _TIME.fullmatch(time) and int(parts.get("monthday", 1)) in range(1, _LAST_SURE_DAY + 1):
            return Timing(
                every=every,
                time=time,
                weekday=parts.get("weekday", "0"),
                monthday=parts.get("monthday", "1"),
                time_zone=time_zone,
            )
    return Timing(every="cron", cron=cron, time_zone=time_zone)


def typed_timing(typed: QueryDict, default: Timing) -> Timing:
    """What was chosen, with what is wrong with it."""
    every = typed.get("every", default.every)
    chosen = Timing(
        every=every if every in {*_SHAPES, "cron", "never"} else default.every,
        time=typed.get("time", default.time).strip(),
        weekday=typed.get("weekday", default.weekday),
        monthday=typed.get("monthday", default.monthday).strip(),
        cron=" ".join(typed.get("cron", "").split()),
        time_zone=typed.get("time_zone", default.time_zone).strip(),
    )
    return _checked(chosen)


def _checked(chosen: Timing) -> Timing:
    wrong: list[tuple[str, str]] = []
    has_time = chosen.every in _SHAPES
    days = {str(day) for day in range(1, _LAST_SURE_DAY + 1)}
    if has_time and not _TIME.fullmatch(chosen.time):
        wrong.append(("time", gettext("Write a time such as 02:30.")))
    if chosen.every == "week" and chosen.weekday not in set("0123456"):
        wrong.append(("weekday", gettext("Choose one from the list.")))
    if chosen.every == "month" and chosen.monthday not in days:
        wrong.append(("monthday", gettext("Write a day from 1 to 28, which every month has.")))
    if chosen.every == "cron" and not _is_cron(chosen.cron):
        wrong.append(("cron", gettext("Write five fields such as 30 2 * * 1-5.")))
    if chosen.time_zone not in known_zones():
        wrong.append(("time_zone", gettext("Write a time zone such as Asia/Seoul.")))
    return Timing(
        every=chosen.every,
        time=chosen.time,
        weekday=chosen.weekday,
        monthday=chosen.monthday,
        cron=chosen.cron,
        time_zone=chosen.time_zone,
        wrong=tuple(wrong),
    )


def _is_cron(text: str) -> bool:
    try:
        next_after(text, "UTC", after=datetime.now(tz=ZoneInfo("UTC")))
    except UsageError:
        return False
    return True
