"""The two lines on top: where we are, what is compared, what time it is, how the feeds are. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from deploydash.cells import cells, cut
from deploydash.core.fleet.snapshot import FeedView, Snapshot, Standstill, seconds_text
from deploydash.core.fleet.standstill import in_words
from deploydash.core.model import FeedName, FeedState
from deploydash.ui.draw.glyphs import Glyphs
from deploydash.ui.draw.ink import Ink, Line, Span, Spans, Surface

TROUBLE = 40
"""Cells for what is wrong with a system's feed."""

_WRONG = frozenset({FeedState.DOWN, FeedState.DEGRADED})

SKEW_S = 1.0
"""A clock that is further off than this is worth a word."""

_VARIABLE = re.compile(r"[^(]*\((LSST_\w+)")
"""A feed's detail begins with its address and where that came from."""


def width_of(spans: Sequence[Span]) -> int:
    """Return the cells that spans take."""
    return sum(cells(span.text) for span in spans)


def row(
    left: Sequence[Spans], right: Sequence[Spans], width: int, surface: Surface, filler: Span | None = None
) -> Line:
    """Return a line with parts at both ends; where it is too narrow, the last parts of the left go first.

    The very first part stays when nothing else does. Parts are separated by two blanks. ``filler`` is a pattern
    for the empty middle.
    """
    kept = [part for part in left if part]
    end = _joined([part for part in right if part], surface)
    if kept and width_of(kept[0]) + 2 + width_of(end) > width:
        end = ()
    while len(kept) > 1 and width_of(_joined(kept, surface)) + 2 + width_of(end) > width:
        kept.pop()
    start = _joined(kept, surface)
    room = max(0, width - width_of(start) - width_of(end))
    middle = Span(" " * room, Ink.TEXT, surface)
    if filler and room > 6:
        middle = Span(f"  {(filler.text * room)[: room - 4]}  ", filler.ink, surface)
    return Line((*start, middle, *end), surface)


def _joined(parts: Sequence[Spans], surface: Surface) -> Spans:
    spans: list[Span] = []
    for number, part in enumerate(parts):
        spans += [Span("  ", Ink.TEXT, surface)] if number else []
        spans += [span._replace(surface=surface) if span.surface is Surface.PAGE else span for span in part]
    return tuple(spans)


def clock(utc: float, zone: str) -> tuple[Spans, ...]:
    """Return UTC with the site's local time beside it, the widest form first."""
    instant = datetime.fromtimestamp(utc, UTC)
    plain = (Span(f"{instant:%H:%M:%S}", Ink.BRIGHT), Span("Z ", Ink.DIM))
    try:
        local = instant.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return (plain,)
    if zone in {"UTC", "Etc/UTC"}:
        return (plain,)
    place = zone.rpartition("/")[2].replace("_", " ")
    return (
        (Span(f"{local:%H:%M:%S}", Ink.TEXT), Span(f" {place}  ", Ink.DIM), *plain),
        (Span(f"{local:%H:%M}", Ink.TEXT), Span(f" {place}  ", Ink.DIM), *plain),
        (Span(f"{local:%H:%M}", Ink.TEXT), Span(" local  ", Ink.DIM), *plain),
    )


def header(snapshot: Snapshot, utc: float, width: int, glyphs: Glyphs, speed: float | None) -> Line:
    """Return the first line: where we are, what is compared, how many are there, what time it is."""
    roster, summary = snapshot.roster, snapshot.summary
    rehearsal = roster.rehearsal
    surface = Surface.REHEARSAL if rehearsal else Surface.BAR
    fast = f" {glyphs.times}{speed:g}" if speed and speed != 1 else ""
    badge: Spans = (Span(f" {roster.site.upper()} ", Ink.BADGE),)
    if rehearsal:
        badge = (Span(f" REHEARSAL{fast} ", Ink.REHEARSAL), Span(f" {roster.site.upper()}", Ink.BRIGHT))
    counted = summary.expected - summary.no_target
    left: list[Spans] = [
        badge,
        (Span(f"{summary.at_target}/{counted}", Ink.BRIGHT), Span(" at ", Ink.DIM), Span(snapshot.target, Ink.BRIGHT)),
        *_departures(snapshot),
    ]
    filler = Span(glyphs.hatch, Ink.LINE, surface) if rehearsal else None
    clocks = clock(utc, roster.time_zone)
    needed = width_of(_joined([part for part in left if part], surface)) + 2
    fitting = next((each for each in clocks if needed + width_of(each) <= width), clocks[-1])
    return row(left, [fitting], width, surface, filler)


def _departures(snapshot: Snapshot) -> list[Spans]:
    summary = snapshot.summary
    parts = [
        (summary.off_target, "off", Ink.WARN),
        (summary.unknown, "unknown", Ink.WARN if snapshot.decided else Ink.DIM),
        (summary.moving, "moving", Ink.ACCENT),
        (len(summary.unexpected), "unexpected", Ink.TEXT),
    ]
    return [(Span(str(count), ink), Span(f" {word}", Ink.DIM)) for count, word, ink in parts if count]


def feeds_line(snapshot: Snapshot, width: int, now: float, glyphs: Glyphs) -> Line:
    """Return the second line: each feed with its health, and what could not be decoded."""
    right: list[Spans] = []
    if snapshot.standstill is not None:
        right.append(stood_still(snapshot.standstill))
    elif not snapshot.decided:
        right.append((Span("listening", Ink.ACCENT),))
    skews = [feed.skew_s for feed in snapshot.feeds if feed.skew_s is not None and abs(feed.skew_s) > SKEW_S]
    if skews:
        way = "ahead" if skews[0] > 0 else "behind"
        right.append((Span(f"our clock {abs(skews[0]):.1f} s {way}", Ink.WARN),))
    broken = sum(entry.records for entry in snapshot.undecodable)
    if broken:
        right.append((Span(str(broken), Ink.WARN), Span(" undecodable", Ink.DIM)))
    end: list[Span] = []
    for part in right:
        end += [*part, Span("  ")]
    end[-1:] = [Span(" ")] if end else []
    room = width - width_of(end) - 2
    parts = _feeds(snapshot, now, glyphs, {feed.feed for feed in snapshot.feeds})
    if width_of(_joined(parts, Surface.PAGE)) > room:
        parts = feeds_fitting(snapshot, now, glyphs, room)
    return row(parts, [tuple(end)], width, Surface.PAGE)


def stood_still(standstill: Standstill) -> Spans:
    """Return that we ourselves stood still, and so knew nothing meanwhile."""
    return (Span(f"stood still {in_words(standstill.lasted_s)}", Ink.WARN),)


def _feeds(snapshot: Snapshot, now: float, glyphs: Glyphs, sourced: set[str]) -> list[Spans]:
    parts = [feed_spans(feed, now, glyphs, source=feed.feed in sourced) for feed in in_trouble_first(snapshot.feeds)]
    return [(Span(" "), *parts[0]), *parts[1:]] if parts else []


def in_trouble_first(feeds: Sequence[FeedView]) -> list[FeedView]:
    """Return feeds as they stand on a line that may be too short: Kafka, what is in trouble, then the others."""

    def rank(feed: FeedView) -> int:
        return 0 if feed.feed == FeedName.KAFKA else 1 if feed.state in {FeedState.DOWN, FeedState.DEGRADED} else 2

    return sorted(feeds, key=rank)


def feeds_fitting(snapshot: Snapshot, now: float, glyphs: Glyphs, room: int) -> list[Spans]:
    """Return as many feeds as there is room for, at least one, and how many more there are; details go first."""
    feeds = in_trouble_first(snapshot.feeds)
    for detail in (TROUBLE, TROUBLE // 2, 0):
        parts = [feed_spans(feed, now, glyphs, detail=detail) for feed in feeds]
        parts[:1] = [(Span(" "), *part) for part in parts[:1]]
        if width_of(_joined(parts, Surface.PAGE)) <= room:
            return parts
    kept = list(parts)
    more: list[Spans] = []
    while len(kept) > 1 and width_of(_joined([*kept, *more], Surface.PAGE)) > room:
        kept.pop()
        more = [(Span(f"+{len(parts) - len(kept)}", Ink.DIM),)]
    return [*kept, *more]


def feed_spans(
    feed: FeedView, now: float, glyphs: Glyphs, *, source: bool | None = None, detail: int = TROUBLE
) -> Spans:
    """Return one feed: a sign, its name, rate and lag when up, else what is wrong.

    ``detail``: how many cells of its detail a system's feed shows, up to :data:`TROUBLE` only of what is wrong; those
    of :class:`FeedName` tell theirs elsewhere.

    ``source`` adds the variable of the environment that the address came from, if one did (CLI.md); left out,
    Kafka's. An address that is not the site's own is red and always there.
    """
    name = str(feed.feed).replace("schema_registry", "registry")
    sign, ink = {
        FeedState.UP: (glyphs.up, Ink.GOOD),
        FeedState.CONNECTING: (glyphs.connecting, Ink.ACCENT),
        FeedState.DEGRADED: (glyphs.degraded, Ink.WARN),
        FeedState.DOWN: (glyphs.down, Ink.BAD),
        FeedState.OFF: (glyphs.off, Ink.DIM),
    }[feed.state]
    spans = [Span(f"{sign} ", ink), Span(name, Ink.DIM if feed.state is FeedState.OFF else Ink.TEXT)]
    if feed.state is FeedState.UP:
        if feed.rate is not None:
            spans.append(Span(f" {feed.rate:.0f}/s", Ink.BRIGHT))
        if feed.lag_s is not None:
            spans.append(Span(f" {feed.lag_s:.1f} s", Ink.WARN if feed.lag_s > 2 else Ink.DIM))
    elif feed.state is FeedState.DOWN:
        spans.append(Span(f" down {seconds_text(now - feed.since)}", Ink.BAD))
    else:
        spans.append(Span(f" {feed.state.value}", Ink.DIM if feed.state is FeedState.OFF else ink))
    if feed.feed not in set(FeedName) and feed.detail and detail and (detail > TROUBLE or feed.state in _WRONG):
        spans.append(Span(f" {cut(feed.detail, detail, glyphs.cut)}", Ink.DIM))
    elif is_foreign(feed):
        spans.append(Span(f" {feed.detail}", Ink.BAD))
    elif (source or (source is None and feed.feed is FeedName.KAFKA)) and (found := _VARIABLE.match(feed.detail)):
        spans.append(Span(f" ({found[1]})", Ink.DIM))
    return tuple(spans)


def is_foreign(feed: FeedView) -> bool:
    """Say whether a feed's address is none of the site's own; its detail then says so and where it came from."""
    return "not one of" in feed.detail
