"""What a card asks of the lead now, which keys answer, and why another key may not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Choice, Option, Tier
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import Card, ItemRow, RunView
from deploydash.ui.draw.run.asked import asked, asked_lines, cscs_of
from deploydash.ui.draw.run.item_offers import (
    KEYS,
    chosen,
    control_refusal,
    first_row,
    is_list,
    item_that_asks,
    lines_of,
    person_next,
    sign_off_refusal,
    to_edit,
)
from deploydash.ui.draw.run.reading import Focus

OBSERVES = "you observe; only the lead acts"


class Mode(Enum):
    """What stands on the card."""

    NOTHING = "no step is left"
    CLOSED = "the run is closed"
    HELD = "the run is held"
    ASKING = "items need a decision"
    QUESTION_OF_ITEM = "an item asks"
    ITEMS_GO = "its items are worked on"
    ARMED = "armed, waits for Enter"
    NAMING = "armed, waits for the site's name"
    GOING = "counts down"
    SENDING = "it is being sent"
    QUESTION = "a question of the procedure is open"
    READY = "the gate is open"
    SHUT = "the gate is closed"
    UNDER_WAY = "it is under way"
    MANUAL = "some of it is signed off"
    ENDING = "waits to be ended"
    WAITING = "a wait is under way"
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
        if card.armed.gone:
            return Mode.SENDING
        if card.armed.tier is not Tier.SEVERE:
            return Mode.ARMED
        return Mode.NAMING if card.armed.typed_at is None else Mode.GOING
    if item_that_asks(run) is not None:
        return Mode.QUESTION_OF_ITEM
    if card.status is StepStatus.ASKING:
        return Mode.ASKING
    if card.status is StepStatus.UNDER_WAY:
        return _under_way(run, card)
    if card.status is not StepStatus.PENDING:
        return Mode.OVER
    if open_questions(card):
        return Mode.QUESTION
    return Mode.READY if card.is_open else Mode.SHUT


def _under_way(run: RunView, card: Card) -> Mode:
    if card.step.manual or (is_list(card) and person_next(card)):
        return Mode.MANUAL
    if card.step.acts:
        return Mode.ITEMS_GO if is_list(card) else Mode.UNDER_WAY
    if card.step.waits:
        missing = run.wait is not None and run.wait.step == card.step.id and bool(run.wait.missing)
        return Mode.WAITING if missing else Mode.ENDING
    return Mode.ENDING


def open_questions(card: Card) -> tuple[Choice, ...]:
    """Return the questions this step asks that nobody has answered."""
    answered = {choice for choice, _ in card.answers}
    return tuple(choice for choice in card.choices if choice.id not in answered)


def may_override(card: Card) -> tuple[str, ...]:
    """Return the sentences of red preconditions that a typed reason may override, or none if a rule is red too."""
    red = [reason for reason in card.reasons if not reason.met]
    by_person = card.step.manual or (is_list(card) and person_next(card))
    not_overridden = by_person or card.step.closes or card.step.waits
    if any(reason.rule for reason in red) or not_overridden:
        return ()
    return tuple(reason.sentence for reason in red)


def first_open(run: RunView) -> int:
    """Return the row where the cursor belongs when a card opens: the safe answer, or the first item not done."""
    card = run.card
    listed = card is not None and mode_of(run) is not Mode.QUESTION and (card.step.manual or is_list(card))
    return first_row(card) if card is not None and listed else 0


def asked_now(run: RunView) -> tuple[StepId, str] | None:
    """Return what tells one card from another: its step, and the question of the procedure that it asks."""
    if run.card is None:
        return None
    return run.card.step.id, open_questions(run.card)[0].id if mode_of(run) is Mode.QUESTION else ""


def answer_here(card: Card, focus: Focus) -> Option:
    """Return the answer under the cursor to the first open question of a card; the safe one stands first."""
    options = open_questions(card)[0].options
    return options[min(focus.row, len(options) - 1)]


def rows_of(run: RunView) -> int:
    """Return how many lines of the card the arrows can go through."""
    card = run.card
    if card is None:
        return 0
    if mode_of(run) is Mode.QUESTION:
        return len(open_questions(card)[0].options)
    if is_list(card):
        return lines_of(card)
    if mode_of(run) is Mode.ASKING:
        return len(asked_lines(card))
    if card.step.manual:
        items = len(card.rows)
        return items + 1 if items > 1 else items
    return len(run.owed) if card.step.closes else 0


def offers(run: RunView, focus: Focus, *, lead: bool = True) -> tuple[Offer, ...]:
    """Return the keys that answer the card, the most likely one first."""
    card, mode = run.card, mode_of(run)
    if not lead:
        return (Offer("hold", "H", "ask the lead to hold"), Offer("why", "i", "why"))
    control = [] if control_refusal(run) else [Offer("control", KEYS["control"], "pause, stop...")]
    if mode is Mode.HELD:
        asked = [Offer("answer", "d", "answer...")] if item_that_asks(run) is not None else []
        return (*asked, Offer("release", "R", "release..."), Offer("note", "m", "note..."), *control)
    if card is None or mode in {Mode.CLOSED, Mode.NOTHING}:
        return ()
    if mode is Mode.OVER:
        return tuple(control)
    found = [*_answers(run, card, mode, focus), *control]
    if card.wanting and mode not in {*_ARMED, Mode.ASKING, Mode.QUESTION_OF_ITEM}:
        found.append(Offer("fill", "f", "set placeholders..."))
    if mode not in _NOT_SKIPPED and to_edit(card, focus) is not None:
        found.append(Offer("edit", KEYS["edit"], "edit the text..."))
    if card.status is StepStatus.PENDING and mode not in _NOT_SKIPPED and not card.step.closes:
        found.append(Offer("skip", "s", "skip with reason..."))
    if card.step.items and mode not in {*_ARMED, Mode.QUESTION} and not (mode is Mode.ASKING and card.of_cscs):
        found.append(Offer("exact", KEYS["exact"], "exact lines"))
    if mode is Mode.SHUT:
        found.append(Offer("why", "i", "why"))
    return tuple(found)


_ARMED = frozenset({Mode.ARMED, Mode.NAMING, Mode.GOING, Mode.SENDING})
_NOT_SKIPPED = frozenset({*_ARMED, Mode.QUESTION_OF_ITEM})


def _answers(run: RunView, card: Card, mode: Mode, focus: Focus) -> Sequence[Offer]:
    if mode is Mode.ASKING:
        return _failures(run, card, focus)
    if mode is Mode.ARMED and not focus.active:
        return (Offer("go", "Enter", "twice: to this card, then send it"), Offer("back", "Esc", "disarm"))
    if mode is Mode.QUESTION:
        takes = Offer("go", "Enter", f"answer {answer_here(card, focus).answer}")
        return (takes, Offer("decide", "d", "decide...")) if focus.active else (Offer("decide", "d", "decide..."),)
    if mode in _ANSWERED_ALIKE:
        return _ANSWERED_ALIKE[mode]
    if is_list(card) and mode is not Mode.SHUT:
        return _list(card, mode, focus)
    if card.step.manual and mode in {Mode.READY, Mode.MANUAL}:
        words = "all of it, each by name..." if card.step.one_each else "all of it..."
        whole = (Offer("sign_all", "S", words),) if _at_once(card) else ()
        return (Offer("sign_off", "d", "sign off..."), *whole)
    if mode is Mode.READY:
        if card.step.closes:
            return (Offer("arm", "a", "close the run..."),)
        if card.step.waits:
            return ()
        if card.step.tier in {Tier.READ, Tier.MILD}:
            return (Offer("go", "Enter", "do it"),)
        return (Offer("arm", "a", "arm"),)
    if mode is Mode.SHUT and card.step.closes and run.owed:
        return (Offer("waive", "w", "waive debt..."),)
    if mode is Mode.SHUT and may_override(card):
        return (Offer("override", "O", "override with reason..."),)
    return ()


def _at_once(card: Card) -> bool:
    """Say whether the items of a step by hand can be signed off together; where each is asked, each by a name."""
    if card.step.one_each:
        return not card.step.records and sum(not row.done for row in card.rows) > 1
    return len(card.rows) > 1 and not any(row.sign_off is not None for row in card.rows)


_ANSWERED_ALIKE: dict[Mode, tuple[Offer, ...]] = {
    Mode.ARMED: (Offer("go", "Enter", "send it now"), Offer("back", "Esc", "disarm")),
    Mode.NAMING: (Offer("name", "a", "type the site's name"), Offer("back", "Esc", "disarm")),
    Mode.GOING: (Offer("back", "Esc", "cancel"),),
    Mode.SENDING: (),
    Mode.QUESTION_OF_ITEM: (Offer("answer", "d", "answer..."),),
    Mode.WAITING: (Offer("go", "Enter", "the wait"), Offer("extend", "e", "10 min more")),
    Mode.ENDING: (Offer("go", "Enter", "end it"),),
}


def _list(card: Card, mode: Mode, focus: Focus) -> Sequence[Offer]:
    """Return what a list of items offers: it is armed, or signed off by name."""
    found = []
    if mode is Mode.READY:
        mild = card.step.tier in {Tier.READ, Tier.MILD}
        found.append(Offer("go", "Enter", "do it") if mild else Offer("arm", "a", "arm"))
    if sign_off_refusal(card, chosen(card, focus)) is None:
        words = "sign all off..." if chosen(card, focus) is None else "sign it off..."
        found.append(Offer("sign_off", KEYS["done"], words))
    return found


def _failures(run: RunView, card: Card, focus: Focus) -> Sequence[Offer]:
    rows = asked(run, focus)
    found = [Offer("retry", "r", f"retry {_whom(card, rows)}")]
    if card.fallbacks:
        found.append(Offer("fallback", KEYS["fallback"], "fallback..."))
    if sign_off_refusal(card, to_sign_off(run, card, focus)) is None:
        found.append(Offer("sign_off", KEYS["done"], "sign off..."))
    if cscs_of(rows):
        found.append(Offer("waive", "w", "waive by name..."))
    found.append(Offer("skip", "s", "skip the step..."))
    if cscs_of(rows):
        found.append(Offer("go", "Enter", "detail"))
    if len(card.asking) > 1:
        found.append(Offer("mark", "space", "mark"))
    if len(card.asking) > 3:
        found.append(Offer("all", "*", "mark all"))
    return found


def _whom(card: Card, rows: Sequence[ItemRow]) -> str:
    if len(rows) != 1:
        return str(len(rows))
    return rows[0].item.label if card.of_cscs else "it"


def to_sign_off(run: RunView, card: Card, focus: Focus) -> ItemRow | None:
    """Return the one item that a sign-off is about where items failed; None for a list's line of all of it."""
    return chosen(card, focus) if is_list(card) else next(iter(asked(run, focus)), None)


def refusal(act: str, run: RunView, focus: Focus) -> str | None:
    """Return None when the lead's key may act on this card now, else why not, in a sentence."""
    if any(offer.act == act for offer in offers(run, focus)):
        return None
    card, mode = run.card, mode_of(run)
    if mode is Mode.HELD:
        return f"the run is held by {run.held_by}; R releases it"
    if card is None or mode in {Mode.CLOSED, Mode.NOTHING}:
        return str(mode.value)
    if mode is Mode.SENDING:
        return str(mode.value)
    if mode is Mode.GOING:
        return "it goes by itself when the count has ended; Esc cancels"
    if mode in _ARMED:
        return "the card is armed; Esc disarms it first"
    if mode is Mode.SHUT and act in {"arm", "go", "sign_off", "sign_all"}:
        return why(run)
    if mode is Mode.QUESTION:
        return f"first decide (d): {open_questions(card)[0].question}"
    if mode is Mode.QUESTION_OF_ITEM:
        return f"first answer (d): {why(run)}"
    if act == "control":
        return control_refusal(run) or str(mode.value)
    if act == "sign_off" and is_list(card):
        return sign_off_refusal(card, chosen(card, focus)) or str(mode.value)
    return _needs(act, card, mode)


def _needs(act: str, card: Card, mode: Mode) -> str:
    step = card.step
    what = {
        "arm": f"{step.id} is manual: d signs it off" if step.manual else f"nothing to arm: {mode.value}",
        "go": f"{step.id} is armed first: a" if mode is Mode.READY else f"nothing for Enter: {mode.value}",
        "sign_off": f"{step.id} asks no question and ends by what is seen, not by a sign-off",
        "sign_all": f"nothing of {step.id} is signed off all at once now: d signs off one",
        "fill": "the commands of this card wait for no placeholder",
        "edit": "nothing to edit: this card says nothing to people, or it was sent",
        "retry": "nothing to retry: no item of this step failed",
        "fallback": "no fallback: no item of this step failed, or the runbook names none",
        "mark": "nothing to mark: the card lists nothing that failed",
        "all": "nothing to mark: the card lists nothing that failed",
        "waive": "no CSC to waive: go to the grid with tab, select a CSC, then w",
        "skip": f"{step.id} is {card.status.value.replace('_', ' ')} and is not skipped",
        "override": "a built-in rule is red, and rules are met or their CSC waived by name"
        if any(reason.rule and not reason.met for reason in card.reasons)
        else "nothing to override: no precondition of this step is red",
        "extend": "no wait is under way",
        "release": "the run is not held",
    }
    return what.get(act, str(mode.value))


def why(run: RunView) -> str:
    """Return why the gate of the card is shut and what would open it, or what it waits for now."""
    card, mode = run.card, mode_of(run)
    if run.fault:
        return f"the journal cannot be written, so nothing is sent: {run.fault}"
    if mode is Mode.HELD:
        return f"the run is held by {run.held_by}: nothing further is sent until the lead releases it (R)"
    if card is None or mode in {Mode.CLOSED, Mode.NOTHING}:
        return str(mode.value)
    red = [reason for reason in card.reasons if not reason.met]
    if mode is Mode.SHUT and red:
        first = red[0]
        more = f"; and {len(red) - 1} more" if len(red) > 1 else ""
        opens = f"; it waits for {first.waits_for}" if first.waits_for else ""
        return f"{card.step.id} is closed: {first.sentence}{opens}{more}"
    row = item_that_asks(run)
    if mode is Mode.QUESTION_OF_ITEM and row is not None and row.progress.question is not None:
        return f"{row.item.label} asks: {row.progress.question.question}"
    if mode is Mode.ASKING:
        names = ", ".join(row.item.label for row in card.asking[:4])
        first_why = f": {card.asking[0].progress.why or 'outcome unknown'}" if is_list(card) else ""
        about = names if is_list(card) and len(card.asking) == 1 else f"{len(card.asking)}: {names}"
        return f"{card.step.id} waits for your decision about {about}{first_why}"
    if mode is Mode.READY:
        return f"the gate of {card.step.id} is open; it waits for you"
    return f"{card.step.id}: {mode.value}"
