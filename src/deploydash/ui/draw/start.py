"""The card that stands over the grid until most are decided. Pure."""

from __future__ import annotations

from deploydash.cells import wrapped
from deploydash.core.fleet.snapshot import Snapshot
from deploydash.core.model import FeedState, Liveness
from deploydash.ui.draw.header import feed_spans, width_of
from deploydash.ui.draw.ink import Ink, Line, Span, Spans
from deploydash.ui.draw.tiles import Moment, bar

UNREAD = "Nothing has been contacted for writing. This view loads nothing that can act."

_DECIDED = frozenset({Liveness.BEATING, Liveness.LATE, Liveness.SILENT, Liveness.UNREADABLE})


def start_lines(snapshot: Snapshot, moment: Moment, width: int) -> list[Line]:
    """Return the card: which site, which cluster, how the feeds are, how many CSCs are decided."""
    roster, inner = snapshot.roster, width - 8
    known = decided_count(snapshot)
    body: list[Spans] = [
        (),
        (Span(f" {roster.site.upper()} ", Ink.REHEARSAL if roster.rehearsal else Ink.BADGE), *_world(snapshot)),
        (Span(f"{roster.cluster or 'no cluster named'}, {roster.time_zone}", Ink.DIM),),
        (),
    ]
    for feed in snapshot.feeds:
        head = feed_spans(feed, moment.now, moment.glyphs, source=False)
        body.append(head)
        if feed.detail and feed.state is not FeedState.OFF:
            ink = Ink.BAD if feed.state is FeedState.DOWN else Ink.DIM
            body += [(Span(f"  {part}", ink),) for part in wrapped(feed.detail, inner - 2)[:2]]
    total = len(snapshot.cscs)
    body += [
        (),
        (
            Span("listening ", Ink.TEXT),
            *bar(known, total, inner - 20, moment.glyphs),
            Span(f" {known}/{total}".rjust(10), Ink.BRIGHT),
        ),
        (),
        *((Span(part, Ink.DIM),) for part in wrapped(UNREAD, inner)),
        (),
        (Span("esc", Ink.ACCENT), Span(" to the grid; this card goes by itself", Ink.DIM)),
        (),
    ]
    return _framed(body, width, moment)


def _world(snapshot: Snapshot) -> Spans:
    if snapshot.roster.rehearsal:
        return (Span("  REHEARSAL: a demo observatory on this machine", Ink.BRIGHT),)
    return (Span(f"  {len(snapshot.roster.cscs)} CSCs expected", Ink.BRIGHT),)


def decided_count(snapshot: Snapshot) -> int:
    """Return of how many CSCs it is known whether they live."""
    return sum(view.liveness in _DECIDED for view in snapshot.cscs)


def is_wanted(snapshot: Snapshot) -> bool:
    """Say whether the card helps: from the moment half of the CSCs are decided the grid tells more."""
    return not snapshot.decided and 2 * decided_count(snapshot) < len(snapshot.cscs)


def _framed(body: list[Spans], width: int, moment: Moment) -> list[Line]:
    """Return the card in a frame, with a blank at each side that keeps the grid behind it apart."""
    corners = "╭╮╰╯│" if moment.glyphs.rule == "─" else "++++|"
    rule = moment.glyphs.rule * (width - 4)
    lines = [Line((Span(f" {corners[0]}{rule}{corners[1]} ", Ink.LINE),))]
    for spans in body:
        blank = Span(" " * max(0, width - 8 - width_of(spans)))
        lines.append(Line((Span(f" {corners[4]}  ", Ink.LINE), *spans, blank, Span(f"  {corners[4]} ", Ink.LINE))))
    lines.append(Line((Span(f" {corners[2]}{rule}{corners[3]} ", Ink.LINE),)))
    return lines
