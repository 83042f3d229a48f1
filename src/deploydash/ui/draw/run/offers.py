"""What a card asks of the lead now, which keys answer, and why another key may not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from deploydash.core.procedure.runbook import Choice, ItemId, ManualItem, StepKind, Tier, numbered
from deploydash.core.run.decide import SIGNED_OFF
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import Card, RunView
from deploydash.ui.draw.run import script_offers
from deploydash.ui.draw.run.asked import asked, asked_lines
from deploydash.ui.draw.run.reading import Focus

OBSERVES = "you observe; only the lead acts"


class Mode(Enum):
    """What stands on the card."""

    NOTHING = "no step is left"
    CLOSED = "the run is closed"
    HELD = "the run is held"
    ASKING = "targets need a decision"
    SCRIPT_ASKS = "a script needs a decision"
    SCRIPTS_GO = "its scripts go one after the other"
    ARMED = "armed, waits for Enter"
    NAMING = "armed, waits for the site's name"
    GOING = "counts down"
    QUESTION = "a question of the procedure is open"
    READY = "the gate is open"
    SHUT = "the gate is shut"
    UNDER_WAY = "goes on by itself"
    MANUAL = "some of it is signed off"
    ENDING = "waits to be ended"
    WAITING = "a wait goes on"
    OVER = "settled"


@dataclass(frozen=True, slots=True)
class Offer:
    """A key that answers the card: the act it calls, how it is written, and what it does in words."""

    act: str
    key: str
    words: str


def mode_of(run: RunView) -> Mode:
    """Return what the card asks now; what concerns everything comes before what concerns one step."""
    card = run.card
    if run.closed:
        return Mode.CLOSED
    if card is None:
        return Mode.HELD if run.held_by is not None else Mode.NOTHING
    if run.held_by is not None:
        return Mode.HELD
    if card.armed is not None:
        if card.armed.tier is not Tier.SEVERE:
            return Mode.ARMED
        return Mode.NAMING if card.armed.typed_at is None else Mode.GOING
    if card.status is StepStatus.ASKING:
        return Mode.SCRIPT_ASKS if card.step.kind is StepKind.SCRIPT else Mode.ASKING
    if card.status is StepStatus.UNDER_WAY:
        return _under_way(run, card)
    if card.status is not StepStatus.PENDING:
        return Mode.OVER
    if open_questions(card):
        return Mode.QUESTION
    return Mode.READY if card.is_open else Mode.SHUT


def _under_way(run: RunView, card: Card) -> Mode:
    if card.step.kind is StepKind.SCRIPT and not script_offers.by_hand_next(card):
        return Mode.SCRIPTS_GO
    if card.step.kind in SIGNED_OFF:
        return Mode.MANUAL
    if card.step.kind is StepKind.WAIT:
        missing = run.wait is not None and run.wait.step == card.step.id and bool(run.wait.missing)
        return Mode.WAITING if missing else Mode.ENDING
    return Mode.UNDER_WAY if card.step.kind is StepKind.CSC else Mode.ENDING


def open_questions(card: Card) -> tuple[Choice, ...]:
    """Return the questions this step asks that nobody has answered."""
    answered = {choice for choice, _ in card.answers}
    return tuple(choice for choice in card.choices if choice.id not in answered)


def may_override(card: Card) -> tuple[str, ...]:
    """Return the sentences of red preconditions that a typed reason may override, or none if a rule is red too."""
    red = [reason for reason in card.reasons if not reason.met]
    if any(reason.rule for reason in red) or card.step.kind in {*SIGNED_OFF, StepKind.CLOSE, StepKind.WAIT}:
        return ()
    return tuple(reason.sentence for reason in red)


def items_of(card: Card) -> tuple[ManualItem, ...]:
    """Return what a person does in this step, in order."""
    return tuple(item for item in card.step.items if isinstance(item, ManualItem))


def signed_off(card: Card) -> frozenset[ItemId]:
    """Return the items that are done."""
    return frozenset(sign_off.item for sign_off in card.sign_offs)


def first_open(card: Card) -> int:
    """Return the row where the cursor belongs when a card opens: the first item that is not ticked."""
    if card.step.kind is StepKind.SCRIPT:
        return script_offers.first_row(card)
    done = signed_off(card)
    return next((number for number in range(len(items_of(card))) if numbered(number) not in done), 0)


def rows_of(run: RunView) -> int:
    """Return how many lines of the card the arrows can go through."""
    card = run.card
    if card is None:
        return 0
    if mode_of(run) is Mode.ASKING:
        return len(asked_lines(card))
    if card.step.kind is StepKind.SCRIPT:
        return script_offers.rows(card)
    if card.step.kind is StepKind.MANUAL:
        items = len(items_of(card))
        return items + 1 if items > 1 else items
    return len(run.owed) if card.step.kind is StepKind.CLOSE else 0


def offers(run: RunView, focus: Focus, *, lead: bool = True) -> tuple[Offer, ...]:
    """Return the keys that answer the card, the most likely one first."""
    card, mode = run.card, mode_of(run)
    if not lead:
        return (Offer("hold", "H", "ask the lead to hold"), Offer("why", "i", "why"))
    about = script_offers.ordered_about(run)
    queue = [Offer("queue", script_offers.KEYS["queue"], "pause, stop...")] if about else []
    if mode is Mode.HELD:
        return (Offer("release", "R", "let it go on..."), Offer("note", "m", "note..."), *queue)
    if card is None or mode in {Mode.CLOSED, Mode.NOTHING}:
        return ()
    if mode is Mode.OVER:
        return tuple(queue)
    found = [*_answers(run, card, mode, focus), *queue]
    if card.wanting and mode not in {*_ARMED, Mode.ASKING}:
        found.append(Offer("fill", "f", "fill in..."))
    if card.status is StepStatus.PENDING and mode not in _ARMED and card.step.kind is not StepKind.CLOSE:
        found.append(Offer("skip", "s", "skip with reason..."))
    if card.step.items and mode not in {*_ARMED, Mode.ASKING, Mode.QUESTION}:
        found.append(Offer("page", "v", "all commands"))
    if mode is Mode.SHUT:
        found.append(Offer("why", "i", "why"))
    return tuple(found)


_ARMED = frozenset({Mode.ARMED, Mode.NAMING, Mode.GOING})


def _answers(run: RunView, card: Card, mode: Mode, focus: Focus) -> Sequence[Offer]:
    kind = card.step.kind
    if mode is Mode.ASKING:
        return _failures(run, card, focus)
    if kind is StepKind.SCRIPT and mode not in {*_ARMED, Mode.QUESTION, Mode.SHUT}:
        return _scripts(card, mode, focus)
    if mode is Mode.ARMED:
        return (Offer("go", "Enter", "send it now"), Offer("back", "Esc", "disarm"))
    if mode is Mode.NAMING:
        return (Offer("name", "a", "type the site's name"), Offer("back", "Esc", "disarm"))
    if mode is Mode.GOING:
        return (Offer("back", "Esc", "cancel"),)
    if mode is Mode.QUESTION:
        return (Offer("decide", "d", "decide..."),)
    if mode is Mode.WAITING:
        return (Offer("go", "Enter", "the wait"), Offer("extend", "e", "10 min more"))
    if mode is Mode.ENDING:
        return (Offer("go", "Enter", "end it"),)
    if kind in SIGNED_OFF and mode in {Mode.READY, Mode.MANUAL}:
        return (Offer("tick", "d", "sign off..."),)
    if mode is Mode.READY:
        if kind is StepKind.CLOSE:
            return (Offer("arm", "a", "close the run..."),)
        if kind is StepKind.WAIT:
            return ()
        if card.step.tier in {Tier.READ, Tier.MILD}:
            return (Offer("go", "Enter", "do it"),)
        return (Offer("arm", "a", "arm"),)
    if mode is Mode.SHUT and kind is StepKind.CLOSE and run.owed:
        return (Offer("waive", "w", "waive debt..."),)
    if mode is Mode.SHUT and may_override(card):
        return (Offer("override", "O", "override with reason..."),)
    return ()


def _scripts(card: Card, mode: Mode, focus: Focus) -> Sequence[Offer]:
    """Return what a step of scripts offers: it is armed, or ticked by name; what did not go is a question."""
    found = [Offer("arm", "a", "arm")] if mode is Mode.READY else []
    if mode is Mode.SCRIPT_ASKS:
        found.append(Offer("retry", "r", "retry it"))
    if script_offers.may_sign_off(card, focus) is None:
        whole = script_offers.chosen(card, focus) == script_offers.WHOLE
        words = "sign all off..." if whole else "sign it off..."
        found.append(Offer("tick", script_offers.KEYS["done"], words))
    if mode is Mode.SCRIPT_ASKS:
        found.append(Offer("skip", "s", "skip the step..."))
    return found


def _failures(run: RunView, card: Card, focus: Focus) -> Sequence[Offer]:
    chosen = asked(run, focus)
    whom = str(chosen[0]) if len(chosen) == 1 else str(len(chosen))
    found = [Offer("retry", "r", f"retry {whom}")]
    if card.route is not None:
        found.append(Offer("route", "o", "other route"))
    found += [Offer("waive", "w", "waive by name..."), Offer("skip", "s", "skip with reason...")]
    found.append(Offer("go", "Enter", "detail"))
    if len(card.asking) > 1:
        found.append(Offer("mark", "space", "mark"))
    if len(card.asking) > 3:
        found.append(Offer("all", "*", "mark all"))
    return found


def refusal(act: str, run: RunView, focus: Focus) -> str | None:
    """Return None when the lead's key may act on this card now, else why not, in a sentence."""
    if any(offer.act == act for offer in offers(run, focus)):
        return None
    card, mode = run.card, mode_of(run)
    if mode is Mode.HELD:
        return f"the run is held by {run.held_by}; R lets it go on"
    if card is None or mode in {Mode.CLOSED, Mode.NOTHING}:
        return str(mode.value)
    if mode in _ARMED:
        return "the card is armed; Esc disarms it first"
    if mode is Mode.SHUT and act in {"arm", "go", "tick"}:
        return why(run)
    if mode is Mode.QUESTION:
        return f"first decide (d): {open_questions(card)[0].question}"
    if act == "queue":
        return script_offers.queue_refusal(run) or str(mode.value)
    if act == "tick" and card.step.kind is StepKind.SCRIPT:
        return script_offers.may_sign_off(card, focus) or str(mode.value)
    return _needs(act, card, mode)


def _needs(act: str, card: Card, mode: Mode) -> str:
    step = card.step
    what = {
        "arm": f"{step.id} is manual: d signs it off"
        if step.kind is StepKind.MANUAL
        else f"nothing to arm: {mode.value}",
        "go": f"{step.id} is armed first: a" if mode is Mode.READY else f"nothing for Enter: {mode.value}",
        "tick": f"{step.id} asks no question and ends by what is seen, not by a sign-off",
        "fill": "the commands of this card wait for no word",
        "retry": "nothing to retry: no target of this step failed",
        "route": "no other route: no target of this step failed, or the runbook names none",
        "mark": "nothing to mark: the card lists no CSCs",
        "all": "nothing to mark: the card lists no CSCs",
        "waive": "nobody to waive: go to the grid with tab, select a CSC, then w",
        "skip": f"{step.id} is {card.status.value.replace('_', ' ')} and is not skipped",
        "override": "a built-in rule is red, and rules are met or their CSC waived by name"
        if any(reason.rule and not reason.met for reason in card.reasons)
        else "nothing to override: no precondition of this step is red",
        "page": f"{step.id} has no commands",
        "extend": "no wait is under way",
        "release": "the run is not held",
    }
    return what.get(act, str(mode.value))


def why(run: RunView) -> str:
    """Return why the gate of the card is shut and what would open it, or what it waits for now."""
    card, mode = run.card, mode_of(run)
    if run.fault:
        return f"the journal cannot be written, so nothing goes on: {run.fault}"
    if mode is Mode.HELD:
        return f"the run is held by {run.held_by}: nothing further is sent until the lead releases it (R)"
    if card is None or mode in {Mode.CLOSED, Mode.NOTHING}:
        return str(mode.value)
    red = [reason for reason in card.reasons if not reason.met]
    if mode is Mode.SHUT and red:
        first = red[0]
        more = f"; and {len(red) - 1} more" if len(red) > 1 else ""
        opens = f"; it waits for {first.waits_for}" if first.waits_for else ""
        return f"{card.step.id} is shut: {first.sentence}{opens}{more}"
    if mode is Mode.ASKING:
        names = ", ".join(str(row.csc) for row in card.asking[:4])
        return f"{card.step.id} waits for your decision about {len(card.asking)}: {names}"
    if mode is Mode.SCRIPT_ASKS:
        row = next(row for row in card.scripts if row.asks)
        return f"{card.step.id} waits for your decision about {row.script.path}: {row.progress.why or 'unknown'}"
    if mode is Mode.READY:
        return f"the gate of {card.step.id} is open; it waits for you"
    return f"{card.step.id}: {mode.value}"
