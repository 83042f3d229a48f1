"""A step in which each item is one CSC: what would be sent, counted by kind, and how far all of them are. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from deploydash.cells import cells
from deploydash.core.model import CscId
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import Card, ItemRow
from deploydash.core.words import counted, listed
from deploydash.ui.draw.ink import Ink, Line, Span, Spans
from deploydash.ui.draw.run.asked import cscs_of
from deploydash.ui.draw.run.item_card import fallback_lines
from deploydash.ui.draw.run.reading import Reading, chart, copied, folded, lasting
from deploydash.ui.draw.tiles import bar, cut

CHART = 16

_COMMAND = re.compile(r"\S+\.command_(\w+)")
_OVERRIDE = re.compile(r"\bconfigurationOverride=(\S+)")


def in_short(line: str) -> str:
    """Return what an exact line does, without saying to whom: ``start with an.yaml``; another text as it is."""
    command, override = _COMMAND.match(line), _OVERRIDE.search(line)
    if command is None:
        return line
    return f"{command[1]} with {override[1]}" if override else command[1]


class Sends(IntEnum):
    """Whether something would be sent, in the order in which a card says it."""

    BLOCKED = 0
    COMMANDS = 1
    NOTHING = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """CSCs to which the same would be sent, in words."""

    words: str
    sends: Sends
    cscs: tuple[CscId, ...]

    @property
    def blocked(self) -> bool:
        """Whether nothing can be sent to them as things stand."""
        return self.sends is Sends.BLOCKED


def kinds(reading: Reading, card: Card) -> tuple[Kind, ...]:
    """Return what would be sent to how many, the most first; those blocked before all, those that get nothing last."""
    waived = {csc for csc, _ in reading.run.waived}
    found: dict[tuple[str, Sends], list[ItemRow]] = {}
    for row in card.rows:
        if row.csc not in waived:
            found.setdefault(_words(card, row), []).append(row)
    made = [Kind(words, sends, cscs_of(rows)) for (words, sends), rows in found.items()]
    return tuple(sorted(made, key=lambda kind: (kind.sends, -len(kind.cscs))))


def _words(card: Card, row: ItemRow) -> tuple[str, Sends]:
    plan = row.plan
    if plan is not None and plan.blocked:
        return f"blocked: {plan.why}", Sends.BLOCKED
    if plan is not None and plan.lines:
        return ", ".join(map(in_short, plan.lines)), Sends.COMMANDS
    if card.plan is None:
        return "not known yet what is sent", Sends.COMMANDS
    return f"nothing: {plan.why}" if plan is not None and plan.why else "nothing", Sends.NOTHING


def kind_lines(reading: Reading, card: Card, width: int, *, unfolded: bool, tight: bool = False) -> list[Line]:
    """Return what a step would send: counts, or unfolded every name; ``tight``, those blocked are a line or two."""
    found = kinds(reading, card)
    lines = _blocked_lines(reading, [kind for kind in found if kind.blocked], width) if tight else []
    counts_cscs = set[bool]()
    for kind in found:
        if tight and kind.blocked:
            continue
        known = not unfolded and kind.blocked in counts_cscs
        counts_cscs.add(kind.blocked)
        head = f"{len(kind.cscs) if known else counted(len(kind.cscs), 'CSC')}: {kind.words}"
        mark, tone = (reading.signs.not_met, Ink.WARN) if kind.blocked else (reading.glyphs.arrow, Ink.DIM)
        ink = Ink.WARN if kind.blocked else Ink.ACCENT if unfolded else Ink.TEXT
        lines += folded(head, width, ink, "  ", Span(f"{mark} ", tone))
        if unfolded or kind.blocked:
            lines += folded(listed(kind.cscs), width, Ink.DIM, "  ")
    return lines


def _blocked_lines(reading: Reading, blocked: Sequence[Kind], width: int) -> list[Line]:
    """Return those blocked in at most two lines: who, and as much of why as there is room for."""
    told = [f"{counted(len(kind.cscs), 'CSC')} {kind.words} ({listed(kind.cscs)})" for kind in blocked]
    if len(told) > 2 or any(cells(words) > width - 2 for words in told):
        told = [f"{listed(kind.cscs)} {kind.words}" for kind in blocked]
    if len(told) > 2:
        everybody = [csc for kind in blocked for csc in kind.cscs]
        told = [f"{counted(len(everybody), 'CSC')} blocked: {listed(everybody)}"]
    sign = Span(f"{reading.signs.not_met} ", Ink.WARN)
    return [Line((sign, Span(cut(words, width - 2, reading.glyphs), Ink.WARN))) for words in told]


def exact_lines(card: Card, width: int) -> list[Line]:
    """Return every request that would be sent, each exactly and once, CSC after CSC."""
    if not card.of_cscs or card.status is not StepStatus.PENDING:
        return []
    lines: list[Line] = []
    for row in card.rows:
        plan = row.plan
        if plan is not None and plan.lines:
            lines += [line for text in plan.lines for line in copied(text, width, Ink.ACCENT, "  ")]
    return [Line(), *folded("Exactly these are sent, each CSC's one after the other:", width), *lines] if lines else []


def progress_lines(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return how many are there, who moves, who goes another way, and when the last one arrived."""
    reached, total = len(card.arrivals), card.total
    moving = total - reached - len(card.asking)
    lines = [
        Line((*bar(reached, total, width - 8, reading.glyphs), Span(f" {reached}/{total}".rjust(8), Ink.BRIGHT))),
        Line((Span(str(moving), Ink.BRIGHT), Span(" moving", Ink.DIM), *_ask_words(card))),
        Line(),
    ]
    open_ = _open(reading, card)
    if open_:
        lines += folded(listed(open_), width, Ink.DIM)
    lines += fallback_lines(reading, card, width)
    for row in card.asking:
        why = row.progress.why or "outcome unknown"
        lines += folded(f"{row.item.label}: {row.progress.status.value}, {why}", width, Ink.WARN, "  ")
    started = next((row.started_utc for row in reading.run.rows if row.step == card.step.id), None)
    if started is not None and card.arrivals:
        drawn = chart(card.arrivals, started, reading.moment.utc, total, CHART, reading.signs)
        last = lasting(reading.moment.utc - card.arrivals[-1])
        lines += [Line(), Line((Span(drawn, Ink.ACCENT), Span(f"  last one {last} ago", Ink.DIM)))]
    return lines


def _open(reading: Reading, card: Card) -> Sequence[CscId]:
    """Return who is neither there nor asked about nor waived."""
    waived = {csc for csc, _ in reading.run.waived}
    found = []
    for row in card.rows:
        view = reading.views.get(row.csc) if row.csc is not None else None
        if view is None or row.asks or view.csc in waived:
            continue
        if view.effective.value != row.item.effects[0].target.state.name:
            found.append(view.csc)
    return found


def _ask_words(card: Card) -> Spans:
    count = len(card.asking)
    return (Span(f"   {count}", Ink.WARN), Span(" will need a decision", Ink.DIM)) if count else ()
