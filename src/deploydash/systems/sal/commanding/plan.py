"""What is commanded to a CSC as it is seen now, or why nothing is: the card and the action ask the same functions.

Contacts nobody.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import Liveness, Target
from deploydash.core.procedure.names import ItemId
from deploydash.core.procedure.transitions import command_text, next_step
from deploydash.core.run.direct_commands import illegal
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.sight import is_at
from deploydash.core.words import counted
from deploydash.systems.sal.commanding.csc_fleet_view import is_decided, is_leaving, obstacle
from deploydash.systems.sal.commanding.specs import CommandSpec, CscSpec, TransitionSpec
from deploydash.systems.sal.steps import TOWARDS

_NOT_YET = frozenset({Liveness.UNSEEN, Liveness.BEATING})
"""How a CSC may be of which it is not known yet whether it lives and what it reports."""


class Stands(StrEnum):
    """How a CSC stands before it is commanded. ``STUCK``: no command leads on; only the CSC itself can."""

    THERE = "is at target already"
    LEAVING = "says OFFLINE, waiting for silence"
    BARRED = "must not be commanded"
    STUCK = "no command leads there"
    GOES = "is commanded"


@dataclass(frozen=True, slots=True)
class Way:
    """The commands that are left for a CSC, in order, or in ``why`` why there are none."""

    stands: Stands
    commands: tuple[str, ...] = ()
    why: str = ""


def way(spec: CscSpec, view: CscView | None, now: float) -> Way:
    """Return what is left to command of an item as its CSC is seen at ``now`` (monotonic)."""
    if is_at(view, spec.target):
        return Way(Stands.THERE, why=Stands.THERE.value)
    if is_leaving(view, spec.target):
        return Way(Stands.LEAVING, why=Stands.LEAVING.value)
    beats = view is not None and view.liveness is Liveness.BEATING and view.reported is not None and not view.duplicate
    why = illegal(view, spec.command) if isinstance(spec, CommandSpec) and beats and view is not None else None
    why = why or obstacle(view, spec.target, now)
    if why is not None or view is None or view.reported is None:
        return Way(Stands.BARRED, why=why or "nothing is known of it here")
    commands = _commands(spec, view)
    return Way(Stands.GOES, commands) if commands else Way(Stands.STUCK, why=stuck(view, spec.target))


def _commands(spec: CscSpec, view: CscView) -> tuple[str, ...]:
    """Return the commands that lead on from the state that a CSC reported last."""
    if isinstance(spec, CommandSpec):
        return (spec.command,)
    commands, state = [], view.reported
    while state is not None and (hop := next_step(state, spec.target.state)):
        command, state = hop
        commands.append(command)
    return tuple(commands)


def stuck(view: CscView | None, target: Target) -> str:
    """Say why no command leads on: a camera is OFFLINE, and none changes its sub-state."""
    told = "no substate" if view is None or view.substate is None else view.substate.name
    return f"is OFFLINE with {told}; no command leads to {target}"


def planned(item: ItemId, spec: CscSpec, view: CscView | None, now: float, subname: str) -> ItemPlan:
    """Return what would be sent for an item now, as exact lines: ``lsst.sal.ESS.command_disable salIndex=104``.

    Of a CSC whose beat is late what its state asks for is approved: it is waited for before it is commanded. Of one
    that nobody has heard yet all that may lead to its target is.
    """
    found = way(spec, view, now)
    barred = found.stands in {Stands.BARRED, Stands.STUCK}
    unheard = barred and view is not None and view.liveness in _NOT_YET and not is_decided(view)
    if unheard and isinstance(spec, TransitionSpec):
        most = TOWARDS[spec.target.state]
        lines = tuple(command_text(spec.csc, command, subname, spec.override) for command in most)
        return ItemPlan(item, lines, f"at most this: {found.why}", approved=approval(most, spec.override))
    lines = tuple(command_text(spec.csc, command, subname, spec.override) for command in found.commands)
    late = barred and view is not None and view.liveness is Liveness.LATE
    commands = _commands(spec, view) if late and view is not None else found.commands
    return ItemPlan(item, lines, found.why, barred, approval(commands, spec.override))


def approval(commands: tuple[str, ...], override: str) -> str:
    """Return as JSON what may be sent."""
    return json.dumps({"commands": commands, "override": override})


def not_approved(command: str, spec: CscSpec, approved: str, sent: str) -> str:
    """Return why a command of an item must not be sent after ``sent``, or nothing.

    Where nothing is approved for the item alone, any may. Of an item that is one command, one is sent and no more.
    """
    if isinstance(spec, CommandSpec):
        if sent:
            return f"{sent} was sent to {spec.csc}, and only one command is approved"
        if command != spec.command:
            return f"{spec.command} is approved for {spec.csc}, whose state has changed since"
    if not approved:
        return ""
    try:
        told = json.loads(approved)
        known = command in told["commands"] and (command != "start" or told["override"] == spec.override)
    except (ValueError, KeyError, TypeError):
        known = False
    return "" if known else f"{command} was not approved; look at the card once more"


def sentence(plans: tuple[ItemPlan, ...]) -> str:
    """Return in a sentence what the plans of CSCs come to."""
    sending = sum(bool(one.lines) for one in plans)
    there = sum(one.why == Stands.THERE for one in plans)
    parts = [f"{sending} of {counted(len(plans), 'CSC')} {'is' if sending == 1 else 'are'} commanded"]
    if there:
        parts.append(f"{there} {'is' if there == 1 else 'are'} at target already")
    if left := len(plans) - sending - there:
        parts.append(f"{left} cannot be commanded")
    return "; ".join(parts)
