"""Commands by hand as a screen, the events and the report tell them: what may go, what is armed, what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.fleet.commands import Remark
from deploydash.core.model import CscId, SummaryState
from deploydash.core.procedure.runbook import DIRECT
from deploydash.core.procedure.transitions import LEADS_TO
from deploydash.core.run.arm import Arm
from deploydash.core.run.direct_commands import confirmation, illegal, why_not
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.orders import DirectCommand
from deploydash.core.run.records import DirectCommandApproved, ItemEnded, Outcome
from deploydash.core.run.state import RunState, TargetStatus


@dataclass(frozen=True, slots=True)
class DirectRow:
    """The last command by hand to one CSC and what came of it; ``utc`` is when anything last happened to it."""

    csc: CscId
    command: str
    override: str
    snapshot: int
    status: TargetStatus
    why: str
    sent: bool
    utc: float

    @property
    def sentence(self) -> str:
        """How it stands, in words: ``direct command standby of MTDome: UNKNOWN, standby: no answer within 60 s``."""
        override = f", with {self.override}" if self.override else ""
        state = {
            TargetStatus.PENDING: "approved",
            TargetStatus.UNDER_WAY: "sent, not seen yet" if self.sent else "approved, about to be sent",
            TargetStatus.REACHED: "done",
            TargetStatus.FAILED: "FAILED",
            TargetStatus.UNKNOWN: "UNKNOWN",
        }[self.status]
        return f"direct command {self.command} of {self.csc}{override}: {state}{f', {self.why}' if self.why else ''}"


@dataclass(frozen=True, slots=True)
class HandOffer:
    """One command for the CSCs that the lead considers; ``why_not`` is empty where it may go now.

    ``legal``: each of them reports a state in which it takes this command.
    """

    command: str
    why_not: str
    legal: bool


@dataclass(frozen=True, slots=True)
class DirectCard:
    """What the dialog shows of the CSCs that the lead considers commanding by hand.

    ``seen``: their reported states, in order. ``confirm``: what is to be typed, or empty. ``order``: what is armed.
    """

    cscs: tuple[CscId, ...]
    seen: tuple[SummaryState | None, ...]
    offers: tuple[HandOffer, ...]
    protected: bool
    confirm: str
    subname: str
    armed: Arm | None = None
    order: DirectCommand | None = None
    message: str = ""


def rows(state: RunState) -> tuple[DirectRow, ...]:
    """Return the last command by hand to each CSC, the newest last."""
    targets = state.progress(DIRECT).targets
    found = [
        DirectRow(
            csc, let_go.command, let_go.override, let_go.snapshot, one.status, one.why, bool(one.command), one.utc
        )
        for csc, let_go in state.direct.items()
        if (one := targets.get(csc)) is not None
    ]
    return tuple(sorted(found, key=lambda row: row.utc))


def direct_options(cscs: tuple[CscId, ...], state: RunState, fleet: FleetView, subname: str) -> DirectCard | None:
    """Return every command with why it may not go to these CSCs now; None when none are considered."""
    if not cscs:
        return None
    views = [fleet.views.get(csc) for csc in cscs]
    cameras = any(view is not None and view.camera for view in views)
    offers = []
    for command in LEADS_TO:
        if command == "enterControl" and not cameras:
            continue
        fits = all(view is not None and illegal(view, command) is None for view in views)
        found = (why_not(csc, command, state, fleet, several=len(cscs) > 1) for csc in cscs)
        offers.append(HandOffer(command, next((why for why in found if why), ""), fits))
    seen = tuple(None if view is None else view.reported for view in views)
    protected = any(csc in state.runbook.protected for csc in cscs)
    return DirectCard(cscs, seen, tuple(offers), protected, confirmation(cscs, state), subname)


def said(record: object) -> tuple[str, str] | None:
    """Return who did what, for the records of commands by hand: for the report and the list of events."""
    if isinstance(record, DirectCommandApproved):
        names = ", ".join(map(str, record.cscs))
        states = ", ".join(dict.fromkeys(state.name for state in record.seen))
        override = f" with configuration override {record.override}" if record.override else ""
        return record.operator, f"approved the direct command {record.command}{override}: {names}, seen {states}"
    if isinstance(record, ItemEnded) and record.step == DIRECT:
        how = {Outcome.REACHED: "done"}.get(record.outcome, record.outcome.value)
        return "", f"{record.item}, direct command: {how}, {record.why}"
    return None


def remark(record: object, at: float) -> Remark | None:
    """Return the line that a record of a command by hand puts into the list of events as of ``at`` (monotonic)."""
    if isinstance(record, DirectCommandApproved):
        subject = str(record.cscs[0]) if len(record.cscs) == 1 else f"{len(record.cscs)} CSCs"
        names = "" if len(record.cscs) == 1 else f": {', '.join(map(str, record.cscs))}"
        return Remark(at, subject, f"direct {record.command}", f"approved by {record.operator}{names}", calm=True)
    if isinstance(record, ItemEnded) and record.step == DIRECT:
        done = record.outcome is Outcome.REACHED
        change = "direct command done" if done else f"direct {record.outcome.value.upper()}"
        return Remark(at, str(record.item), change, record.why, calm=done)
    return None
