"""The card: what is asked, why it may or may not go, what it does exactly, and the keys that answer. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deploydash.cells import cells
from deploydash.core.views.run_view import Card, decisions
from deploydash.core.words import counted
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.draw.run.card_parts import (
    armed_left,
    armed_lines,
    choice_lines,
    countdown,
    ending,
    heading,
    held_lines,
    manual_lines,
    met_lines,
    plan_lines,
    radius_lines,
    red_lines,
    rest_lines,
    sentence,
)
from deploydash.ui.draw.run.csc_card import exact_lines, progress_lines
from deploydash.ui.draw.run.eta import card_eta
from deploydash.ui.draw.run.failures import failure_lines
from deploydash.ui.draw.run.gate_flaps import closure_lines
from deploydash.ui.draw.run.item_card import (
    added_lines,
    ended_lines,
    item_lines,
    item_page_lines,
    question_lines,
    sent_lines,
)
from deploydash.ui.draw.run.item_offers import KEYS, is_list, item_that_asks
from deploydash.ui.draw.run.lanes import lane_title
from deploydash.ui.draw.run.offers import Mode, Offer, mode_of, offers, open_questions
from deploydash.ui.draw.run.others import others_lines
from deploydash.ui.draw.run.reading import Focus, Reading, box, folded

SMALL = 15
"""On a card of fewer lines no blank one stands above the keys where items failed: they need every line."""


LOOSE = 999
"""More lines than any list wants."""


def card_lines(reading: Reading, focus: Focus, width: int, height: int) -> list[Line]:
    """Return the card in ``height`` lines; the keys stand at its foot and are never cut off."""
    inner = width - 4
    body, keys = parts(reading, focus, inner, height - 2)
    room = max(0, height - 2 - len(keys))
    if len(body) > room:
        body = [line for line in body if line.spans]
    if len(body) > room:
        left = len(body) - room + 1
        more = f"{reading.glyphs.cut} {counted(left, 'more line')}, {KEYS['page']} shows all"
        body = [*body[: max(0, room - 1)], Line((Span(more, Ink.DIM),))]
    body += [Line()] * (room - len(body))
    return box(
        lane_title(reading, title(reading), width - 6), [*body, *keys], width, height, reading, asking=asks(reading)
    )


def wanted_height(reading: Reading, focus: Focus, width: int, limit: int) -> int:
    """Return how many lines the card would like, at most ``limit``."""
    body, keys = parts(reading, focus, width - 4, limit - 2)
    return min(limit, len(body) + len(keys) + 3)


def parts(reading: Reading, focus: Focus, width: int, height: int) -> tuple[list[Line], list[Line]]:
    """Return what stands on the card, and its keys; an item added outside the runbook stands on top of any card.

    Where not all of it fits in ``height`` lines, the preconditions that are met give way first, then what stands last.
    """
    found = () if focus.covered else offers(reading.run, focus, lead=reading.lead)
    keys = key_lines(found, width, reading)
    if mode_of(reading.run) is Mode.ASKING and height < SMALL:
        keys = [line for line in keys if line.spans]
    added = [*others_lines(reading, width), *added_lines(reading, width)]
    ended = [] if mode_of(reading.run) is Mode.ASKING else ended_lines(reading, width)
    room = height - len(keys) - len(added)
    for tight in (False, True):
        body = [*added, *_body(reading, focus, width, room, tight=tight), *ended]
        if sum(bool(line.spans) for line in body) <= room + len(added):
            break
    return body, keys


def asks(reading: Reading) -> bool:
    """Say whether the card waits for the lead, so that it has to stand out."""
    quiet = {Mode.NOTHING, Mode.CLOSED, Mode.SHUT, Mode.UNDER_WAY, Mode.ITEMS_GO, Mode.WAITING, Mode.OVER}
    quiet.add(Mode.SENDING)
    if mode_of(reading.run) is Mode.READY and reading.run.card and reading.run.card.step.waits:
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
        return f"Armed  {dot}  {math.ceil(armed_left(reading))} s left"
    if mode is Mode.NAMING:
        return f"Armed  {dot}  type {reading.site}"
    if mode is Mode.GOING:
        return f"Sent in {max(0, math.ceil(countdown(reading)))} s  {dot}  Esc cancels"
    words = {
        Mode.SENDING: "Being sent",
        Mode.QUESTION_OF_ITEM: f"{turn}  {dot}  an item asks",
        Mode.QUESTION: f"{turn}  {dot}  a question",
        Mode.MANUAL: f"{turn}  {dot}  manual{_signed(card)}",
        Mode.ENDING: f"{turn}  {dot}  to be ended",
        Mode.SHUT: f"Closed  {dot}  waits",
        Mode.UNDER_WAY: f"Under way  {dot}  {len(card.arrivals)} of {card.total}",
        Mode.ITEMS_GO: f"Under way  {dot}  {sum(row.done for row in card.rows)} of {len(card.rows)}",
        Mode.WAITING: "Waiting",
        Mode.OVER: card.status.value.replace("_", " ").capitalize(),
    }
    if mode is Mode.READY:
        if card.step.waits:
            return "Begins by itself"
        return f"{turn}  {dot}  manual" if card.step.manual else turn
    return words[mode]


def _signed(card: Card) -> str:
    if not card.step.manual:
        return ""
    return f", {sum(row.sign_off is not None for row in card.rows)} of {len(card.rows)} done"


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


def _body(reading: Reading, focus: Focus, width: int, height: int, *, tight: bool) -> list[Line]:
    run, mode = reading.run, mode_of(reading.run)
    card = run.card
    lines: list[Line] = []
    if run.fault:
        lines += [*folded(f"The journal cannot be written: {run.fault}", width, Ink.BAD), Line()]
    if mode is Mode.HELD:
        lines += held_lines(reading, width)
    if card is None:
        return lines or folded("Every step is settled.", width)
    if card.armed_message:
        lines += [*folded(sentence(card.armed_message), width, Ink.WARN), Line()]
    item = item_that_asks(run)
    if mode is Mode.QUESTION_OF_ITEM and item is not None:
        return lines + question_lines(reading, item, width)
    if mode is Mode.ASKING and not is_list(card):
        return lines + failure_lines(reading, card, focus, width, height - len(lines))
    if mode is Mode.HELD and item is not None:
        return lines + question_lines(reading, item, width)
    lines += [*heading(reading, card, width, tight=tight), *card_eta(reading, card, width)]
    if mode is Mode.HELD:
        return lines + _gate(reading, card, width, tight=tight)
    if mode is Mode.QUESTION:
        if tight:
            return _question(reading, card, focus, width, height)
        asked = [*choice_lines(reading, card, width, focus), *_asked_about(reading, card, width)]
        return lines + asked + _gate(reading, card, width, tight=tight)
    if mode is Mode.UNDER_WAY:
        return lines + progress_lines(reading, card, width)
    if mode in _ARMED:
        lines += armed_lines(reading, mode, width, active=focus.active)
    room = height - sum(bool(line.spans) for line in lines)
    return lines + _open(reading, card, focus, width, room, tight=tight)


def _question(reading: Reading, card: Card, focus: Focus, width: int, height: int) -> list[Line]:
    """Return a question where there is little room: its answers come before all else, the one at the cursor first.

    Enter takes that one, so nobody must have to guess what it says.
    """
    lines = [*folded(card.step.title, width, Ink.TITLE), *choice_lines(reading, card, width, focus)]
    lines = [line for line in lines if line.spans]
    last = max((at for at, line in enumerate(lines) if line.surface is Surface.SELECTED), default=0)
    rest = [*_asked_about(reading, card, width), *_gate(reading, card, width, tight=True)]
    return [*lines[max(0, last + 2 - height) :], *rest]


_ARMED = frozenset({Mode.ARMED, Mode.NAMING, Mode.GOING, Mode.SENDING})


def _gate(reading: Reading, card: Card, width: int, what: Sequence[Line] = (), *, tight: bool) -> list[Line]:
    """Return the red preconditions, ``what`` would be done, and the preconditions that are met."""
    radius = radius_lines(reading, card, width) if tight else []
    return [*red_lines(reading, card, width), *what, *met_lines(reading, card, width, tight=tight), *radius]


def _open(reading: Reading, card: Card, focus: Focus, width: int, height: int, *, tight: bool) -> list[Line]:
    """Return the card of a step that may go, is shut, is armed, or is done item by item."""
    mode = mode_of(reading.run)
    what = plan_lines(reading, card, width, unfolded=False, tight=tight)
    if card.step.manual:
        what = [*manual_lines(reading, card, focus, width), *what]
    if is_list(card):
        # Loose, the list takes what it wants: where that is too much, what is met gives way before the list does.
        others = sum(bool(line.spans) for line in _gate(reading, card, width, what, tight=True))
        what = [*item_lines(reading, card, focus, width, height - others if tight else LOOSE), *what]
    lines = _gate(reading, card, width, what, tight=tight)
    if mode in _ARMED:
        return lines
    if mode is Mode.ENDING:
        lines += folded(ending(card), width, Ink.BRIGHT)
    return lines + rest_lines(reading, card, focus, width)


def _asked_about(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return what the step that asks would do, as it was read: whoever answers has to see what about."""
    if card.plan is None or not is_list(card):
        return []
    return [line for row in card.rows for line in sent_lines(row, width, reading, unfolded=False)] + [Line()]


def page_lines(reading: Reading, width: int) -> list[Line]:
    """Return everything about the step on the card, every command and every name in full."""
    card = reading.run.card
    if card is None:
        return folded("No step is left.", width)
    focus = Focus(unfolded=True, active=False)
    lines = heading(reading, card, width)
    if open_questions(card):
        lines += choice_lines(reading, card, width, focus)
    lines += _gate(reading, card, width, tight=False)
    if card.step.manual:
        lines += manual_lines(reading, card, focus, width)
    lines += item_page_lines(reading, card, width)
    lines += plan_lines(reading, card, width, unfolded=True)
    lines += rest_lines(reading, card, focus, width)
    lines += [
        Line(),
        *folded(card.step.link, width, Ink.DIM),
        *folded(card.step.paragraph, width, Ink.DIM),
        *closure_lines(reading, width),
    ]
    return [*lines, *exact_lines(card, width)]
