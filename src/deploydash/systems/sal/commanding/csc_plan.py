"""What a step of CSC commands would send now, in words and exactly. Contacts nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Target
from deploydash.core.procedure.runbook import CscItem, Step
from deploydash.core.procedure.transitions import command_text, next_step
from deploydash.core.run.decide import is_at
from deploydash.systems.sal.commanding.csc_fleet_view import is_leaving, obstacle

Look = Callable[[CscId], CscView | None]


@dataclass(frozen=True, slots=True)
class Planned:
    """The commands of one CSC in order, or why there are none."""

    csc: CscId
    target: Target
    commands: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """A step as it would be carried out now: one sentence, then every CSC."""

    sentence: str
    cscs: tuple[Planned, ...]


def describe(step: Step, look: Look, now: float, *, subname: str) -> Description:
    """Return what a step would send, were it let go at ``now`` (monotonic).

    A command is shown as its topic and the public fields that are set: ``lsst.sal.ESS.command_disable salIndex=104``.
    """
    items = [item for item in step.items if isinstance(item, CscItem)]
    planned = tuple(_planned(item, look(item.csc), now, subname) for item in items)
    sending = sum(bool(one.commands) for one in planned)
    there = sum(one.why == _THERE for one in planned)
    parts = [f"{sending} of {len(planned)} CSCs are commanded, at most {step.at_once} at once"]
    if there:
        parts.append(f"{there} {'is' if there == 1 else 'are'} there already")
    if left := len(planned) - sending - there:
        parts.append(f"{left} cannot be commanded")
    return Description("; ".join(parts), planned)


_THERE = "is there already"


def _planned(item: CscItem, view: CscView | None, now: float, subname: str) -> Planned:
    csc, target = item.csc, item.target
    if is_at(view, target):
        return Planned(csc, target, (), _THERE)
    if is_leaving(view, target):
        return Planned(csc, target, (), "says OFFLINE, waiting for silence")
    why = obstacle(view, target, now)
    if why is not None or view is None or view.reported is None:
        return Planned(csc, target, (), why or "nothing is known of it here")
    commands = []
    state = view.reported
    while hop := next_step(state, target.state):
        command, state = hop
        commands.append(command_text(csc, command, subname, item.override))
    return Planned(csc, target, tuple(commands), "" if commands else f"is {view.effective.value}, not {target}")
