"""What a card with scripts asks, which line of it is meant, and how its queues may be ordered about. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import ManualItem, ScriptItem, StepKind, numbered
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.items import refuses
from deploydash.core.run.state import StepStatus, TargetStatus
from deploydash.core.views.run_view import Card, RunView, ScriptRow
from deploydash.ui.draw.run.reading import Focus
from deploydash.ui.run_keys import RUN

KEYS = {key.act: key.shown for key in reversed(RUN)}
"""How the key of an act is written."""

WHOLE = -1
"""Stands for the line that means the step as a whole."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a step of scripts: a script, or what a person does in between."""

    item: int
    name: str
    script: ScriptRow | None
    done: bool


def entries(card: Card) -> tuple[Entry, ...]:
    """Return the lines of a step of scripts, in order."""
    rows = {row.item: row for row in card.scripts}
    signed_off = {sign_off.item for sign_off in card.sign_offs}
    found = []
    for number, item in enumerate(card.step.items):
        row = rows.get(numbered(number))
        ended = row is not None and row.progress.status is TargetStatus.REACHED
        name = item.path if isinstance(item, ScriptItem) else item.name if isinstance(item, ManualItem) else ""
        found.append(Entry(number, name, row, ended or numbered(number) in signed_off))
    return tuple(found)


def next_entry(card: Card) -> Entry | None:
    """Return the line that the step has come to: the first that is not done."""
    return next((entry for entry in entries(card) if not entry.done), None)


def first_row(card: Card) -> int:
    """Return the line where the cursor belongs."""
    entry = next_entry(card)
    return entry.item if entry is not None else 0


def rows(card: Card) -> int:
    """Return how many lines the arrows go through; the last one of a step that was let go stands for all of it."""
    return len(card.step.items) + (card.status in {StepStatus.UNDER_WAY, StepStatus.ASKING})


def chosen(card: Card, focus: Focus) -> int:
    """Return the number of the line under the cursor; WHOLE before the step goes and on the last line."""
    whole = card.status is StepStatus.PENDING or focus.row >= len(card.step.items)
    return WHOLE if whole else focus.row


def by_hand_next(card: Card) -> bool:
    """Say whether the step of scripts has come to what a person does."""
    entry = next_entry(card)
    return entry is not None and entry.script is None


def may_sign_off(card: Card, focus: Focus) -> str | None:
    """Return why the line under the cursor is not ticked now, or None."""
    number, lines = chosen(card, focus), entries(card)
    moving = [entry for entry in lines if entry.script is not None and entry.script.moves]
    if card.status is StepStatus.PENDING:
        return None
    if number != WHOLE and lines[number].done:
        return f"{lines[number].name} is done; the arrows go to another"
    if moving and (number == WHOLE or moving[0].item == number):
        return f"{moving[0].name} is under way: stop it first ({KEYS['queue']}), or wait"
    return None


def needs_note(card: Card, number: int) -> bool:
    """Say whether a tick has to say why: a script counts as done that did not run to its end here."""
    scripts = [entry for entry in entries(card) if entry.script is not None and not entry.done]
    return card.status is not StepStatus.PENDING and any(number in {WHOLE, entry.item} for entry in scripts)


@dataclass(frozen=True, slots=True)
class QueueAct:
    """Something a queue of this card can be told. ``why_not`` says why it would not take it now."""

    row: ScriptRow
    command: str
    words: str
    why_not: str | None


def queue_acts(run: RunView, fleet: FleetView) -> tuple[QueueAct, ...]:
    """Return what may be told to the queues of this card's scripts and of those added by hand, newest script first."""
    found: list[QueueAct] = []
    queues: set[CscId] = set()
    for row in reversed(ordered_about(run)):
        queue, name = row.script.queue, f"{row.script.path} ({row.progress.sal_index or 'no index yet'})"
        if row.moves:
            not_there = None if row.progress.sal_index else "the queue has given it no index yet"
            why = not_there or refuses(queue, "stopScripts", fleet)
            found.append(QueueAct(row, "stopScripts", f"stop {name} in {queue}", why))
        if queue not in queues:
            queues.add(queue)
            pause = f"pause {queue}: what runs goes on, nothing further starts"
            found.append(QueueAct(row, "pause", pause, refuses(queue, "pause", fleet)))
            resume = f"resume {queue}: it goes on with what waits in it"
            found.append(QueueAct(row, "resume", resume, refuses(queue, "resume", fleet)))
    return tuple(found)


def ordered_about(run: RunView) -> Sequence[ScriptRow]:
    """Return the scripts on the card, and those added by hand, whose queue may still be ordered about, oldest first."""
    card = run.card
    rows = list(card.scripts) if card is not None else []
    rows += [row for row in run.added if card is None or row.step != card.step.id]
    live = {card.step.id} if card is not None and card.status in {StepStatus.UNDER_WAY, StepStatus.ASKING} else set()
    return [row for row in rows if row.moves or (row.step in live and row.progress.status is not TargetStatus.PENDING)]


def queue_refusal(run: RunView) -> str | None:
    """Return why there is nothing to pause or to stop, or None."""
    if ordered_about(run):
        return None
    if run.card is None:
        return "no step is left"
    if run.card.step.kind is StepKind.SCRIPT and run.card.status is StepStatus.PENDING:
        return f"{run.card.step.id} has added no script yet"
    return f"no script of {run.card.step.id} is in a queue"
