"""Items on a card one by one: what would be sent for each, and live what it has come to. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from deploydash.cells import cells
from deploydash.core.procedure.runbook import Tier
from deploydash.core.run.state import ItemProgress, ItemStatus, StepStatus
from deploydash.core.views.run_view import Card, ItemRow
from deploydash.core.words import listed
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.draw.run.asked import cscs_of
from deploydash.ui.draw.run.item_offers import KEYS, LIVE, is_list
from deploydash.ui.draw.run.reading import Focus, Reading, apart, copied, cursor, folded, lasting, shortened
from deploydash.ui.draw.tiles import bar, cut

LISTED = 7
"""So many lines of the list stand on the card, around the cursor."""

LEAST = 3
BLOCKED = 2
"""Lines of the reason why an item cannot go, where the list needs the others."""

SHORT = 4
"""Exact lines of one item on the card; the page shows all of them."""

PREVIEW = 14
"""The same of what says something to people: it is read before it goes."""

_BESIDE = 8
"""Cells that stand beside a name and what is to be known of it: the cursor, the sign, what keeps them apart."""

OUTPUT = 3
"""Lines of live output on the card."""


def item_lines(reading: Reading, card: Card, focus: Focus, width: int, height: int) -> list[Line]:
    """Return the list of a step's items, and the one under the cursor with what it is and has come to."""
    if not card.rows:
        return []
    below = closer(reading, card.rows[min(focus.row, len(card.rows) - 1)], width, unfolded=False)
    if len(card.rows) == 1 and card.rows[0].item.text and card.status is StepStatus.PENDING:
        return [*below, Line()]  # what is said needs the room, and names the one item that there is
    wanted = min(LISTED, len(card.rows) + (card.status in LIVE))
    # A severe step says in full what it would reach, whatever the list needs.
    may_be_brief = len(card.rows) > 1 and card.status is StepStatus.PENDING and card.step.tier is not Tier.SEVERE
    if may_be_brief and wanted + len(below) + 1 > height:
        below = _in_brief(reading, card.rows[min(focus.row, len(card.rows) - 1)], below, width)
    shown = max(LEAST, min(LISTED, height - len(below) - 1))
    return [*_list(reading, card, focus, width, shown), *below, Line()]


def _in_brief(reading: Reading, row: ItemRow, below: list[Line], width: int) -> list[Line]:
    """Return what one of several items would do, as briefly as it can be said: the others need the lines, too."""
    if row.item.by_person or row.item.text or row.item.opaque or row.plan is None or not row.plan.lines:
        return below
    most = BLOCKED if row.plan.blocked else 1
    why = folded(f"blocked: {row.plan.why}" if row.plan.blocked else row.plan.why, width, Ink.DIM)
    lines = shortened(why, most, width, reading, KEYS["page"]) if row.plan.why else []
    exact = [line for text in row.plan.lines for line in copied(text, width, Ink.ACCENT, "  ")]
    brief = [*lines, *shortened(exact, 1, width, reading, "v")]
    return brief if len(brief) < len(below) else below


def _list(reading: Reading, card: Card, focus: Focus, width: int, most: int) -> list[Line]:
    rows, live = card.rows, card.status in LIVE and len(card.rows) > 1
    total = len(rows) + live
    if total > most:
        most = max(2, most - 1)  # the last line says what is left
    first = max(0, min(focus.row - most // 2, total - most))
    shown = [
        _row(reading, row, focus, width, here=focus.active and number == focus.row and len(rows) > 1, of=total)
        for number, row in list(enumerate(rows))[first : first + most]
    ]
    if live and first + most >= total:
        here = focus.active and focus.row >= len(rows)
        whole = Span("  all of it", Ink.BRIGHT if here else Ink.DIM)
        surface = Surface.SELECTED if here else Surface.PAGE
        shown.append(Line((*cursor(reading, here=here, of=total), whole), surface))
    return [*shown, *left_line(reading, first, total - first - most)]


def left_line(reading: Reading, above: int, below: int) -> list[Line]:
    """Return how many lines of a list are out of sight, and the keys that show them; none where all are there."""
    parts = [f"{number} {where}" for number, where in ((below, "below"), (above, "above")) if number > 0]
    if not parts:
        return []
    words = f"{reading.glyphs.cut} {', '.join(parts)}: arrows, {KEYS['page']} all"
    return [Line((Span(f"  {words}", Ink.ACCENT),))]


def _row(reading: Reading, row: ItemRow, focus: Focus, width: int, *, here: bool, of: int) -> Line:
    """Return one line of a list of ``of`` lines: where the cursor is, how the item stands, its name, its state."""
    sign, ink = _sign(reading, row, here=here)
    if row.item.id in focus.marked:
        sign = Span(f"{reading.signs.marked} ", Ink.ACCENT)
    right, tone = "", Ink.DIM
    if row.item.by_person:
        right = row.sign_off.by if row.sign_off is not None else "manual"
    elif row.moves:
        right, tone = f"{row.progress.state or so_far(row.progress, short=True)} {_elapsed(reading, row)}", Ink.ACCENT
    elif row.asks:
        right, tone = row.progress.status.value, Ink.WARN
    elif not row.done and row.plan is not None and row.plan.blocked:
        right, tone = "blocked", Ink.WARN
    elif row.progress.status is ItemStatus.PENDING and row.plan is not None and of > 1:
        room = width - cells(row.item.label) - _BESIDE
        right = cut(row.plan.why, room, reading.glyphs) if room >= _BESIDE else ""
    told = (Span(right, tone),) if right else ()
    surface = Surface.SELECTED if here else Surface.PAGE
    left = (*cursor(reading, here=here, of=of), sign, Span(row.item.label, ink))
    return apart(left, told, width, reading.glyphs, surface)


def _sign(reading: Reading, row: ItemRow, *, here: bool) -> tuple[Span, Ink]:
    marks = reading.signs
    if row.done:
        return Span(f"{marks.done} ", Ink.GOOD), Ink.DIM
    if row.asks:
        return Span(f"{marks.asks} ", Ink.WARN), Ink.BRIGHT
    if row.moves:
        return Span(f"{marks.here} ", Ink.ACCENT), Ink.BRIGHT
    return Span(f"{marks.to_come} ", Ink.DIM), Ink.BRIGHT if here else Ink.TEXT


def closer(reading: Reading, row: ItemRow, width: int, *, unfolded: bool) -> list[Line]:
    """Return what one item is, and what it has come to; a person's with what is to be typed."""
    lines: list[Line] = []
    if row.item.by_person:
        lines += folded(f"manual: {row.item.label}", width)
        lines += [line for command in row.item.manual for line in copied(command, width, Ink.ACCENT, "  ")]
    else:
        lines += told_lines(reading, row, width, unfolded=unfolded)
    if row.sign_off is not None:
        note = f": {row.sign_off.note}" if row.sign_off.note else ""
        lines += folded(f"signed off by {row.sign_off.by}{note}", width, Ink.DIM)
    return lines


def told_lines(reading: Reading, row: ItemRow, width: int, *, unfolded: bool) -> list[Line]:
    """Return one item: why it asks, what is sent for it, and live what it tells.

    On the card the exact lines give way to what the item tells; the page has both.
    """
    lines = why_lines(row, width) if row.asks else []
    if unfolded or row.progress.status is ItemStatus.PENDING:
        lines += sent_lines(row, width, reading, unfolded=unfolded)
    else:
        lines += folded(row.item.label, width)
    return lines + _progress(reading, row, width, unfolded=unfolded)


def why_lines(row: ItemRow, width: int) -> list[Line]:
    """Return why an item asks."""
    why = row.progress.why or "outcome unknown"
    words = why if why.startswith(row.progress.status) else f"{row.progress.status}: {why}"
    left = folded(f"left outside: {row.progress.left}", width, Ink.WARN) if row.progress.left else []
    passed = folded(row.passed, width, Ink.GOOD) if row.passed else []
    return [*folded(words, width, Ink.WARN), *left, *passed]


def sent_lines(row: ItemRow, width: int, reading: Reading, *, unfolded: bool) -> list[Line]:
    """Return the exact requests of an item, and what else to know before they go."""
    plan = row.plan
    lines = folded(row.item.label, width) if unfolded or plan is None or not plan.lines else []
    if plan is not None and plan.why:
        words = f"blocked: {plan.why}" if plan.blocked else plan.why
        lines += folded(words, width, Ink.WARN if plan.blocked else Ink.DIM)
    if row.item.opaque:
        lines += folded("What it does to the states of CSCs is not known: no order rule can stop it.", width, Ink.WARN)
    texts = plan.lines if plan is not None and plan.lines else tuple(row.item.text.splitlines())
    exact = [line for text in texts for line in copied(text, width, Ink.ACCENT, "  ")]
    most = PREVIEW if row.item.text else SHORT
    if not unfolded and len(exact) > most:
        count = sum(len(text.splitlines()) for text in texts)  # as they are copied, not as they break here
        whole = f"v shows all {count} lines of it" if count > 1 else "v shows it whole"
        more = Line((Span(f"  {reading.glyphs.cut} {whole}", Ink.DIM),))
        return [*lines, *exact[: most - 1], more]
    return lines + exact


def _progress(reading: Reading, row: ItemRow, width: int, *, unfolded: bool) -> list[Line]:
    progress = row.progress
    if progress.status is ItemStatus.PENDING:
        return []
    yet = so_far(progress) if progress.status is ItemStatus.UNDER_WAY else ""
    told = f"{progress.state or yet}{f' as {progress.known_as}' if progress.known_as else ''}".strip()
    if row.moves:
        told += f", {_elapsed(reading, row)}"
    lines = folded(told, width, Ink.BRIGHT if row.moves else Ink.TEXT) if told else []
    if progress.of:
        count = f" {progress.done} of {progress.of}"
        lines.append(Line((*bar(progress.done, progress.of, width - len(count), reading.glyphs), Span(count))))
    if progress.line:
        told_last = folded(progress.line, width, Ink.DIM)
        lines += shortened(told_last, None if unfolded else 2, width, reading, KEYS["page"])
    if progress.paused:
        words = f"paused: nothing further of its kind starts until it is resumed ({KEYS['control']})"
        lines += folded(words, width, Ink.WARN)
    if unfolded:
        lines += _requested(row, width)
    output = row.output if unfolded else row.output[-OUTPUT:]
    return [*lines, *(Line((Span(cut(text, width, reading.glyphs), Ink.DIM),)) for text in output)]


def so_far(progress: ItemProgress, *, short: bool = False) -> str:
    """Return how far an item under way has come that reported no state: many never do."""
    if not progress.request:
        return "begun" if short else "begun, nothing sent yet"
    if progress.answered:
        return "answered" if short else "answered, its effect is looked for"
    return "sent" if short else "sent, not answered yet"


def _requested(row: ItemRow, width: int) -> list[Line]:
    """Return the last request of an item with its answer, and what the item made known."""
    progress, lines = row.progress, []
    if progress.request:
        lines += folded(f"sent: {progress.request}", width, Ink.DIM)
        lines += folded(f"answered: {progress.answer}", width, Ink.DIM) if progress.answer else []
    for name, value in progress.values:
        lines += folded(f"{name}: {value}", width, Ink.DIM)
    return lines


def _elapsed(reading: Reading, row: ItemRow) -> str:
    return lasting(reading.moment.utc - row.progress.began_utc)


def instead_words(card: Card, row: ItemRow) -> str:
    """Return for what an added item is a fallback, in words, or that it is none."""
    if not row.instead_of:
        return "added outside the runbook"
    named = [one for one in card.rows if one.item.id in row.instead_of]
    cscs = cscs_of(named)
    whom = listed(cscs) if len(cscs) == len(named) and cscs else ", ".join(one.item.label for one in named)
    return f"fallback for {whom}"


def fallback_lines(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return the items by which others of this step go another way, those that are under way in full."""
    lines: list[Line] = []
    for row in card.added:
        if row.instead_of and row.moves:
            lines += folded(instead_words(card, row), width, Ink.BRIGHT)
            lines += folded(row.item.label, width, Ink.TEXT, "  ")
            lines += indented(_progress(reading, row, width - 2, unfolded=False))
    return lines


def added_lines(reading: Reading, width: int) -> list[Line]:
    """Return the items that were added and are under way, briefly: they stand on top of any card."""
    lines: list[Line] = []
    for row in reading.run.added:
        if row.moves:
            told = f"{row.progress.state or so_far(row.progress, short=True)} {_elapsed(reading, row)}"
            left = (Span(f"{reading.signs.here} ", Ink.ACCENT), Span(f"added: {row.item.label}", Ink.BRIGHT))
            lines.append(apart(left, (Span(told, Ink.ACCENT),), width, reading.glyphs))
            if row.progress.paused:
                lines += folded("paused: nothing further of its kind starts", width, Ink.WARN, "  ")
    return lines


def ended_lines(reading: Reading, width: int) -> list[Line]:
    """Return what the last item that was added came to, once it is over."""
    lines: list[Line] = []
    for row in reading.run.added:
        if not row.moves:
            good = row.progress.status is ItemStatus.REACHED
            words = f"added: {row.item.label}: "
            words += row.progress.why if good else f"{row.progress.status}, {row.progress.why}"
            lines += folded(words, width, Ink.DIM if good else Ink.WARN)
    return lines


def question_lines(reading: Reading, row: ItemRow, width: int) -> list[Line]:
    """Return what an item asks, and the answers it takes."""
    asked = row.progress.question
    lines = folded(row.item.label, width, Ink.BRIGHT)
    if asked is None:
        return lines
    lines += folded(asked.question, width, Ink.BRIGHT, "  ", Span(f"{reading.signs.asks} ", Ink.WARN))
    for offered in asked.answers:
        lines += folded(f"{offered.answer}: {offered.text}", width, Ink.TEXT, "    ", Span("  - ", Ink.DIM))
    return [*lines, Line(), *_progress(reading, row, width, unfolded=False)]


def item_page_lines(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return every item of a list, those that were added, and the fallbacks there are, in full."""
    lines: list[Line] = []
    for row in card.rows if is_list(card) else ():
        lines.append(_row(reading, row, Focus(active=False), width, here=False, of=1))
        lines += indented(closer(reading, row, width - 2, unfolded=True))
    elsewhere = [row for row in reading.run.added if row.step != card.step.id]
    for row in [*card.added, *elsewhere]:
        lines += [Line(), *folded(instead_words(card, row), width, Ink.BRIGHT)]
        lines += indented(told_lines(reading, row, width - 2, unfolded=True))
    if card.fallbacks and card.status is not StepStatus.DONE:
        lines += [Line(), *folded(f"Fallbacks for what fails ({KEYS['fallback']}):", width)]
        lines += [line for one in card.fallbacks for line in folded(one.label, width, Ink.TEXT, "  ")]
    return [*lines, Line()] if lines else []


def indented(lines: Sequence[Line]) -> list[Line]:
    """Return lines moved two cells to the right."""
    return [Line((Span("  "), *line.spans), line.surface) for line in lines]
