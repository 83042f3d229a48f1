"""When maintenance windows are: days of a month or week at a local time. Pure.

A window is no downtime: work in it is announced, and its users may go on. Its hour is said as "about", so that it opens
a stated tolerance before and stays open for a stated time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Rule:
    """A window that comes again and again. ``weekday``: 0 is Monday. ``first``: only the first one of each month.

    ``about``: local time in ``zone``. ``tolerance`` and ``lasts``: it is open from so long before to so long after.
    """

    weekday: int
    first: bool
    about: time
    zone: str
    tolerance: timedelta
    lasts: timedelta

    @property
    def words(self) -> str:
        """The rule in words."""
        day = WEEKDAYS[self.weekday]
        every = f"first {day} of the month" if self.first else f"every {day}"
        return f"{every}, about {self.about:%H:%M} {self.zone}"


@dataclass(frozen=True, slots=True)
class Opening:
    """One window. All times are aware: ``about`` in the rule's zone, ``opens`` and ``closes`` in UTC."""

    about: datetime
    opens: datetime
    closes: datetime

    def holds(self, now: datetime) -> bool:
        """Say whether it is open at this moment."""
        return self.opens <= now <= self.closes


def openings(rule: Rule, after: datetime) -> Iterator[Opening]:
    """Yield every window that closes at or after a moment, in order, without an end."""
    day = after.astimezone(ZoneInfo(rule.zone)).date() - timedelta(days=8)
    while True:
        if _is_day(rule, day) and (found := opening(rule, day)).closes >= after:
            yield found
        day += timedelta(days=1)


def opening(rule: Rule, day: date) -> Opening:
    """Return the window of a day; the local hour counts, whatever the clock of its zone does that day."""
    about = datetime.combine(day, rule.about, ZoneInfo(rule.zone))
    moment = about.astimezone(UTC)
    return Opening(about, moment - rule.tolerance, moment + rule.lasts)


def _is_day(rule: Rule, day: date) -> bool:
    return day.weekday() == rule.weekday and (not rule.first or day.day <= 7)


def announced(day: date, start: time, zone: str, tolerance: timedelta) -> Opening:
    """Return the window of a cycle whose date was announced and confirmed: until the end of that day at the site."""
    local = ZoneInfo(zone)
    about = datetime.combine(day, start, local)
    end = datetime.combine(day + timedelta(days=1), time(0), local).astimezone(UTC)
    return Opening(about, about.astimezone(UTC) - tolerance, end)


def opening_words(found: Opening, zone: str) -> str:
    """Return a window in the site's own time and in UTC."""
    local = found.about.astimezone(ZoneInfo(zone))
    return f"{local:%a %Y-%m-%d %H:%M} {zone} ({found.about.astimezone(UTC):%Y-%m-%d %H:%M}Z)"
