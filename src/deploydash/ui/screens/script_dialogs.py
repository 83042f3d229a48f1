"""The dialogs about scripts: the other route, what a queue is told, and a tick; the safe answer stands first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from deploydash.core.model import CscId
from deploydash.core.procedure import runbook
from deploydash.core.procedure.runbook import ItemId, ScriptItem, StepId, csc_items, numbered
from deploydash.core.published import Published
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.items import refuses, route_config
from deploydash.core.run.order_rules import QUEUE
from deploydash.core.run.orders import Control, RunOrder, SignOff, TakeRoute
from deploydash.core.views.run_view import Card, RunView
from deploydash.ui.draw.run.reading import counted, listed
from deploydash.ui.draw.run.script_offers import WHOLE, QueueAct, entries, needs_note, queue_acts
from deploydash.ui.screens.form import Field, Form, Option

Order = Callable[[RunOrder], object]
STAY = "stay"


def queues_of(fleet: FleetView) -> list[CscId]:
    """Return every ScriptQueue of the site."""
    return sorted((csc for csc in fleet.views if csc.name == QUEUE), key=lambda csc: csc.index)


def route_form(card: Card, route: ScriptItem, cscs: tuple[CscId, ...], fleet: FleetView, order: Order) -> Form:
    """Return the dialog of the other route: the exact script and configuration, and a queue to choose."""
    options, cannot = [Option(STAY, "back to the card, nothing is added")], []
    for queue in dict.fromkeys((route.queue, *queues_of(fleet))):
        itself = f"{queue} cannot run the script that takes itself down" if queue in cscs else None
        why = itself or refuses(queue, "add", fleet)
        if why:
            cannot.append(f"not possible: {why}")
        else:
            named = ", as the runbook has it" if queue == route.queue else ""
            options.append(Option(str(queue), f"add it to {queue}{named}"))

    def done(answer: str, _: Sequence[str]) -> object:
        return answer != STAY and order(TakeRoute(card.step.id, csc_items(cscs), CscId.parse(answer)))

    body = (
        f"{route.path} ({'standard' if route.standard else 'external'}) for {counted(len(cscs), 'CSC')}",
        listed(cscs),
        *cannot,
        "A queue that runs a script of this run goes down after it. It gets exactly this:",
    )
    config = route_config(route.config, cscs).splitlines()

    def lives(newer: Published) -> bool:
        there = newer.run.card if newer.run is not None else None
        asking = {row.csc for row in there.asking} if there is not None and there.step.id == card.step.id else set()
        return set(cscs) <= asking

    return Form("The other route", body, exact=config, options=options, done=done, lives=lives)


def queue_form(run: RunView, fleet: FleetView, order: Order) -> Form:
    """Return the dialog that pauses, resumes or stops: what is possible to choose, and why the rest is not."""
    acts = queue_acts(run, fleet)
    options = [Option(STAY, "leave everything as it is")]
    options += [Option(str(number), act.words) for number, act in enumerate(acts) if act.why_not is None]

    def done(answer: str, _: Sequence[str]) -> object:
        if answer == STAY:
            return None
        act = acts[int(answer)]
        return order(Control(act.row.step, act.row.item, act.command))

    return Form("The queues of this card", tuple(_queue_text(acts)), options=options, done=done)


def _queue_text(acts: Iterable[QueueAct]) -> Iterable[str]:
    told: dict[tuple[StepId, ItemId], str] = {}
    for act in acts:
        progress = act.row.progress
        paused = ", its queue is paused" if progress.paused else ""
        told[act.row.step, act.row.item] = f"{act.row.script.path}: {progress.state or progress.status.value}{paused}"
    yield from told.values()
    yield from (f"not possible: {act.words.partition(':')[0]}: {act.why_not}" for act in acts if act.why_not)


def script_sign_off_form(card: Card, number: int, operator: str, order: Order) -> Form:
    """Return the dialog that ticks one line of a step of scripts, or the step as a whole, by name."""
    wants = needs_note(card, number)
    hint = card.step.records or "why it counts as done"
    fields = [Field("who did it", f"a name, such as {operator.partition('@')[0]}")]
    if wants or card.step.records:
        fields.append(Field("record", hint))

    def done(_: str, text: Sequence[str]) -> object:
        note = text[1].strip() if len(text) > 1 else ""
        item = runbook.WHOLE if number == WHOLE else numbered(number)
        return order(SignOff(card.step.id, text[0].strip(), item, note))

    def wrong(text: Sequence[str]) -> str:
        if not text[0].strip():
            return "a sign-off needs the name of who did it"
        return f"write down {hint}" if len(text) > 1 and not text[1].strip() else ""

    what = card.step.title if number == WHOLE else f"{card.step.title}: {entries(card)[number].name}"
    ran = "A sign-off adds nothing to a queue; what has not run here was done elsewhere."
    return Form("Sign off", (what, f"Sign off when {card.step.ends}.", ran), fields=fields, done=done, wrong=wrong)
