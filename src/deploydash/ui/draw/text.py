"""A snapshot as plain text: for ``demo`` without a terminal and ``status`` without ``--json``."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

from rich.console import Console
from rich.style import Style
from rich.text import Text

from deploydash.cells import wrapped
from deploydash.core.fleet.snapshot import Snapshot
from deploydash.core.model import FeedState
from deploydash.ui.draw import glyphs as signs
from deploydash.ui.draw import search
from deploydash.ui.draw.glyphs import Glyphs, showable
from deploydash.ui.draw.header import width_of
from deploydash.ui.draw.ink import Ink, Line, Span, plain
from deploydash.ui.draw.layout import pack
from deploydash.ui.draw.lines import departing, reason_of, rule
from deploydash.ui.draw.pieces import Kind, Piece, blocks_of
from deploydash.ui.draw.themes import DEFAULT, PALETTES
from deploydash.ui.draw.tiles import Moment, chip, cut, family, group_of, look, severity, tile, title


def snapshot_text(snapshot: Snapshot, *, width: int = 120, colour: bool = False, glyphs: Glyphs = signs.UNICODE) -> str:
    """Return the grouped grid, the counts and those off target with their reasons, ``width`` cells wide.

    There is no escape sequence in it unless ``colour`` is asked for.
    """
    width = max(60, width)
    moment = Moment(snapshot.at, snapshot.utc, glyphs, listening=not snapshot.decided)
    lines = [*_head(snapshot, width, glyphs), Line(), *grid_lines(snapshot, moment, width, 0), Line()]
    lines += _departing(snapshot, moment, width)
    if colour:
        return _coloured(lines, width, glyphs)
    return "\n".join(showable(plain(line), glyphs).rstrip() for line in lines) + "\n"


def grid_lines(snapshot: Snapshot, moment: Moment, width: int, height: int) -> list[Line]:
    """Return the whole grid without a cursor, packed into ``height`` lines or as many as it takes."""
    blocks = blocks_of(((view.csc, group_of(view)) for view in snapshot.cscs), snapshot.roster.groups)
    lines: list[Line] = []
    for row in pack(blocks, width, height).rows:
        spans: list[Span] = []
        x = 0
        for piece in row:
            drawn = _piece(snapshot, piece, moment)
            spans += [Span(" " * (piece.x - x)), *drawn]
            x = piece.x + width_of(drawn)
        lines.append(Line(tuple(spans)))
    return lines


def _piece(snapshot: Snapshot, piece: Piece, moment: Moment) -> tuple[Span, ...]:
    if piece.kind is Kind.TITLE:
        counts = next((group for group in snapshot.groups if group.name == piece.label), None)
        return title(piece.label, counts, piece.width, moment.glyphs)
    if piece.kind is Kind.FAMILY:
        return family(piece, [snapshot.cscs[item] for item in piece.items], moment)
    drawn = look(snapshot.cscs[piece.items[0]], moment)
    if piece.kind is Kind.SINGLE:
        return tile(piece.label, drawn, piece.width, moment.glyphs)
    return chip(piece.label, drawn)


def _head(snapshot: Snapshot, width: int, glyphs: Glyphs) -> list[Line]:
    summary, roster = snapshot.summary, snapshot.roster
    told = f"{datetime.fromtimestamp(snapshot.utc, UTC):%Y-%m-%d %H:%M:%SZ}"
    name = f"{roster.site.upper()}{' REHEARSAL' if roster.rehearsal else ''}"
    counts = (
        f"{summary.at_target} of {summary.expected} at target {snapshot.target}, {summary.off_target} off target, "
        f"{summary.moving} moving, {summary.unknown} unknown, {summary.no_target} without a target"
    )
    lines = [Line((Span(name, Ink.TITLE), Span(f"  {told}")))]
    lines += [Line((Span(part),)) for part in wrapped(counts, width)]
    for feed in snapshot.feeds:
        ink = Ink.TEXT if feed.state in {FeedState.UP, FeedState.OFF} else Ink.WARN
        lines.append(
            Line((Span(f"{feed.feed} {feed.state}", ink), Span(f"  {cut(feed.detail, width - 27, glyphs)}", Ink.DIM)))
        )
    broken = sum(entry.records for entry in snapshot.undecodable)
    if broken:
        lines.append(Line((Span(f"{broken} records could not be decoded", Ink.WARN),)))
    if snapshot.banner:
        banner = wrapped(f"{glyphs.down} {snapshot.banner}", width)
        lines += [Line((Span(part, Ink.BAD),)) for part in banner]
    if not snapshot.decided:
        lines.append(Line((Span("not everything is decided yet", Ink.WARN),)))
    return lines


def _departing(snapshot: Snapshot, moment: Moment, width: int) -> list[Line]:
    cscs = snapshot.cscs
    items = sorted(search.departing(cscs), key=lambda item: (severity(cscs[item]), item))
    if not items:
        return [Line((Span("no CSC is off target", Ink.DIM),))]
    lines = [rule(f"not at target {moment.glyphs.dot} {len(items)} of {len(cscs)}", width, moment.glyphs)]
    for item in items:
        *head, _ = departing(cscs[item], look(cscs[item], moment), moment, width).spans
        indent = width_of(head)
        why = wrapped(reason_of(cscs[item], moment), width - indent) or [""]
        lines.append(Line((*head, Span(why[0]))))
        lines += [Line((Span(" " * indent), Span(part))) for part in why[1:]]
    return lines


def _coloured(lines: list[Line], width: int, glyphs: Glyphs) -> str:
    styles = PALETTES[DEFAULT].styles
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=width, highlight=False, soft_wrap=True)
    for line in lines:
        text = Text(end="\n")
        for span in line.spans:
            style = styles[span.ink, span.surface]
            text.append(
                showable(span.text, glyphs),
                style if span.ink.startswith("fill") else Style(color=style.color, bold=style.bold),
            )
        console.print(text)
    return out.getvalue()
