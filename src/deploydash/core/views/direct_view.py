"""Direct commands as a screen, the events and the report tell them: what may go, what is armed, what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.fleet.commands import Remark
from deploydash.core.model import CscId, SummaryState
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ADDED, DIRECT
from deploydash.core.procedure.transitions import LEADS_TO
from deploydash.core.run.arm import Arm
from deploydash.core.run.direct_commands import confirmation, illegal, why_not
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.orders import DirectCommand
from deploydash.core.run.records import ItemAdded, ItemEnded, Outcome
from deploydash.core.run.state import ItemStatus, RunState

COMMANDS = (*(command for command in LEADS_TO if command != "enterControl"), "enterControl")
"""The commands in the order in which they are offered, whatever may go; what only cameras take stands last."""


@dataclass(frozen=True, slots=True)
class DirectRow:
    """The last direct command to one CSC and what came of it.

    ``began_utc``: when it was let go; ``utc``: when anything last happened to it.
    """

    csc: CscId
    item: Item
    status: ItemStatus
    why: str
    sent: bool
    began_utc: float
    utc: float

    @property
    def sentence(self) -> str:
        """How it stands, in words: ``direct command standby of MTDome: UNKNOWN, standby: no answer within 60 s``."""
        state = {
            ItemStatus.PENDING: "approved",
            ItemStatus.UNDER_WAY: "sent, not seen yet" if self.sent else "approved, about to be sent",
            ItemStatus.REACHED: "done",
            ItemStatus.FAILED: "FAILED",
            ItemStatus.UNKNOWN: "UNKNOWN",
        }[self.status]
        return f"direct command {self.item.label}: {state}{f', {self.why}' if self.why else ''}"


@dataclass(frozen=True, slots=True)
class CommandOffer:
    """One command for the CSCs that the lead considers; ``why_not`` is empty where it may go now.

    ``legal``: each of them reports a state in which it takes this command.
    """

    command: str
    why_not: str
    legal: bool


@dataclass(frozen=True, slots=True)
class DirectCard:
    """What the dialog shows of the CSCs that the lead considers commanding directly.

    ``seen``: their reported states, in order. ``confirm``: what is to be typed, or empty. ``order``: what is armed.
    """

    cscs: tuple[CscId, ...]
    seen: tuple[SummaryState | None, ...]
    offers: tuple[CommandOffer, ...]
    protected: bool
    confirm: str
    subname: str
    armed: Arm | None = None
    order: DirectCommand | None = None
    message: str = ""


def direct_rows(state: RunState) -> tuple[DirectRow, ...]:
    """Return the last direct command to each CSC, the newest last."""
    progress = state.progress(DIRECT)
    found = [
        DirectRow(csc, added.item, one.status, one.why, bool(one.request), one.began_utc, one.utc)
        for name, added in progress.added.items()
        if (one := progress.items.get(name)) is not None and (csc := added.item.csc) is not None
    ]
    return tuple(sorted(found, key=lambda row: row.utc))


def direct_options(cscs: tuple[CscId, ...], state: RunState, fleet: FleetView, subname: str) -> DirectCard | None:
    """Return every command with why it may not go to these CSCs now; None when none are considered."""
    if not cscs:
        return None
    views = [fleet.views.get(csc) for csc in cscs]
    cameras = any(view is not None and view.camera for view in views)
    offers = []
    for command in COMMANDS:
        if command == "enterControl" and not cameras:
            continue
        fits = all(view is not None and illegal(view, command) is None for view in views)
        found = (why_not(csc, command, state, fleet, several=len(cscs) > 1) for csc in cscs)
        offers.append(CommandOffer(command, next((why for why in found if why), ""), fits))
    seen = tuple(None if view is None else view.reported for view in views)
    protected = any(csc in state.runbook.protected for csc in cscs)
    return DirectCard(cscs, seen, tuple(offers), protected, confirmation(cscs, state), subname)


def said(record: object) -> tuple[str, str] | None:
    """Return who did what, for the records of direct commands: for the timeline and the report."""
    if isinstance(record, ItemAdded) and record.step == DIRECT:
        if not record.item.effects:
            return record.operator, f"sent the emergency stop: {record.item.label}"
        seen = f", seen {record.seen}" if record.seen else ""
        return record.operator, f"approved the direct command {record.item.label}{seen}"
    if isinstance(record, ItemEnded) and record.step == DIRECT:
        how = {Outcome.REACHED: "done"}.get(record.outcome, record.outcome.value)
        if record.item.startswith(ADDED):
            return "", f"emergency stop: {how}, {record.why}"
        return "", f"{record.item}, direct command: {how}, {record.why}"
    return None


def remark(record: object, at: float, label: str = "") -> Remark | None:
    """Return the line that a record puts into the list of events as of ``at`` (monotonic), or None.

    Direct commands make one, and any item that failed or of which nobody knows; ``label``: what that item is called.
    """
    if isinstance(record, ItemAdded) and record.step == DIRECT:
        detail = f"{record.item.label}, by {record.operator}"
        if not record.item.effects:
            return Remark(at, record.item.system, "emergency stop sent", detail, calm=False)
        return Remark(at, str(record.item.id), "direct command approved", detail, calm=True)
    if isinstance(record, ItemEnded) and record.step == DIRECT:
        done = record.outcome is Outcome.REACHED
        if label:
            change = "emergency stop done" if done else f"emergency stop {record.outcome.value.upper()}"
            return Remark(at, label, change, record.why, calm=False)
        change = "direct command done" if done else f"direct {record.outcome.value.upper()}"
        return Remark(at, str(record.item), change, record.why, calm=done)
    if isinstance(record, ItemEnded) and record.outcome is not Outcome.REACHED:
        return Remark(at, label or str(record.item), f"{record.outcome.value} in {record.step}", record.why, calm=False)
    return None
