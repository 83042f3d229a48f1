"""The card: what is asked, why it may or may not go, what it does exactly, and the keys that answer. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from deploydash.cells import cells
from deploydash.core.model import Target
from deploydash.core.procedure.runbook import CscItem, ManualItem, StepKind, Tier, numbered
from deploydash.core.run.arm import ARM_S, COUNTDOWN_S
from deploydash.core.run.fleet_view import GateReason
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import Card, decisions
from deploydash.ui.draw.ink import Ink, Line, Span, Spans, Surface
from deploydash.ui.draw.run.failures import failure_lines
from deploydash.ui.draw.run.offers import Mode, Offer, items_of, mode_of, offers, open_questions, signed_off
from deploydash.ui.draw.run.reading import Focus, Reading, box, chart, copied, counted, folded, lasting, listed
from deploydash.ui.draw.run.script_card import added_lines, ended_lines, route_lines, script_lines, script_page_lines
from deploydash.ui.draw.run.sending import sending_lines
from deploydash.ui.draw.tiles import bar, group_of

CHART = 16

SENDS = frozenset({StepKind.CSC, StepKind.SCRIPT})

LISTED = 7
"""So many lines of a list stand on the card, around the cursor."""


def card_lines(reading: Reading, focus: Focus, width: int, height: int) -> list[Line]:
    """Return the card in ``height`` lines; the keys stand at its foot and are never cut off."""
    inner = width - 4
    body, keys = parts(reading, focus, inner, height - 2)
    room = max(0, height - 2 - len(keys))
    if len(body) > room:
        body = [line for line in body if line.spans]
    if len(body) > room:
        left = len(body) - room + 1
        body = [*body[: max(0, room - 1)], Line((Span(f"{reading.glyphs.cut} {counted(left, 'more line')}", Ink.DIM),))]
    body += [Line()] * (room - len(body))
    return box(title(reading), [*body, *keys], width, height, reading, asking=asks(reading))


def wanted_height(reading: Reading, focus: Focus, width: int, limit: int) -> int:
    """Return how many lines the card would like, at most ``limit``."""
    body, keys = parts(reading, focus, width - 4, limit - 2)
    return min(limit, len(body) + len(keys) + 3)


def parts(reading: Reading, focus: Focus, width: int, height: int) -> tuple[list[Line], list[Line]]:
    """Return what stands on the card, and its keys; a script added by hand stands on top of any card."""
    keys = key_lines(offers(reading.run, focus, lead=reading.lead), width, reading)
    added = added_lines(reading, width)
    body = [*added, *_body(reading, focus, width, height - len(keys) - len(added))]
    return [*body, *([] if mode_of(reading.run) is Mode.ASKING else ended_lines(reading, width))], keys


def asks(reading: Reading) -> bool:
    """Say whether the card waits for the lead, so that it has to stand out."""
    quiet = {Mode.NOTHING, Mode.CLOSED, Mode.SHUT, Mode.UNDER_WAY, Mode.SCRIPTS_GO, Mode.WAITING, Mode.OVER}
    if mode_of(reading.run) is Mode.READY and reading.run.card and reading.run.card.step.kind is StepKind.WAIT:
        return False
    return mode_of(reading.run) not in quiet


def title(reading: Reading) -> str:
    """Return the name on the card's frame: whose turn it is, in two to six words."""
    run, mode, dot = reading.run, mode_of(reading.run), reading.glyphs.dot
    card = run.card
    turn = "Your turn" if reading.lead else f"The turn of {run.operator}"
    if card is None or mode in {Mode.NOTHING, Mode.CLOSED}:
        return mode.value.capitalize()
    if mode is Mode.HELD:
        return f"HOLD  {dot}  by {run.held_by}"
    if mode is Mode.ASKING:
        return f"{turn}  {dot}  {decisions(len(card.asking))}"
    if mode is Mode.ARMED:
        return f"Armed  {dot}  {math.ceil(_armed_left(reading))} s left"
    if mode is Mode.NAMING:
        return f"Armed  {dot}  type {reading.site}"
    if mode is Mode.GOING:
        return f"Goes in {max(0, math.ceil(_countdown(reading)))} s  {dot}  Esc cancels"
    words = {
        Mode.QUESTION: f"{turn}  {dot}  a question",
        Mode.MANUAL: f"{turn}  {dot}  manual{_signed(card)}",
        Mode.ENDING: f"{turn}  {dot}  to be ended",
        Mode.SHUT: f"Shut  {dot}  waits",
        Mode.UNDER_WAY: f"Under way  {dot}  {len(card.arrivals)} of {card.total}",
        Mode.SCRIPT_ASKS: f"{turn}  {dot}  {decisions(sum(row.asks for row in card.scripts))}",
        Mode.SCRIPTS_GO: f"Under way  {dot}  {counted(len(card.step.items), 'script')}",
        Mode.WAITING: "Waiting",
        Mode.OVER: card.status.value.replace("_", " ").capitalize(),
    }
    if mode is Mode.READY:
        if card.step.kind is StepKind.WAIT:
            return "Begins by itself"
        return f"{turn}  {dot}  manual" if card.step.kind is StepKind.MANUAL else turn
    return words[mode]


def _armed_left(reading: Reading) -> float:
    arm = reading.run.card.armed if reading.run.card else None
    return max(0.0, arm.at + ARM_S - reading.moment.now) if arm else 0.0


def _countdown(reading: Reading) -> float:
    arm = reading.run.card.armed if reading.run.card else None
    return (arm.typed_at or 0.0) + COUNTDOWN_S - reading.moment.now if arm else 0.0


def _signed(card: Card) -> str:
    if card.step.kind is StepKind.SCRIPT:
        return ""
    return f", {len(signed_off(card))} of {len(items_of(card))} done"


def key_lines(found: Sequence[Offer], width: int, reading: Reading) -> list[Line]:
    """Return the keys in two columns where they fit, after a blank line."""
    if not found:
        return []
    lines: list[Line] = [Line()]
    half = width // 2
    row: list[Span] = []
    used = 0
    for offer in found:
        key = "space" if offer.key == "space" else offer.key
        words = offer.words.replace("...", reading.glyphs.cut)
        text = len(key) + 1 + cells(words)
        if row and (used > half - 1 or half + text > width):
            lines.append(Line(tuple(row)))
            row, used = [], 0
        if row:
            row.append(Span(" " * (half - used)))
            used = half
        row += [Span(key, Ink.ACCENT), Span(f" {words}")]
        used += text
    return [*lines, Line(tuple(row))]


def _body(reading: Reading, focus: Focus, width: int, height: int) -> list[Line]:
    run, mode = reading.run, mode_of(reading.run)
    card = run.card
    lines: list[Line] = []
    if run.fault:
        lines += [*folded(f"The journal cannot be written: {run.fault}", width, Ink.BAD), Line()]
    if mode is Mode.HELD:
        lines += _held(reading, width)
    if card is None:
        return lines or folded("Every step is settled.", width)
    if card.armed_message:
        lines += [*folded(_sentence(card.armed_message), width, Ink.WARN), Line()]
    if mode is Mode.ASKING:
        return lines + failure_lines(reading, card, focus, width, height - len(lines))
    lines += _heading(reading, card, width)
    if mode in {Mode.ARMED, Mode.NAMING, Mode.GOING}:
        lines += _armed(reading, card, mode, width)
        if card.step.kind is not StepKind.SCRIPT:
            return lines
        return [*lines, Line(), *script_lines(reading, card, focus, width, height - len(lines) - 1)]
    if mode is Mode.HELD:
        return lines + _gate(reading, card, width)
    if mode is Mode.QUESTION:
        return lines + _question(reading, card, width) + _gate(reading, card, width)
    if mode is Mode.UNDER_WAY:
        return lines + _progress(reading, card, width)
    if card.step.kind is StepKind.SCRIPT and mode is not Mode.SHUT:
        lines += script_lines(reading, card, focus, width, height - len(lines))
    if card.step.kind is StepKind.MANUAL:
        lines += _by_hand(reading, card, focus, width)
    lines += _gate(reading, card, width)
    if card.step.kind is StepKind.SCRIPT and mode is Mode.SHUT:
        lines += script_lines(reading, card, focus, width, height - len(lines))
    if mode is Mode.ENDING:
        lines += folded(_ending(card), width, Ink.BRIGHT)
    return lines + _rest(reading, card, focus, width)


def _sentence(text: str) -> str:
    """Begin with a capital and leave the rest: names of CSCs are written as they are."""
    return text[:1].upper() + text[1:]


def _heading(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return verb and object, then count, target and site."""
    step = card.step
    lines = folded(step.title, width, Ink.TITLE)
    site = reading.site.upper()
    goals: Counter[Target] = Counter(item.target for item in step.items if isinstance(item, CscItem))
    spans: list[Span] = []
    for target, count in goals.most_common():
        spans += [Span(", " if spans else ""), Span(counted(count, "CSC"), Ink.BRIGHT)]
        spans.append(Span(f" {reading.glyphs.arrow} {target}"))
    if step.kind is StepKind.MANUAL:
        items = len(items_of(card))
        spans = [Span(counted(items, "manual item") if items > 1 else "manual")]
    elif step.kind is StepKind.SCRIPT:
        spans = [Span(counted(len(step.items), "script"))]
    spans.append(Span(f"{' ' if spans else ''}at "))
    spans.append(Span(site, Ink.BRIGHT))
    if step.kind is StepKind.CSC and step.at_once > 1:
        spans.append(Span(f", {step.at_once} at once", Ink.DIM))
    lines.append(Line(tuple(spans)))
    if step.kind is StepKind.CSC and step.tier is Tier.SEVERE and card.status is StepStatus.PENDING:
        lines += _radius(reading, card, width)
    return [*lines, Line()]


def _radius(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return whom a severe step reaches, group by group, and who is kept running."""
    groups: Counter[str] = Counter()
    for csc in card.step.cscs:
        view = reading.views.get(csc)
        groups[group_of(view) if view is not None else "not seen"] += 1
    if len(groups) < 2:
        return []
    lines = folded(", ".join(f"{name} {count}" for name, count in groups.items()), width, Ink.DIM)
    kept = [view.csc for view in reading.views.values() if view.protected and view.csc not in card.step.cscs]
    if kept:
        lines += folded(f"kept running {listed(kept)}", width, Ink.DIM)
    return lines


def reason_lines(reason: GateReason, width: int, reading: Reading) -> list[Line]:
    """Return one precondition as a sentence with its sign, and what it waits for."""
    if reason.met:
        return folded(reason.sentence, width, Ink.DIM, "  ", Span(f"{reading.signs.done} ", Ink.GOOD))
    lines = folded(reason.sentence, width, Ink.BRIGHT, "  ", Span(f"{reading.signs.not_met} ", Ink.WARN))
    card = reading.run.card
    told_below = card is not None and card.step.kind is StepKind.CLOSE and reading.run.owed
    if reason.waits_for and reason.waits_for not in reason.sentence and not told_below:
        lines += folded(f"waits for {reason.waits_for}", width, Ink.WARN, "  ")
    return lines


def _gate(reading: Reading, card: Card, width: int) -> list[Line]:
    if card.status is not StepStatus.PENDING:
        return []
    lines: list[Line] = []
    told = [reason for reason in card.reasons if reading.run.held_by is None or "held by" not in reason.sentence]
    for reason in sorted(told, key=lambda reason: reason.met):
        lines += reason_lines(reason, width, reading)
    return [*lines, Line()] if lines else []


def _question(reading: Reading, card: Card, width: int) -> list[Line]:
    lines: list[Line] = []
    for choice in open_questions(card):
        lines += folded(choice.question, width, Ink.BRIGHT, "  ", Span(f"{reading.signs.asks} ", Ink.WARN))
        for option in choice.options:
            lines += folded(f"{option.answer}: {option.text}", width, Ink.TEXT, "    ", Span("  - ", Ink.DIM))
    return [*lines, Line()]


def _by_hand(reading: Reading, card: Card, focus: Focus, width: int) -> list[Line]:
    """Return the list of what a person does, with who did it, and the commands of the line under the cursor."""
    items, done = items_of(card), {sign_off.item: sign_off for sign_off in card.sign_offs}
    lines: list[Line] = []
    names = [item.name for item in items] + (["all of it"] if len(items) > 1 and not focus.unfolded else [])
    live = card.status in {StepStatus.PENDING, StepStatus.UNDER_WAY} and focus.active
    first = 0 if focus.unfolded else max(0, min(focus.row - LISTED // 2, len(names) - LISTED))
    last = len(names) if focus.unfolded else first + LISTED
    for number, name in list(enumerate(names))[first:last]:
        sign_off = done.get(numbered(number))
        here = live and number == focus.row and len(names) > 1
        open_ = Span(f"{reading.glyphs.cursor if here else reading.signs.to_come} ", Ink.BRIGHT if here else Ink.DIM)
        sign = Span(f"{reading.signs.done} ", Ink.GOOD) if sign_off else open_
        surface = Surface.SELECTED if here else Surface.PAGE
        ink = Ink.DIM if sign_off or number == len(items) else Ink.BRIGHT if here else Ink.TEXT
        by = (Span(f"  {sign_off.by}{f', {sign_off.note}' if sign_off.note else ''}", Ink.DIM),) if sign_off else ()
        lines.append(Line((sign, Span(name, ink), *by), surface))
    row = min(focus.row, len(items) - 1)
    shown = items if focus.unfolded else items[row : row + 1] if items else ()
    for item in shown:
        lines += command_lines(item, width, reading, named=focus.unfolded and len(items) > 1)
    if card.wanting:
        lines += folded(f"f fills in {wanted(card)}", width, Ink.WARN)
    if card.step.records:
        lines += folded(f"write down {card.step.records}", width, Ink.WARN)
    return [*lines, Line()]


def command_lines(item: ManualItem, width: int, reading: Reading, *, named: bool) -> list[Line]:
    """Return the exact commands of one thing to do."""
    lines = folded(item.name, width, Ink.BRIGHT) if named else []
    for command in item.commands:
        is_text = reading.run.card is not None and reading.run.card.step.system.value in {"slack", "person"}
        lines += folded(command, width, Ink.ACCENT, "  ") if is_text else copied(command, width, Ink.ACCENT, "  ")
    return lines


def page_lines(reading: Reading, width: int) -> list[Line]:
    """Return everything about the step on the card, every command and every name in full."""
    card = reading.run.card
    if card is None:
        return folded("No step is left.", width)
    focus = Focus(unfolded=True, active=False)
    lines = _heading(reading, card, width)
    if open_questions(card):
        lines += _question(reading, card, width)
    lines += _gate(reading, card, width)
    if card.step.kind is StepKind.MANUAL:
        lines += _by_hand(reading, card, focus, width)
    lines += _rest(reading, card, focus, width)
    return [*lines, Line(), *folded(card.step.link, width, Ink.DIM)]


def _held(reading: Reading, width: int) -> list[Line]:
    run = reading.run
    lines = folded("Nothing further is sent. What was sent goes on by itself.", width, Ink.BRIGHT)
    sent = [row.title for row in run.rows if row.status is StepStatus.UNDER_WAY and row.kind in SENDS]
    lines += folded(f"Under way: {'; '.join(sent)}" if sent else "No step was under way.", width, Ink.DIM)
    return [*lines, Line()]


def _armed(reading: Reading, card: Card, mode: Mode, width: int) -> list[Line]:
    lines: list[Line] = []
    if mode is Mode.ARMED:
        left = _armed_left(reading)
        lines += folded("Nothing is sent yet. Enter sends it.", width, Ink.BRIGHT)
        lines.append(Line(bar(math.ceil(left), int(ARM_S), width, reading.glyphs)))
    elif mode is Mode.NAMING:
        lines += folded(f"Nothing is sent yet. It goes 3 s after you type {reading.site}.", width, Ink.BRIGHT)
    else:
        left = max(0.0, _countdown(reading))
        lines += folded(f"Goes by itself in {math.ceil(left)} s. Esc cancels; nothing is sent yet.", width, Ink.BRIGHT)
        lines.append(Line(bar(math.ceil(left), int(COUNTDOWN_S), width, reading.glyphs)))
    lines.append(Line())
    for reason in card.reasons:
        lines += reason_lines(reason, width, reading)
    return lines


def _progress(reading: Reading, card: Card, width: int) -> list[Line]:
    reached, total = len(card.arrivals), card.total
    moving = total - reached - len(card.asking)
    lines = [
        Line((*bar(reached, total, width - 8, reading.glyphs), Span(f" {reached}/{total}".rjust(8), Ink.BRIGHT))),
        Line((Span(str(moving), Ink.BRIGHT), Span(" moving", Ink.DIM), *_ask_words(card))),
        Line(),
    ]
    wanted = {item.csc: item.target.state.name for item in card.step.items if isinstance(item, CscItem)}
    asking = {row.csc for row in card.asking}
    waived = {csc for csc, _ in reading.run.waived}
    open_ = [
        csc
        for csc, target in wanted.items()
        if csc not in asking
        and csc not in waived
        and (view := reading.views.get(csc)) is not None
        and view.effective.value != target
    ]
    if open_:
        lines += folded(listed(open_), width, Ink.DIM)
    lines += route_lines(reading, card, width)
    started = next((row.started_utc for row in reading.run.rows if row.step == card.step.id), None)
    if started is not None and card.arrivals:
        drawn = chart(card.arrivals, started, reading.moment.utc, total, CHART, reading.signs)
        last = lasting(reading.moment.utc - card.arrivals[-1])
        lines += [Line(), Line((Span(drawn, Ink.ACCENT), Span(f"  last one {last} ago", Ink.DIM)))]
    return lines


def _ask_words(card: Card) -> Spans:
    count = len(card.asking)
    return (Span(f"   {count}", Ink.WARN), Span(" will need a decision", Ink.DIM)) if count else ()


def _ending(card: Card) -> str:
    if card.step.kind is StepKind.WAIT:
        return "Everyone is at target or waived. Enter ends the wait; nothing passes by itself."
    return f"When {card.step.ends}: Enter ends it."


def _rest(reading: Reading, card: Card, focus: Focus, width: int) -> list[Line]:
    """Return what it sends, what ends it, what it leaves to undo, what to mind."""
    step = card.step
    lines: list[Line] = []
    if focus.unfolded:
        lines += script_page_lines(reading, card, width)
    for debt in step.debts[: None if focus.unfolded else 1]:
        lines += folded(f"leaves {debt.what}", width, Ink.TEXT, "  ", Span(f"{reading.signs.owed} ", Ink.WARN))
    if len(step.debts) > 1 and not focus.unfolded:
        lines += folded(f"and {len(step.debts) - 1} more to undo", width, Ink.DIM, "  ")
    lines += sending_lines(reading, card, width, unfolded=focus.unfolded)
    if step.kind is StepKind.CLOSE:
        first = 0 if focus.unfolded else max(0, min(focus.row - 1, len(reading.run.owed) - 3))
        for number, debt in list(enumerate(reading.run.owed))[first:]:
            here = number == focus.row and focus.active
            surface = Surface.SELECTED if here else Surface.PAGE
            row = folded(
                debt.what, width, Ink.BRIGHT if here else Ink.TEXT, "  ", Span(f"{reading.signs.owed} ", Ink.WARN)
            )
            lines += [line._replace(surface=surface) for line in row]
    lines += folded(f"ends when {step.ends}", width, Ink.DIM)
    if step.note:
        lines += folded(f"mind: {step.note}", width, Ink.DIM)
    if card.status is StepStatus.SKIPPED:
        why = next((row.evidence for row in reading.run.rows if row.step == step.id), "skipped")
        lines = [*folded(why, width, Ink.WARN), Line(), *lines]
    return lines


def wanted(card: Card) -> str:
    """Return the words that are missing as they stand in the commands: ``<date>, <start>``."""
    return ", ".join(f"<{word}>" for word in card.wanting)
