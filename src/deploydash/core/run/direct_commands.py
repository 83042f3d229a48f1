"""Commands by hand: one transition of a CSC, or of several alike, outside every step of the runbook.

What is let go is *one command* that is legal in the state which the CSC reports while it beats; a path of several is
as many decisions. The order rules hold as in a step. Sources: the state machine of ts_salobj (``base_csc.py``).
"""

from __future__ import annotations

from collections.abc import Iterator

from deploydash.core.fleet.override import bad_override
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CameraSubstate, CscId, Liveness, Target
from deploydash.core.procedure.csc_work import direct_command
from deploydash.core.procedure.names import DIRECT
from deploydash.core.procedure.transitions import LEADS_TO, legal
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.order_rules import blocked_by
from deploydash.core.run.orders import DirectCommand
from deploydash.core.run.records import ItemAdded, ItemEnded, Outcome
from deploydash.core.run.sight import effects_seen
from deploydash.core.run.state import ItemStatus, RunState

AT_ONCE = 8
"""So many CSCs of one selection have a command under way at the same time."""


def confirmation(cscs: tuple[CscId, ...], state: RunState) -> str:
    """Return what the lead types for these CSCs: the name of a protected one, the count of several, or nothing."""
    if len(cscs) > 1:
        return str(len(cscs))
    return str(cscs[0]) if cscs and cscs[0] in state.runbook.protected else ""


def why_not(csc: CscId, command: str, state: RunState, fleet: FleetView, *, several: bool) -> str | None:
    """Return why this command may not be sent directly to this CSC now, or None."""
    if state.closed:
        return "the run is closed"
    if several and command == "exitControl":
        return "a direct exitControl is for one CSC; send several to OFFLINE with a step"
    why = blocked_by(csc, Target(LEADS_TO[command]), state, fleet, bulk=several, direct=True)
    if why is not None:
        return why
    if step := state.worked_on().get(csc):
        return f"{csc} is being commanded {'by a direct command' if step == DIRECT else f'in {step}'}"
    view = fleet.views.get(csc)
    return deaf(csc, view, fleet.at) or (None if view is None else illegal(view, command))


def illegal(view: CscView, command: str) -> str | None:
    """Return why a CSC would not take a command in the state that it reports, or None."""
    state = view.reported
    if state is None or command not in legal(state, camera=view.camera):
        return f"{command} is not legal for {view.csc} in {state.name if state else 'no state'}"
    if command == "enterControl" and view.substate is CameraSubstate.PUBLISH_ONLY:
        return f"{view.csc} is OFFLINE/PUBLISH_ONLY and takes commands only when it is AVAILABLE"
    return None


def refusal(order: DirectCommand, state: RunState, fleet: FleetView) -> str | None:
    """Return why an order may not go now, or None; an arm on it dies of the same."""
    if not order.cscs or len(set(order.cscs)) != len(order.cscs) or len(order.cscs) != len(order.seen):
        return "no CSC is chosen, or one of them twice"
    if order.command not in LEADS_TO:
        return f"{order.command!r} is no command of the CSC state machine"
    if order.override and order.command != "start":
        return "only start takes a configuration override"
    if not_a_name := bad_override(order.override):
        return not_a_name
    for csc, seen in zip(order.cscs, order.seen, strict=True):
        view = fleet.views.get(csc)
        if view is not None and view.reported is not None and view.reported is not seen:
            return f"{csc} is {view.reported.name} now; it was {seen.name} when you chose"
        if why := why_not(csc, order.command, state, fleet, several=len(order.cscs) > 1):
            return why
    wanted = confirmation(order.cscs, state)
    return None if order.typed.strip() == wanted else f"type {wanted} to confirm"


def approved(order: DirectCommand, state: RunState, fleet: FleetView, operator: str) -> tuple[ItemAdded, ...] | str:
    """Return the records that let direct commands go, one for each CSC, or why not."""
    if why := refusal(order, state, fleet):
        return why
    return tuple(
        ItemAdded(DIRECT, direct_command(csc, order.command, order.override), operator, seen=seen.name)
        for csc, seen in zip(order.cscs, order.seen, strict=True)
    )


def settled_by_sight(state: RunState, fleet: FleetView) -> Iterator[ItemEnded]:
    """Yield the ends of direct commands of which nobody knew what came, and whose effect is seen."""
    progress = state.progress(DIRECT)
    for name, added in progress.added.items():
        unknown = progress.item(name).status is ItemStatus.UNKNOWN
        if unknown and effects_seen(added.item.effects, fleet.views.get):
            yield ItemEnded(DIRECT, name, Outcome.REACHED, "seen there")


def directly_under_way(state: RunState) -> tuple[CscId, ...]:
    """Return the CSCs to which a direct command is under way."""
    progress = state.progress(DIRECT)
    return tuple(
        csc
        for name, added in progress.added.items()
        if progress.item(name).status is ItemStatus.UNDER_WAY
        for csc in added.item.cscs
    )


def deaf(csc: CscId, view: CscView | None, now: float) -> str | None:
    """Return why nobody would take a command, or nobody knows what it would do."""
    if view is None:
        return f"nothing is known of {csc} here"
    if view.duplicate:
        return f"two processes send heartbeats as {csc}, and both would take it"
    seen = view.reason.render(now)
    if view.liveness in {Liveness.FEED_DOWN, Liveness.UNREADABLE}:
        return f"{csc} cannot be seen: {seen}"
    if view.liveness is not Liveness.BEATING:
        return f"no heartbeat from {csc}: {seen}"
    return f"{csc}: {seen}" if view.reported is None else None
