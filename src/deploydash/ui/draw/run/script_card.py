"""Scripts on a card: each with its queue, path and configuration, and live what it has come to. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from deploydash.core.procedure.runbook import ManualItem, ScriptItem, numbered
from deploydash.core.run.state import StepStatus, TargetStatus
from deploydash.core.views.run_view import Card, ScriptRow
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.draw.run.reading import Focus, Reading, apart, copied, folded, lasting, listed
from deploydash.ui.draw.run.script_offers import Entry, entries

LISTED = 7
"""So many lines of the list stand on the card, around the cursor."""

LEAST = 3
SHORT = 4
"""Lines of a configuration on the card; the page shows all of it."""


def script_lines(reading: Reading, card: Card, focus: Focus, width: int, height: int) -> list[Line]:
    """Return the list of a step's scripts, and the one under the cursor with what it is and has come to."""
    lines = entries(card)
    row = min(focus.row, len(lines) - 1)
    below = _closer(reading, card, lines[row], width, unfolded=False)
    shown = max(LEAST, min(LISTED, height - len(below) - 1))
    return [*_list(reading, card, focus, width, shown), *below, Line()]


def _list(reading: Reading, card: Card, focus: Focus, width: int, most: int) -> list[Line]:
    lines, live = entries(card), card.status in {StepStatus.UNDER_WAY, StepStatus.ASKING}
    total = len(lines) + (live and len(lines) > 1)
    first = max(0, min(focus.row - most // 2, total - most))
    shown = [_row(reading, card, entry, focus, width, len(lines)) for entry in lines[first : first + most]]
    if live and len(lines) > 1 and first + most >= total:
        here = focus.active and focus.row >= len(lines)
        mark = Span(f"{reading.glyphs.cursor if here else ' '} ", Ink.BRIGHT)
        surface = Surface.SELECTED if here else Surface.PAGE
        shown.append(Line((mark, Span("all of it", Ink.BRIGHT if here else Ink.DIM)), surface))
    return shown


def _row(reading: Reading, card: Card, entry: Entry, focus: Focus, width: int, count: int) -> Line:
    here = focus.active and entry.item == focus.row and count > 1
    sign, ink = _sign(reading, entry, here=here)
    surface = Surface.SELECTED if here else Surface.PAGE
    script = entry.script
    if script is None:
        right = next((sign_off.by for sign_off in card.sign_offs if sign_off.item == numbered(entry.item)), "manual")
        return apart((sign, Span(entry.name, ink)), (Span(right, Ink.DIM),), width, reading.glyphs, surface)
    right = ""
    if script.moves:
        right = f"{script.progress.state or 'to be added'} {_elapsed(reading, script)}"
    elif script.asks:
        right = script.progress.status.value
    tone = Ink.ACCENT if script.moves else Ink.WARN if script.asks else Ink.DIM
    told = (Span(right, tone),) if right else ()
    return apart((sign, Span(entry.name, ink)), told, width, reading.glyphs, surface)


def _sign(reading: Reading, entry: Entry, *, here: bool) -> tuple[Span, Ink]:
    marks, script = reading.signs, entry.script
    if entry.done:
        return Span(f"{marks.done} ", Ink.GOOD), Ink.DIM
    if script is not None and script.asks:
        return Span(f"{marks.asks} ", Ink.WARN), Ink.BRIGHT
    if script is not None and script.moves:
        return Span(f"{marks.here} ", Ink.ACCENT), Ink.BRIGHT
    cursor = Span(f"{reading.glyphs.cursor} ", Ink.BRIGHT) if here else Span(f"{marks.to_come} ", Ink.DIM)
    return cursor, Ink.BRIGHT if here else Ink.TEXT


def _closer(reading: Reading, card: Card, entry: Entry, width: int, *, unfolded: bool) -> list[Line]:
    """Return what one line of the list is, and what it has come to."""
    item = card.step.items[entry.item]
    sign_off = next((sign_off for sign_off in card.sign_offs if sign_off.item == numbered(entry.item)), None)
    lines: list[Line] = []
    if entry.script is not None:
        lines += script_told(reading, entry.script, width, unfolded=unfolded)
    elif isinstance(item, ManualItem):
        lines += folded(f"manual: {item.name}", width)
        lines += [line for command in item.commands for line in copied(command, width, Ink.ACCENT, "  ")]
    if sign_off is not None:
        lines += folded(f"signed off by {sign_off.by}{f': {sign_off.note}' if sign_off.note else ''}", width, Ink.DIM)
    return lines


def script_told(reading: Reading, row: ScriptRow, width: int, *, unfolded: bool) -> list[Line]:
    """Return one script: why it asks, where it goes, live what it tells, and its configuration.

    On the card the configuration gives way to what the script tells; the page has both.
    """
    lines = _why(row, width) if row.asks else []
    if unfolded or row.progress.status is TargetStatus.PENDING:
        lines += what_lines(row.script, width, reading, unfolded=unfolded)
    else:
        lines += folded(f"{row.script.queue} {row.script.path}", width)
    return lines + _progress(reading, row, width)


def _why(row: ScriptRow, width: int) -> list[Line]:
    why = row.progress.why or "nobody knows what came of it"
    return folded(why if why.startswith(row.progress.status) else f"{row.progress.status}: {why}", width, Ink.WARN)


def what_lines(script: ScriptItem, width: int, reading: Reading, *, unfolded: bool) -> list[Line]:
    """Return queue, path and configuration of a script; the configuration as the script gets it."""
    where = "" if script.standard else "external "
    config = [line for row in script.config.splitlines() for line in copied(row, width, Ink.ACCENT, "  ")]
    lines = folded(f"{script.queue} {where}{script.path}{'' if config else ', no configuration'}", width)
    if script.opaque:
        lines += folded("What it does to the states of CSCs is not known: no order rule can stop it.", width, Ink.WARN)
    if not unfolded and len(config) > SHORT:
        more = Line((Span(f"  {reading.glyphs.cut} v shows all {len(config)} lines of it", Ink.DIM),))
        return [*lines, *config[: SHORT - 1], more]
    return lines + config


def _progress(reading: Reading, row: ScriptRow, width: int) -> list[Line]:
    progress = row.progress
    if progress.status is TargetStatus.PENDING:
        return []
    told = f"{progress.state or 'not told of yet'}{f' as {progress.sal_index}' if progress.sal_index else ''}"
    if row.moves:
        told += f", {_elapsed(reading, row)}"
    lines = folded(told, width, Ink.BRIGHT if row.moves else Ink.TEXT)
    if progress.checkpoint:
        lines += folded(f"checkpoint {progress.checkpoint}", width)
    if progress.log:
        lines += folded(f"log: {progress.log}", width, Ink.DIM)[:2]
    if progress.paused and row.moves:
        lines += folded(f"{row.script.queue} is paused: nothing further starts in it", width, Ink.WARN)
    return lines


def _elapsed(reading: Reading, row: ScriptRow) -> str:
    return lasting(reading.moment.utc - row.progress.began_utc)


def route_lines(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return the scripts by which CSCs of this step go another way, those that are under way in full."""
    lines: list[Line] = []
    for row in card.scripts:
        if row.cscs and row.moves:
            lines += folded(f"other route: {listed(row.cscs)}", width, Ink.BRIGHT)
            lines += folded(f"{row.script.queue} {row.script.path}", width, Ink.TEXT, "  ")
            lines += _indented(_progress(reading, row, width - 2))
    return lines


def added_lines(reading: Reading, width: int) -> list[Line]:
    """Return the scripts that were added by hand and are under way, briefly: they stand on top of any card."""
    lines: list[Line] = []
    for row in reading.run.added:
        if row.moves:
            told = f"{row.progress.state or 'to be added'} {_elapsed(reading, row)}"
            left = (Span(f"{reading.signs.here} ", Ink.ACCENT), Span(f"added: {row.script.path}", Ink.BRIGHT))
            lines.append(apart(left, (Span(told, Ink.ACCENT),), width, reading.glyphs))
            if row.progress.paused:
                lines += folded(f"{row.script.queue} is paused", width, Ink.WARN, "  ")
    return lines


def ended_lines(reading: Reading, width: int) -> list[Line]:
    """Return what the last script that was added by hand came to, once it is over."""
    lines: list[Line] = []
    for row in reading.run.added:
        if not row.moves:
            good = row.progress.status is TargetStatus.REACHED
            words = f"added: {row.script.queue} {row.script.path}: "
            words += row.progress.why if good else f"{row.progress.status}, {row.progress.why}"
            lines += folded(words, width, Ink.DIM if good else Ink.WARN)
    return lines


def script_page_lines(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return every script of a step and of routes that were taken, in full."""
    lines: list[Line] = []
    for entry in entries(card):
        if entry.script is not None or isinstance(card.step.items[entry.item], ManualItem):
            lines.append(_row(reading, card, entry, Focus(active=False), width, 1))
            lines += _indented(_closer(reading, card, entry, width - 2, unfolded=True))
    elsewhere = [row for row in reading.run.added if row.step != card.step.id]
    for row in [*_routes(card), *elsewhere]:
        words = "added outside the runbook" if row.by_hand else f"other route: {listed(row.cscs)}"
        lines += [Line(), *folded(words, width, Ink.BRIGHT)]
        lines += _indented(script_told(reading, row, width - 2, unfolded=True))
    if any(isinstance(item, ScriptItem) and item.config for item in card.step.items):
        words = "Each configuration was checked against its script's schema when the runbook was read."
        lines += [Line(), *folded(words, width, Ink.DIM)]
    if card.route is not None and card.status is not StepStatus.DONE:
        lines += [Line(), *folded("The other route for those that fail:", width)]
        lines += _indented(what_lines(card.route, width - 2, reading, unfolded=True))
    return [*lines, Line()] if lines else []


def _routes(card: Card) -> Sequence[ScriptRow]:
    return [row for row in card.scripts if row.cscs or row.by_hand]


def _indented(lines: Sequence[Line]) -> list[Line]:
    return [Line((Span("  "), *line.spans), line.surface) for line in lines]
