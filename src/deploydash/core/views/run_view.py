"""A run as a screen shows it: frozen, made anew whenever something of it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from deploydash.core.fleet.snapshot import OtherHand
from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import DIRECT, OWN, ItemId, Lane, StepId
from deploydash.core.procedure.runbook import Choice, Debt, Fallback, OfKind, RunPhase, Step, StepKind, Tier
from deploydash.core.run.arm import Arm
from deploydash.core.run.debts import owed_words
from deploydash.core.run.fleet_view import FleetView, GateReason
from deploydash.core.run.gate import only_silence_awaited, reasons
from deploydash.core.run.items import fallbacks_of, is_over
from deploydash.core.run.lost_at_start import still_lost
from deploydash.core.run.other_hands import unacknowledged
from deploydash.core.run.placeholders import filled_in, missing_placeholders, placeholders_of
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import ControlOffer
from deploydash.core.run.records import ArrivalsLearned, GateClosedSpuriously, ItemSignedOff, Reply
from deploydash.core.run.sight import not_there
from deploydash.core.run.sign_offs import against, unseen_items
from deploydash.core.run.state import (
    ASKS,
    ItemProgress,
    ItemStatus,
    RunState,
    StepStatus,
    current_phase,
)
from deploydash.core.views.csc_in_run import in_run
from deploydash.core.views.direct_view import DirectCard, DirectRow, direct_rows
from deploydash.core.views.proposal_view import ProposalCard
from deploydash.core.views.wait_view import WaitView, wait_view, waived_of

Controls = Callable[[Item, ItemProgress], tuple[ControlOffer, ...]]
"""Returns what an item's system can be told about it now."""

Lines = Callable[[Item], tuple[str, ...]]
"""Returns the exact requests of an item as far as they are known without asking anybody."""


@dataclass(frozen=True, slots=True)
class Own:
    """What only one process knows of a run: what it armed, planned, heard live, and may tell the systems.

    ``arms`` by step; ``plan`` is what the action of the card's step described. ``outputs``: the last lines of live
    output by step and item. ``message``: what the lead is told on the card.
    """

    chosen: StepId | None = None
    arms: Mapping[StepId, Arm] = field(default_factory=dict)
    plan: Plan | None = None
    message: str = ""
    fault: str = ""
    direct: DirectCard | None = None
    proposal: ProposalCard | None = None
    inspected: CscId | None = None
    controls: Controls = lambda _, __: ()
    lines: Lines = lambda _: ()
    outputs: Mapping[tuple[StepId, ItemId], tuple[str, ...]] = field(default_factory=dict)


NOTHING_OWN = Own()


@dataclass(frozen=True, slots=True)
class StepRow(OfKind):
    """One line of the runbook panel. ``evidence`` says in a phrase what is seen; times are UTC seconds."""

    step: StepId
    title: str
    kind: StepKind
    tier: Tier
    lane: Lane
    phase: str
    status: StepStatus
    evidence: str
    started_utc: float | None
    ended_utc: float | None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item of a card: what it is, what it has come to, what may be told about it.

    ``done``: it was reached or signed off. ``against``: what is seen against a sign-off now, or against the one there
    is. ``asks``: the lead has to decide about it. ``instead_of``: the items that it is another way for; ``beside``: the
    lead added it beside what the runbook says. ``lost_of``: the group of its CSC, if that was LOST before the run
    opened and still is; such are one decision. ``plan``: what would be sent.
    ``passed``: of one that failed before anything was sent, that what kept it is not so any more.
    """

    step: StepId
    item: Item
    progress: ItemProgress
    done: bool
    asks: bool
    sign_off: ItemSignedOff | None = None
    instead_of: tuple[ItemId, ...] = ()
    beside: bool = False
    lost_of: str = ""
    plan: ItemPlan | None = None
    controls: tuple[ControlOffer, ...] = ()
    output: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    passed: str = ""

    @property
    def moves(self) -> bool:
        """Whether it is under way."""
        return self.progress.status is ItemStatus.UNDER_WAY

    @property
    def csc(self) -> CscId | None:
        """The one CSC that it is about, if any."""
        return self.item.csc


@dataclass(frozen=True, slots=True)
class Card:
    """The gate card: what would be done, on what, why it may or may not go now, and what it leaves behind.

    ``rows`` are the items of the step, ``added`` those that the lead added to it. ``choices`` are the questions this
    step asks, ``answers`` (choice, answer) those answered so far. ``arrivals``: UTC seconds at which one of the
    ``total`` items was reached. ``fallbacks``: the other ways for items that did not go. ``wanting``: the words that
    its commands still wait for. ``plan``: what its action described, None where nobody described it yet. ``earlier``:
    how long its items took in earlier runs. ``way_back``: where something failed that can be taken back by a run of
    its own, the command that opens it.
    """

    step: Step
    status: StepStatus
    reasons: tuple[GateReason, ...]
    is_open: bool
    armed: Arm | None
    armed_message: str
    rows: tuple[ItemRow, ...] = ()
    added: tuple[ItemRow, ...] = ()
    choices: tuple[Choice, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    sign_offs: tuple[ItemSignedOff, ...] = ()
    arrivals: tuple[float, ...] = ()
    total: int = 0
    fallbacks: tuple[Fallback, ...] = ()
    wanting: tuple[str, ...] = ()
    plan: Plan | None = None
    earlier: ArrivalsLearned | None = None
    way_back: str = ""

    @property
    def asking(self) -> tuple[ItemRow, ...]:
        """The items that need a decision."""
        return tuple(row for row in self.rows if row.asks)

    @property
    def of_cscs(self) -> bool:
        """Whether each item is one CSC on its way, so that they are shown as CSCs and not one by one."""
        return bool(self.rows) and all(row.item.is_transition for row in self.rows)


@dataclass(frozen=True, slots=True)
class LaneHead:
    """The step that a lane has come to. ``waits_for_lead``: it asks, or may go, or is armed."""

    lane: Lane
    step: StepId
    status: StepStatus
    waits_for_lead: bool
    armed: bool = False


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything of a run that a screen may show.

    ``owed``: the open debts with the ids by which they are waived. ``lost``: who was LOST before the run opened and
    still is. ``signed_by`` and ``named`` as in RunState. ``spoke_for``: who said yes last for each
    owner that is asked. ``added``: the items added beside the runbook, at whatever
    step, that are under way, and the last one that was. ``direct``: the last direct command to each CSC, newest last;
    ``direct_card``: what the dialog about one shows, if open; ``proposal``: the same of an order about items.
    ``inspected``: what the run wants of the CSC whose detail is open. ``heads``: the lanes.
    ``others``: who commands from elsewhere, till the lead takes note.
    """

    run: str
    runbook: str
    cycle: str
    phase: str
    phases: tuple[str, ...]
    opened_utc: float
    operator: str
    held_by: str | None
    closed: bool
    rows: tuple[StepRow, ...]
    card: Card | None
    wait: WaitView | None
    debts: tuple[str, ...]
    waived: tuple[tuple[CscId, str], ...]
    fault: str
    owed: tuple[Debt, ...] = ()
    lost: frozenset[CscId] = frozenset()
    signed_by: str = ""
    named: str = ""
    spoke_for: tuple[tuple[str, str], ...] = ()
    spurious_closures: tuple[GateClosedSpuriously, ...] = ()
    added: tuple[ItemRow, ...] = ()
    direct: tuple[DirectRow, ...] = ()
    direct_card: DirectCard | None = None
    proposal: ProposalCard | None = None
    inspected: tuple[str, ...] = ()
    heads: tuple[LaneHead, ...] = ()
    others: tuple[OtherHand, ...] = ()


def card_step(state: RunState, fleet: FleetView, chosen: StepId | None = None) -> Step | None:
    """Return the step whose card is on top: the chosen one, else one that asks, is under way or is the next.

    Where only silence is awaited, and commands are next in that lane, their card is on top: they may go. A wait hides
    no step of another lane that may go. While the run is held, what asks is on top: no other lane is shown then.
    """
    steps = list(state.runbook.steps())
    asking = next((step for step in steps if _asks(step, state)), None)
    if chosen is not None and (asking is None or state.held_by is None):
        return state.runbook.step(chosen)
    if asking is not None:
        return asking
    waits: list[Step] = []
    for wanted in (StepStatus.ASKING, StepStatus.UNDER_WAY):
        for step in steps:
            if state.status(step) is not wanted:
                continue
            if step.waits:
                waits.append(step)
                continue
            free = wanted is StepStatus.UNDER_WAY and only_silence_awaited(step, state, fleet)
            return _commands_behind(step, state) if free else step
    pending = [step for step in steps if state.status(step) is StepStatus.PENDING]
    if waits:
        may_go = (step for step in pending if all(reason.met for reason in reasons(step, state, fleet)))
        return next(may_go, waits[0])
    return pending[0] if pending else None


def _asks(step: Step, state: RunState) -> bool:
    """Say whether an item of a step under way waits for the lead's answer."""
    return any(one.question is not None for one in state.progress(step.id).items.values())


def _commands_behind(step: Step, state: RunState) -> Step:
    """Return the next step in a step's lane if it acts, else the step itself."""
    lane = [other for other in state.runbook.steps() if other.lane == step.lane]
    behind = lane[lane.index(step) + 1 :]
    pending = next((other for other in behind if state.status(other) is StepStatus.PENDING), step)
    return pending if pending.acts else step


def lane_heads(state: RunState, fleet: FleetView, arms: Mapping[StepId, Arm]) -> tuple[LaneHead, ...]:
    """Return where each lane stands: its first step that is not settled."""
    heads: dict[Lane, LaneHead] = {}
    for step in state.runbook.steps():
        status = state.status(step)
        if step.lane in heads or state.settled(step):
            continue
        asks = status is StepStatus.ASKING or (status is StepStatus.UNDER_WAY and (step.manual or _asks(step, state)))
        opens = status is StepStatus.PENDING and not step.waits
        waits = asks or (opens and all(reason.met or reason.asks for reason in reasons(step, state, fleet)))
        heads[step.lane] = LaneHead(step.lane, step.id, status, waits, step.id in arms)
    return tuple(heads.values())


def lane_card(state: RunState, fleet: FleetView, step: StepId) -> StepId | None:
    """Return whose card stands where the lead went to the lane of a step: its own until it is settled.

    Then it is that of the lane's next step, if that needs the lead, else None: whatever is next anywhere.
    """
    gone_to = state.runbook.step(step)
    if not state.settled(gone_to):
        return step
    heads = (head for head in lane_heads(state, fleet, {}) if head.lane == gone_to.lane and head.waits_for_lead)
    return next((head.step for head in heads), None)


def _spoke_for(state: RunState) -> tuple[tuple[str, str], ...]:
    """Return who said yes last for each item that is somebody's own yes or no, by its label."""
    steps = (step for step in state.runbook.steps() if step.one_each)
    said = ((item.label, state.progress(step.id).sign_offs.get(item.id)) for step in steps for item in step.items)
    return tuple({label: one.by for label, one in said if one is not None and one.reply is Reply.YES}.items())


def run_view(state: RunState, fleet: FleetView, own: Own = NOTHING_OWN) -> RunView:
    """Return the view of a run as of a sight; ``own`` is what this process alone knows."""
    opened = state.opened
    step = card_step(state, fleet, own.chosen)
    return RunView(
        run=opened.run if opened else "",
        runbook=state.runbook.title,
        cycle=opened.cycle if opened else "",
        phase=current_phase(state).id,
        phases=tuple(phase.id for phase in state.runbook.phases),
        opened_utc=state.opened_utc,
        operator=opened.operator if opened else "",
        held_by=state.held_by,
        closed=state.closed,
        rows=tuple(_row(step, phase, state, fleet) for phase in state.runbook.phases for step in phase.steps),
        card=_card(step, state, fleet, own) if step is not None else None,
        wait=wait_view(state, fleet),
        debts=tuple(owed_words(debt, state) for _, debt in state.debts()),
        waived=tuple((csc, record.reason) for csc, record in state.waived.items()),
        fault=own.fault,
        owed=tuple(replace(debt, what=owed_words(debt, state)) for _, debt in state.debts()),
        spurious_closures=state.spurious_closures,
        lost=still_lost(state, fleet),
        signed_by=state.signed_by,
        named=state.named,
        spoke_for=_spoke_for(state),
        added=_beside(state, own),
        direct=direct_rows(state),
        direct_card=own.direct,
        proposal=own.proposal,
        inspected=in_run(own.inspected, state) if own.inspected is not None else (),
        heads=lane_heads(state, fleet, own.arms),
        others=unacknowledged(state, fleet),
    )


def _row(step: Step, phase: RunPhase, state: RunState, fleet: FleetView) -> StepRow:
    progress = state.progress(step.id)
    return StepRow(
        step.id,
        step.title,
        step.kind,
        step.tier,
        step.lane,
        phase.id,
        state.status(step),
        _evidence(step, state, fleet),
        progress.approved_utc,
        progress.ended_utc,
    )


def decisions(number: int) -> str:
    """Return how many wait for the lead: ``1 needs a decision``."""
    return f"{number} need{'s' if number == 1 else ''} a decision"


def _evidence(step: Step, state: RunState, fleet: FleetView) -> str:
    progress = state.progress(step.id)
    status = state.status(step)
    if status is StepStatus.SKIPPED:
        return f"skipped: {progress.skipped}"
    if step.waits and status is StepStatus.UNDER_WAY:
        total, waived = len(step.cscs), len(waived_of(step, state))
        there = total - waived - len(not_there(step, state, fleet))
        return f"{there}/{total}" + (f", {waived} waived" if waived else "")
    if step.acts and progress.items:
        over = sum(is_over(item, step, state) for item in step.items)
        asking = len(state.asking(step))
        return f"{over}/{len(step.items)}" + (f" · {decisions(asking)}" if asking else "")
    if progress.sign_offs:
        signed = [sign_off for sign_off in progress.sign_offs.values() if sign_off.reply is not Reply.NO]
        said_no = [sign_off.by for sign_off in progress.sign_offs.values() if sign_off.reply is Reply.NO]
        by = ", ".join(dict.fromkeys(sign_off.by for sign_off in signed))
        unseen = "signed off, effect not seen: " if unseen_items(step, state, fleet) else ""
        no = [f"NO by {', '.join(said_no)}"] if said_no else []
        return f"{unseen}{' · '.join([*no, *([f'by {by}'] if by else [])])}"
    return ""


def _card(step: Step, state: RunState, fleet: FleetView, own: Own) -> Card:
    found = reasons(step, state, fleet)
    status = state.status(step)
    progress = state.progress(step.id)
    shown = filled_in(step, placeholders_of(state, fleet), state.texts.get(step.id))
    reached = (one.utc for item in step.items if (one := progress.item(item.id)).status is ItemStatus.REACHED)
    lost = {csc: fleet.views[csc].group for csc in still_lost(state, fleet)}
    return Card(
        shown,
        status,
        found,
        status is StepStatus.PENDING and all(reason.met or (step.manual and reason.by_reason) for reason in found),
        own.arms.get(step.id),
        own.message,
        rows=tuple(
            replace(_item_row(step.id, item, state, own, lost), against=_against(step, item, state, fleet))
            for item in shown.items
        ),
        added=tuple(_item_row(step.id, added.item, state, own, {}) for added in progress.added.values()),
        choices=tuple(choice for choice in state.runbook.choices if choice.id in step.asks),
        answers=tuple(state.answers.items()),
        sign_offs=tuple(progress.sign_offs.values()),
        arrivals=tuple(sorted(reached)),
        total=len(step.items),
        fallbacks=fallbacks_of(step, state),
        wanting=missing_placeholders(step, state),
        plan=own.plan,
        earlier=state.learned.get(step.id),
        way_back=_way_back(step, state),
    )


def _way_back(step: Step, state: RunState) -> str:
    """Return the command of the runbook that takes back what failed, where its phase names one and something asks.

    It is a run of its own: this one stays open with all that it owes, and a site has one lead.
    """
    phase = next(phase for phase in state.runbook.phases if step in phase.steps)
    if not phase.way_back or not state.asking(step):
        return ""
    return f"deploydash run {state.runbook.site} {phase.way_back} --cycle <the cycle before>"


def _against(step: Step, item: Item, state: RunState, fleet: FleetView) -> tuple[str, ...]:
    """Return what is seen against an item that a person does, signed off or to be."""
    if not step.manual and not state.progress(step.id).signed_off(item.id):
        return ()
    seen = state.progress(step.id).item(item.id).status is ItemStatus.REACHED
    return () if seen else against(item, state, fleet)


def _item_row(step: StepId, item: Item, state: RunState, own: Own, lost: Mapping[CscId, str]) -> ItemRow:
    progress = state.progress(step)
    one = progress.item(item.id)
    added = progress.added.get(item.id)
    signed_off = progress.signed_off(item.id)
    planned = own.plan.of(item.id) if own.plan is not None else None
    return ItemRow(
        step,
        item,
        one,
        done=one.status is ItemStatus.REACHED or signed_off,
        asks=one.status in ASKS and not signed_off and not state.is_waived(item),
        sign_off=progress.sign_offs.get(item.id),
        instead_of=added.instead_of if added is not None else (),
        beside=added is not None and not added.instead_of,
        lost_of=lost.get(item.csc, "") if item.csc is not None else "",
        plan=planned or ItemPlan(item.id, own.lines(item)),
        controls=own.controls(item, one) if one.status is not ItemStatus.PENDING else (),
        output=own.outputs.get((step, item.id), ()),
        passed="" if item.system == OWN else _passed(one, planned),  # what only asks sends nothing either way
    )


def _passed(one: ItemProgress, planned: ItemPlan | None) -> str:
    """Return that the cause of a failure has passed: nothing was sent for it, and now it could be, or need not be."""
    if one.status is not ItemStatus.FAILED or one.request or planned is None or planned.blocked:
        return ""
    if planned.lines:
        return "its cause has passed: it can be tried again now"
    return f"its cause has passed: it {planned.why}" if planned.why else ""


def _beside(state: RunState, own: Own) -> tuple[ItemRow, ...]:
    rows = [
        _item_row(step, added.item, state, own, {})
        for step, progress in state.steps.items()
        if step != DIRECT
        for added in progress.added.values()
        if not added.instead_of
    ]
    last = max(rows, key=lambda row: row.progress.began_utc, default=None)
    return tuple(row for row in rows if row.moves or row is last)
