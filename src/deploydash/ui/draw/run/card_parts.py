"""What cards are made of: heading, gate, question, what a person does, what is armed, what is left to say. Pure."""

from __future__ import annotations

import math
from collections import Counter

from deploydash.core.fleet.facts import event_fact
from deploydash.core.procedure.runbook import Tier
from deploydash.core.run.arm import ARM_S, COUNTDOWN_S
from deploydash.core.run.fleet_view import GateReason
from deploydash.core.run.records import Reply
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import Card, ItemRow
from deploydash.core.words import counted, listed
from deploydash.ui.draw.header import width_of
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.draw.run.csc_card import kind_lines
from deploydash.ui.draw.run.item_card import LISTED, left_line
from deploydash.ui.draw.run.item_offers import KEYS, is_list
from deploydash.ui.draw.run.offers import Mode, answer_here, open_questions
from deploydash.ui.draw.run.reading import Focus, Reading, copied, cursor, folded, lasting, shortened
from deploydash.ui.draw.tiles import bar, group_of


def sentence(text: str) -> str:
    """Begin with a capital and leave the rest: names of CSCs are written as they are."""
    return text[:1].upper() + text[1:]


def heading(reading: Reading, card: Card, width: int, *, tight: bool = False) -> list[Line]:
    """Return verb and object, then count, target and site; not ``tight``, also whom a severe step reaches."""
    step = card.step
    lines = folded(step.title, width, Ink.TITLE)
    spans = _counts(reading, card)
    spans.append(Span(f"{' ' if spans else ''}at "))
    spans.append(Span(reading.site.upper(), Ink.BRIGHT))
    at_once = Span(f", {step.at_once} at once", Ink.DIM)
    if step.acts and step.at_once > 1 and width_of((*spans, at_once)) <= width:
        spans.append(at_once)
    lines.append(Line(tuple(spans)))
    return [*lines, *([] if tight else radius_lines(reading, card, width)), Line()]


def _counts(reading: Reading, card: Card) -> list[Span]:
    """Return how many of what the step is about, and where each of them goes."""
    count = len(card.rows)
    if card.step.manual:
        return [Span(counted(count, "manual item") if count > 1 else "manual")]
    if is_list(card):
        return [Span(counted(count, "item"))]
    goals = Counter(effect.target for row in card.rows for effect in row.item.effects)
    goals.update(effect.target for effect in card.step.awaits)
    spans: list[Span] = []
    for target, cscs in goals.most_common():
        spans += [Span(", " if spans else ""), Span(counted(cscs, "CSC"), Ink.BRIGHT)]
        spans.append(Span(f" {reading.glyphs.arrow} {target}"))
    return spans


def radius_lines(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return whom a severe step would reach, group by group, and who is kept running."""
    if not card.of_cscs or card.step.tier is not Tier.SEVERE or card.status is not StepStatus.PENDING:
        return []
    groups: Counter[str] = Counter()
    for csc in card.step.cscs:
        view = reading.views.get(csc)
        groups[group_of(view) if view is not None else "not seen"] += 1
    if len(groups) < 2:
        return []
    kept = [view.csc for view in reading.views.values() if view.protected and view.csc not in card.step.cscs]
    lines = folded(f"kept running {listed(kept)}", width, Ink.DIM) if kept else []
    return lines + folded(", ".join(f"{name} {count}" for name, count in groups.items()), width, Ink.DIM)


def reason_lines(reason: GateReason, width: int, reading: Reading) -> list[Line]:
    """Return one precondition as a sentence with its sign and the age of its fact, and what it waits for."""
    words = reason.sentence
    if reason.read_utc is not None and ", read " not in reason.waits_for:
        words += f", read {lasting(reading.moment.utc - reason.read_utc)} ago"
    if reason.met:
        return folded(words, width, Ink.DIM, "  ", Span(f"{reading.signs.done} ", Ink.GOOD))
    lines = folded(words, width, Ink.BRIGHT, "  ", Span(f"{reading.signs.not_met} ", Ink.WARN))
    card = reading.run.card
    told_below = card is not None and card.step.closes and reading.run.owed
    if reason.waits_for and reason.waits_for not in reason.sentence and not told_below:
        lines += folded(f"waits for {reason.waits_for}", width, Ink.WARN, "  ")
    return lines


def red_lines(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return the preconditions that keep a step from being approved."""
    red = [reason for reason in _told(reading, card) if not reason.met]
    return _block([line for reason in red for line in reason_lines(reason, width, reading)])


def met_lines(reading: Reading, card: Card, width: int, *, tight: bool) -> list[Line]:
    """Return the preconditions that are met: nothing is to be done about them, so ``tight`` they are one line."""
    met = [reason for reason in _told(reading, card) if reason.met]
    if tight and len(met) > 1:
        sign = Span(f"{reading.signs.done} ", Ink.GOOD)
        return [Line((sign, Span(f"{counted(len(met), 'precondition')} are met", Ink.DIM))), Line()]
    return _block([line for reason in met for line in reason_lines(reason, width, reading)])


def _told(reading: Reading, card: Card) -> list[GateReason]:
    """Return the preconditions of a step that was not approved; that the run is held stands above them."""
    if card.status is not StepStatus.PENDING:
        return []
    return [reason for reason in card.reasons if reading.run.held_by is None or "held by" not in reason.sentence]


def _block(lines: list[Line]) -> list[Line]:
    return [*lines, Line()] if lines else []


def choice_lines(reading: Reading, card: Card, width: int, focus: Focus) -> list[Line]:
    """Return the questions that the procedure leaves open, with their answers; Enter takes the one at the cursor."""
    lines: list[Line] = []
    for place, choice in enumerate(open_questions(card)):
        lines += folded(choice.question, width, Ink.BRIGHT, "  ", Span(f"{reading.signs.asks} ", Ink.WARN))
        chosen = answer_here(card, focus) if focus.active and not place else None
        for option in choice.options:
            here = option is chosen
            sign = Span(f"  {reading.glyphs.cursor if here else '-'} ", Ink.BRIGHT if here else Ink.DIM)
            text = folded(f"{option.answer}: {option.text}", width, Ink.BRIGHT if here else Ink.TEXT, "    ", sign)
            lines += [line._replace(surface=Surface.SELECTED if here else Surface.PAGE) for line in text]
    return [*lines, Line()]


AGAINST = 2
"""So much of what is seen against a sign-off stands on the card; the page has all of it."""


def _sign_of(reading: Reading, row: ItemRow | None) -> Span:
    """Return the sign before what a person does; a no, and what was signed off and is not seen, ask."""
    if row is None or row.sign_off is None:
        return Span(f"{reading.signs.to_come} ", Ink.DIM)
    asks = row.against or row.sign_off.reply is Reply.NO
    return Span(f"{reading.signs.asks} ", Ink.WARN) if asks else Span(f"{reading.signs.done} ", Ink.GOOD)


def _signed_by(row: ItemRow) -> tuple[Span, ...]:
    signed = row.sign_off
    if signed is None:
        return ()
    note = "".join(f", {text}" for text in (signed.note, signed.reason) if text)
    if signed.reply is Reply.YES:
        unseen = (Span("  signed off, effect not seen", Ink.WARN),) if row.against else ()
        return (Span(f"  {signed.by}{note}", Ink.DIM), *unseen)
    return (Span(f"  {signed.reply.value.upper()}: {signed.by}{note}", Ink.WARN),)


def shown_lines(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return the event that a step shows: what it says now, and for how long nothing proves that any more."""
    if card.step.shows is None:
        return []
    csc, event = card.step.shows
    name = event_fact(csc, event)
    fact = next((fact for fact in reading.snapshot.facts if fact.name == name), None)
    if fact is None:
        return [*folded(f"{csc}: {event} was not reported yet", width, Ink.WARN), Line()]
    age = reading.moment.utc - fact.read_utc
    old = f"; last heard of {lasting(age)} ago" if age > LIVE_S else ""
    return [*folded(f"{csc}: {fact.sentence}{old}", width, Ink.GOOD if fact.ok and not old else Ink.WARN), Line()]


LIVE_S = 10.0
"""What was heard of so lately is live."""


def manual_lines(reading: Reading, card: Card, focus: Focus, width: int) -> list[Line]:
    """Return the list of what a person does, with who did it, and the commands of the line under the cursor."""
    rows = card.rows
    lines: list[Line] = shown_lines(reading, card, width)
    names = [row.item.label for row in rows] + (["all of it"] if len(rows) > 1 and not focus.unfolded else [])
    live = card.status in {StepStatus.PENDING, StepStatus.UNDER_WAY} and focus.active
    most = len(names) if focus.unfolded or len(names) <= LISTED else LISTED - 1
    first = max(0, min(focus.row - most // 2, len(names) - most))
    last = first + most
    for number, name in list(enumerate(names))[first:last]:
        row = rows[number] if number < len(rows) else None
        sign_off = row.sign_off if row is not None else None
        here = live and number == focus.row and len(names) > 1
        sign = _sign_of(reading, row)
        surface = Surface.SELECTED if here else Surface.PAGE
        ink = Ink.DIM if sign_off or number == len(rows) else Ink.BRIGHT if here else Ink.TEXT
        by = _signed_by(row) if row is not None else ()
        lines.append(Line((*cursor(reading, here=here, of=len(names)), sign, Span(name, ink), *by), surface))
    lines += left_line(reading, first, len(names) - last)
    at = min(focus.row, len(rows) - 1)
    for one in rows if focus.unfolded else rows[at : at + 1] if rows else ():
        lines += folded(one.item.label, width, Ink.BRIGHT) if focus.unfolded and len(rows) > 1 else []
        for sentence in one.against[: None if focus.unfolded else AGAINST]:
            lines += folded(f"seen: {sentence}", width, Ink.WARN)
        if (more := len(one.against) - AGAINST) > 0 and not focus.unfolded:
            lines += folded(f"and {more} more (v)", width, Ink.WARN)
        lines += [line for command in one.item.manual for line in copied(command, width, Ink.ACCENT, "  ")]
    if card.wanting:
        lines += folded(f"f sets {wanted(card)}", width, Ink.WARN)
    if card.step.records:
        lines += folded(f"write down {card.step.records}", width, Ink.WARN)
    return [*lines, Line()]


def held_lines(reading: Reading, width: int) -> list[Line]:
    """Return what a hold means, and what was under way."""
    run = reading.run
    lines = folded("Nothing further is sent. What was sent before is not recalled.", width, Ink.BRIGHT)
    sent = [row.title for row in run.rows if row.status is StepStatus.UNDER_WAY and row.acts]
    lines += folded(f"Under way: {'; '.join(sent)}" if sent else "No step was under way.", width, Ink.DIM)
    return [*lines, Line()]


def armed_lines(reading: Reading, mode: Mode, width: int, *, active: bool = True) -> list[Line]:
    """Return how the armed step goes or is disarmed; ``active``: the card has the arrows, so that Enter is its own."""
    lines: list[Line] = []
    if mode is Mode.ARMED:
        left = armed_left(reading)
        words = "Enter sends it." if active else "Enter comes to this card, Enter once more sends it."
        lines += folded(f"Nothing is sent yet. {words}", width, Ink.BRIGHT)
        lines.append(Line(bar(math.ceil(left), int(ARM_S), width, reading.glyphs)))
    elif mode is Mode.SENDING:
        lines += folded("It is written down and sent.", width, Ink.BRIGHT)
    elif mode is Mode.NAMING:
        lines += folded(f"Nothing is sent yet. It is sent 3 s after you type {reading.site}.", width, Ink.BRIGHT)
    else:
        left = max(0.0, countdown(reading))
        lines += folded(f"Nothing is sent yet. It is sent in {math.ceil(left)} s; Esc cancels.", width, Ink.BRIGHT)
        lines.append(Line(bar(math.ceil(left), int(COUNTDOWN_S), width, reading.glyphs)))
    return [*lines, Line()]


def armed_left(reading: Reading) -> float:
    """Return the seconds that the arm still lives."""
    arm = reading.run.card.armed if reading.run.card else None
    return max(0.0, arm.at + ARM_S - reading.moment.now) if arm else 0.0


def countdown(reading: Reading) -> float:
    """Return the seconds in which Esc still cancels."""
    arm = reading.run.card.armed if reading.run.card else None
    return (arm.typed_at or 0.0) + COUNTDOWN_S - reading.moment.now if arm else 0.0


def ending(card: Card) -> str:
    """Return what has come about, and which key ends the step."""
    if card.step.waits:
        return "All CSCs are at target or waived. Enter ends the wait; it never ends by itself."
    return f"When {card.step.ends}: Enter ends it."


def rest_lines(reading: Reading, card: Card, focus: Focus, width: int) -> list[Line]:
    """Return what the step leaves to undo, what ends it, what to be careful about."""
    step = card.step
    lines: list[Line] = []
    if card.way_back:
        lines += folded(f"The way back: q leaves this run open, then {card.way_back}", width, Ink.WARN)
    for debt in step.debts[: None if focus.unfolded else 1]:
        lines += folded(f"leaves {debt.what}", width, Ink.TEXT, "  ", Span(f"{reading.signs.owed} ", Ink.WARN))
    if len(step.debts) > 1 and not focus.unfolded:
        lines += folded(f"and {len(step.debts) - 1} more to undo", width, Ink.DIM, "  ")
    if step.closes:
        lines += _owed(reading, focus, width)
    lines += folded(f"ends when {step.ends}", width, Ink.DIM)
    if step.note:
        lines += folded(f"note: {step.note}", width, Ink.DIM)
    if card.status is StepStatus.SKIPPED:
        why = next((row.evidence for row in reading.run.rows if row.step == step.id), "skipped")
        lines = [*folded(why, width, Ink.WARN), Line(), *lines]
    return lines


def plan_lines(reading: Reading, card: Card, width: int, *, unfolded: bool, tight: bool = False) -> list[Line]:
    """Return what would be done now, as its action described it, until the step is approved.

    ``tight``, the sentence about CSCs is left out: it counts what the lines about them count.
    """
    if card.status is not StepStatus.PENDING or not card.step.acts:
        return []
    lines = kind_lines(reading, card, width, unfolded=unfolded, tight=tight) if card.of_cscs else []
    if tight and card.plan is not None and lines:
        return [*lines, Line()]
    if card.plan is not None and card.plan.sentence:
        read = f" (read {lasting(reading.moment.utc - card.plan.read_utc)} ago)" if unfolded else ""
        lines += folded(f"{sentence(card.plan.sentence)}{read}", width, Ink.DIM)
    elif card.plan is None:
        lines += folded("How things stand is not read yet: at most this is sent.", width, Ink.DIM)
    if tight and is_list(card) and card.step.tier is not Tier.SEVERE:
        lines = shortened(lines, 1, width, reading, KEYS["page"])
    return [*lines, Line()]


def _owed(reading: Reading, focus: Focus, width: int) -> list[Line]:
    lines: list[Line] = []
    first = 0 if focus.unfolded else max(0, min(focus.row - 1, len(reading.run.owed) - 3))
    for number, debt in list(enumerate(reading.run.owed))[first:]:
        here = number == focus.row and focus.active
        sign = Span(f"{reading.signs.owed} ", Ink.WARN)
        row = folded(debt.what, width - 1, Ink.BRIGHT if here else Ink.TEXT, "  ", sign)
        for place, line in enumerate(row):
            spans = (*cursor(reading, here=here and not place, of=len(reading.run.owed)), *line.spans)
            lines.append(Line(spans, Surface.SELECTED if here else Surface.PAGE))
    return lines


def wanted(card: Card) -> str:
    """Return the words that are missing as they stand in the commands: ``<date>, <start>``."""
    return ", ".join(f"<{word}>" for word in card.wanting)
