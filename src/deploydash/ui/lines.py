"""Snapshot to the lines around the grid: header, banner, events, the list of those off target, one-line reasons. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from deploydash.core.model import Effective, FeedState
from deploydash.core.snapshot import CscView, EventLine, FeedView, GroupView, Snapshot, seconds_text
from deploydash.ui.glyphs import Glyphs
from deploydash.ui.ink import Ink, Line, Span, Spans, Surface, letter
from deploydash.ui.keys import KEYS, Scope
from deploydash.ui.present import RECENT_S, Look, Moment, bar, cut, look, without_state

SKEW_S = 1.0
"""A clock that is further off than this is worth a word."""


def width_of(spans: Sequence[Span]) -> int:
    """Return the cells that spans take."""
    return sum(len(span.text) for span in spans)


def row(left: Sequence[Spans], right: Sequence[Spans], width: int, surface: Surface, filler: Span | None = None) -> Line:
    """Return a line with parts at both ends; where it is too narrow, the last parts of the left go first.

    Parts are separated by two blanks. ``filler`` is a pattern for the empty middle.
    """
    kept = [part for part in left if part]
    end = _joined([part for part in right if part], surface)
    while kept and width_of(_joined(kept, surface)) + 2 + width_of(end) > width:
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
    badge = (Span(f" {roster.site.upper()} ", Ink.BADGE),)
    counted = summary.expected - summary.no_target
    left: list[Spans] = [badge]
    if rehearsal:
        left.append((Span(f"REHEARSAL{fast}", Ink.REHEARSAL),))
    left += [
        (Span(f"{summary.at_target}/{counted}", Ink.BRIGHT), Span(" at ", Ink.DIM), Span(snapshot.target, Ink.BRIGHT)),
        _departures(snapshot),
    ]
    filler = Span(glyphs.hatch, Ink.REHEARSAL) if rehearsal else None
    clocks = clock(utc, roster.time_zone)
    needed = width_of(_joined([part for part in left if part], surface)) + 2
    fitting = next((each for each in clocks if needed + width_of(each) <= width), clocks[-1])
    return row(left, [fitting], width, surface, filler)


def _departures(snapshot: Snapshot) -> Spans:
    summary = snapshot.summary
    parts = [
        (summary.off_target, "off", Ink.WARN),
        (summary.moving, "moving", Ink.ACCENT),
        (summary.unknown, "unknown", Ink.WARN if snapshot.decided else Ink.DIM),
        (len(summary.unexpected), "unexpected", Ink.TEXT),
    ]
    spans: list[Span] = []
    for count, word, ink in parts:
        if count:
            spans += [Span("  " if spans else ""), Span(str(count), ink), Span(f" {word}", Ink.DIM)]
    return tuple(spans)


def feeds_line(snapshot: Snapshot, width: int, now: float, glyphs: Glyphs) -> Line:
    """Return the second line: each feed with its health, and what could not be decoded."""
    right: list[Spans] = []
    skews = [feed.skew_s for feed in snapshot.feeds if feed.skew_s is not None and abs(feed.skew_s) > SKEW_S]
    if skews:
        way = "ahead" if skews[0] > 0 else "behind"
        right.append((Span(f"our clock {abs(skews[0]):.1f} s {way}", Ink.WARN),))
    broken = sum(entry.records for entry in snapshot.undecodable)
    if broken:
        right.append((Span(str(broken), Ink.WARN), Span(" undecodable", Ink.DIM)))
    parts = [(Span(" "), *feed_spans(feed, now, glyphs)) if not n else feed_spans(feed, now, glyphs) for n, feed in enumerate(snapshot.feeds)]
    return row(parts, [*right, ()], width, Surface.PAGE)


def feed_spans(feed: FeedView, now: float, glyphs: Glyphs) -> Spans:
    """Return one feed: a sign, its name, rate and lag when up, else what is wrong."""
    name = feed.feed.value.replace("schema_registry", "registry")
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
    if is_foreign(feed):
        spans.append(Span(f" {feed.detail}", Ink.BAD))
    return tuple(spans)


def is_foreign(feed: FeedView) -> bool:
    """Say whether a feed's address is none of the site's own; its detail then says so and where it came from."""
    return "not one of" in feed.detail


def groups_lines(groups: Sequence[GroupView], width: int, glyphs: Glyphs) -> list[Line]:
    """Return the groups as bars, three a line: the grid of a small screen."""
    across = max(1, min(len(groups), (width - 1) // 25))
    each = (width - 1) // across - 1
    room = max(0, min(12, each - 19))
    lines: list[Line] = []
    for start in range(0, len(groups), across):
        spans: list[Span] = []
        for group in groups[start : start + across]:
            full = group.at_target == group.total
            name = f"{cut(group.name, 12, glyphs):<12} "
            figures = f"{group.at_target}/{group.total}".rjust(6)
            spans += [Span(" "), Span(name, Ink.DIM if full else Ink.BRIGHT)]
            spans += [*bar(group.at_target, group.total, room, glyphs), Span(figures, Ink.DIM if full else Ink.TEXT)]
        lines.append(Line(tuple(spans)))
    return lines


def rule(name: str, width: int, glyphs: Glyphs, *, bright: bool = False) -> Line:
    """Return a rule with a name in it."""
    head = Span(f" {name} ", Ink.TITLE if bright else Ink.DIM)
    return Line((Span(glyphs.rule * 2, Ink.LINE), head, Span(glyphs.rule * max(0, width - 2 - len(head.text)), Ink.LINE)))


def event(line: EventLine, utc: float, width: int, glyphs: Glyphs) -> Line:
    """Return one event: time, subject, change, detail. What went as planned is dim; what is new fades."""
    fresh = utc - line.utc < RECENT_S
    change = line.change.replace("→", glyphs.arrow)
    subject, changed = (16, 22) if width >= 100 else (14, 20)
    quiet = Ink.DIM if line.calm and not fresh else Ink.TEXT
    spans = [
        Span(f" {datetime.fromtimestamp(line.utc, UTC):%H:%M:%S}  ", Ink.DIM),
        Span(f"{cut(line.subject, subject, glyphs):<{subject}}  ", quiet if line.calm else Ink.BRIGHT),
        Span(
            f"{cut(change, changed, glyphs):<{changed}}  ",
            quiet if line.calm or line.effective is None else letter(line.effective),
        ),
    ]
    used = width_of(spans)
    spans.append(Span(cut(line.detail, max(0, width - used), glyphs), Ink.DIM if line.calm else Ink.TEXT))
    return Line(tuple(spans))


def state_words(view: CscView) -> str:
    """Return a CSC's effective state in words, with the camera's sub-state and a star where inferred."""
    substate = f"/{view.substate.name}" if view.camera and view.substate and view.effective is Effective.OFFLINE else ""
    return f"{view.effective.value}{substate}{'*' if view.inferred else ''}"


def departing(
    view: CscView, drawn: Look, moment: Moment, width: int, surface: Surface = Surface.PAGE, *, found: bool = False
) -> Line:
    """Return one line of the off-target list: letter, name, age, wanted state, reason."""
    glyphs = moment.glyphs
    spans = [
        Span(f"{drawn.code:<2}", drawn.code_ink, surface),
        Span(" ", Ink.TEXT, surface),
        Span(f"{cut(str(view.csc), 19, glyphs):<19}", Ink.FOUND if found else drawn.name_ink, surface),
        Span(f" {drawn.age:>5}  ", Ink.WARN, surface),
    ]
    reason = reason_of(view, moment)
    spans.append(Span(cut(reason, max(0, width - width_of(spans)), glyphs), Ink.TEXT, surface))
    return Line(tuple(spans))


def departing_block(
    view: CscView, drawn: Look, moment: Moment, width: int, surface: Surface, *, found: bool = False
) -> list[Line]:
    """Return one entry of the off-target panel: who and in which state since when, then why, in two lines."""
    name = cut(str(view.csc), 21, moment.glyphs)
    ink = Ink.DIM if drawn.name_ink is Ink.DIM else letter(view.effective)
    head = [
        Span(f"{drawn.code:<2}", drawn.code_ink, surface),
        Span(" ", Ink.TEXT, surface),
        Span(name, Ink.FOUND if found else drawn.name_ink, surface),
        Span(f"  {state_words(view)}", ink, surface),
    ]
    if drawn.age:
        head.append(Span(f" {drawn.age}", Ink.WARN, surface))
    why = without_state(reason_of(view, moment), view)
    words = textwrap.wrap(why, max(10, width - 4), max_lines=3, placeholder=f" {moment.glyphs.cut}")
    return [Line(tuple(head), surface), *(Line((Span(f"   {part}", Ink.DIM),)) for part in words)]


def reason_of(view: CscView, moment: Moment) -> str:
    """Return why a CSC counts as it does, in one sentence, with what FAULT reported."""
    reason = view.reason.render(moment.now)
    if view.error is not None and str(view.error.code) not in reason:
        reason += f"; code {view.error.code} “{view.error.report}”"
    return reason if moment.glyphs.cut == "…" else reason.replace("“", '"').replace("”", '"')


def selection(view: CscView, moment: Moment, width: int) -> Line:
    """Return the line under the grid: the selected CSC, its state, its target and why."""
    drawn = look(view, moment)
    wanted = f" for target {view.target}" if view.target is not None and is_off(view) else ""
    spans = [
        Span(" "),
        Span(drawn.code, drawn.code_ink),
        Span(f" {view.csc}", Ink.BRIGHT),
        Span(f"  {state_words(view)}{wanted}  ", Ink.TEXT),
    ]
    spans.append(Span(cut(reason_of(view, moment), max(0, width - width_of(spans) - 1), moment.glyphs), Ink.DIM))
    return Line(tuple(spans))


def is_off(view: CscView) -> bool:
    """Say whether a CSC's state is not the one wanted."""
    return view.target is not None and view.effective != view.target.state.name


def banner(sentence: str, width: int, glyphs: Glyphs) -> Line:
    """Return the sentence that blames the feed, not the observatory."""
    text = cut(f" {glyphs.down} {sentence}", width, glyphs)
    return Line((Span(f"{text:<{width}}", Ink.FILL_FAULT),))


def keys_line(scope: Scope, width: int, words: Mapping[str, str], surface: Surface) -> Line:
    """Return the footer of a scope from the key table; ``words`` replaces what an act is called now.

    Help and quit stand at the right and are the last to go.
    """
    left: list[Spans] = []
    right: list[Spans] = []
    for key in KEYS:
        if key.scope is scope and key.footer:
            part = (Span(key.shown, Ink.ACCENT), Span(f" {words.get(key.act, key.footer)}", Ink.DIM))
            (right if key.act in {"help", "quit", "close"} else left).append(part)
    if left:
        left[0] = (Span(" "), *left[0])
    if right:
        right[-1] = (*right[-1], Span(" "))
    return row(left, right, width, surface)
