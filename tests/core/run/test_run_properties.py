"""Whatever the keys, the records and the crashes: the run's promises hold."""

import json
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from deploydash.core.model import CscId, FeedState, Liveness, SummaryState
from deploydash.core.procedure.names import DIRECT, StepId, csc_item, numbered
from deploydash.core.procedure.runbook import StepKind
from deploydash.core.procedure.transitions import LEADS_TO
from deploydash.core.run.decide import Refused, decide, settle
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.items import may_intend
from deploydash.core.run.order_rules import is_up
from deploydash.core.run.orders import Approve, DirectCommand, Hold, Release, Retry, RunOrder, SignOff, Skip, Waive
from deploydash.core.run.records import (
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunRecord,
    RunResumed,
)
from deploydash.core.run.state import ItemStatus, RunState
from tests.support.runs import (
    EVERYBODY,
    MTM1M3,
    OPERATOR,
    PLAIN,
    QUEUES,
    WATCHER,
    csc_items,
    fleet,
    fold,
    opened,
    small_runbook,
    view,
)

STEPS = [step.id for step in small_runbook().steps()]
COMMANDING = [step.id for step in small_runbook().steps() if step.kind is StepKind.ACTION]


@dataclass
class Sent:
    """One command as it reached the wire, with what was true at that moment."""

    step: StepId
    csc: CscId
    approvals: int
    watcher_up_unwaived: bool
    plain_up_unwaived: bool
    seq: int = field(default=0)
    command: str = "exitControl"
    alone: bool = False


class AnyNight(RuleBasedStateMachine):
    """Random keys, a random observatory, crashes at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.state = opened()
        opening = self.state.opened
        assert opening is not None
        self.journal: list[tuple[float, RunRecord]] = [(1_794_996_400.0, opening)]
        self.world: dict[CscId, tuple[SummaryState, Liveness]] = dict.fromkeys(
            EVERYBODY, (SummaryState.ENABLED, Liveness.BEATING)
        )
        self.kafka = FeedState.UP
        self.sent: list[Sent] = []
        self.seq = 0
        self.alone: dict[CscId, bool] = {}

    def see(self) -> FleetView:
        return fleet(*(view(csc, *told) for csc, told in self.world.items()), kafka=self.kafka)

    def write(self, records: tuple[RunRecord, ...]) -> None:
        self.journal += [(1_794_996_400.0, record) for record in records]
        self.state = fold(self.state.runbook, self.journal)

    def order(self, order: RunOrder) -> None:
        decision = decide(order, self.state, self.see(), OPERATOR)
        if not isinstance(decision, Refused):
            self.write(decision)

    @rule(step=st.sampled_from(STEPS), override=st.booleans())
    def approve(self, step: StepId, override: bool) -> None:
        sentences = ("the Watcher is down first",) if override else ()
        self.order(Approve(step, 1, sentences, "because"))

    @rule(step=st.sampled_from(STEPS), item=st.integers(-1, 2))
    def sign_off(self, step: StepId, item: int) -> None:
        self.order(SignOff(step, "somebody", numbered(item)))

    @rule(step=st.sampled_from(STEPS))
    def skip(self, step: StepId) -> None:
        self.order(Skip(step, "because"))

    @rule(step=st.sampled_from(STEPS), csc=st.sampled_from(EVERYBODY))
    def retry(self, step: StepId, csc: CscId) -> None:
        self.order(Retry(step, csc_items((csc,))))

    @rule(csc=st.sampled_from(EVERYBODY))
    def waive(self, csc: CscId) -> None:
        self.order(Waive((csc,), "because", 1))

    @rule(hold=st.booleans())
    def hold_or_release(self, hold: bool) -> None:
        self.order(Hold("ops1") if hold else Release())

    @rule(
        csc=st.sampled_from(EVERYBODY),
        state=st.sampled_from(SummaryState),
        liveness=st.sampled_from([Liveness.BEATING, Liveness.SILENT, Liveness.UNSEEN, Liveness.LATE]),
    )
    def world_changes(self, csc: CscId, state: SummaryState, liveness: Liveness) -> None:
        self.world[csc] = (state, liveness)

    @rule()
    def shutdown_set_goes_quiet(self) -> None:
        for csc in (WATCHER, *PLAIN):
            self.world[csc] = (SummaryState.OFFLINE, Liveness.SILENT)

    @rule(state=st.sampled_from([FeedState.UP, FeedState.DOWN, FeedState.CONNECTING]))
    def kafka_changes(self, state: FeedState) -> None:
        self.kafka = state

    @rule(step=st.sampled_from(COMMANDING))
    def a_step_is_let_go_and_its_action_sends_at_once(self, step: StepId) -> None:
        self.order(Approve(step, 1))
        for csc in self.state.runbook.step(step).cscs:
            self.an_action_wants_to_send(step, csc)

    @rule(outcome=st.sampled_from(Outcome))
    def everything_under_way_ends(self, outcome: Outcome) -> None:
        for step in (*COMMANDING, DIRECT):
            for name, one in self.state.progress(step).items.items():
                if one.status is ItemStatus.UNDER_WAY:
                    self.write((RequestAnswered(step, name, True, ""),))
                    self.write((ItemEnded(step, name, outcome, "told"),))
        self.look()

    @rule(count=st.integers(1, 3), quiet=st.booleans())
    def steps_are_carried_through(self, count: int, quiet: bool) -> None:
        for step in COMMANDING[:count]:
            self.a_step_is_let_go_and_its_action_sends_at_once(step)
            if quiet:
                for csc in self.state.runbook.step(step).cscs:
                    self.one_goes_quiet(csc)
            self.everything_under_way_ends(Outcome.REACHED)

    @rule(csc=st.sampled_from(EVERYBODY))
    def one_goes_quiet(self, csc: CscId) -> None:
        self.world[csc] = (SummaryState.OFFLINE, Liveness.SILENT)

    @rule(step=st.sampled_from(COMMANDING), csc=st.sampled_from(EVERYBODY))
    def an_action_wants_to_send(self, step: StepId, csc: CscId) -> None:
        if csc not in self.state.runbook.step(step).cscs:
            return
        self.send(step, csc, "exitControl")

    @rule(
        first=st.sampled_from(EVERYBODY),
        more=st.lists(st.sampled_from(EVERYBODY), max_size=2),
        command=st.sampled_from([*LEADS_TO, "exitControl"]),
        confirmed=st.booleans(),
        at_once=st.booleans(),
    )
    def a_direct_command(self, first: CscId, more: list[CscId], command: str, confirmed: bool, at_once: bool) -> None:
        cscs = tuple(dict.fromkeys((first, *more)))
        typed = (str(len(cscs)) if len(cscs) > 1 else str(first) if first == MTM1M3 else "") if confirmed else ""
        seen = tuple(self.world[csc][0] for csc in cscs)
        before = len(self.journal)
        self.order(DirectCommand(cscs, command, seen, 1, typed=typed))
        if len(self.journal) > before:
            self.alone |= dict.fromkeys(cscs, len(cscs) == 1)
        if at_once:
            for csc in cscs:
                self.send(DIRECT, csc, command)

    @rule(csc=st.sampled_from(EVERYBODY))
    def one_stands_by_and_is_told_to_exit_directly(self, csc: CscId) -> None:
        self.world[csc] = (SummaryState.STANDBY, Liveness.BEATING)
        self.a_direct_command(csc, [], "exitControl", confirmed=True, at_once=True)

    @rule(csc=st.sampled_from(EVERYBODY), command=st.sampled_from(sorted(LEADS_TO)))
    def an_action_wants_to_send_directly(self, csc: CscId, command: str) -> None:
        self.send(DIRECT, csc, command)

    def send(self, step: StepId, csc: CscId, command: str) -> None:
        """Ask to send a command; of a direct one the action sends what its item says, whatever else is wanted."""
        item = self.state.item(step, csc_item(csc)) if step == DIRECT else None
        command = json.loads(item.spec)["command"] if item is not None else command
        self.seq += 1
        record = RequestIntended(step, csc_item(csc), command)
        if may_intend(record, self.state, self.see()) is not None:
            return
        self.write((record,))
        self.sent.append(
            Sent(
                step,
                csc,
                self.times_let_go(step, csc),
                is_up(self.see().views[WATCHER]) and WATCHER not in self.state.waived,
                any(is_up(self.see().views[each]) and each not in self.state.waived for each in PLAIN),
                self.seq,
                command,
                step == DIRECT and self.alone.get(csc, False),
            )
        )

    def times_let_go(self, step: StepId, csc: CscId) -> int:
        if step == DIRECT:
            return sum(
                isinstance(each, ItemAdded) and each.step == DIRECT and csc in each.item.cscs
                for _, each in self.journal
            )
        dispatched = [each for _, each in self.journal if isinstance(each, ItemsDispatched) and each.step == step]
        return sum(csc_item(csc) in each.items for each in dispatched)

    @rule(outcome=st.sampled_from(Outcome), answered=st.booleans(), which=st.integers(0, 5))
    def a_command_ends(self, outcome: Outcome, answered: bool, which: int) -> None:
        if not self.sent:
            return
        sent = self.sent[-1 - which % len(self.sent)]
        self.write(
            (
                RequestAnswered(sent.step, csc_item(sent.csc), True if answered else None, ""),
                ItemEnded(sent.step, csc_item(sent.csc), outcome, "told"),
            )
        )

    @rule()
    def crash_and_resume(self) -> None:
        self.write((RunResumed(OPERATOR, 8),))

    @rule()
    def look(self) -> None:
        self.write(settle(self.state, self.see()))

    @invariant()
    def nothing_was_sent_before_its_order(self) -> None:
        for sent in self.sent:
            assert sent.approvals > 0
            assert sent.csc != MTM1M3 or sent.alone, "protected: directly, alone and by name only"
            if sent.command == "exitControl":
                assert sent.csc == WATCHER or not sent.watcher_up_unwaived
                assert sent.csc not in QUEUES or not sent.plain_up_unwaived

    @invariant()
    def no_more_commands_than_times_a_target_was_let_go(self) -> None:
        for csc in EVERYBODY:
            for step in STEPS:
                sent = sum(each.csc == csc and each.step == step for each in self.sent)
                answered = sum(
                    isinstance(each, RequestAnswered)
                    and each.ok is not None
                    and (each.item, each.step) == (csc_item(csc), step)
                    for _, each in self.journal
                )
                assert sent <= self.times_let_go(step, csc) + answered
            directly = sum(each.csc == csc and each.step == DIRECT for each in self.sent)
            assert directly <= self.times_let_go(DIRECT, csc), "a direct command is one command each time"

    @invariant()
    def the_journal_alone_gives_the_same_state(self) -> None:
        again: RunState = fold(self.state.runbook, self.journal)
        assert again == self.state


TestAnyNight = AnyNight.TestCase
TestAnyNight.settings = settings(max_examples=200, stateful_step_count=40)
