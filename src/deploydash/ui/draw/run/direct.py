"""The dialog about a direct command: whom, what may go, the exact command, the arm, and what came of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from deploydash.core.model import CscId
from deploydash.core.procedure.csc_work import direct_command
from deploydash.core.procedure.transitions import LEADS_TO, command_text
from deploydash.core.run.arm import ARM_S
from deploydash.core.run.orders import DirectCommand
from deploydash.core.run.state import ItemStatus
from deploydash.core.views.direct_view import DirectCard, DirectRow
from deploydash.core.views.run_view import RunView
from deploydash.core.words import counted, listed
from deploydash.ui.draw.ink import Ink, Line, Span, Surface, letter
from deploydash.ui.draw.lines import state_words
from deploydash.ui.draw.run.card import key_lines
from deploydash.ui.draw.run.failures import state_evidence
from deploydash.ui.draw.run.offers import Offer
from deploydash.ui.draw.run.reading import Reading, copied, folded, lasting, since
from deploydash.ui.draw.tiles import bar, code

NAMED = 6
"""So many CSCs of a selection have a line of their own."""


class Stage(Enum):
    """How far the dialog has come."""

    LOOKING = "looks at what may be commanded"
    CHOOSE = "asks which command"
    READY = "shows the exact command, waits for the arm"
    ARMED = "armed, waits for Enter"
    SENDING = "it is being sent"
    SENT = "shows what comes of it"


@dataclass(frozen=True, slots=True)
class Dialog:
    """What the operator has chosen so far. ``row`` 0 is the safe answer; ``told`` answers the last key.

    ``before``: the direct commands there were when the dialog opened, so that an earlier one alike is told apart.
    """

    cscs: tuple[CscId, ...]
    row: int = 0
    wish: DirectCommand | None = None
    told: str = ""
    before: frozenset[tuple[CscId, float]] = frozenset()


def stage_of(run: RunView, dialog: Dialog) -> Stage:
    """Return where a dialog stands, by the run's own view of it."""
    card, wish = run.direct_card, dialog.wish
    if wish is not None and sent_rows(run, dialog):
        return Stage.SENT
    if card is None or card.cscs != dialog.cscs:
        return Stage.LOOKING
    if wish is None:
        return Stage.CHOOSE
    if card.armed is None or card.order != wish:
        return Stage.READY
    return Stage.SENDING if card.armed.gone else Stage.ARMED


def names_of(rows: Iterable[DirectRow]) -> frozenset[tuple[CscId, float]]:
    """Return what tells each of these direct commands from every other."""
    return frozenset((row.csc, row.began_utc) for row in rows)


def sent_rows(run: RunView, dialog: Dialog) -> tuple[DirectRow, ...]:
    """Return how far each CSC of a command that was approved in this dialog has come."""
    wish = dialog.wish
    if wish is None:
        return ()
    wanted = {direct_command(csc, wish.command, wish.override) for csc in wish.cscs}
    return tuple(row for row in run.direct if row.item in wanted and names_of((row,)).isdisjoint(dialog.before))


def shut(card: DirectCard, command: str) -> str:
    """Return why a command of the list may not go now, or nothing."""
    return next((offer.why_not for offer in card.offers if offer.command == command), "")


def news(before: RunView | None, run: RunView) -> str:
    """Return the sentences about direct commands that ended since ``before``, or nothing."""
    if before is None or before.direct is run.direct:
        return ""
    known = {(row.csc, row.began_utc, row.status) for row in before.direct}
    ended = {ItemStatus.REACHED, ItemStatus.FAILED, ItemStatus.UNKNOWN}
    told = [
        row.sentence for row in run.direct if row.status in ended and (row.csc, row.began_utc, row.status) not in known
    ]
    return "; ".join(told[:2]) + (f"; and {len(told) - 2} more" if len(told) > 2 else "")


def whom(cscs: Sequence[CscId]) -> str:
    """Return one CSC's name, or how many there are."""
    return str(cscs[0]) if len(cscs) == 1 else counted(len(cscs), "CSC")


def direct_title(reading: Reading, dialog: Dialog) -> str:
    """Return the name on the frame."""
    dot, stage = reading.glyphs.dot, stage_of(reading.run, dialog)
    if stage is Stage.ARMED:
        return f"Direct command armed  {dot}  {math.ceil(_left(reading))} s left"
    what = f"{dialog.wish.command} of " if dialog.wish is not None else ""
    return f"Direct command  {dot}  {what}{whom(dialog.cscs)}"


def direct_body(reading: Reading, dialog: Dialog, width: int) -> list[Line]:
    """Return what stands in the frame, its keys last."""
    stage, card = stage_of(reading.run, dialog), reading.run.direct_card
    lines = _cscs(reading, dialog, width)
    if card is not None and card.message:
        lines += folded(card.message[:1].upper() + card.message[1:], width, Ink.WARN)
    if dialog.told:
        lines += folded(dialog.told, width, Ink.WARN)
    lines.append(Line())
    if stage is Stage.SENT and dialog.wish is not None:
        lines += _progress(reading, dialog, width)
    elif card is None or stage is Stage.LOOKING:
        lines += folded("looking at what may be commanded", width, Ink.DIM)
    elif dialog.wish is None:
        lines += _choice(reading, card, dialog, width)
    else:
        lines += _exact(reading, card, dialog.wish, width, stage)
    keys = _KEYS[stage]
    if stage is Stage.SENT and dialog.wish is not None:
        moving = any(row.status is ItemStatus.UNDER_WAY for row in sent_rows(reading.run, dialog))
        keys = (Offer("back", "Esc", "close; it goes on" if moving else "close"),)
    return [*lines, *key_lines(keys, width, reading)]


_KEYS = {
    Stage.LOOKING: (Offer("back", "Esc", "close"),),
    Stage.CHOOSE: (Offer("go", "Enter", "take it; nothing is sent"), Offer("back", "Esc", "close")),
    Stage.READY: (Offer("arm", "a", "arm"), Offer("back", "Esc", "choose again")),
    Stage.ARMED: (Offer("go", "Enter", "send it now"), Offer("back", "Esc", "disarm")),
    Stage.SENDING: (Offer("back", "Esc", "close; it goes on"),),
    Stage.SENT: (),
}


def _cscs(reading: Reading, dialog: Dialog, width: int) -> list[Line]:
    """Return how each CSC is now, what is known of it, and what came of the last direct command."""
    lines: list[Line] = []
    for csc in dialog.cscs[:NAMED]:
        view = reading.views.get(csc)
        if view is None:
            lines.append(Line((Span(f"{csc} ", Ink.BRIGHT), Span("not seen", Ink.WARN))))
            continue
        age = since(view, reading.moment)
        head = (
            Span(f"{code(view, reading.glyphs):<2} ", letter(view.effective)),
            Span(f"{csc}  ", Ink.BRIGHT),
            Span(state_words(view), letter(view.effective)),
            Span(f" {lasting(age)}" if age is not None else "", Ink.DIM),
        )
        lines.append(Line(head))
        if len(dialog.cscs) == 1:
            told = state_evidence(view, reading)
            lines += folded(told, width, Ink.DIM, "   ") if told else []
    if len(dialog.cscs) > NAMED:
        lines += folded(f"and {listed(dialog.cscs[NAMED:])}", width, Ink.DIM)
    if reading.run.direct_card is not None and reading.run.direct_card.protected:
        kept = [csc for csc in dialog.cscs if (view := reading.views.get(csc)) is not None and view.protected]
        lines += folded(f"{listed(kept) or 'One of them'} is protected: no bulk step touches it.", width, Ink.WARN)
    shown = sent_rows(reading.run, dialog)
    for row in reading.run.direct:
        if row.csc in dialog.cscs and row not in shown and row.status is not ItemStatus.REACHED:
            lines += folded(f"before: {row.sentence}", width, Ink.WARN)
    return lines


def _choice(reading: Reading, card: DirectCard, dialog: Dialog, width: int) -> list[Line]:
    """Return every command at its place, the safe answer first, and why some may not go."""
    lines: list[Line] = []
    found = [offer.command for offer in card.offers]
    for number, command in enumerate(("", *found)):
        no = bool(command) and bool(shut(card, command))
        here = number == dialog.row
        surface = Surface.SELECTED if here else Surface.PAGE
        sign = Span(f"{reading.glyphs.cursor if here else ' '} ", Ink.ACCENT)
        text = f"{command}  {reading.glyphs.arrow} {LEADS_TO[command].name}" if command else "nothing: close"
        text = f"{number + 1} {text}{'  (not now)' if no else ''}"
        lines.append(Line((sign, Span(text, Ink.DIM if no else Ink.BRIGHT if here else Ink.TEXT)), surface))
        if command and not no and len(card.cscs) == 1:
            exact = copied(command_text(card.cscs[0], command, card.subname), width, Ink.DIM, "    ")
            lines += [line._replace(surface=surface) for line in exact]
    lines.append(Line())
    return lines + _others(card, width)


def _others(card: DirectCard, width: int) -> list[Line]:
    """Return why the other commands may not go: what forbids all at once stands alone."""
    whys = list(dict.fromkeys(offer.why_not for offer in card.offers if offer.why_not and offer.legal))
    never = [offer.command for offer in card.offers if not offer.legal]
    if len(never) == len(card.offers):
        whys = list(dict.fromkeys(offer.why_not for offer in card.offers))
        whys = whys if len(whys) == 1 else ["no command is legal for all of them"]
        never = []
    lines: list[Line] = []
    for why in whys:
        named = [offer.command for offer in card.offers if offer.why_not == why and offer.legal]
        lines += folded(f"{', '.join(named)}: {why}" if named else why, width, Ink.WARN, "  ")
    states = list(dict.fromkeys(state.name for state in card.seen if state is not None))
    if never:
        where = f"in {states[0]}" if len(states) == 1 else "for all of them"
        lines += folded(f"not legal {where}: {', '.join(never)}", width, Ink.DIM, "  ")
    return lines


def _exact(reading: Reading, card: DirectCard, wish: DirectCommand, width: int, stage: Stage) -> list[Line]:
    """Return every command in full, and what stands between it and being sent."""
    target = LEADS_TO[wish.command].name
    lines = folded(f"{wish.command} of {whom(wish.cscs)} at {reading.site.upper()}", width, Ink.TITLE)
    for csc in wish.cscs[:NAMED]:
        lines += copied(command_text(csc, wish.command, card.subname, wish.override), width, Ink.ACCENT, "  ")
    if len(wish.cscs) > NAMED:
        lines += folded(f"and the same to {listed(wish.cscs[NAMED:])}", width, Ink.ACCENT, "  ")
    if wish.command == "start" and not wish.override:
        lines += folded("with the configuration of its site, without an override", width, Ink.DIM, "  ")
    each = "One command" if len(wish.cscs) == 1 else "One command each"
    lines += folded(f"{each}; it is done when {target} is seen.", width, Ink.DIM)
    lines.append(Line())
    if stage is Stage.SENDING:
        lines += folded("It is written down and sent.", width, Ink.BRIGHT)
    elif stage is Stage.ARMED:
        lines += folded("Nothing is sent yet. Enter sends it.", width, Ink.BRIGHT)
        lines.append(Line(bar(math.ceil(_left(reading)), int(ARM_S), width, reading.glyphs)))
    else:
        lines += folded("Nothing is sent yet.", width, Ink.BRIGHT)
    return lines


def _progress(reading: Reading, dialog: Dialog, width: int) -> list[Line]:
    """Return what has come of each command: sent, seen, failed, or unknown."""
    marks = reading.signs
    looks = {
        ItemStatus.REACHED: (marks.done, Ink.GOOD),
        ItemStatus.FAILED: (marks.not_met, Ink.BAD),
        ItemStatus.UNKNOWN: (marks.asks, Ink.WARN),
    }
    lines: list[Line] = []
    found = sent_rows(reading.run, dialog)
    # What needs a person comes first: those that are done may be cut off.
    order = (ItemStatus.FAILED, ItemStatus.UNKNOWN, ItemStatus.UNDER_WAY)
    for row in sorted(found, key=lambda row: order.index(row.status) if row.status in order else len(order)):
        sign, ink = looks.get(row.status, (marks.here, Ink.ACCENT))
        lines += folded(row.sentence, width, Ink.BRIGHT, "  ", Span(f"{sign} ", ink))
    if any(row.status is ItemStatus.UNKNOWN for row in found):
        told = "What is unknown is settled by looking, and never sent again by itself."
        lines += folded(told, width, Ink.WARN)
    return lines


def _left(reading: Reading) -> float:
    card = reading.run.direct_card
    return max(0.0, card.armed.at + ARM_S - reading.moment.now) if card is not None and card.armed else 0.0
