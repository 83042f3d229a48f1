"""A run as its records tell it; how they are folded is in ``evolve.py``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import DIRECT, SAL, WHOLE, ItemId, StepId
from deploydash.core.procedure.runbook import Debt, Runbook, RunPhase, Step
from deploydash.core.run.records import (
    ArrivalsLearned,
    CscsWaived,
    DebtWaived,
    GateClosedSpuriously,
    ItemAdded,
    ItemSignedOff,
    NoteWritten,
    QuestionAsked,
    Reply,
    RunOpened,
)


class StepStatus(StrEnum):
    """Where a step stands. ``ASKING``: some of its items failed or are unknown, and the lead decides."""

    PENDING = "pending"
    UNDER_WAY = "under_way"
    ASKING = "asking"
    DONE = "done"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not_applicable"


SETTLED = frozenset({StepStatus.DONE, StepStatus.SKIPPED, StepStatus.NOT_APPLICABLE})


class ItemStatus(StrEnum):
    """Where one item of a step stands."""

    PENDING = "pending"
    UNDER_WAY = "under_way"
    REACHED = "reached"
    FAILED = "failed"
    UNKNOWN = "unknown"


ASKS = frozenset({ItemStatus.FAILED, ItemStatus.UNKNOWN})
"""Where an item needs a decision, unless it is waived or signed off."""


@dataclass(frozen=True, slots=True)
class ItemProgress:
    """One item within its step: its own records, folded.

    ``request`` is the last one sent, ``answered`` whether its outcome is told and ``answer`` how; ``taken``: one of its
    requests ever was. ``key``: by what that
    which was begun outside is known, empty where nothing was; it stays while it is looked for again after its outcome
    was unknown, and nothing is begun a second time. ``state``, ``line``, ``done``, ``of``, ``known_as`` and ``paused``
    as in ItemProgressed. ``utc`` is when anything last happened to it, ``began_utc`` when it was dispatched.
    ``approved``: what was read and let go with it. ``question``: what it waits for the lead to answer.
    ``other_way``: the item that was let go instead of it, by which it ends.
    """

    status: ItemStatus = ItemStatus.PENDING
    why: str = ""
    request: str = ""
    answered: bool = True
    ok: bool | None = None
    answer: str = ""
    taken: bool = False
    key: str = ""
    state: str = ""
    line: str = ""
    done: int = 0
    of: int = 0
    known_as: str = ""
    paused: bool = False
    utc: float = 0.0
    began_utc: float = 0.0
    approved: str = ""
    question: QuestionAsked | None = None
    other_way: ItemId = WHOLE
    values: tuple[tuple[str, str], ...] = ()
    left: str = ""


UNTOUCHED = ItemProgress()
"""An item to which nothing has happened."""


@dataclass(frozen=True, slots=True)
class StepProgress:
    """One step's own history: when it was approved and ended (UTC), its items, what was added and who signed off.

    ``arrived``: of a wait, when each CSC that is there was seen to arrive (UTC). ``approved``: what was read of each
    item when the step was let go. ``overridden``: the preconditions that were red then, as sentences.
    """

    approved_utc: float | None = None
    ended_utc: float | None = None
    skipped: str | None = None
    extended_s: float = 0.0
    items: Mapping[ItemId, ItemProgress] = field(default_factory=dict)
    sign_offs: Mapping[ItemId, ItemSignedOff] = field(default_factory=dict)
    arrived: Mapping[CscId, float] = field(default_factory=dict)
    added: Mapping[ItemId, ItemAdded] = field(default_factory=dict)
    approved: Mapping[ItemId, str] = field(default_factory=dict)
    overridden: tuple[str, ...] = ()

    def item(self, item: ItemId) -> ItemProgress:
        """Return what has become of an item."""
        return self.items.get(item, UNTOUCHED)

    def signed_off(self, item: ItemId) -> bool:
        """Say whether somebody signed an item off, alone or with the whole step; who said no did not."""
        own = self.sign_offs.get(item)
        return (own is not None and own.reply is not Reply.NO) or WHOLE in self.sign_offs


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything durable of a run. ``last_utc`` is the time of its last record.

    ``stopped``: whom a sign-off says a person stopped from outside, by which step and when (UTC), until one that starts
    them is signed off. ``lost``: those that were LOST before it opened. ``learned``: of each wait, what earlier runs
    tell. ``signed_by``: who did what was signed off last; ``named``: whom the last record named that asks who.
    ``incurred``: the debts that requests made, by their ids; ``paid``: those undone by record, ``passed``: who has
    taken those that were passed on. ``texts``: what items say that the lead wrote otherwise.
    """

    runbook: Runbook
    opened: RunOpened | None = None
    opened_utc: float = 0.0
    last_utc: float = 0.0
    steps: Mapping[StepId, StepProgress] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[StepId, Mapping[ItemId, str]] = field(default_factory=dict)
    waived: Mapping[CscId, CscsWaived] = field(default_factory=dict)
    debts_waived: Mapping[str, DebtWaived] = field(default_factory=dict)
    incurred: Mapping[str, tuple[StepId, Debt]] = field(default_factory=dict)
    paid: Mapping[str, str] = field(default_factory=dict)
    passed: Mapping[str, str] = field(default_factory=dict)
    held_by: str | None = None
    notes: tuple[NoteWritten, ...] = ()
    acknowledged: frozenset[str] = frozenset()
    spurious_closures: tuple[GateClosedSpuriously, ...] = ()
    lost: frozenset[CscId] = frozenset()
    stopped: Mapping[CscId, str] = field(default_factory=dict)
    learned: Mapping[StepId, ArrivalsLearned] = field(default_factory=dict)
    signed_by: str = ""
    named: str = ""
    closed: bool = False
    _statuses: dict[StepId, StepStatus] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Where steps stand, each found out once: a card and its gate ask for all of them many times, and of a hundred
    items. A state never changes, and the next one begins empty."""
    _worked_on: Mapping[CscId, StepId] | None = field(default=None, init=False, repr=False, compare=False)

    def progress(self, step: StepId) -> StepProgress:
        """Return a step's history, empty if it has none."""
        return self.steps.get(step, _NOTHING)

    def status(self, step: Step) -> StepStatus:
        """Return where a step stands."""
        known = self._statuses.get(step.id)
        if known is None:
            known = self._statuses[step.id] = self._status(step)
        return known

    def _status(self, step: Step) -> StepStatus:
        progress = self.progress(step.id)
        if step.applies(self.answers) is False:
            return StepStatus.NOT_APPLICABLE
        if progress.skipped is not None:
            return StepStatus.SKIPPED
        if progress.ended_utc is not None or (step.closes and self.closed):
            return StepStatus.DONE
        if progress.approved_utc is None:
            return StepStatus.PENDING
        moving = any(progress.item(item.id).status is ItemStatus.UNDER_WAY for item in step.items)
        if self.asking(step) and not moving and not step.waits:
            return StepStatus.ASKING
        return StepStatus.UNDER_WAY

    def settled(self, step: Step) -> bool:
        """Say whether a step holds nobody any more."""
        return self.status(step) in SETTLED

    def asking(self, step: Step) -> tuple[Item, ...]:
        """Return the items of a step that failed or are unknown, and that nobody waived or signed off."""
        progress = self.progress(step.id)
        return tuple(
            item
            for item in step.items
            if progress.item(item.id).status in ASKS and not progress.signed_off(item.id) and not self.is_waived(item)
        )

    def is_waived(self, item: Item) -> bool:
        """Say whether an item only commands CSCs, and all of them were waived by name.

        What is done to a CSC from outside is still to be done: the Job of a CSC that hung and was waived would make the
        next sync fail.
        """
        return item.system == SAL and bool(item.effects) and all(effect.csc in self.waived for effect in item.effects)

    def item(self, step: StepId, item: ItemId) -> Item | None:
        """Return an item by its names, one of the runbook's or one that the lead added; None where there is none."""
        added = self.progress(step).added.get(item)
        if added is not None:
            return added.item
        try:
            return self.runbook.step(step).item(item)
        except KeyError:
            return None

    def step_of(self, name: ItemId, progress: ItemProgress) -> StepId | None:
        """Return the step of an item under way by what it has come to; None where it is none of the runbook's."""
        if progress.status is not ItemStatus.UNDER_WAY:
            return None
        return next((step.id for step in self.runbook.steps() if self.progress(step.id).item(name) is progress), None)

    def work(self) -> Iterator[tuple[StepId, Item, ItemProgress]]:
        """Yield every item to which anything happened, with the step it belongs to."""
        for step in (*(step.id for step in self.runbook.steps()), DIRECT):
            for name, progress in self.progress(step).items.items():
                item = self.item(step, name)
                if item is not None:
                    yield step, item, progress

    def worked_on(self) -> Mapping[CscId, StepId]:
        """Return the CSCs on which an item under way has an effect, each with the step of that item."""
        if self._worked_on is None:
            moving = (
                (step, self.item(step, name))
                for step in (*(step.id for step in self.runbook.steps()), DIRECT)
                for name, progress in self.progress(step).items.items()
                if progress.status is ItemStatus.UNDER_WAY
            )
            found = {csc: step for step, item in moving if item is not None for csc in item.cscs}
            object.__setattr__(self, "_worked_on", found)
            return found
        return self._worked_on

    def debts(self) -> tuple[tuple[StepId, Debt], ...]:
        """Return the debts that are open: made by a step or a request, no payer is done, nobody waived or paid them."""
        made = {
            debt.id: (step.id, debt)
            for step in self.runbook.steps()
            for debt in step.debts
            if self.progress(step.id).approved_utc is not None
        }
        return tuple(
            (step, debt)
            for step, debt in {**made, **self.incurred}.values()
            if debt.id not in self.debts_waived
            and debt.id not in self.paid
            and not any(self.progress(payer).ended_utc is not None for payer in debt.paid_by)
        )


_NOTHING = StepProgress()


def current_phase(state: RunState) -> RunPhase:
    """Return the first phase with a step that is not settled, else the last."""
    for phase in state.runbook.phases:
        if any(not state.settled(step) for step in phase.steps):
            return phase
    return state.runbook.phases[-1]
