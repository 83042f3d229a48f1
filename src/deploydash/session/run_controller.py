"""Keeps a run: an order is decided, journaled, folded, and only then acted on; what happened comes back the same way.

One writer makes every decision and its records one step; the journal's order is the truth (DESIGN decision 1, 3).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from deploydash.core.fleet.commands import Command
from deploydash.core.fleet.snapshot import CscView, Snapshot, Standstill
from deploydash.core.model import CscId
from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import DIRECT, PERSON, ItemId, StepId, SystemName
from deploydash.core.published import Published, published
from deploydash.core.run.decide import Decision, Refused, decide, settle
from deploydash.core.run.expectations import Judging
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.giving_up import GIVE_UP, give_up_offer
from deploydash.core.run.items import may_control, may_intend
from deploydash.core.run.lost_at_start import lost_before
from deploydash.core.run.orders import (
    AddItem,
    Answer,
    Approve,
    ArmDirect,
    ArmOrder,
    Control,
    Hold,
    Proposal,
    Retry,
    RunOrder,
)
from deploydash.core.run.placeholders import as_it_stands, filled_item, words_for
from deploydash.core.run.plans import Plan, difference
from deploydash.core.run.ports import Action, ControlOffer
from deploydash.core.run.proposals import unarmed
from deploydash.core.run.records import (
    ArrivalsLearned,
    ControlOrdered,
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    QuestionAnswered,
    QuestionAsked,
    RequestIntended,
    RunOpened,
    RunRecord,
    RunResumed,
)
from deploydash.core.run.state import ItemProgress, RunState, StepStatus
from deploydash.core.views.direct_view import direct_options, remark
from deploydash.core.views.run_view import Lines, Own, run_view
from deploydash.errors import UserError
from deploydash.session.arming import Arming
from deploydash.session.describing import CardPlan, describe
from deploydash.session.gate_watch import GateWatch
from deploydash.session.item_runner import ItemRunner
from deploydash.session.on_top import OnTop
from deploydash.session.probing import Probing
from deploydash.session.proposing import Proposing
from deploydash.session.run_writer import Decide, Journal, RunWriter

log = logging.getLogger(__name__)

AGAIN_S = 0.5
"""So long after the disk refused what came of an item it is tried again."""


class RunController:
    """The one owner of a run's state in this process; also the desk at which items are worked on.

    ``tell`` hears what the phase of the run compares the fleet with, each time that this changes, and what is written
    that belongs into the list of events. ``lines``: the exact requests of an item as far as they are known without
    asking; ``subname``: the part of topics that the site chooses. ``direct_options``: the CSCs of the dialog about
    direct commands.
    """

    def __init__(
        self,
        state: RunState,
        journal: Journal,
        look: Callable[[], Snapshot],
        clock: Clock,
        operator: str,
        actions: Mapping[SystemName, Action],
        *,
        tell: Callable[[Command], None],
        lines: Lines,
        subname: str,
    ) -> None:
        self._writer = RunWriter(state, journal, self.fleet_view, clock)
        self._look = look
        self._clock = clock
        self._operator = operator
        self._actions = actions
        self._tell_fleet = tell
        self._lines = lines
        self._subname = subname
        self._runner = ItemRunner(self, actions, clock)
        self._watched: list[tuple[CscId, Callable[[CscView], bool], asyncio.Future[None]]] = []
        self._questions: dict[tuple[StepId, ItemId, str], asyncio.Future[str]] = {}
        self._gates = GateWatch()
        self._looked_at_all = False
        self._probing = Probing(self._runner, clock)
        self._plans = CardPlan(self._describe_card, clock)
        self._proposing = Proposing(self, clock)
        self._arming = Arming(self, self._plans, self._proposing, clock)
        self.on_top = OnTop()
        self.direct_options: tuple[CscId, ...] = ()
        self._no_controls: set[ItemId] = set()
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
        if isinstance(first, RunResumed):
            self._probing.resumed()

    async def learn(self, found: Sequence[ArrivalsLearned]) -> None:
        """Journal what earlier runs tell, as far as it is new; a disk that refuses costs an estimate, no more."""
        await self._commit(
            lambda state, _: tuple(
                record for record in found if not state.closed and state.learned.get(record.step) != record
            )
        )

    async def order(self, order: RunOrder) -> Decision:
        """Decide an order of the lead, write its records, then act; a refusal says why."""
        try:
            order = await self._with_plan(order)
        except UserError as error:
            return Refused(str(error))
        return await self.carry_out(order)

    async def carry_out(self, order: RunOrder) -> Decision:
        """Decide an order that carries what it would do, write its records, then act."""
        decision = await self._commit(lambda state, fleet_view: decide(order, state, fleet_view, self._operator))
        if isinstance(decision, Refused):
            return decision
        if isinstance(order, Hold):
            self._arming.drop_all()
        self._act_on(decision)
        return decision

    async def _with_plan(self, order: RunOrder) -> RunOrder:
        """Return an order with what its items would do, as read now.

        Raises:
            UserError: that cannot be read, or an item or a control cannot go as things stand.
        """
        if isinstance(order, Approve) and not order.digest:
            shown, plan = self._plans.of(order.step), await self.describe(order.step)
            if plan is not None and shown is not None and (changed := difference(shown, plan)):
                self._plans.keep(order.step, plan)
                raise UserError(f"{changed}; look at the card once more")
            if plan is not None and plan.items and all(one.blocked for one in plan.items):
                raise UserError(plan.items[0].why)  # one key would only make it fail
            return replace(order, approved=plan.approved, digest=plan.digest) if plan is not None else order
        if isinstance(order, Retry):
            plan = await self.describe(order.step, order.items)
            return replace(order, approved=plan.approved, digest=plan.digest) if plan is not None else order
        if isinstance(order, AddItem):
            item = filled_item(order.item, words_for((order.item,), self.state, self.fleet_view))
            plan = await self.describe_items((item,))
            if plan.items[0].blocked:
                raise UserError(plan.items[0].why)
            return replace(order, approved=plan.items[0].approved)
        if isinstance(order, Answer):
            asked = next((each.asked_by for each in self.state.runbook.choices if each.id == order.choice), None)
            shown = self._plans.of(asked) if asked is not None else None
            return replace(order, about=shown.shown if shown is not None else "")
        if isinstance(order, Control):
            offer = next((offer for offer in self.offers(order.step, order.item) if offer.name == order.name), None)
            if offer is None or offer.why_not:
                why = f"{order.name} is not offered for this item now"
                raise UserError(offer.why_not if offer is not None else why)
        return order

    def offers(self, step: StepId, name: ItemId) -> tuple[ControlOffer, ...]:
        """Return what an item's system can be told about it now."""
        item = self.item(step, name)
        return self.controls(item, self.state.progress(step).item(name)) if item is not None else ()

    def unarmed(self, order: RunOrder) -> str | None:
        """Return why one key must not order this, or None."""
        return unarmed(order, self.state, self.offers(order.step, order.item) if isinstance(order, Control) else ())

    def propose(self, order: Proposal | None) -> None:
        """Put what an order about items would do into the coming snapshots, or nothing."""
        self._arming.consider(order)

    async def arm(self, order: ArmOrder) -> Decision:
        """Arm, type, fire or disarm. Firing approves the armed step as its card showed it."""
        return await self._arming.take(order)

    def fleet_view(self) -> FleetView:
        """Return what is seen now."""
        return self._fleet_view_of(self._look())

    def stood(self) -> Standstill | None:
        """Return a standstill of ours, while it matters."""
        return self._look().standstill

    async def watch(self) -> None:
        """Look at the world four times a second: arms that die, waits that begin, steps that have ended."""
        while True:
            await self._look_once()
            await asyncio.sleep(0.25)

    def item(self, step: StepId, name: ItemId) -> Item | None:
        """Return an item with every known word filled in: what is shown is what is done."""
        item = self.state.item(step, name)
        if item is None:
            return None
        return as_it_stands(step, item, self.state, words_for((item,), self.state, self.fleet_view))

    def view(self, csc: CscId) -> CscView | None:
        """Return what is seen of a CSC now."""
        return self.fleet_view().views.get(csc)

    async def intend(self, record: RequestIntended, *, asks_only: bool) -> str | None:
        """Journal an intent after the last look; None means it may be sent now."""

        def decided(state: RunState, fleet: FleetView) -> Decision:
            why = may_intend(record, state, fleet, asks_only=asks_only)
            return (record,) if why is None else Refused(why)

        decision = await self._commit(decided)
        return decision.why if isinstance(decision, Refused) else None

    def may_control(self, step: StepId, name: ItemId) -> str | None:
        """Return why a control of an item must not be sent now, or None."""
        return may_control(step, name, self.state, self.fleet_view())

    async def tell(self, record: RunRecord) -> None:
        """Journal what came of an item; where the disk refuses it is tried again, until there is room.

        Without it the item would stay under way for this process, and nobody could decide about it.
        """
        while isinstance(await self._commit(lambda _, __: (record,)), Refused):  # noqa: ASYNC110 - a disk has no event
            await asyncio.sleep(AGAIN_S)

    async def dispatch(self, follows: Callable[[RunState], Sequence[RunRecord]]) -> None:
        """Put on disk what follows from the run as it stands after all before it, and begin what that lets go."""
        while isinstance(decision := await self._follow(follows), Refused):  # noqa: ASYNC110 - a disk has no event
            await asyncio.sleep(AGAIN_S)
        self._act_on(decision)

    async def _follow(self, follows: Callable[[RunState], Sequence[RunRecord]]) -> Decision:
        return await self._commit(lambda state, _: () if state.closed else tuple(follows(state)))

    async def answer_to(self, record: QuestionAsked) -> str:
        """Journal a question of an item and return the lead's answer.

        Raises:
            UserError: the disk refuses, so that nobody is asked.
        """
        key = (record.step, record.item, record.question)
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._questions[key] = answered
        try:
            decision = await self._commit(lambda _, __: (record,))
            if isinstance(decision, Refused):
                raise UserError(f"{record.question!r} could not be asked: {decision.why}")
            return await answered
        finally:
            self._questions.pop(key, None)

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        """Wait until a CSC is seen as asked; False at the limit."""
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

    def controls(self, item: Item, progress: ItemProgress) -> tuple[ControlOffer, ...]:
        """Return what an item's system can be told about it now."""
        action = self._actions.get(item.system)
        offers: tuple[ControlOffer, ...] = ()
        try:
            offers = action.controls(item, progress, self.view) if action is not None else ()
        except Exception:  # what cannot be offered ends no screen
            if item.id not in self._no_controls:
                self._no_controls.add(item.id)
                log.exception("what %s can be told could not be found out", item.id)
        step = self.state.step_of(item.id, progress)
        last = give_up_offer(step, item, progress, self.state, self._clock.utc()) if step is not None else None
        return (*offers, last) if last is not None else offers

    def attach(self, snapshot: Snapshot) -> Published:
        """Return the snapshot with the run as a screen shows it beside it."""
        fleet_view = self._fleet_view_of(snapshot)
        direct = direct_options(self.direct_options, self.state, fleet_view, self._subname)
        if direct is not None:
            armed = self._arming.direct()
            order = armed.order.order if armed is not None and isinstance(armed.order, ArmDirect) else None
            arm = armed.arm if armed is not None else None
            direct = replace(direct, armed=arm, order=order, message=self._arming.message(DIRECT))
        step = self.on_top.step(self.state, fleet_view)
        own = Own(
            chosen=self.on_top.chosen,
            arms=self._arming.by_step(),
            plan=self._plans.of(step.id) if step is not None else None,
            message="" if direct is not None or step is None else self._arming.message(step.id),
            fault=self.fault,
            direct=direct,
            inspected=snapshot.detail.csc if snapshot.detail is not None else None,
            controls=self.controls,
            lines=self._lines,
            proposal=self._arming.proposal(),
            outputs={key: tuple(lines) for key, lines in self._runner.outputs.items() if lines},
        )
        return published(snapshot, run_view(self.state, fleet_view, own))

    def noticed(self, records: Sequence[object]) -> None:
        """Take what the fleet noticed; it is on disk before the next record of the run."""
        self._writer.noticed(records)

    async def idle(self) -> None:
        """Wait until no action is under way."""
        await self._runner.idle()

    async def aclose(self) -> None:
        """Stop dispatching and wait for the actions to let go; what they had sent stays unknown."""
        await self._arming.aclose()
        await self._plans.aclose()
        await self._proposing.aclose()
        await self._runner.aclose()
        await self._writer.idle()

    def _fleet_view_of(self, snapshot: Snapshot) -> FleetView:
        self._seen = FleetView.of(snapshot, self._seen)
        return self._seen

    async def _commit(self, decide: Decide) -> Decision:
        decision = await self._writer.commit(decide)
        for record in () if isinstance(decision, Refused) else decision:
            ended = self.state.item(record.step, record.item) if isinstance(record, ItemEnded) else None
            label = ended.label if ended is not None and not ended.is_transition else ""
            if (line := remark(record, self._clock.monotonic(), label)) is not None:
                self._tell_fleet(line)
        for order in self._judging.news(self.state):
            self._tell_fleet(order)
        return decision

    async def _look_once(self) -> None:
        snapshot, seen = self._look(), self.fleet_view()
        card = self.on_top.step(self.state, seen)
        armed = card.id if card is not None and card.id in self._arming.by_step() else None
        self._gates.look(card, self.state, seen, armed)
        planned = card is not None and self.state.status(card) in {StepStatus.PENDING, StepStatus.ASKING}
        about = (self.state.words, self.state.texts.get(card.id)) if card is not None else None
        self._plans.tend(card.id if card is not None and planned else None, about)
        self._proposing.tend()
        self._arming.tend()
        look_at_all = snapshot.decided and not self._looked_at_all

        def looked(state: RunState, fleet_view: FleetView) -> Decision:
            lost = lost_before(state, snapshot) if look_at_all else ()
            return (*lost, *settle(state, fleet_view), *self._gates.ended)

        decision = await self._commit(looked)
        if not isinstance(decision, Refused):
            self._looked_at_all = self._looked_at_all or look_at_all
            self._gates.written()
            self._act_on(decision)
        self._probing.tend(decided=snapshot.decided)

    def _act_on(self, records: Sequence[RunRecord]) -> None:
        """Begin what records that are on disk let go."""
        direct = [record.item.id for record in records if isinstance(record, ItemAdded) and record.step == DIRECT]
        if direct:
            self._runner.begin(DIRECT, direct)
        for record in records:
            if isinstance(record, ItemsDispatched):
                self._runner.begin(record.step, record.items)
            elif isinstance(record, ItemAdded) and record.step != DIRECT:
                self._runner.begin(record.step, (record.item.id,))
            elif isinstance(record, ControlOrdered) and record.name == GIVE_UP:
                self._runner.give_up(record.step, record.item)
            elif isinstance(record, ControlOrdered):
                self._runner.control(record.step, record.item, record.name, partial(self._arming.say, record.step))
            elif isinstance(record, QuestionAnswered):
                asked = self._questions.get((record.step, record.item, record.question))
                if asked is not None and not asked.done():
                    asked.set_result(record.answer)

    async def _describe_card(self, step_id: StepId) -> Plan | None:
        """Return what the card's step would do now; of one whose items failed what a retry of these would."""
        step = self.state.runbook.step(step_id)
        return await self.describe(step_id, [item.id for item in self.state.asking(step)])

    async def describe(self, step_id: StepId, names: Sequence[ItemId] = ()) -> Plan | None:
        """Return what a step's items would do now, None where nobody acts; a UserError says why it cannot be read."""
        step = next((step for step in self.state.runbook.steps() if step.id == step_id), None)
        if step is None:
            raise UserError(f"this runbook has no step {step_id}")
        words = words_for(step.items, self.state, self.fleet_view)
        items = [as_it_stands(step_id, item, self.state, words) for item in step.items if not names or item.id in names]
        if not step.acts or not any(item.system != PERSON for item in items):
            return None
        return await self.describe_items(items)

    async def describe_items(self, items: Sequence[Item]) -> Plan:
        """Return what these items would do now; a UserError says why it cannot be read."""
        return await describe(items, self._actions, self.view, self._clock)
