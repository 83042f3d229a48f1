"""Commands by hand: one transition of a CSC, or of several alike, outside every step of the runbook.

What is let go is *one command* that is legal in the state which the CSC reports while it beats; a path of several is
as many decisions. The order rules hold as in a step. Sources: the state machine of ts_salobj (``base_csc.py``).
"""

from __future__ import annotations

from collections.abc import Iterator

from deploydash.core.fleet.override import bad_override
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CameraSubstate, CscId, Liveness, Target
from deploydash.core.procedure.runbook import DIRECT, CscItem, Lane, Step, StepKind, System, Tier, csc_item
from deploydash.core.procedure.transitions import LEADS_TO, legal
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.order_rules import blocked_by
from deploydash.core.run.orders import DirectCommand
from deploydash.core.run.records import DirectCommandApproved, RequestIntended
from deploydash.core.run.state import RunState, TargetStatus

AT_ONCE = 8
"""So many CSCs of one selection have a command under way at the same time."""


def confirmation(cscs: tuple[CscId, ...], state: RunState) -> str:
    """Return what the lead types for these CSCs: the name of a protected one, the count of several, or nothing."""
    if len(cscs) > 1:
        return str(len(cscs))
    return str(cscs[0]) if cscs and cscs[0] in state.runbook.protected else ""


def why_not(
    csc: CscId, command: str, state: RunState, fleet: FleetView, *, several: bool, sent: bool = False
) -> str | None:
    """Return why this command may not be sent to this CSC by hand now, or None.

    ``sent``: it was let go already, and this is the last look before it is written.
    """
    if state.closed:
        return "the run is closed"
    if several and command == "exitControl":
        return "a direct exitControl is for one CSC; send several to OFFLINE with a step"
    why = blocked_by(csc, Target(LEADS_TO[command]), state, fleet, bulk=several, direct=True)
    if why is not None:
        return why
    if not sent and (step := _in_flight(csc, state)):
        return f"{csc} is being commanded {'by a direct command' if step == DIRECT else f'in {step}'}"
    view = fleet.views.get(csc)
    return _deaf(csc, view, fleet.at) or (None if view is None else illegal(view, command))


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


def approved(
    order: DirectCommand, state: RunState, fleet: FleetView, operator: str
) -> tuple[DirectCommandApproved, ...] | str:
    """Return the record that lets a command by hand go, or why not."""
    if why := refusal(order, state, fleet):
        return why
    return (DirectCommandApproved(order.cscs, order.command, order.override, order.seen, operator, order.snapshot),)


def step_of(record: DirectCommandApproved) -> Step:
    """Return what was let go in the shape of a step, so that the same action carries it out."""
    target = Target(LEADS_TO[record.command])
    items = tuple(CscItem(csc, target, override=record.override) for csc in record.cscs)
    title = f"direct command {record.command}"
    ends = f"each is seen {target}"
    return Step(DIRECT, title, StepKind.CSC, System.SAL, Tier.MODERATE, Lane.MAIN, ends, items, at_once=AT_ONCE)


def may_intend_direct(record: RequestIntended, state: RunState, fleet: FleetView) -> str | None:
    """Return why a command by hand must not be sent, or None: the last look, and never a second command."""
    csc, target = record.to, state.progress(DIRECT).items.get(record.item)
    let_go = state.direct.get(csc)
    if let_go is None or target is None or target.status is not TargetStatus.UNDER_WAY:
        return f"no direct command to {csc} is approved"
    if target.command:
        return f"{target.command} was sent to {csc}, and only one command is approved"
    if record.command != let_go.command:
        return f"{let_go.command} is approved for {csc}, whose state has changed since"
    return why_not(csc, record.command, state, fleet, several=len(let_go.cscs) > 1, sent=True)


def unsettled(state: RunState) -> Iterator[tuple[CscId, Target]]:
    """Yield the CSCs of which nobody knows what came of their command by hand, and the state it leads to."""
    for csc, target in state.progress(DIRECT).targets.items():
        if target.status is TargetStatus.UNKNOWN and csc in state.direct:
            yield csc, Target(LEADS_TO[state.direct[csc].command])


def _in_flight(csc: CscId, state: RunState) -> str:
    """Return the step in which a CSC is under way now, or nothing."""
    for step, progress in state.steps.items():
        target = progress.items.get(csc_item(csc))
        if target is not None and target.status is TargetStatus.UNDER_WAY:
            return step
    return ""


def _deaf(csc: CscId, view: CscView | None, now: float) -> str | None:
    """Return why nobody would take a command, or nobody knows what it would do."""
    if view is None:
        return f"nothing is known of {csc} here"
    if view.duplicate:
        return f"two processes beat as {csc}, and both would take it"
    seen = view.reason.render(now)
    if view.liveness in {Liveness.FEED_DOWN, Liveness.UNREADABLE}:
        return f"{csc} cannot be seen: {seen}"
    if view.liveness is not Liveness.BEATING:
        return f"{csc} does not beat: {seen}"
    return f"{csc}: {seen}" if view.reported is None else None
