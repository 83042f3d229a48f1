"""Keeps a run: an order is decided, journaled, folded, and only then acted on; what happened comes back the same way.

One writer makes every decision and its records one step; the journal's order is the truth (DESIGN decision 1, 3).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace

from deploydash.core.fleet.commands import CompareWith, JudgeByRun, Remark
from deploydash.core.fleet.snapshot import CscView, Snapshot
from deploydash.core.model import CscId
from deploydash.core.ports import Clock
from deploydash.core.procedure.runbook import DIRECT, CscItem, ItemId, Step, StepId, StepKind, Tier, csc_items
from deploydash.core.published import Published, published
from deploydash.core.run.arm import Arm, closed_reasons, direct_disarm_reason, disarm_reason, ready, typed, unseen
from deploydash.core.run.decide import Decision, Refused, decide, may_intend, settle
from deploydash.core.run.direct_commands import refusal, step_of
from deploydash.core.run.expectations import Judging
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.gate import reasons
from deploydash.core.run.lost_at_start import lost_before
from deploydash.core.run.orders import Approve, ArmDirect, ArmOrder, ArmStep, Disarm, Hold, RunOrder, TypeName
from deploydash.core.run.ports import Action, ScriptAction, ScriptJob
from deploydash.core.run.records import (
    ArrivalsLearned,
    ControlOrdered,
    DirectCommandApproved,
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    ItemsDispatched,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunOpened,
    RunRecord,
    RunResumed,
)
from deploydash.core.run.state import RunState, TargetStatus, csc_of, script_of
from deploydash.core.views.direct_view import direct_options, remark
from deploydash.core.views.run_view import card_step, run_view
from deploydash.errors import UserError
from deploydash.session.gate_watch import GateWatch
from deploydash.session.run_writer import Decide, Journal, RunWriter

log = logging.getLogger(__name__)


class RunController:
    """The one owner of a run's state in this process; also the desk at which actions work.

    ``compare`` is told what the phase of the run compares the fleet with, each time that this changes; ``remark`` what
    is written that belongs into the list of events. ``considered``: the CSCs of the dialog about commands by hand.
    """

    def __init__(
        self,
        state: RunState,
        journal: Journal,
        look: Callable[[], Snapshot],
        clock: Clock,
        operator: str,
        actions: Mapping[StepKind, Action],
        scripts: ScriptAction | None = None,
    ) -> None:
        self._writer = RunWriter(state, journal, self._fleet_view, clock)
        self._look = look
        self._clock = clock
        self._operator = operator
        self._actions = actions
        self._scripts = scripts
        self._watched: list[tuple[CscId, Callable[[CscView], bool], asyncio.Future[None]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._arm: Arm | None = None
        self._armed: ArmStep | ArmDirect | None = None
        self._message = ""
        self._gates = GateWatch()
        self._looked_at_all = False
        self.chosen: StepId | None = None
        self.direct_options: tuple[CscId, ...] = ()
        self.subname = "sal"
        self.judge: Callable[[CompareWith | JudgeByRun], None] = lambda _: None
        self.remark: Callable[[Remark], None] = lambda _: None
        self._judging = Judging()
        self._seen: FleetView | None = None

    @property
    def state(self) -> RunState:
        """The run as its journal has it."""
        return self._writer.state

    @property
    def fault(self) -> str:
        """Why the disk refused last, or an empty text."""
        return self._writer.fault

    async def begin(self, first: RunOpened | RunResumed) -> None:
        """Write the record with which this process opens or resumes the run.

        Raises:
            UserError: the journal cannot be written.
        """
        decision = await self._commit(lambda _, __: (first,))
        if isinstance(decision, Refused):
            raise UserError(decision.why)

    async def learn(self, found: Sequence[ArrivalsLearned]) -> None:
        """Journal what earlier nights tell, as far as it is new; a disk that refuses costs an estimate, no more."""
        await self._commit(
            lambda state, _: tuple(
                record for record in found if not state.closed and state.learned.get(record.step) != record
            )
        )

    async def order(self, order: RunOrder) -> Decision:
        """Decide an order of the lead, write its records, then act; a refusal says why."""
        decision = await self._commit(lambda state, fleet_view: decide(order, state, fleet_view, self._operator))
        if isinstance(decision, Refused):
            return decision
        if isinstance(order, Hold):
            self._arm = None
        self._act_on(decision)
        return decision

    async def arm(self, order: ArmOrder) -> Decision:
        """Arm, type, fire or disarm. Firing approves the armed step as its card showed it."""
        if isinstance(order, Disarm):
            self._drop("disarmed" if self._arm is not None else "")
            return ()
        if isinstance(order, ArmStep):
            return self._arm_step(order)
        if isinstance(order, ArmDirect):
            return self._arm_direct(order)
        if self._arm is not None and (dead := unseen(self._arm, self._look().standstill)):
            self._drop(dead)
            return Refused(dead)
        if self._arm is None or self._armed is None:
            return Refused("nothing is armed")
        if isinstance(order, TypeName):
            now = typed(self._arm, order.text, self.state.runbook.site, self._clock.monotonic())
            if isinstance(now, str):
                return Refused(now)
            self._arm = now
            return ()
        not_yet = ready(self._arm, self._clock.monotonic())
        return Refused(not_yet) if not_yet else await self._fire(self._armed)

    async def watch(self) -> None:
        """Look at the world four times a second: arms that die, waits that begin, steps that have ended."""
        while True:
            await self._look_once()
            await asyncio.sleep(0.25)

    def view(self, csc: CscId) -> CscView | None:
        """Return what is seen of a CSC now (``ItemContext``)."""
        return self._fleet_view().views.get(csc)

    async def intend(self, record: RequestIntended) -> str | None:
        """Journal an intent after the last look; None means it may be sent now (``ItemContext``)."""

        def decided(state: RunState, fleet: FleetView) -> Decision:
            why = may_intend(record, state, fleet)
            return (record,) if why is None else Refused(why)

        decision = await self._commit(decided)
        return decision.why if isinstance(decision, Refused) else None

    async def tell(self, record: RequestAnswered | ItemProgressed | ItemEnded) -> None:
        """Journal what came of an item. If the disk refuses, it stays unknown to a resume, which is true."""
        await self._commit(lambda _, __: (record,))

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        """Wait until a CSC is seen as asked; False at the limit (``ItemContext``)."""
        view = self.view(csc)
        if view is not None and when(view):
            return True
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        watched = (csc, when, arrived)
        self._watched.append(watched)
        try:
            await asyncio.wait_for(arrived, limit_s)
        except TimeoutError:
            return False
        finally:
            self._watched.remove(watched)
        return True

    def saw(self, snapshot: Snapshot) -> None:
        """Take in a new snapshot: wake whoever waits for what it shows (core.ports.Subscriber)."""
        if not self._watched:
            return
        views = self._fleet_view_of(snapshot).views
        for csc, when, arrived in self._watched:
            view = views.get(csc)
            if view is not None and not arrived.done() and when(view):
                arrived.set_result(None)

    def attach(self, snapshot: Snapshot) -> Published:
        """Return the snapshot with the run as a screen shows it beside it."""
        fleet_view = self._fleet_view_of(snapshot)
        hand = direct_options(self.direct_options, self.state, fleet_view, self.subname)
        if hand is not None:
            order = self._armed.order if isinstance(self._armed, ArmDirect) else None
            hand = replace(hand, armed=self._arm if order else None, order=order, message=self._message)
        shown = run_view(
            self.state,
            fleet_view,
            chosen=self.chosen,
            arm=self._arm,
            message="" if hand is not None else self._message,
            fault=self.fault,
            hand=hand,
            inspected=snapshot.detail.csc if snapshot.detail is not None else None,
        )
        return published(snapshot, shown)

    def noticed(self, records: Sequence[object]) -> None:
        """Take what the fleet noticed; it is on disk before the next record of the run."""
        self._writer.noticed(records)

    async def idle(self) -> None:
        """Wait until no action is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def aclose(self) -> None:
        """Stop dispatching and wait for the actions to let go; what they had sent stays unknown."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._writer.idle()

    def _fleet_view(self) -> FleetView:
        return self._fleet_view_of(self._look())

    def _fleet_view_of(self, snapshot: Snapshot) -> FleetView:
        self._seen = FleetView.of(snapshot, self._seen)
        return self._seen

    async def _commit(self, decide: Decide) -> Decision:
        decision = await self._writer.commit(decide)
        for record in () if isinstance(decision, Refused) else decision:
            if (line := remark(record, self._clock.monotonic())) is not None:
                self.remark(line)
        for order in self._judging.news(self.state):
            self.judge(order)
        return decision

    async def _look_once(self) -> None:
        armed = self._arm.step if self._arm is not None else None
        seen = self._fleet_view()
        self._gates.look(card_step(self.state, seen, self.chosen), self.state, seen, armed)
        await self._tend_arm()
        snapshot = self._look()
        look_at_all = snapshot.decided and not self._looked_at_all

        def looked(state: RunState, fleet_view: FleetView) -> Decision:
            lost = lost_before(state, snapshot) if look_at_all else ()
            return (*lost, *settle(state, fleet_view), *self._gates.ended)

        decision = await self._commit(looked)
        if not isinstance(decision, Refused):
            self._looked_at_all = self._looked_at_all or look_at_all
            self._gates.written()
            self._act_on(decision)

    def _act_on(self, records: Sequence[RunRecord]) -> None:
        """Begin what records that are on disk let go."""
        for record in records:
            if isinstance(record, ItemsDispatched):
                step = self.state.runbook.step(record.step)
                cscs = tuple(csc for item in record.items if (csc := csc_of(item)) is not None)
                if cscs:
                    self._start(self._act(step, cscs), f"step {step.id}")
                for item in record.items:
                    if csc_of(item) is None:
                        self._start(self._script(self._job(step, item)), f"item {item} of {step.id}")
            elif isinstance(record, DirectCommandApproved):
                self._start(self._act(step_of(record), record.cscs), f"direct {record.command}")
            elif isinstance(record, ItemAdded):
                step = self.state.runbook.step(record.step)
                self._start(self._script(self._job(step, record.item)), f"{record.path} of {step.id}")
            elif isinstance(record, ControlOrdered):
                self._start(self._control(record), f"{record.name} for {record.step}")

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _job(self, step: Step, name: ItemId) -> ScriptJob:
        progress = self.state.progress(step.id)
        script = script_of(step, progress, name)
        if script is None:
            raise RuntimeError(f"{step.id} has no script {name}")
        added = progress.added.get(name)
        instead_of = [step.item(item) for item in added.instead_of] if added is not None else []
        cscs = tuple(item for item in instead_of if isinstance(item, CscItem))
        return ScriptJob(step.id, name, script, progress.item(name), cscs)

    async def _script(self, job: ScriptJob) -> None:
        try:
            if self._scripts is None:
                raise UserError("this process speaks to no ScriptQueue")  # noqa: TRY301  told as any other failure
            await self._scripts.run(job, self)
        except UserError as error:
            await self._script_unknown(job, str(error))
        except Exception as error:
            log.exception("script %s of step %s failed", job.item, job.step)
            why = f"deploydash failed: {type(error).__name__}; the log has the details"
            await self._script_unknown(job, why)

    async def _script_unknown(self, job: ScriptJob, why: str) -> None:
        await self._leave_unknown(job.step, [*csc_items(item.csc for item in job.cscs), job.item], why)

    async def _control(self, record: ControlOrdered) -> None:
        try:
            if self._scripts is not None:
                job = self._job(self.state.runbook.step(record.step), record.item)
                await self._scripts.order(record, job, self)
        except UserError as error:
            self._message = str(error)
        except Exception:
            log.exception("%s for %s failed", record.name, record.step)

    async def _act(self, step: Step, cscs: tuple[CscId, ...]) -> None:
        try:
            await self._actions[step.kind].run(step, cscs, self)
        except UserError as error:
            await self._leave_unknown(step.id, csc_items(cscs), str(error))
        except Exception as error:
            log.exception("step %s failed", step.id)
            why = f"deploydash failed: {type(error).__name__}; the log has the details"
            await self._leave_unknown(step.id, csc_items(cscs), why)

    async def _leave_unknown(self, step: StepId, items: Sequence[ItemId], why: str) -> None:
        progress = self.state.progress(step)
        for item in items:
            if progress.item(item).status is TargetStatus.UNDER_WAY:
                await self.tell(ItemEnded(step, item, Outcome.UNKNOWN, why))

    def _arm_step(self, order: ArmStep) -> Decision:
        step = self.state.runbook.step(order.step)
        closed = closed_reasons(reasons(step, self.state, self._fleet_view()), frozenset(order.overridden))
        if closed:
            return Refused(closed[0].sentence)
        self._arm = Arm(step.id, step.tier, self._clock.monotonic())
        self._armed = order
        self._message = ""
        return ()

    def _arm_direct(self, order: ArmDirect) -> Decision:
        why = refusal(order.order, self.state, self._fleet_view())
        if why is not None:
            return Refused(why)
        self._arm = Arm(DIRECT, Tier.MODERATE, self._clock.monotonic())
        self._armed = order
        self._message = ""
        return ()

    async def _fire(self, order: ArmStep | ArmDirect) -> Decision:
        self._drop("")
        if isinstance(order, ArmDirect):
            return await self.order(order.order)
        return await self.order(Approve(order.step, order.snapshot, order.overridden, order.reason))

    def _drop(self, message: str) -> None:
        self._arm = self._armed = None
        self._message = message

    async def _tend_arm(self) -> None:
        arm, order = self._arm, self._armed
        if arm is None or order is None:
            return
        if dead := unseen(arm, self._look().standstill):
            self._drop(dead)
            return
        now = self._clock.monotonic()
        if isinstance(order, ArmDirect):
            if dead := direct_disarm_reason(arm, now, refusal(order.order, self.state, self._fleet_view())):
                self._drop(dead)
            return
        step = self.state.runbook.step(arm.step)
        dead = disarm_reason(arm, now, reasons(step, self.state, self._fleet_view()), frozenset(order.overridden))
        if dead:
            self._drop(dead)
        elif arm.typed_at is not None and ready(arm, now) is None:
            await self._fire(order)
