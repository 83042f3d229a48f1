"""Whether an application may be deployed now, as its practice has it: who okayed it, the notice, the window. Pure.

It says whether they *may*; whether it works is told by others. All three can be overridden with a typed reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from deploydash.core.fleet.facts import Fact
from deploydash.core.words import and_list
from deploydash.systems.practices.settings import PRACTICES
from deploydash.systems.practices.windows import Opening, Rule, opening_words, openings

BLESSING, NOTICE, WINDOW = "practice-blessing", "practice-notice", "practice-window"
"""What the names of the facts begin with; the application's name follows after a slash."""

ANYWHERE = ""
"""Instead of a channel: whoever signed the notice off knows where it stands."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a practice asks for. ``notice`` None: none. ``rule`` None: at any time. ``said``: the chart's own words."""

    said: str
    blessing: str = ""
    channels: tuple[str, ...] = ()
    notice: timedelta | None = None
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What a run knows. ``blessed``: who okayed it. ``own``: its own window.

    ``posted``: when the first notice stood in each channel; that of :data:`ANYWHERE` was signed off without one.
    """

    blessed: str = ""
    posted: Mapping[str, datetime] = field(default_factory=dict)
    own: Opening | None = None


def facts_of(application: str, wanted: Wanted | None, known: Known, now: datetime, zone: str) -> Iterator[Fact]:
    """Yield the three facts about an application; None as ``wanted`` asks for nothing."""
    asked = wanted or Wanted("no practice is written for it")
    for name, (ok, value, sentence) in (
        (BLESSING, blessing(asked, known)),
        (NOTICE, notice(asked, known, now)),
        (WINDOW, window(asked, known, now, zone)),
    ):
        yield Fact(PRACTICES, f"{name}/{application}", application, ok, value, sentence, now.timestamp())


def blessing(wanted: Wanted, known: Known) -> tuple[bool, str, str]:
    """Return whether somebody okayed it by name, where somebody has to."""
    if not wanted.blessing:
        return True, "none", f"no blessing needed ({wanted.said})"
    if known.blessed:
        return True, known.blessed, f"okayed by {known.blessed} ({wanted.blessing})"
    return False, "missing", f"the {wanted.blessing} has not okayed it by name"


def notice(wanted: Wanted, known: Known, now: datetime) -> tuple[bool, str, str]:
    """Return whether notice was given in every channel that is asked for, and long enough ago."""
    if wanted.notice is None:
        return True, "none", f"no notice is asked for ({wanted.said})"
    where = and_list(wanted.channels)
    found = {channel: _posted(channel, known) for channel in wanted.channels or (ANYWHERE,)}
    missing = [channel for channel, at in found.items() if at is None]
    if missing:
        before = f" {_span(wanted.notice)} before" if wanted.notice else ""
        return False, "missing", f"no notice in {and_list(missing)}; it is to be posted{before}"
    last = max(at for at in found.values() if at is not None)
    due = last + wanted.notice
    if now < due:
        long_ago = f"long enough ago from {due:%Y-%m-%d %H:%M}Z"
        return False, "early", f"posted {last:%Y-%m-%d %H:%M}Z in {where}: {long_ago}"
    return True, "posted", f"posted in {where} {last:%Y-%m-%d %H:%M}Z"


def _posted(channel: str, known: Known) -> datetime | None:
    """Return when a notice stood in a channel first, None where none is known."""
    return min((known.posted[each] for each in {channel, ANYWHERE} if each in known.posted), default=None)


def window(wanted: Wanted, known: Known, now: datetime, zone: str) -> tuple[bool, str, str]:
    """Return whether a window is open: that of the cycle, where its date was announced, else that of the practice."""
    if wanted.rule is None:
        return True, "none", f"no maintenance window is asked for ({wanted.said})"
    if known.own is not None:
        return _open(known.own, "the announced window", now, zone)
    found = next(iter(openings(wanted.rule, now)))
    return _open(found, wanted.rule.words, now, zone)


def _open(found: Opening, what: str, now: datetime, zone: str) -> tuple[bool, str, str]:
    if found.holds(now):
        return True, "open", f"{what}: open until {found.closes:%Y-%m-%d %H:%M}Z; it is no downtime"
    when = "was" if now > found.closes else "is next"
    return False, "closed", f"{what}: {when} {opening_words(found, zone)}"


def windows_text(rules: Sequence[tuple[str, str, Rule | None]], now: datetime, zone: str, count: int = 3) -> list[str]:
    """Return for each (name, what the chart says, rule) when its next windows are, in the site's time and UTC."""
    lines: list[str] = []
    for name, said, rule in rules:
        lines.append(f"{name}: {said}")
        if rule is None:
            lines.append("    at any time")
            continue
        lines.append(f"    {rule.words}, from {_span(rule.tolerance)} before to {_span(rule.lasts)} after")
        for found in islice(openings(rule, now), count):
            now_open = ", open now" if found.holds(now) else ""
            lines.append(
                f"    {opening_words(found, zone)}, open {_utc(found.opens)} to {_utc(found.closes)}{now_open}"
            )
    return lines


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M}Z"


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
