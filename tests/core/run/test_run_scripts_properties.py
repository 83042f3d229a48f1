"""Whatever the keys, the answers and the crashes: no script is added without its order, or twice."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from deploydash.core.model import CscId, FeedState, SummaryState, Target
from deploydash.core.procedure.runbook import WHOLE, ItemId, numbered
from deploydash.core.run.decide import Refused, decide, settle
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.items import may_intend_script
from deploydash.core.run.order_rules import QUEUE, blocked_by
from deploydash.core.run.orders import AddScript, Approve, Control, Hold, Release, Retry, RunOrder, SignOff, Skip
from deploydash.core.run.records import (
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunRecord,
    RunResumed,
    StepApproved,
)
from deploydash.core.run.state import TargetStatus, asking_scripts, fold, under_way_in
from tests.core.run.test_run_scripts import DIRECT, FIRST, SECOND, TESTING, run_of
from tests.support.runs import FIRST_ADDED, OPERATOR, QUEUES, SECOND_ADDED, fleet, view

UTC = 1_794_996_400.0
ITEMS = (FIRST, DIRECT, SECOND, FIRST)
ADDED = (FIRST_ADDED, SECOND_ADDED)
NUMBERS = st.sampled_from((*(numbered(place) for place in range(len(ITEMS))), *ADDED))
OFFLINE = Target(SummaryState.OFFLINE)


class AnyScripts(RuleBasedStateMachine):
    """Random keys on a step of scripts, an action that tries whatever it likes, crashes at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.state = run_of(*ITEMS)
        opening = self.state.opened
        assert opening is not None
        self.journal: list[tuple[float, RunRecord]] = [(UTC, opening)]
        self.kafka = FeedState.UP
        self.queues = SummaryState.ENABLED
        self.seq = 0
        self.held_at_an_add = 0

    def see(self) -> FleetView:
        return fleet(*(view(queue, self.queues) for queue in QUEUES), kafka=self.kafka)

    def write(self, *records: RunRecord) -> None:
        self.journal += [(UTC, record) for record in records]
        self.state = fold(self.state.runbook, self.journal)

    @rule(
        order=st.one_of(
            st.just(Approve(TESTING, 1)),
            st.just(Hold("ops2")),
            st.just(Release()),
            st.just(Skip(TESTING, "why")),
            st.sampled_from([AddScript(TESTING, FIRST), AddScript(TESTING, SECOND)]),
            st.builds(lambda items: Retry(TESTING, tuple(items)), st.lists(NUMBERS, max_size=2)),
            st.builds(
                lambda item, note: SignOff(TESTING, "ana", item, note),
                st.sampled_from((WHOLE, *(numbered(place) for place in range(6)))),
                st.sampled_from(["", "a"]),
            ),
            st.builds(
                lambda item, what: Control(TESTING, item, what),
                NUMBERS,
                st.sampled_from(["pause", "resume", "stopScripts"]),
            ),
        )
    )
    def a_key(self, order: RunOrder) -> None:
        decision = decide(order, self.state, self.see(), OPERATOR)
        if not isinstance(decision, Refused):
            self.write(*decision)

    @rule(kafka=st.sampled_from([FeedState.UP, FeedState.DOWN]), queues=st.sampled_from(list(SummaryState)))
    def the_world_changes(self, kafka: FeedState, queues: SummaryState) -> None:
        self.kafka, self.queues = kafka, queues

    @rule()
    def the_world_is_well(self) -> None:
        self.kafka, self.queues = FeedState.UP, SummaryState.ENABLED

    @rule(item=NUMBERS, command=st.sampled_from(["add", "add", "pause", "resume", "stopScripts"]))
    def an_action_wants_to_send(self, item: ItemId, command: str) -> None:
        self.seq += 1
        record = RequestIntended(TESTING, item, QUEUES[0], command, self.seq, OPERATOR, 7, begins=command == "add")
        if may_intend_script(record, self.state, self.see()) is None:
            self.held_at_an_add += command == "add" and self.state.held_by is not None
            self.write(record)

    @rule(held=st.booleans())
    def the_night_goes_on(self, held: bool) -> None:
        self.the_world_is_well()
        self.a_key(Approve(TESTING, 1))
        self.look()
        if held:
            self.a_key(Hold("ops2"))
        for item in range(len(ITEMS)):
            self.an_action_wants_to_send(numbered(item), "add")

    @rule(outcome=st.sampled_from(Outcome), retry=st.booleans())
    def what_goes_ends(self, outcome: Outcome, retry: bool) -> None:
        for item, script in self.state.progress(TESTING).items.items():
            if script.status is TargetStatus.UNDER_WAY:
                self.one_ends(item, outcome)
        if retry:
            self.a_key(Retry(TESTING))

    @rule(item=NUMBERS, ack=st.sampled_from([303, 0, -302]))
    def an_answer(self, item: ItemId, ack: int) -> None:
        script = self.state.progress(TESTING).items.get(item)
        if script is not None and script.seq_num:
            self.write(RequestAnswered(TESTING, item, "add", script.seq_num, ack, "100003" if ack == 303 else "no"))

    @rule(item=NUMBERS, outcome=st.sampled_from(Outcome))
    def one_ends(self, item: ItemId, outcome: Outcome) -> None:
        if item in self.state.progress(TESTING).items:
            self.write(ItemEnded(TESTING, item, outcome, "told"))

    @rule()
    def crash_and_resume(self) -> None:
        self.write(RunResumed(OPERATOR, 8))

    @rule()
    def look(self) -> None:
        self.write(*settle(self.state, self.see()))

    @invariant()
    def no_script_is_added_more_often_than_it_was_let_go_after_an_approval(self) -> None:
        approved = False
        let_go: Counter[ItemId] = Counter()
        for _, record in self.journal:
            approved = approved or isinstance(record, StepApproved)
            if isinstance(record, ItemsDispatched):
                assert approved
                for item in record.items:
                    let_go[item] += 1
            if isinstance(record, ItemAdded):
                let_go[record.item] += 1
            if isinstance(record, RequestIntended) and record.command == "add":
                let_go[record.item] -= 1
                assert let_go[record.item] >= 0
        assert self.held_at_an_add == 0

    @invariant()
    def no_script_of_which_nobody_knows_is_added_again(self) -> None:
        doubtful: set[ItemId] = set()
        for _, record in self.journal:
            if isinstance(record, RequestIntended) and record.command == "add":
                assert record.item not in doubtful
                doubtful.add(record.item)
            elif isinstance(record, ItemEnded) and record.outcome is not Outcome.UNKNOWN:
                doubtful.discard(record.item)

    @invariant()
    def a_queue_that_runs_a_script_of_ours_is_not_sent_down(self) -> None:
        for index in (1, 2):
            queue = CscId(QUEUE, index)
            if under_way_in(queue, self.state):
                assert blocked_by(queue, OFFLINE, self.state, self.see(), bulk=True) is not None

    @invariant()
    def a_person_in_between_is_waited_for(self) -> None:
        progress = self.state.progress(TESTING)
        assert not (progress.items.keys() & {numbered(2), numbered(3)}) or numbered(1) in progress.sign_offs

    @invariant()
    def what_was_added_by_hand_asks_nobody(self) -> None:
        step = self.state.runbook.step(TESTING)
        assert not set(asking_scripts(step, self.state.progress(TESTING))) & set(ADDED)


TestAnyScripts = AnyScripts.TestCase
TestAnyScripts.settings = settings(max_examples=150, stateful_step_count=40)
