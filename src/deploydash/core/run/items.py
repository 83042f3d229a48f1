"""The rules of scripts in a run: in which order they go, what may be sent to a ScriptQueue, and the other route.

The items of a script step are taken one after the other, as the procedure lists them: a script is added when everything
before it has ended well or was ticked by name, and something a person does in between holds what follows until then.
"""

from __future__ import annotations

from deploydash.core.model import CscId, FeedName, FeedState, Liveness, SummaryState
from deploydash.core.procedure.runbook import (
    WHOLE,
    CscEffect,
    CscItem,
    ItemId,
    ScriptItem,
    Step,
    StepId,
    csc_items,
    numbered,
)
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.order_rules import OFFLINE, blocked_by, effects_blocked_by, item_blocked_by, registry_lost
from deploydash.core.run.orders import AddScript, Control, Retry, TakeRoute
from deploydash.core.run.records import (
    ControlOrdered,
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestIntended,
    RunRecord,
    StepDone,
)
from deploydash.core.run.state import (
    ADDED,
    RunState,
    StepProgress,
    StepStatus,
    TargetStatus,
    asking_scripts,
    csc_of,
    script_of,
)

PROCEDURE = "the procedure"
"""Who dispatches what follows from an approval, without another key."""

ANY_CSC = "<csc>"
"""Stands in a route's configuration for the CSC; its line is written once per CSC."""

COMMANDS = {"pause": "paused", "resume": "resumed", "stopScripts": "stopped"}
"""What the lead may order of a script's queue."""
_IN_ANY_STATE = frozenset({"pause", "showAvailableScripts"})

Ruled = tuple[RunRecord, ...] | str
"""Records to be written, or why not."""


_LATE_S = 30.0
"""So long after the end of a script what it commanded may still be acknowledged."""


def identities_of(state: RunState, utc: float) -> frozenset[str]:
    """Return as whom this run's scripts command CSCs now (ts_salobj: ``Script:100009``): those are no foreign hands.

    A queue that starts anew counts its scripts anew, so an index belongs to ours only as long as ours may run.
    """
    scripts = (script for progress in state.steps.values() for script in progress.items.values())
    may_run = {TargetStatus.UNDER_WAY, TargetStatus.UNKNOWN}
    return frozenset(
        f"Script:{script.sal_index}"
        for script in scripts
        if script.sal_index and (script.status in may_run or utc < script.utc + _LATE_S)
    )


def following(step: Step, state: RunState, fleet: FleetView) -> tuple[RunRecord, ...]:
    """Return what follows in a script step that is under way: its next script, its end, or nothing yet."""
    progress = state.progress(step.id)
    for place, item in enumerate(step.items):
        name = numbered(place)
        if name in progress.sign_offs:
            continue
        script = progress.item(name)
        if script.status is TargetStatus.REACHED:
            continue
        can_go = state.held_by is None and fleet.feeds.get(FeedName.KAFKA) is FeedState.UP and not registry_lost(fleet)
        if isinstance(item, ScriptItem) and script.status is TargetStatus.PENDING and can_go:
            if why := item_blocked_by(item, state, fleet):
                return (ItemEnded(step.id, name, Outcome.FAILED, f"not added: {why}"),)
            return (ItemsDispatched(step.id, (name,), PROCEDURE),)
        return ()
    return (StepDone(step.id),)


def retried(order: Retry, step: Step, state: RunState, fleet: FleetView, operator: str) -> Ruled:
    """Return the records of trying scripts once more: those named, else every one that asks."""
    open_ = asking_scripts(step, state.progress(step.id))
    names = tuple(name for name in order.items or open_ if name in open_)
    if state.held_by is not None:
        return f"the run is held by {state.held_by}"
    if not names:
        return "no script of this step failed or is unknown"
    for name in names:
        item = step.item(name)
        if item is not None and (why := item_blocked_by(item, state, fleet)):
            return why
    return (ItemsDispatched(step.id, names, operator),)


def may_sign_off(step: Step, item: ItemId, note: str, progress: StepProgress) -> str | None:
    """Return why an item of a script step may not be ticked now, or None."""
    if progress.approved_utc is None:
        return None if item == WHOLE else f"approve {step.id} first, or sign it off as a whole"
    moving = [name for name, one in progress.items.items() if one.status is TargetStatus.UNDER_WAY]
    if moving and item in {WHOLE, *moving}:
        return "a script is under way: stop it first, or wait"
    if item != WHOLE and step.item(item) is None:
        return f"{step.id} has no item {item}"
    named = step.items if item == WHOLE else (step.item(item),)
    if any(isinstance(one, ScriptItem) for one in named) and not note.strip():
        return "a script that is signed off without having run here needs a note that says why"
    return None


def control_ordered(order: Control, step: Step, state: RunState, fleet: FleetView, operator: str) -> Ruled:
    """Return the record of pausing or resuming a script's queue, or of stopping the script."""
    progress = state.progress(step.id)
    script, asked = progress.items.get(order.item), script_of(step, progress, order.item)
    if order.name not in COMMANDS:
        return f"a queue is not told to {order.name} here"
    if script is None or asked is None:
        return f"{step.id} added no script {order.item}"
    if order.name == "stopScripts" and not (script.status is TargetStatus.UNDER_WAY and script.sal_index):
        return "this script is not under way in its queue"
    if script.status is not TargetStatus.UNDER_WAY and (over := _over(step, state)):
        return f"{over}, and no script of it is under way"
    why = refuses(asked.queue, order.name, fleet)
    return why or (ControlOrdered(step.id, order.item, order.name, operator),)


def route_taken(
    order: TakeRoute, step: Step, route: ScriptItem | None, state: RunState, fleet: FleetView, who: str
) -> Ruled:
    """Return the record of sending CSCs that did not go by a script, through the queue that the lead chose.

    A queue never runs a script that takes itself down: it would end the script with it.
    """
    progress = state.progress(step.id)
    open_ = {TargetStatus.FAILED, TargetStatus.UNKNOWN}
    asked = {csc_of(name): name for name in order.items if progress.item(name).status in open_}
    cscs = tuple(csc for csc in asked if csc is not None)
    if route is None:
        return f"the runbook names no other route for {step.id}"
    if over := _over(step, state):
        return over
    if not cscs:
        return "none of these failed or is unknown"
    queue = order.queue or route.queue
    if queue in cscs:
        return f"{queue} cannot run the script that takes itself down: choose another queue"
    wanted = {item.csc: item.target for item in step.items if isinstance(item, CscItem)}
    for csc in cscs:
        if wanted[csc].state.name not in route.config:
            return f"the other route does not lead {csc} to {wanted[csc]}"
        if why := blocked_by(csc, wanted[csc], state, fleet, bulk=True):
            return why
    if why := refuses(queue, "add", fleet):
        return why
    config = route_config(route.config, cscs)
    effects = tuple(CscEffect(csc, wanted[csc]) for csc in cscs)
    name = _next_name(progress)
    return (ItemAdded(step.id, name, csc_items(cscs), queue, route.path, route.standard, config, effects, who),)


def script_added(order: AddScript, step: Step, state: RunState, fleet: FleetView, who: str) -> Ruled:
    """Return the record of adding a script by hand; the order rules hold for what it sends to OFFLINE."""
    script = order.script
    if state.held_by is not None:
        return f"the run is held by {state.held_by}"
    if not script.path.strip():
        return "name the script by its path, as its queue lists it"
    if script.queue in order.downs:
        return f"{script.queue} cannot run the script that takes itself down: choose another queue"
    effects = tuple(CscEffect(csc, OFFLINE) for csc in order.downs)
    why = effects_blocked_by(effects, state, fleet) or refuses(script.queue, "add", fleet)
    if why:
        return why
    name = _next_name(state.progress(step.id))
    return (ItemAdded(step.id, name, (), script.queue, script.path, script.standard, script.config, effects, who),)


def _next_name(progress: StepProgress) -> ItemId:
    return ItemId(f"{ADDED}{len(progress.added) + 1}")


def _over(step: Step, state: RunState) -> str | None:
    status = state.status(step)
    over = status not in {StepStatus.UNDER_WAY, StepStatus.ASKING}
    return f"{step.id} is {status.value.replace('_', ' ')}" if over else None


def route_config(config: str, cscs: tuple[CscId, ...]) -> str:
    """Return a route's configuration for these CSCs: each line that names any CSC once for each of them."""
    lines = []
    for line in config.splitlines():
        lines += [line.replace(ANY_CSC, f"'{csc}'") for csc in cscs] if ANY_CSC in line else [line]
    return "\n".join(lines) + "\n"


def route_of(step: Step, state: RunState) -> ScriptItem | None:
    """Return the other route of a step: its own, or that of the step which decides about what it left."""
    deciding = (other.other_route for other in state.runbook.steps() if other.settles == step.id)
    return step.other_route or next(deciding, None)


def may_intend_script(record: RequestIntended, state: RunState, fleet: FleetView) -> str | None:
    """Return why a command for a ScriptQueue must not be sent, or None: the last look before each one."""
    step = state.runbook.step(StepId(record.step))
    progress = state.progress(step.id)
    script = progress.items.get(record.item)
    if script is None or (script.status is not TargetStatus.UNDER_WAY and record.command not in {"pause", "resume"}):
        return f"script {record.item} is not approved in {step.id}"
    added = progress.added.get(record.item)
    beside = added is not None and not added.instead_of
    ends_with_step = record.command == "add" and not beside
    if (script.status is not TargetStatus.UNDER_WAY or ends_with_step) and (over := _over(step, state)):
        return over
    if record.command == "add":
        if state.held_by is not None:
            return f"the run is held by {state.held_by}"
        if script.seq_num:
            return f"it was added before, by command {script.seq_num}, and it is not known what became of it"
        asked = script_of(step, progress, record.item)
        if asked is not None and (why := item_blocked_by(asked, state, fleet)):
            return why
    if fleet.feeds.get(FeedName.KAFKA) is not FeedState.UP:
        return "Kafka is not up, so nobody would see what happens"
    return refuses(record.to, record.command, fleet)


def refuses(queue: CscId, command: str, fleet: FleetView) -> str | None:
    """Return why a queue would not take a command as it is seen now, or None (ts_scriptqueue ``script_queue.py``)."""
    view = fleet.views.get(queue)
    if view is None:
        return f"{queue} is not at this site"
    if view.liveness is Liveness.UNREADABLE:
        return f"{queue} cannot be seen: {view.reason.text}"
    if view.liveness not in {Liveness.BEATING, Liveness.LATE}:
        return f"{queue} does not beat, so it runs no script"
    if command not in _IN_ANY_STATE and view.reported is not SummaryState.ENABLED:
        told = view.reported.name if view.reported is not None else "in no known state"
        return f"{queue} is {told}: it takes scripts only when ENABLED"
    return None
