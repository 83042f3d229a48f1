"""The order rules that no runbook can switch off, by what an item does to CSCs and not by who carries it out.

They hold at the gate, when an item is dispatched, and once more before each single request. Sources: the Watcher goes
first and the ScriptQueues last, and the Summit keeps MTM1M3 and MTM1M3TS, by the public control-system upgrade
procedure (observatory-controls-docs).
"""

from __future__ import annotations

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Effective, FeedName, FeedState, Liveness, SummaryState, Target
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import DIRECT, csc_item
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.fleet_view import FleetView, GateReason
from deploydash.core.run.fuse import blown
from deploydash.core.run.state import ItemStatus, RunState
from deploydash.core.words import first_of

WATCHER = CscId("Watcher")
QUEUE = "ScriptQueue"
OFFLINE = Target(SummaryState.OFFLINE)
_AFTER_WATCHER = Target(SummaryState.STANDBY)
"""Stands for OFFLINE of a CSC that the same item takes down behind the Watcher: all rules hold but that one."""


def order_rules(step: Step, state: RunState, fleet: FleetView) -> list[GateReason]:
    """Return the order rules that concern what a step does to CSCs, each with whether it is met.

    What people stop with their own hands is signed off after the fact: the order is theirs, and a gate that stays
    closed would only hide what happened (a cRIO of a protected CSC is updated with care, by whoever owns it).
    """
    if not step.acts:
        return []
    items = [item.effects for item in step.items if not item.by_person]
    effects = [effect for each in items for effect in each]
    found = []
    touched = [effect.csc for effect in effects if effect.csc in state.runbook.protected]
    if touched:
        names = ", ".join(map(str, dict.fromkeys(touched)))
        found.append(GateReason(f"{names} must keep running and no step touches them", met=False, own=True, rule=True))
    busy = [effect.csc for effect in effects if directly_commanded(effect.csc, state)]
    if busy:
        names = ", ".join(map(str, dict.fromkeys(busy)))
        found.append(
            GateReason(f"a direct command to {names} is under way", met=False, own=True, rule=True, waits_for="its end")
        )
    elsewhere = {csc: where for csc, where in state.worked_on().items() if where != DIRECT}
    for csc in dict.fromkeys(effect.csc for effect in effects if effect.csc in elsewhere):
        words = f"{csc} is being worked on in {elsewhere[csc]}"
        found.append(GateReason(words, met=False, own=True, rule=True, waits_for="its end"))
    if any(_needs_watcher_down(each) for each in items):
        found.append(_watcher_down(state, fleet))
    going_down = [effect.csc for effect in effects if effect.target.is_down]
    running = [why for csc in going_down if (why := _runs_ours(csc, state)) is not None]
    found += [GateReason(why, met=False, rule=True, waits_for="the end of that script") for why in running]
    if any(csc.name == QUEUE for csc in going_down):
        found.append(
            all_down("every CSC of this run's shutdown set", state.runbook.shutdown_set, state, fleet, rule=True)
        )
    return found


def item_blocked_by(item: Item, state: RunState, fleet: FleetView) -> str | None:
    """Return why an item may not be dispatched, nor a request of it be sent, at this moment; None if it may."""
    return blown(fleet, item) or effects_blocked_by(item.effects, state, fleet)


def effects_blocked_by(effects: tuple[CscEffect, ...], state: RunState, fleet: FleetView) -> str | None:
    """Return why nothing that has these effects may go at this moment, or None.

    What takes the Watcher down first keeps that rule for whom it takes down after it, not for ScriptQueues.
    """
    watcher_first = not _needs_watcher_down(effects)
    for csc, target in ((effect.csc, effect.target) for effect in effects):
        behind = watcher_first and target.is_down and csc != WATCHER and csc.name != QUEUE
        if why := blocked_by(csc, _AFTER_WATCHER if behind else target, state, fleet, bulk=True):
            return why
    return None


def _needs_watcher_down(effects: tuple[CscEffect, ...]) -> bool:
    """Say whether the first that goes OFFLINE is another than the Watcher."""
    down = [effect.csc for effect in effects if effect.target.is_down]
    return bool(down) and down[0] != WATCHER


def directly_commanded(csc: CscId, state: RunState) -> bool:
    """Say whether a direct command to this CSC is under way."""
    target = state.progress(DIRECT).items.get(csc_item(csc))
    return target is not None and target.status is ItemStatus.UNDER_WAY


def blocked_by(
    csc: CscId, target: Target, state: RunState, fleet: FleetView, *, bulk: bool, direct: bool = False
) -> str | None:
    """Return why a command towards ``target`` must not be sent to a CSC at this moment, or None.

    The last look before each single command: the order rules hold while a step is under way, too. ``direct``: the
    command is the direct one itself.
    """
    if (why := blown(fleet)) is not None:
        return why
    if not direct and directly_commanded(csc, state):
        return f"{csc} is being commanded by a direct command"
    if state.held_by is not None:
        return f"the run is held by {state.held_by}"
    if bulk and csc in state.runbook.protected:
        return f"{csc} is protected: no bulk action touches it"
    if fleet.feeds.get(FeedName.KAFKA) is not FeedState.UP:
        return "Kafka is not up, so its effect would not be seen"
    if direct and registry_lost(fleet):
        return "the schema registry is not up, so no command can be written"
    if target.state is not SummaryState.ENABLED and (why := _runs_ours(csc, state)) is not None:
        return why
    if not target.is_down or csc == WATCHER:
        return None
    rule = _watcher_down(state, fleet)
    if rule.met and csc.name == QUEUE:
        rule = all_down("the shutdown set", state.runbook.shutdown_set, state, fleet, rule=True)
    return None if rule.met else f"{rule.sentence}: {rule.waits_for}"


def worked_on(item: Item, state: RunState) -> str | None:
    """Return why nothing further may begin to work on the CSCs of an item: something of this run does; or None."""
    moving = state.worked_on()
    csc = next((csc for csc in item.cscs if csc in moving), None)
    return f"{csc} is being worked on in {moving[csc]}" if csc is not None else None


def registry_lost(fleet: FleetView) -> bool:
    """Say whether the registry is known not to answer: then no command can be written."""
    return fleet.feeds.get(FeedName.SCHEMA_REGISTRY) in {FeedState.DOWN, FeedState.DEGRADED}


def _runs_ours(csc: CscId, state: RunState) -> str | None:
    """The queue that runs a script of this run goes down last: its end would be the script's."""
    if csc.name != QUEUE:
        return None
    runs = (item for _, item, one in state.work() if one.status is ItemStatus.UNDER_WAY and csc in item.runs_in)
    item = next(runs, None)
    return f"{csc} runs {item.label} for this run: it goes down when that is over" if item is not None else None


def is_up(view: CscView | None) -> bool:
    """Say whether a CSC is up: it beats and does not report OFFLINE (cameras beat while OFFLINE).

    A CSC whose liveness is not decided counts as up: a gate opens on facts only.
    """
    if view is None or view.liveness is Liveness.SILENT:
        return False
    if view.liveness in {Liveness.BEATING, Liveness.LATE}:
        return view.reported is not SummaryState.OFFLINE
    return view.effective is not Effective.OFFLINE


def _watcher_down(state: RunState, fleet: FleetView) -> GateReason:
    waived = WATCHER in state.waived
    up = is_up(fleet.views.get(WATCHER)) and WATCHER in state.runbook.concerns
    words = "the Watcher is waived by name" if waived else "the Watcher is down first"
    waits_for = "Watcher OFFLINE, or waived by name"
    return GateReason(words, met=waived or not up, rule=True, waits_for=waits_for, about=(WATCHER,))


def all_down(what: str, cscs: tuple[CscId, ...], state: RunState, fleet: FleetView, *, rule: bool) -> GateReason:
    """Return whether none of these CSCs is up, but for those waived by name."""
    up = [csc for csc in cscs if csc not in state.waived and is_up(fleet.views.get(csc))]
    if not up:
        return GateReason(f"{what} is down or waived", met=True, rule=rule, about=cscs)
    words = f"{what} is down or waived: {len(up)} still up"
    return GateReason(words, met=False, rule=rule, waits_for=first_of(up, 4), about=cscs)
